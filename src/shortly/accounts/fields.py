"""The plain fields of people and workspaces: their bounds, and the one place where they are checked."""

from __future__ import annotations

import re
import unicodedata

import idna

from shortly.errors import InvalidInput

MAX_EMAIL = 254
MAX_LOCAL_PART = 64
MAX_PERSON_NAME = 128
MAX_WORKSPACE_NAME = 64
MAX_PASSKEY_NAME = 64
MAX_LOCALE = 35
ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
LOCAL_PART = re.compile(rf"{ATOM}(?:\.{ATOM})*")
LOCALE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")


def check_email(email: str, *, field: str = "email") -> str:
    """Return an e-mail address as it is stored: its domain in lower case and punycode.

    What stands before the ``@`` is ASCII, so that no two addresses look alike.

    Raises:
        InvalidInput: It is no address that mail could be sent to.
    """
    email = email.strip(" ")
    if len(email) > MAX_EMAIL:
        raise InvalidInput(f"The e-mail address is longer than {MAX_EMAIL} characters.", field=field)
    local, at, domain = email.rpartition("@")
    host = ascii_domain(domain)
    checked = f"{local}@{host}"
    if (
        not at
        or host is None
        or len(local) > MAX_LOCAL_PART
        or len(checked) > MAX_EMAIL
        or not LOCAL_PART.fullmatch(local)
        or host.rpartition(".")[2].isdecimal()
    ):
        raise InvalidInput("This is not an e-mail address such as name@example.com.", field=field)
    return checked


def ascii_domain(domain: str) -> str | None:
    """Return a host name in lower case and punycode, or None when it is none."""
    if not domain or len(domain) > MAX_EMAIL or domain.endswith((".", "\u3002")):
        return None
    try:
        return idna.encode(domain, uts46=True).decode("ascii").lower()
    except UnicodeError:
        return None


def check_person_name(name: str) -> str:
    """Return a person's name, which may be empty; raise ``InvalidInput`` when it is too long or cannot be printed."""
    return _check_line(name, "name", MAX_PERSON_NAME, least=0)


def check_passkey_name(name: str) -> str:
    """Return a passkey's name; raise ``InvalidInput`` when it is empty, too long or cannot be printed."""
    return _check_line(name, "name", MAX_PASSKEY_NAME, least=1)


def check_workspace_name(name: str) -> str:
    """Return a workspace's name; raise ``InvalidInput`` when it is empty, too long or cannot be printed."""
    return _check_line(name, "name", MAX_WORKSPACE_NAME, least=1)


def check_locale(locale: str) -> str:
    """Return a language such as ``de`` or ``pt-BR``, or an empty text; raise ``InvalidInput`` for anything else."""
    if locale and (len(locale) > MAX_LOCALE or not LOCALE.fullmatch(locale)):
        raise InvalidInput("The locale must be a language tag such as 'de' or 'pt-BR'.", field="locale")
    return locale


def _check_line(text: str, field: str, most: int, *, least: int) -> str:
    if len(text) <= 4 * most:
        text = unicodedata.normalize("NFC", text.strip())
    if not least <= len(text) <= most or not text.isprintable():
        raise InvalidInput(f"The {field} must be {least} to {most} printable characters.", field=field)
    return text
