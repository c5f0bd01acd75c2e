"""Mail, handed to real servers: those that take it, refuse it, and never answer."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from email.header import decode_header, make_header
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult
from structlog.testing import capture_logs
from tests.accounts.mail_servers import Letterbox, mail_server

from shortly.accounts.mail import Mail, MailServer, compose
from shortly.errors import MailRefused

INSECURE = "ignore:Requiring AUTH while not requiring TLS"

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

SENDER = "Shortly <links@s.example>"


def server(port: int, **fields: Any) -> MailServer:
    return MailServer(**{"host": "127.0.0.1", "port": port, "tls": "none", "sender": SENDER, **fields})


async def test_a_mail_arrives_with_letters_of_all_scripts() -> None:
    letterbox = Letterbox()
    with mail_server(letterbox) as port:
        await Mail(server(port)).send("ada@example.com", "Grüße · 你好", "Ein Brief\nin zwei Zeilen: ü 你\n")
    [mail] = letterbox.mails
    assert str(make_header(decode_header(mail["Subject"]))) == "Grüße · 你好"
    assert str(mail["From"]) == SENDER
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_payload(decode=True).decode().splitlines() == ["Ein Brief", "in zwei Zeilen: ü 你"]


@pytest.mark.filterwarnings(INSECURE)
async def test_credentials_are_used_and_wrong_ones_refused() -> None:
    letterbox = Letterbox()

    def authenticate(*given: Any) -> AuthResult:
        return AuthResult(success=given[4].password == b"pa ss%w:rd" and given[4].login == b"user")

    options = {
        "authenticator": authenticate,
        "auth_required": True,
        "auth_require_tls": False,
        "auth_exclude_mechanism": ["LOGIN"],
    }
    with mail_server(letterbox, **options) as port:
        await Mail(server(port, username="user", password="pa ss%w:rd")).send("ada@example.com", "Hello", "Text")
        assert len(letterbox.mails) == 1
        with capture_logs() as logs, pytest.raises(MailRefused):
            await Mail(server(port, username="user", password="canary-1234")).send("ada@example.com", "Hello", "Text")
    assert len(letterbox.mails) == 1
    assert "canary" not in str(logs)
    assert "ada@" not in str(logs)


@pytest.mark.parametrize(
    ("to", "subject"),
    [
        ("ada@example.com\r\nBcc: eve@example.com", "Hello"),
        ("ada@example.com\nBcc: eve@example.com", "Hello"),
        ("ada@example.com, eve@example.com", "Hello"),
        ("<ada@example.com> eve@example.com", "Hello"),
        ("ada@example.com", "Hello\r\nBcc: eve@example.com"),
        ("ada@example.com", "Hello\n\nText"),
        ("", "Hello"),
        ("nobody", "Hello"),
    ],
)
async def test_no_address_or_subject_adds_a_header_or_a_recipient(to: str, subject: str) -> None:
    letterbox = Letterbox()
    with mail_server(letterbox) as port, pytest.raises(MailRefused):
        await Mail(server(port)).send(to, subject, "Text")
    assert letterbox.mails == []


def test_a_text_cannot_end_the_message_early() -> None:
    message = compose(SENDER, "ada@example.com", "Hello", "one\r\n.\r\nMAIL FROM:<eve@example.com>\r\n")
    assert message["Bcc"] is None
    assert len(list(message.walk())) == 1


@contextmanager
def silent(greeting: bytes = b"") -> Iterator[int]:
    """Listen, greet perhaps, and never answer."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        held = []

        async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            held.append(writer)
            writer.write(greeting)
            await reader.read()

        loop = asyncio.get_running_loop()
        task = loop.create_task(asyncio.start_server(hold, sock=listening))
        yield listening.getsockname()[1]
        task.cancel()
        for writer in held:
            writer.close()


@pytest.mark.parametrize("greeting", [b"", b"220 hello\r\n"])
async def test_a_server_that_hangs_is_given_up_at_the_deadline(greeting: bytes) -> None:
    with silent(greeting) as port, capture_logs() as logs, pytest.raises(MailRefused):
        await Mail(server(port), timeout_s=30.0, deadline_s=0.3).send("ada@example.com", "Hello", "Text")
    assert [line["kind"] for line in logs] == ["TimeoutError"]


async def test_a_server_that_is_not_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(MailRefused):
        await Mail(server(port)).send("ada@example.com", "Hello", "Text")
    with pytest.raises(MailRefused):
        await Mail(None).send("ada@example.com", "Hello", "Text")
    assert not Mail(None).works


async def test_by_starttls_only_a_certificate_that_can_be_trusted_will_do(tmp_path: Path) -> None:
    made = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=127.0.0.1"
    files = ["-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "cert")]
    subprocess.run(["openssl", *made.split(" "), *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    letterbox = Letterbox()
    with mail_server(letterbox, tls_context=context) as port, pytest.raises(MailRefused):
        await Mail(server(port, tls="starttls")).send("ada@example.com", "Hello", "Text")
    # a server without TLS, or somebody in between who took it away
    with mail_server(letterbox) as port, pytest.raises(MailRefused):
        await Mail(server(port, tls="starttls")).send("ada@example.com", "Hello", "Text")
    assert letterbox.mails == []
