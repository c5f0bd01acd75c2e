"""What a follower tells of itself, in a file in DATA_DIR: for metrics, doctor and whoever looks after the machine."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

if TYPE_CHECKING:
    from shortly.settings import Settings

FOLDER = "follow"
"""In DATA_DIR; what the follower needs for itself."""
FILE = "status.json"


class Followed(Struct, frozen=True, kw_only=True):
    """How a follower does."""

    running: bool
    """It did not end orderly since it wrote this."""
    kept_until: datetime | None
    """Everything before is kept; None: nothing is yet."""
    base_at: datetime | None
    """When the chain of changes began that it adds to."""
    compared: int = 0
    """Looks since its start that had to go through a whole database."""
    refusal: str | None = None
    """Code of what keeps it from going on."""


def tell(data_dir: Path, followed: Followed) -> None:
    """Write the file anew, or raise ``OSError``."""
    path = data_dir / FOLDER / FILE
    unfinished = path.with_name(f"{FILE}.new")
    unfinished.write_bytes(msgspec.json.encode(followed))
    os.replace(unfinished, path)


def ask(data_dir: Path) -> Followed | None:
    """Return how the follower does; None: there never was one, or nobody can say."""
    try:
        return msgspec.json.decode((data_dir / FOLDER / FILE).read_bytes(), type=Followed)
    except (OSError, msgspec.DecodeError):
        return None


def is_late(followed: Followed, settings: Settings, now: datetime | None = None) -> bool:
    """Return whether something has not been kept for longer than ALERT_FOLLOW_MINUTES allows."""
    if not settings.alert_follow_minutes or settings.redis_address is not None:
        return False
    oldest = (now or datetime.now(UTC)) - timedelta(minutes=settings.alert_follow_minutes)
    return followed.kept_until is None or followed.kept_until < oldest
