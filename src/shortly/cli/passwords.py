"""Passwords that commands are given: never as an argument, which every process of the machine could read."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from shortly.errors import InvalidInput

MAX_PASSWORD_FILE = 4096


def read_password(file: Path | None, *, prompt: bool) -> str | None:
    """Return the password from where it is to be read, without its line break.

    Raises:
        InvalidInput: Both are asked for, or what is read is no text.
    """
    if file is not None and prompt:
        raise InvalidInput("Give --password-file or --password-prompt, not both.", field="password")
    if prompt:
        password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return password
    if file is None:
        return None
    if str(file) == "-":
        raw = sys.stdin.buffer.readline(MAX_PASSWORD_FILE)
    else:
        with file.open("rb") as opened:
            raw = opened.readline(MAX_PASSWORD_FILE)
    try:
        return raw.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise InvalidInput("The password is not valid UTF-8.", field="password") from None
