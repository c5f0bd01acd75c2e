"""API keys: what they look like, and who may come in with one.

A key is ``sly_`` and 49 letters and digits: 32 random bytes in base 62, then their CRC-32, so that scanners find leaked
keys by ``sly_[0-9A-Za-z]{49}`` and no mistyped one costs a look-up. Only its SHA-256 is stored: 256 random bits need
no slow hash.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zlib import crc32

from msgspec import structs

from shortly.accounts.store import AccountStore, ApiKey
from shortly.errors import InvalidInput, KeyNotFound, ShortlyError, Unauthenticated

PREFIX = "sly_"
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SECRET_BYTES = 32
SECRET_DIGITS = 43
CHECK_DIGITS = 6
KEY_LENGTH = len(PREFIX) + SECRET_DIGITS + CHECK_DIGITS
HINT_LENGTH = len(PREFIX) + 4
MAX_NAME = 64
NOTED_EVERY = timedelta(minutes=1)
"""How exactly the last use of a key is known."""


def draw_key() -> str:
    """Return a new key; nobody can guess it."""
    body = PREFIX + base62(int.from_bytes(secrets.token_bytes(SECRET_BYTES)), SECRET_DIGITS)
    return body + base62(crc32(body.encode()), CHECK_DIGITS)


def is_key(text: str) -> bool:
    """Say whether a text has the form of a key and its checksum is right."""
    if len(text) != KEY_LENGTH or not text.startswith(PREFIX) or not text.isascii():
        return False
    body, check = text[:-CHECK_DIGITS], text[-CHECK_DIGITS:]
    return base62(crc32(body.encode()), CHECK_DIGITS) == check


def digest_of(key: str) -> bytes:
    """Return what is stored of a key."""
    return hashlib.sha256(key.encode()).digest()


def base62(number: int, digits: int) -> str:
    """Return a number that is not negative in base 62, with leading zeros."""
    written = []
    for _ in range(digits):
        number, digit = divmod(number, 62)
        written.append(DIGITS[digit])
    return "".join(reversed(written))


class KeyService:
    """Makes, lists, revokes and checks API keys.

    Args:
        store: Where keys are kept.
        clock: Returns the present moment, aware.
    """

    def __init__(self, store: AccountStore, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store = store
        self._clock = clock
        self._noted: dict[int, datetime] = {}

    async def create(self, name: str) -> tuple[ApiKey, str]:
        """Store a new key and return it with its secret, which nobody can read back later.

        Raises:
            InvalidInput: The name is empty, longer than ``MAX_NAME`` or has characters that cannot be printed.
            KeyNameTaken: A live key has this name.
        """
        name = name.strip()
        if not name or len(name) > MAX_NAME or not name.isprintable():
            raise InvalidInput(f"The name must be 1 to {MAX_NAME} printable characters.", field="name")
        secret = draw_key()
        key = ApiKey(name=name, hint=secret[:HINT_LENGTH], created_at=self._now())
        return await self._store.add_key(key, digest_of(secret)), secret

    async def list_keys(self) -> list[ApiKey]:
        """Return all keys, revoked ones too, oldest first."""
        return await self._store.list_keys()

    async def revoke(self, name: str) -> ApiKey:
        """Make the live key with this name, or else this id, invalid at once, and return it.

        Raises:
            KeyNotFound: No live key has it.
        """
        live = [key for key in await self._store.list_keys() if key.revoked_at is None]
        named = [key for key in live if key.name == name] or [key for key in live if str(key.id) == name]
        if not named:
            raise KeyNotFound(name[:MAX_NAME])
        now = self._now()
        await self._store.revoke_key(named[0].id, now)
        return structs.replace(named[0], revoked_at=now)

    async def authenticate(self, secret: str) -> ApiKey:
        """Return the live key that this is, and note its use; one point read.

        Raises:
            Unauthenticated: It is no key, unknown or revoked.
        """
        key = await self._store.get_key(digest_of(secret)) if is_key(secret) else None
        if key is None:
            raise Unauthenticated
        await self._note_use(key)
        return key

    async def _note_use(self, key: ApiKey) -> None:
        now = self._now()
        last = max(filter(None, (key.last_used_at, self._noted.get(key.id))), default=None)
        if last is None or now - last >= NOTED_EVERY:
            self._noted[key.id] = now
            with suppress(ShortlyError):  # a full disk must not lock anybody out
                await self._store.touch_key(key.id, now)

    def _now(self) -> datetime:
        now = self._clock().astimezone(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)
