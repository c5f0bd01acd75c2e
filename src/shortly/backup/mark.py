"""Whether the folder of backups is the one that it was: a disk that is not mounted leaves an empty one of that name.

Whoever makes a backup leaves a mark in the folder, and word of it in DATA_DIR. A folder without that mark is another
one, whatever has been put into it since. Buckets have no mark: one that is empty was emptied.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from shortly.backup.places import S3
from shortly.errors import BackupsLost

if TYPE_CHECKING:
    from shortly.settings import Settings

MARK = ".shortly-backups"
NOTE = "backups.json"
LOOKED_AT = 64
"""Bytes of a mark."""


class Noted(msgspec.Struct, frozen=True):
    """What a node remembers of the folder that it has put backups into."""

    folder: str
    mark: str
    host: str
    """Who has seen it; another container may share DATA_DIR and have no such folder."""


def leave_mark(settings: Settings) -> None:
    """Remember the folder that a backup was put into, unless one is remembered under its name; or raise ``OSError``."""
    folder = _folder_of(settings)
    if folder is None or _remembered(settings, folder) is not None:
        return
    with suppress(FileExistsError), open(folder / MARK, "x", opener=_for_the_owner) as file:
        file.write(secrets.token_hex(16))
    draft = settings.data_dir / f"{NOTE}.{os.getpid()}"
    with open(draft, "wb", opener=_for_the_owner) as file:
        file.write(msgspec.json.encode(Noted(str(folder), _mark_in(folder), this_host())))
    draft.replace(settings.data_dir / NOTE)


def is_ours(settings: Settings) -> bool:
    """Say whether backups were put into the folder from this very host, so that what it sees there is all there is."""
    folder = _folder_of(settings)
    noted = _remembered(settings, folder) if folder is not None else None
    return noted is not None and noted.host == this_host()


def is_lost(settings: Settings) -> bool:
    """Say whether this node has put backups into a folder of that name which is another one now.

    Raises:
        OSError: The folder cannot be looked into.
    """
    folder = _folder_of(settings)
    noted = _remembered(settings, folder) if folder is not None else None
    if folder is None or noted is None:
        return False
    try:
        return _mark_in(folder) != noted.mark
    except (FileNotFoundError, NotADirectoryError):
        return True


def refuse_lost(settings: Settings) -> None:
    """Raise ``BackupsLost`` if they are."""
    if is_lost(settings):
        raise BackupsLost(settings.backup_place)


def adopt(settings: Settings) -> None:
    """Take the folder as it is now for the right one; errors as of ``leave_mark``."""
    (settings.data_dir / NOTE).unlink(missing_ok=True)
    leave_mark(settings)


def _folder_of(settings: Settings) -> Path | None:
    """Return the folder, if it is one outside of DATA_DIR: one inside is lost together with what remembers it."""
    place = settings.backup_to
    return None if place is None or place.startswith(f"{S3}:") else Path(place).absolute()


def _mark_in(folder: Path) -> str:
    """Return what the folder's mark says, whatever somebody may have put there."""
    with open(folder / MARK, "rb") as file:
        return file.read(LOOKED_AT).decode("latin-1")


def _remembered(settings: Settings, folder: Path) -> Noted | None:
    """Return what the folder has to be; None: nothing was ever put into one of this name."""
    try:
        noted = msgspec.json.decode((settings.data_dir / NOTE).read_bytes(), type=Noted)
    except (OSError, msgspec.MsgspecError):
        return None
    return noted if noted.folder == str(folder) else None


def _for_the_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def this_host() -> str:
    """Return the name of the machine, or of the container."""
    return os.uname().nodename
