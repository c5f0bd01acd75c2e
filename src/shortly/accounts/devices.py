"""Devices that somebody came in with before: what strangers try does not count against them.

Their browser keeps a token that we sealed for the account. It lets nobody in; it only says whose tries are counted
apart. A stolen one is worth as many tries as any other device has.
"""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Callable
from datetime import datetime, timedelta

from shortly.accounts.secret import Secret

USE = "device"
NAME_BYTES = 16
TIME_BYTES = 8
LIFETIME = timedelta(days=180)
"""Since somebody last came in with it."""
MAX_TOKEN = 128


class Devices:
    """Makes and recognises their tokens.

    Args:
        secret: Seals them.
        clock: Returns the present moment, aware.
    """

    def __init__(self, secret: Secret, clock: Callable[[], datetime]) -> None:
        self._secret = secret
        self._clock = clock

    def issue(self, account: str) -> str:
        """Return a token for a device with which somebody just came into an account."""
        until = int((self._clock() + LIFETIME).timestamp())
        plain = secrets.token_bytes(NAME_BYTES) + until.to_bytes(TIME_BYTES)
        return urlsafe_b64encode(self._secret.seal(USE, plain, account.encode("utf-8", "surrogatepass"))).decode()

    def name_of(self, token: str | None, account: str) -> str | None:
        """Return the name of the device that a token of this account was made for; None: it is no such token."""
        if token is None or len(token) > MAX_TOKEN or not token.isascii():
            return None
        try:
            sealed = urlsafe_b64decode(token)
        except (Error, ValueError):
            return None
        plain = self._secret.unseal(USE, sealed, account.encode("utf-8", "surrogatepass"))
        if plain is None or int.from_bytes(plain[NAME_BYTES:]) <= self._clock().timestamp():
            return None
        return plain[:NAME_BYTES].hex()
