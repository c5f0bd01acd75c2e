"""Real mail servers on the loopback interface."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message
from tests.faults.served import free_port


class Letterbox(Message):
    """Keeps what a mail server took."""

    def __init__(self) -> None:
        super().__init__(EmailMessage)
        self.mails: list[Any] = []

    def handle_message(self, message: Any) -> None:
        """Keep one."""
        self.mails.append(message)

    def texts(self) -> list[str]:
        """Return the mails' texts."""
        return [mail.get_payload(decode=True).decode() for mail in self.mails]


@contextmanager
def mail_server(letterbox: Letterbox, **options: Any) -> Iterator[int]:
    """Run a server, and yield its port."""
    controller = Controller(letterbox, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()
