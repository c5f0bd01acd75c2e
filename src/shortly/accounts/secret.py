"""``JWT_SECRET``: the installation's one secret, and the keys that are made of it.

Each use has a key of its own, derived by HKDF-SHA256, so that nothing signed for one use means anything in another.
While the secret is being changed there are two values: the first makes, both are accepted.
"""

from __future__ import annotations

import os
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shortly.errors import InvalidSettings

FILE = "jwt_secret"
"""In ``DATA_DIR``, where no value is set."""
MIN_LENGTH = 32
MAX_VALUES = 2
KEY_BYTES = 32
NONCE_BYTES = 12
KEY_ID_LENGTH = 8


class DerivedKey(NamedTuple):
    """A key for one use."""

    id: str
    """Tells which value of the secret it was made of, and nothing about it."""
    value: bytes


class Secret:
    """The values of ``JWT_SECRET``, newest first.

    Args:
        values: One, or the new and the old one.
    """

    def __init__(self, values: tuple[str, ...]) -> None:
        self._values = values

    def keys(self, use: str) -> tuple[DerivedKey, ...]:
        """Return the keys for a use, the one to make new things with first."""
        return tuple(derive(value, use) for value in self._values)

    def seal(self, use: str, plain: bytes, bound_to: bytes) -> bytes:
        """Return ``plain`` encrypted; only the same use, and what it was ``bound_to``, opens it again."""
        key = self.keys(use)[0]
        nonce = secrets.token_bytes(NONCE_BYTES)
        return key.id.encode() + nonce + AESGCM(key.value).encrypt(nonce, plain, bound_to)

    def unseal(self, use: str, sealed: bytes, bound_to: bytes) -> bytes | None:
        """Return what was sealed, or None when no present value of the secret opens it."""
        key_id, sealed = sealed[:KEY_ID_LENGTH], sealed[KEY_ID_LENGTH:]
        for key in self.keys(use):
            if key.id.encode() == key_id:
                try:
                    return AESGCM(key.value).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to)
                except (InvalidTag, ValueError):
                    return None
        return None

    @property
    def is_being_changed(self) -> bool:
        """Whether there is a value before the present one."""
        return len(self._values) > 1

    def is_current(self, sealed: bytes) -> bool:
        """Say whether something was sealed with the newest value."""
        return sealed[:KEY_ID_LENGTH] == key_id_of(self._values[0]).encode()


def derive(value: str, use: str) -> DerivedKey:
    """Return the key of one value for one use."""
    key = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"shortly " + use.encode()).derive(value.encode())
    return DerivedKey(key_id_of(value), key)


def key_id_of(value: str) -> str:
    """Return the name under which keys of a value go."""
    name = HKDF(algorithm=SHA256(), length=6, salt=None, info=b"shortly key id").derive(value.encode())
    return urlsafe_b64encode(name).decode()


def open_secret(values: tuple[str, ...] | None, folder: Path) -> Secret:
    """Return the secret that is set, or else the one in the folder, which the first process to ask makes.

    The file holds ``NEW`` or ``NEW,OLD``, as the variable does.

    Raises:
        InvalidSettings: The file cannot be made or read, or holds no secret.
    """
    if values is not None:
        return Secret(values)
    path = folder / FILE
    try:
        if not path.exists():
            make_file(path)
    except OSError:
        raise no_secret(path) from None
    return Secret(read_values(path))


def read_values(path: Path) -> tuple[str, ...]:
    """Return the values in a file, newest first, or raise ``InvalidSettings``."""
    try:
        values = tuple(value.strip() for value in path.read_text(encoding="ascii").split(","))
    except (OSError, ValueError):
        values = ()
    if not 1 <= len(values) <= MAX_VALUES or any(len(value) < MIN_LENGTH for value in values):
        raise no_secret(path)
    return values


def no_secret(path: Path) -> InvalidSettings:
    """Return the refusal of a start without a secret."""
    return InvalidSettings(f"JWT_SECRET: is not set, and the file {str(path)[:255]!r} holds no secret.")


def make_file(path: Path) -> None:
    """Write a new secret, whole and for its owner only, unless another process was quicker."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with write_draft(path, (secrets.token_urlsafe(48),)) as draft, suppress(FileExistsError):
        os.link(draft, path)  # fails where there is one already, unlike a rename


@contextmanager
def write_draft(path: Path, values: tuple[str, ...]) -> Iterator[Path]:
    """Write values into a file of its own beside the one that they are for, and see to it that its move lasts."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(",".join(values) + "\n")
                file.flush()
                os.fsync(file.fileno())
            yield draft
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        finally:
            draft.unlink(missing_ok=True)
    except OSError:
        raise no_secret(path) from None
