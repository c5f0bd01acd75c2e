"""From what a backup holds to where Shortly looks for it; what was there before is moved aside, not deleted."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from shortly.backup import archive, snapshot
from shortly.backup.archive import CLICKS, LINKS, SECRET
from shortly.backup.following.moments import Moments
from shortly.errors import InvalidInput
from shortly.store.migration.move import Told

if TYPE_CHECKING:
    from shortly.settings import Settings

log = structlog.get_logger(__name__)


async def restore_moment(
    moments: Moments,
    at: datetime | None,
    settings: Settings,
    *,
    identity: Path | None = None,
    replace: bool = False,
    told: Told = lambda *_: None,
) -> datetime:
    """Put everything back as it was at a moment; Shortly must be stopped everywhere. See ``Backups.restore``.

    Args:
        moments: Where its changes are.
        at: The moment; None: the newest one.
        settings: The installation's.
        identity: File with the age secret key, for encrypted ones.
        replace: Go ahead although ``DATA_DIR`` has databases.
        told: See ``Move``.

    Returns:
        When something changed for the last time before it.

    Raises:
        InvalidInput: Something is there already.
        BackupDamaged, BackupNeedsKey, BackupPlaceFailed, ChangesMissing, MomentNotKept, StoreTooNew: Nothing was
            changed.
        BackupIncomplete: What is in Redis now is not all that there was.
    """
    refuse_databases(settings, replace=replace)
    with working_folder(settings) as folder:
        contents, reached = rebuild(moments, at, folder, identity)
        await put_back(contents, settings, told)
    log.info("moment restored", changed_at=reached.isoformat())
    return reached


def verify_moment(
    moments: Moments, at: datetime | None, settings: Settings, identity: Path | None = None
) -> tuple[datetime, dict[str, int] | None]:
    """Prove that a moment can be restored: each file's checksum, their chain, and each page of the databases.

    Returns:
        When something changed for the last time before it, and what there was of what; None where it is encrypted and
        no key was given, so that only the files could be proved.

    Raises:
        BackupDamaged, BackupNeedsKey, BackupPlaceFailed, ChangesMissing, MomentNotKept: It cannot be relied on.
    """
    with working_folder(settings) as folder:
        if identity is None and any(part.encrypted for part in moments.plan(at)):
            return moments.prove(at, folder), None
        contents, reached = rebuild(moments, at, folder, identity)
        return reached, snapshot.counts_of(contents)


def rebuild(moments: Moments, at: datetime | None, folder: Path, identity: Path | None) -> tuple[Path, datetime]:
    """Return a folder with everything as it was at a moment, all of it proved, and when it changed last."""
    contents = folder / "contents"
    contents.mkdir(mode=0o700)
    reached = moments.rebuild(at, contents, identity, folder)
    snapshot.prove(contents)
    return contents, reached


def refuse_databases(settings: Settings, *, replace: bool) -> None:
    """Refuse to put something where databases are, but for ``replace``; Redis has to be empty in any case."""
    if settings.redis_address is None and (settings.data_dir / LINKS).exists() and not replace:
        raise InvalidInput("There are databases in DATA_DIR already; with --replace they are moved aside.")


async def put_back(contents: Path, settings: Settings, told: Told) -> None:
    """Bring proved databases, and the secret beside them, to where Shortly looks for them."""
    data, address = settings.data_dir, settings.redis_address
    if address is not None:
        await snapshot.fill_redis(contents, address, settings, told)
    else:
        snapshot.leave_gap(contents)
        put_in_place(contents, data)
    if settings.secret_values is None and (contents / SECRET).exists() and not (data / SECRET).exists():
        archive.copy_private(contents / SECRET, data / SECRET)


@contextmanager
def working_folder(settings: Settings) -> Iterator[Path]:
    """Give a folder on the data's own disk, for its owner alone, that is gone afterwards."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.data_dir, prefix=".backup-") as folder:
        yield Path(folder)


def put_in_place(contents: Path, data: Path) -> None:
    """Move databases to where Shortly looks for them; those that are there go into a folder beside them.

    ``links.db`` goes last: without it there is no installation, so one that was interrupted here is seen as none.
    """
    aside = data / f"before-restore-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    there = [data / (name + ending) for name in (LINKS, CLICKS) for ending in ("", "-wal", "-shm")]
    there = [path for path in there if path.exists()]
    if there:
        aside.mkdir(mode=0o700)
        for path in there:
            path.rename(aside / path.name)
    for name in (CLICKS, LINKS):
        shutil.move(contents / name, data / name)
        number = os.open(data / name, os.O_RDONLY)
        os.fsync(number)
        os.close(number)
    number = os.open(data, os.O_RDONLY)
    os.fsync(number)
    os.close(number)
