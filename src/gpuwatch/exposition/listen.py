"""Listen: addresses as people write them, and the sockets bound to them."""

import errno
import socket
from dataclasses import dataclass

# Whoever comes when it is full is dropped by the kernel, and tries again a second later.
_BACKLOG = 1_024
_HIGHEST_PORT = 65_535
# A kernel without IPv6 refuses the family or the address; the other family serves alone.
_NO_SUCH_FAMILY = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)
_REMEDY = "is it written as it is meant?"
_REMEDIES = {
    errno.EADDRINUSE: "is another gpuwatch running?",
    errno.EADDRNOTAVAIL: "no interface of this host has that address",
    errno.EACCES: "ports below 1024 are for root",
}


class ListenError(Exception):
    """An address that cannot be listened on; the text says which, why, and the way out."""


@dataclass(frozen=True, slots=True)
class Address:
    """A host ("" for every interface) and a port (0 for any free one)."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """`127.0.0.1:9853`, `[::1]:9853`, `name:9853` or `:9853`. Raises ValueError with a hint."""
        host, colon, port = text.rpartition(":")
        bracketed = host.startswith("[") and host.endswith("]")
        host = host[1:-1] if bracketed else host
        if not colon or not port.isdecimal() or int(port) > _HIGHEST_PORT:
            raise ValueError(f"{text!r} is no address: write HOST:PORT, or :PORT for every address")
        if ":" in host and not bracketed:
            raise ValueError(f"{text!r} is no address: write an IPv6 address as [{host}]:{port}")
        return cls(host, int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def bind(address: Address) -> tuple[socket.socket, ...]:
    """The listening sockets of one address, one per family. Raises ListenError.

    They are not inherited by children (PEP 446), so that a child that cannot be killed never holds
    the port of an agent that has ended.
    """
    bound: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(
            address.host or None, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        skipped: OSError | None = None
        for family, *_, place in dict.fromkeys(found):
            try:
                bound.append(_listening(family, place))
            except OSError as error:
                if address.host or error.errno not in _NO_SUCH_FAMILY:
                    raise
                skipped = error
        if skipped is not None and not bound:
            raise skipped
    except OSError as error:
        for listening in bound:
            listening.close()
        raise ListenError(
            f"web: cannot listen on {address}: {error.strerror or error} "
            f"({_REMEDIES.get(error.errno or 0, _REMEDY)}; the setting is web.listen_addresses)"
        ) from error
    return tuple(bound)


def _listening(family: int, place: tuple[object, ...]) -> socket.socket:
    # With its protocol named, or asyncio leaves Nagle's algorithm on: 40 ms for an answer by TLS.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # So that 0.0.0.0 and [::] can be listened on side by side.
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind(place)
        listening.listen(_BACKLOG)
    except OSError:
        listening.close()
        raise
    listening.setblocking(False)
    return listening
