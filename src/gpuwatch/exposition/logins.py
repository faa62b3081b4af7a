"""Logins: bcrypt beside the web thread, one at a time, and no client's guesses before another's."""

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

from gpuwatch.exposition.basic_auth import BasicAuth, Credentials, credentials
from gpuwatch.exposition.messages import Request, Response, plain

# So many of one address wait at a time: more are told to come back, and cost nothing.
_WAITING = 4
_CHALLENGE = ("WWW-Authenticate", 'Basic realm="gpuwatch", charset="UTF-8"')


class Logins:
    """Who may ask. Belongs to the loop of the web thread; `close` when that ends."""

    def __init__(self) -> None:
        self._checker = ThreadPoolExecutor(1, "web-login")
        self._waiting: Counter[str] = Counter()

    def close(self) -> None:
        """Drop what waits; a check that runs ends by itself."""
        self._checker.shutdown(wait=False, cancel_futures=True)

    async def refusal(self, request: Request, group: str, users: BasicAuth) -> Response | None:
        """Why this request is not answered; None when it comes from one of the users."""
        given = credentials(request.headers.get("authorization", ""))
        if given is None:
            return plain(HTTPStatus.UNAUTHORIZED, "a user and a password are needed", _CHALLENGE)
        right = users.remembered(given)
        if right is None:
            if self._waiting[group] >= _WAITING:
                return plain(
                    HTTPStatus.TOO_MANY_REQUESTS,
                    "too many passwords of this address are being checked",
                    ("Retry-After", "1"),
                )
            right = await self._check(users, given, group)
        if right:
            return None
        return plain(HTTPStatus.UNAUTHORIZED, "user and password do not match", _CHALLENGE)

    async def _check(self, users: BasicAuth, given: Credentials, group: str) -> bool:
        self._waiting[group] += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._checker, users.check, given)
        finally:
            self._waiting[group] -= 1
            if not self._waiting[group]:
                del self._waiting[group]
