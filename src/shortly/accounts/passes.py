"""Passes: what a browser keeps of the password of a link that its visitor gave, so that the link opens for a while.

A pass is sealed for one link and one password: it ends by itself, and with every other password that the link gets.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Callable
from datetime import datetime, timedelta

from shortly.accounts.secret import Secret

USE = "link password"
TIME_BYTES = 8
MAX_TOKEN = 128


class Passes:
    """Makes and recognises them.

    Args:
        secret: Seals them.
        clock: Returns the present moment, aware.
        lifetime: How long one opens a link.
    """

    def __init__(self, secret: Secret, clock: Callable[[], datetime], lifetime: timedelta) -> None:
        self._secret = secret
        self._clock = clock
        self.lifetime = lifetime

    def issue(self, link_id: int, password_hash: str) -> str:
        """Return a pass for a link whose password was just given; letters, digits, ``-``, ``_`` and ``=``."""
        until = int((self._clock() + self.lifetime).timestamp())
        sealed = self._secret.seal(USE, until.to_bytes(TIME_BYTES), bound(link_id, password_hash))
        return urlsafe_b64encode(sealed).decode()

    def opens(self, token: bytes, link_id: int, password_hash: str) -> bool:
        """Say whether a text, which may be anything, is a pass that opens the link now."""
        if len(token) > MAX_TOKEN:
            return False
        try:
            sealed = urlsafe_b64decode(token)
        except (Error, ValueError):
            return False
        plain = self._secret.unseal(USE, sealed, bound(link_id, password_hash))
        return plain is not None and int.from_bytes(plain) > self._clock().timestamp()


def bound(link_id: int, password_hash: str) -> bytes:
    """Return what a pass is sealed for."""
    return f"{link_id} {password_hash}".encode()
