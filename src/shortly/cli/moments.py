"""Moments as people write them on a command line or into a file."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from shortly.errors import InvalidInput

FROM_NOW = re.compile(r"([+-])([0-9]{1,6})([mhdw])")
UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
MAX_TEXT = 40
EXAMPLES = "2026-12-31, 2026-12-31T18:00+01:00, +30d or -12h"


def parse_moment(text: str, field: str, now: datetime | None = None) -> datetime:
    """Return the moment, aware.

    Args:
        text: ISO 8601, a missing time meaning midnight and a missing offset UTC; or a sign, a number and a unit
            (minutes, hours, days, weeks) from now.
        field: Named in the error.
        now: Aware; None: the present moment.

    Raises:
        InvalidInput: It is none of these.
    """
    if found := FROM_NOW.fullmatch(text):
        span = timedelta(**{UNITS[found[3]]: int(found[2])})
        try:
            return (now or datetime.now(UTC)) + (span if found[1] == "+" else -span)
        except OverflowError:
            raise refusal(field) from None
    if len(text) > MAX_TEXT or not text.isascii():
        raise refusal(field)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise refusal(field) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def refusal(field: str) -> InvalidInput:
    """Return what is said about a text that is no moment."""
    return InvalidInput(f"The {field.replace('_', ' ')} must be a moment such as {EXAMPLES}.", field=field)
