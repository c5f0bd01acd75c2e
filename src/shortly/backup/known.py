"""What a running installation knows of its backups, without asking their place at every look."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from shortly.api.services import BackupsKnown
from shortly.backup.following.status import ask, is_late
from shortly.backup.noted import NotedBackups, may_be_elsewhere, noted_of, word_of
from shortly.errors import ShortlyError

if TYPE_CHECKING:
    from shortly.accounts.registry import Registry
    from shortly.settings import Settings

LOOK_EVERY_S = 30.0
PATIENCE_S = 2.0
"""A bucket may take longer to answer; it is asked on, and who comes later is told."""


class KnownBackups:
    """The backups in the first place that the settings name, looked at in a thread when somebody asks.

    Args:
        settings: The installation's.
        registry: Where those who make backups leave word of them.
        clock: Returns the present moment, aware.
        every_s: Seconds between two looks.
    """

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._clock = clock
        self._every_s = every_s
        self._looked_at = -every_s
        self._looking: asyncio.Task[BackupsKnown] | None = None

    async def look(self) -> BackupsKnown:
        """Return what there is; "unreadable" when the place does not answer in time."""
        if self._looking is None or (self._looking.done() and time.monotonic() - self._looked_at >= self._every_s):
            self._looked_at = time.monotonic()
            self._looking = asyncio.create_task(self._look())
        done, _ = await asyncio.wait([self._looking], timeout=PATIENCE_S)
        return self._looking.result() if done else BackupsKnown("unreadable")

    async def _look(self) -> BackupsKnown:
        settings, now = self._settings, self._clock()
        known = await asyncio.to_thread(look_at, settings, now)
        if known.status in ("none", "unreadable") and may_be_elsewhere(settings):
            try:
                noted = await word_of(self._registry)
            except ShortlyError:
                return replace(known, status="unreadable")
            if noted is not None:
                return told_of(noted, known, settings, now)
        return known


def look_at(settings: Settings, now: datetime) -> BackupsKnown:
    """Read the backups' cards, and what a follower tells of itself."""
    known = look_at_cards(settings, now)
    followed = ask(settings.data_dir) if settings.redis_address is None else None
    if followed is None:
        return known
    changes: Literal["kept", "late"] = "late" if is_late(followed, settings, now) else "kept"
    return replace(known, changes=changes, changes_until=followed.kept_until)


def look_at_cards(settings: Settings, now: datetime) -> BackupsKnown:
    """Return what the backups' cards say."""
    from shortly.backup.places import S3  # loads the client for buckets, which few workers need
    from shortly.backup.service import backups_of

    place = settings.backup_place
    if not place.startswith(f"{S3}:") and not Path(place).is_dir():
        return BackupsKnown("none")  # looking makes no folder
    try:
        cards = backups_of(settings).cards()
    except (ShortlyError, OSError):
        return BackupsKnown("unreadable")
    if not cards:
        return BackupsKnown("none")
    return told_of(noted_of(cards), BackupsKnown("none"), settings, now)


def told_of(noted: NotedBackups, known: BackupsKnown, settings: Settings, now: datetime) -> BackupsKnown:
    """Return what is known, with what there is of backups."""
    hours = settings.alert_backup_hours
    late = hours and noted.newest_at is not None and now - noted.newest_at > timedelta(hours=hours)
    return replace(
        known,
        status="late" if late else "ok",
        count=noted.count,
        bytes=noted.bytes,
        newest_at=noted.newest_at,
        newest_bytes=noted.newest_bytes,
        encrypted=noted.encrypted,
    )
