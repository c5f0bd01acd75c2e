"""The moments that are kept: found, proved, brought back, and removed when they are too old."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from msgspec import Struct

from shortly.backup import archive
from shortly.backup.archive import SECRET
from shortly.backup.following.parts import Files, Part, PartReader, part_of
from shortly.backup.places import S3, Place, fetch_whole, place_of
from shortly.errors import BackupDamaged, BackupPlaceFailed, ChangesMissing, MomentNotKept

if TYPE_CHECKING:
    from shortly.settings import Settings

log = structlog.get_logger(__name__)

FOLDER = "follow"
"""Beside the backups."""


class Span(Struct, frozen=True, kw_only=True):
    """Moments that can be restored: all changes between two, from one base."""

    since: datetime
    until: datetime
    files: int
    encrypted: bool
    whole: bool
    """False: a file is missing further on, or the base."""


class Moments:
    """What was kept of the databases' changes, in one place or, as copies, in two; ``places``: the first one first."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._places = places

    def parts(self) -> list[Part]:
        """Return what any place has, in order; a place that does not answer counts when it is the only one."""
        found: set[Part] = set()
        failure: BackupPlaceFailed | None = None
        answered = False
        for place in self._places:
            try:
                found.update(part for name in place.names() if (part := part_of(name)) is not None)
                answered = True
            except BackupPlaceFailed as failed:
                failure = failed
        if failure is not None and not answered:
            raise failure
        return sorted(found)

    def spans(self) -> list[Span]:
        """Return what can be restored, newest first."""
        spans = []
        for chain in chains_of(self.parts()):
            run = unbroken(chain)
            spans.append(
                Span(
                    since=moment(chain[0].first_ms),
                    until=moment((run or chain)[-1].last_ms),
                    files=len(chain),
                    encrypted=chain[-1].encrypted,
                    whole=len(run) == len(chain),
                )
            )
        return spans[::-1]

    def plan(self, at: datetime | None) -> list[Part]:
        """Return the files that lead to a moment, None being the newest, in order.

        Raises:
            MomentNotKept: It is before all that is kept.
            ChangesMissing: A file before it is gone.
        """
        at_ms = 2**53 if at is None else milliseconds(at)
        chains = chains_of(self.parts())
        before = [chain for chain in chains if chain[0].first_ms <= at_ms]
        if not before:
            raise MomentNotKept(at or datetime.now(UTC), moment(chains[0][0].first_ms) if chains else None)
        chain = before[-1]
        run = unbroken(chain)
        if not run:  # its base is gone: the moment before it is all that there is
            if len(before) > 1:
                raise ChangesMissing(moment(before[-2][-1].last_ms))
            raise MomentNotKept(at or datetime.now(UTC), None)
        if len(run) < len(chain) and at_ms > run[-1].last_ms:
            raise ChangesMissing(moment(run[-1].last_ms))
        return [part for part in run if part.first_ms <= at_ms]

    def prove(self, at: datetime | None, folder: Path) -> datetime:
        """Prove by their digests that the files are whole that lead to a moment; return the last one they have.

        Raises:
            BackupDamaged, BackupPlaceFailed, ChangesMissing, MomentNotKept: They cannot be relied on, or not be read.
        """
        parts = self.plan(at)
        for part in parts:
            fetch_whole(self._places, part.name, part.sha256, folder).unlink()
        return min(moment(parts[-1].last_ms), at or datetime.max.replace(tzinfo=UTC))

    def rebuild(self, at: datetime | None, folder: Path, identity: Path | None, working: Path) -> datetime:
        """Write the databases as they were at a moment into an empty folder, and return when they last changed before.

        Raises:
            BackupNeedsKey: They are encrypted, and not to this key.
            BackupDamaged, BackupPlaceFailed, ChangesMissing, InvalidInput, MomentNotKept: It cannot be done.
        """
        until_ms = 2**53 if at is None else milliseconds(at)
        reached, previous = 0, ""
        with Files(folder) as files:
            for part in self.plan(at):
                plain = fetched = fetch_whole(self._places, part.name, part.sha256, working)
                if part.encrypted:
                    plain = working / "plain"
                    archive.decrypt(fetched, plain, identity)
                with PartReader(plain) as reader:
                    head = reader.head()
                    if (head.chain, head.number, head.previous) != (part.chain, part.number, previous):
                        raise BackupDamaged
                    if head.secret is not None:
                        (folder / SECRET).touch(mode=0o600)
                        (folder / SECRET).write_text(head.secret, encoding="utf-8")
                    reached = reader.replay(until_ms, files) or reached
                previous = part.sha256
                plain.unlink()
                fetched.unlink(missing_ok=True)
        return moment(reached)

    def prune(self, now: datetime, *, keep_days: int, dry_run: bool = False) -> list[Part]:
        """Remove chains whose successor began that long ago, and return their files."""
        oldest_ms = milliseconds(now - timedelta(days=keep_days))
        gone = [
            part
            for chain, successor in pairwise(chains_of(self.parts()))
            if successor[0].first_ms <= oldest_ms
            for part in reversed(chain)  # the newest first: what is left can be restored at any time
        ]
        for place in self._places:
            names = place.names() if gone and not dry_run else {}
            for part in gone:
                if part.name in names:
                    place.remove(part.name)
        return gone


def moments_of(settings: Settings) -> Moments:
    """Return the moments of the installation; a folder that is not there is not made."""
    there = [one for one in named(settings) if one[0].startswith(f"{S3}:") or Path(one[0]).is_dir()]
    return Moments([place_of(url, settings, region=region) for url, region in there])


def followed_places(settings: Settings) -> list[Place]:
    """Return the places where changes are kept; folders are made."""
    return [place_of(url, settings, region=region) for url, region in named(settings)]


def named(settings: Settings) -> list[tuple[str, str | None]]:
    """Return the addresses and regions of the places."""
    places: list[tuple[str, str | None]] = [(settings.backup_place, None)]
    if settings.backup_copy_to is not None:
        places.append((settings.backup_copy_to, settings.backup_copy_region))
    return [(f"{url.rstrip('/')}/{FOLDER}", region) for url, region in places]


def chains_of(parts: Sequence[Part]) -> list[list[Part]]:
    """Return the chains that parts belong to, the oldest first, each in order."""
    chains = [list(chain) for _, chain in groupby(parts, key=lambda part: part.chain)]
    return sorted(chains, key=lambda chain: chain[0].first_ms)


def unbroken(chain: Sequence[Part]) -> list[Part]:
    """Return the parts from the base on before the first one that is missing."""
    run: list[Part] = []
    for part in chain:
        if part.number != len(run):
            break
        run.append(part)
    return run


def moment(at_ms: int) -> datetime:
    """Return a time in UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def milliseconds(at: datetime) -> int:
    """Return unix milliseconds, of what is between two the earlier one."""
    return int(at.timestamp() * 1000)
