"""Mail, by a server of the operator's."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
import threading
from contextlib import suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import make_msgid, parseaddr
from socket import SHUT_RDWR
from typing import Literal

import structlog
from msgspec import Struct

from shortly.accounts.fields import check_email
from shortly.errors import InvalidInput, MailRefused

log = structlog.get_logger(__name__)

TIMEOUT_S = 10.0
"""Of each step of the conversation with the server."""
DEADLINE_S = 30.0
"""Of the whole of it."""
AT_ONCE = 4

Tls = Literal["starttls", "tls", "none"]


class MailServer(Struct, frozen=True, kw_only=True):
    """Where mail is handed in."""

    host: str
    port: int
    tls: Tls
    username: str | None = None
    password: str | None = None
    sender: str


class Mail:
    """Sends messages of plain text.

    Args:
        server: Where they are handed in; None: nowhere.
        timeout_s: Of each step.
        deadline_s: Of a whole message.
    """

    def __init__(
        self, server: MailServer | None, *, timeout_s: float = TIMEOUT_S, deadline_s: float = DEADLINE_S
    ) -> None:
        self._server = server
        self._timeout_s = timeout_s
        self._deadline_s = deadline_s
        self._turns = asyncio.Semaphore(AT_ONCE)

    @property
    def works(self) -> bool:
        """Whether there is a server at all."""
        return self._server is not None

    async def send(self, to: str, subject: str, text: str) -> None:
        """Hand one message in.

        Raises:
            MailRefused: There is no server, it did not take the message, or did not answer in time.
        """
        if self._server is None:
            raise MailRefused
        handing = Handing(self._server, self._timeout_s)
        try:
            message = compose(self._server.sender, check_email(to), subject, text)
            async with asyncio.timeout(self._deadline_s), self._turns:
                await handing.done(message)
        except (OSError, smtplib.SMTPException, ValueError, InvalidInput) as refusal:
            # without its text: servers repeat what they were told
            log.warning(
                "a mail could not be sent", kind=type(refusal).__name__, status=getattr(refusal, "smtp_code", 0)
            )
            raise MailRefused from None


class Handing:
    """One conversation with the server, in a thread that neither outlives its deadline nor holds up the process's end.

    Args:
        server: Whom to talk to.
        timeout_s: Of each step.
    """

    def __init__(self, server: MailServer, timeout_s: float) -> None:
        self._server = server
        self._timeout_s = timeout_s
        self._connection: smtplib.SMTP | None = None

    async def done(self, message: EmailMessage) -> None:
        """Return when the server has taken the message; when cancelled, hang up."""
        loop = asyncio.get_running_loop()
        taken: asyncio.Future[None] = loop.create_future()

        def settle(failure: Exception | None) -> None:
            if not taken.done():
                taken.set_result(None) if failure is None else taken.set_exception(failure)

        def work() -> None:
            failure: Exception | None = None
            try:
                self._talk(message)
            except Exception as raised:
                failure = raised
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(settle, failure)

        threading.Thread(target=work, name="mail", daemon=True).start()
        try:
            await taken
        finally:
            self._hang_up()

    def _talk(self, message: EmailMessage) -> None:
        server = self._server
        context = ssl.create_default_context()
        connection = self._connection = (
            smtplib.SMTP_SSL(server.host, server.port, timeout=self._timeout_s, context=context)
            if server.tls == "tls"
            else smtplib.SMTP(server.host, server.port, timeout=self._timeout_s)
        )
        try:
            if server.tls == "starttls":
                connection.starttls(context=context)
            if server.username is not None and server.password is not None:
                connection.login(server.username, server.password)
            connection.send_message(message)
            connection.quit()
        finally:
            connection.close()

    def _hang_up(self) -> None:
        """Let whatever the thread waits for fail, so that it closes the connection and ends."""
        socket = self._connection.sock if self._connection is not None else None
        if socket is not None:
            with suppress(OSError):
                socket.shutdown(SHUT_RDWR)


def compose(sender: str, to: str, subject: str, text: str) -> EmailMessage:
    """Return a message; nothing in the arguments can add a header.

    Raises:
        ValueError: An address or the subject has a line break, or an address is none.
    """
    message = EmailMessage(policy=SMTP)
    name, address = parseaddr(sender)
    message["From"] = Address(name, addr_spec=address)
    message["To"] = Address(addr_spec=to)
    message["Subject"] = subject
    message["Auto-Submitted"] = "auto-generated"
    message["Message-ID"] = make_msgid(domain=address.rpartition("@")[2] or None)
    message.set_content(text)
    return message
