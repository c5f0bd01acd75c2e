"""The file that a backup is: a gzipped tar of both databases and what is needed beside them, perhaps encrypted by age.

``manifest.json`` comes first and names every other member with its size and SHA-256, so a backup that was cut off or
damaged is refused before anything is written where data lie.
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Literal

import msgspec
import pyrage  # type: ignore[import-untyped]
from msgspec import Struct

from shortly.errors import BackupDamaged, BackupNeedsKey, InvalidInput

FORMAT = 1
MANIFEST = "manifest.json"
LINKS, CLICKS, SECRET = "links.db", "clicks.db", "jwt_secret"
MEMBERS = frozenset({LINKS, CLICKS, SECRET})
MAX_MANIFEST = 1 << 20
LEVEL = 3
"""Of compression: databases shrink to about a third, at some 50 MB/s."""
CHUNK = 1 << 20

Origin = Literal["sqlite", "redis"]


class Member(Struct, frozen=True):
    """One file inside."""

    bytes: int
    sha256: str


class Manifest(Struct, frozen=True, kw_only=True):
    """What a backup holds."""

    format: int
    created_at: datetime
    shortly: str
    """Version that made it."""
    origin: Origin
    schemas: dict[str, int]
    """Database -> its schema's version."""
    counts: dict[str, int]
    """What -> how many: ``links``, ``records``, ``clicks``, ``visits``."""
    files: dict[str, Member]


class Card(Struct, frozen=True, kw_only=True):
    """What lies beside each archive, as ``NAME.json``: enough to list it and to prove it whole without the key.

    It is written last: an archive without one was never finished.
    """

    name: str
    created_at: datetime
    bytes: int
    sha256: str
    encrypted: bool
    origin: Origin
    shortly: str
    counts: dict[str, int]


def describe(folder: Path) -> dict[str, Member]:
    """Return the files of a folder as members."""
    return {
        name: Member((folder / name).stat().st_size, digest_of(folder / name))
        for name in sorted(MEMBERS)
        if (folder / name).exists()
    }


def digest_of(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pack(folder: Path, manifest: Manifest, archive: Path) -> None:
    """Write the archive of a folder's files."""
    (folder / MANIFEST).write_bytes(msgspec.json.encode(manifest))
    with tarfile.open(archive, "w:gz", compresslevel=LEVEL) as tar:
        for name in (MANIFEST, *manifest.files):
            info = tar.gettarinfo(folder / name, name)
            info.uid = info.gid = 0
            info.uname = info.gname = ""
            info.mode = 0o600
            with (folder / name).open("rb") as file:
                tar.addfile(info, file)


def unpack(archive: Path, folder: Path) -> Manifest:
    """Write an archive's files into an empty folder, and prove each of them.

    Raises:
        BackupDamaged: It is cut off, changed, or no backup at all; the folder may hold a part of it.
        InvalidInput: A newer version of Shortly made it.
    """
    try:
        with tarfile.open(archive, "r:gz") as tar:
            manifest = read_manifest(tar)
            for name, member in manifest.files.items():
                extract(tar, name, member, folder / name)
    except (tarfile.TarError, zlib.error, EOFError, OSError, KeyError, ValueError) as broken:
        if isinstance(broken, OSError) and broken.errno:
            raise
        raise BackupDamaged from None
    return manifest


def read_manifest(tar: tarfile.TarFile) -> Manifest:
    """Return the first member, checked."""
    first = tar.next()
    if first is None or first.name != MANIFEST or not first.isreg() or first.size > MAX_MANIFEST:
        raise BackupDamaged
    source = tar.extractfile(first)
    if source is None:
        raise BackupDamaged
    text = source.read()
    found = msgspec.json.decode(text).get("format")
    if isinstance(found, int) and found > FORMAT:
        raise InvalidInput("A newer version of Shortly made this backup; restore it with that one.")
    manifest = msgspec.json.decode(text, type=Manifest)
    if not manifest.files.keys() <= MEMBERS or not {LINKS, CLICKS} <= manifest.files.keys():
        raise BackupDamaged
    return manifest


def extract(tar: tarfile.TarFile, name: str, member: Member, to: Path) -> None:
    """Write the next member, which must be exactly the one that the manifest names."""
    info = tar.next()
    if info is None or info.name != name or not info.isreg() or info.size != member.bytes:
        raise BackupDamaged
    source = tar.extractfile(info)
    if source is None:
        raise BackupDamaged
    digest = hashlib.sha256()
    to.touch(mode=0o600, exist_ok=False)
    with to.open("wb") as target:
        for chunk in chunks_of(source):
            digest.update(chunk)
            target.write(chunk)
    if digest.hexdigest() != member.sha256:
        raise BackupDamaged


def chunks_of(file: IO[bytes]) -> Iterator[bytes]:
    """Yield a file piece by piece."""
    while chunk := file.read(CHUNK):
        yield chunk


def encrypt(source: Path, target: Path, recipients: tuple[str, ...]) -> None:
    """Encrypt a file to age recipients, none of whose secret keys this machine needs to know."""
    try:
        keys = [pyrage.x25519.Recipient.from_str(recipient) for recipient in recipients]
    except pyrage.RecipientError:
        raise InvalidInput("BACKUP_ENCRYPT_TO has a key with a typing error.") from None
    pyrage.encrypt_file(str(source), str(target), keys)


def decrypt(source: Path, target: Path, identity: Path | None) -> None:
    """Decrypt a file by the secret key in another one.

    Raises:
        BackupNeedsKey: None was given, or it is another one's.
        BackupDamaged: What comes out was tampered with or cut off.
        InvalidInput: The file holds no age secret key.
    """
    if identity is None:
        raise BackupNeedsKey
    lines = [line.strip() for line in identity.read_text(encoding="utf-8", errors="replace").splitlines()]
    try:
        keys = [pyrage.x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except pyrage.IdentityError:
        keys = []
    if not keys:
        raise InvalidInput("The identity file holds no age secret key (AGE-SECRET-KEY-1...).")
    try:
        pyrage.decrypt_file(str(source), str(target), keys)
    except pyrage.DecryptError as refused:
        raise (BackupNeedsKey if "No matching keys" in str(refused) else BackupDamaged)() from None


def copy_private(source: Path, target: Path) -> None:
    """Copy a small file for its owner alone."""
    target.touch(mode=0o600)
    shutil.copyfile(source, target)
