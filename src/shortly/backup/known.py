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
from shortly.errors import ShortlyError

if TYPE_CHECKING:
    from shortly.settings import Settings

LOOK_EVERY_S = 30.0
PATIENCE_S = 2.0
"""A bucket may take longer to answer; it is asked on, and who comes later is told."""


class KnownBackups:
    """The backups in the first place that the settings name, looked at in a thread when somebody asks.

    Args:
        settings: The installation's.
        clock: Returns the present moment, aware.
        every_s: Seconds between two looks.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._every_s = every_s
        self._looked_at = -every_s
        self._looking: asyncio.Task[BackupsKnown] | None = None

    async def look(self) -> BackupsKnown:
        """Return what there is; "unreadable" when the place does not answer in time."""
        if self._looking is None or (self._looking.done() and time.monotonic() - self._looked_at >= self._every_s):
            self._looked_at = time.monotonic()
            self._looking = asyncio.create_task(asyncio.to_thread(look_at, self._settings, self._clock()))
        done, _ = await asyncio.wait([self._looking], timeout=PATIENCE_S)
        return self._looking.result() if done else BackupsKnown("unreadable")


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
    newest = cards[0]
    late = settings.alert_backup_hours and now - newest.created_at > timedelta(hours=settings.alert_backup_hours)
    return BackupsKnown(
        "late" if late else "ok",
        count=len(cards),
        bytes=sum(card.bytes for card in cards),
        newest_at=newest.created_at,
        newest_bytes=newest.bytes,
        encrypted=newest.encrypted,
    )
