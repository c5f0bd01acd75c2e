"""Real mail servers on the loopback interface."""

from __future__ import annotations

import asyncio
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
        assert controller.server is not None
        asyncio.run_coroutine_threadsafe(let_go_of(controller.server), controller.loop).result(10)
        controller.stop()


async def let_go_of(server: asyncio.AbstractServer) -> None:
    """Stop listening, and wait until the last connection is closed; the controller would just stop its loop."""
    last_gone = asyncio.create_task(server.wait_closed())  # before close(): Python 3.11 waits for nobody after it
    await asyncio.sleep(0)
    server.close()
    await last_gone
