"""Moments as the integers that stores keep: unix milliseconds, UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


def to_ms(moment: datetime) -> int:
    """Return unix milliseconds; fractions are dropped."""
    return (moment - EPOCH) // MILLISECOND


def from_ms(ms: int) -> datetime:
    """Return the exact moment, aware, UTC."""
    return EPOCH + ms * MILLISECOND


def to_ms_or_none(moment: datetime | None) -> int | None:
    """``to_ms`` where there is a moment."""
    return None if moment is None else to_ms(moment)


def from_ms_or_none(ms: int | None) -> datetime | None:
    """``from_ms`` where there is a number."""
    return None if ms is None else from_ms(ms)
