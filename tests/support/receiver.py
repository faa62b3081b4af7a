"""Receiver: where a real Alertmanager delivers, as web hooks, pages and mails; each is recorded."""

import email
import email.policy
import json
import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.agents import eventually

# An alert goes through a scrape, a rule, a group's wait and a delivery; machines may be busy.
ARRIVES_WITHIN_SECONDS = 120.0
FIRING, RESOLVED = "firing", "resolved"


@dataclass(frozen=True, slots=True)
class Delivered:
    """One alert inside a notification."""

    status: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    @property
    def name(self) -> str:
        """Its name."""
        return self.labels["alertname"]

    def carries(self, labels: Mapping[str, str]) -> bool:
        """Whether it has all these labels."""
        return labels.items() <= self.labels.items()


@dataclass(frozen=True, slots=True)
class Notification:
    """What one receiver was told once about one group of alerts.

    `status` is firing while one of its alerts is. `group` is the group's key.
    """

    receiver: str
    status: str
    group: str
    alerts: tuple[Delivered, ...]

    def tells(self, status: str, labels: Mapping[str, str]) -> bool:
        """Whether an alert with these labels is in it, in that state."""
        return any(alert.status == status and alert.carries(labels) for alert in self.alerts)


@dataclass(frozen=True, slots=True)
class Text:
    """What a person reads: the rendered title and text of a page or a mail.

    `group` is a hash of the group's key; empty for mails, which do not say it.
    """

    receiver: str
    status: str
    title: str
    text: str
    group: str = ""


@dataclass(slots=True)
class Receiver:
    """Everything that was delivered, in its order.

    `port` takes web hooks under /hook/RECEIVER and pages under /page/RECEIVER; `mail_port` mails.
    """

    port: int = 0
    mail_port: int = 0
    notifications: list[Notification] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)

    def told(self, status: str, receiver: str = "", /, **labels: str) -> list[Notification]:
        """The notifications with such an alert in that state; of any receiver when it is ""."""
        return [
            each
            for each in tuple(self.notifications)
            if receiver in ("", each.receiver) and each.tells(status, labels)
        ]

    def count(self, status: str, receiver: str, /, **labels: str) -> int:
        """How many notifications had such an alert in that state: how often somebody was told."""
        return len(self.told(status, receiver, **labels))

    def counts(self, receiver: str, /, **labels: str) -> tuple[int, int]:
        """How often such an alert was told as firing, and how often as resolved."""
        return self.count(FIRING, receiver, **labels), self.count(RESOLVED, receiver, **labels)

    def arrived(self, receiver: str = "", /, **labels: str) -> Delivered:
        """The first such alert that fires, waiting for it."""
        return self._wait(FIRING, receiver, labels)

    def resolved(self, receiver: str = "", /, **labels: str) -> Delivered:
        """The first such alert that is resolved, waiting for it."""
        return self._wait(RESOLVED, receiver, labels)

    def shown(self, notification: Notification) -> Text:
        """The page that came with a notification of a pager, waiting for it."""
        key = sha256(notification.group.encode()).hexdigest()
        return self._read(lambda text: text.group == key)

    def read(self, receiver: str, words: str) -> Text:
        """The first page or mail to a receiver with these words in its text, waiting for it."""
        return self._read(lambda text: text.receiver == receiver and words in text.text)

    def _wait(self, status: str, receiver: str, labels: dict[str, str]) -> Delivered:
        first = eventually(
            lambda: self.told(status, receiver, **labels),
            f"{labels} is told as {status} to {receiver or 'anybody'}",
            ARRIVES_WITHIN_SECONDS,
        )[0]
        return next(
            alert for alert in first.alerts if alert.status == status and alert.carries(labels)
        )

    def _read(self, wanted: Callable[[Text], bool]) -> Text:
        return eventually(
            lambda: [text for text in tuple(self.texts) if wanted(text)],
            "such a text is delivered",
            ARRIVES_WITHIN_SECONDS,
        )[0]

    def take_hook(self, receiver: str, body: Mapping[str, Any]) -> None:
        """A web hook of Alertmanager: https://prometheus.io/docs/alerting/latest/configuration/."""
        alerts = tuple(
            Delivered(each["status"], each["labels"], each["annotations"])
            for each in body["alerts"]
        )
        self.notifications.append(
            Notification(receiver, body["status"], str(body["groupKey"]), alerts)
        )

    def take_page(self, receiver: str, body: Mapping[str, Any]) -> None:
        """An event of PagerDuty, version 2; its key is a hash of the group's key."""
        status = {"trigger": FIRING, "resolve": RESOLVED}[body["event_action"]]
        payload = body["payload"]
        text = payload["custom_details"]["text"]
        self.texts.append(Text(receiver, status, payload["summary"], text, body["dedup_key"]))

    def take_mail(self, receiver: str, mail: bytes) -> None:
        """A mail."""
        message = email.message_from_bytes(mail, policy=email.policy.default)
        plain = message.get_body(("plain",))
        title = str(message["Subject"])
        status = RESOLVED if "RESOLVED" in title else FIRING
        text = "" if plain is None else plain.get_content().replace("\r\n", "\n")
        self.texts.append(Text(receiver, status, title, text))


def _http_handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Takes what Alertmanager posts."""

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            _, how, name = self.path.split("/")
            {"hook": receiver.take_hook, "page": receiver.take_page}[how](name, body)
            answer = b'{"status":"success"}'
            self.send_response(202)  # PagerDuty's; every 2xx will do for a web hook
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_arguments: object) -> None:
            """Keep quiet."""

    return Handler


def _mail_handler(receiver: Receiver, name: str) -> type[socketserver.StreamRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        """As much of SMTP as it takes to get a mail: RFC 5321."""

        def handle(self) -> None:
            self._say(220, "ready")
            while command := self.rfile.readline().split():
                match command[0].upper():
                    case b"DATA":
                        self._say(354, "go on")
                        receiver.take_mail(name, b"".join(self._lines()))
                        self._say(250, "taken")
                    case b"QUIT":
                        self._say(221, "good bye")
                        return
                    case _:
                        self._say(250, "well")

        def _lines(self) -> Iterator[bytes]:
            while (line := self.rfile.readline()) not in (b".\r\n", b""):
                yield line.removeprefix(b".")

        def _say(self, code: int, word: str) -> None:
            self.wfile.write(f"{code} {word}\r\n".encode())

    return Handler


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    """Serve in a thread while the block runs."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join(30)
        server.server_close()


@contextmanager
def receiving(mails_to: str) -> Iterator[Receiver]:
    """A receiver on ports of loopback; its mails are those to one of Alertmanager's receivers."""
    receiver = Receiver()
    http = ThreadingHTTPServer(("127.0.0.1", 0), _http_handler(receiver))
    smtp = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _mail_handler(receiver, mails_to))
    http.daemon_threads = smtp.daemon_threads = True
    receiver.port, receiver.mail_port = http.server_address[1], smtp.server_address[1]
    with serving(http), serving(smtp):
        yield receiver
