"""Dates and times on the wire: RFC 3339, always with an offset, answered in UTC with a Z."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator

from shortly.links.fields import EARLIEST, LATEST

RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def check_form(value: object) -> object:
    """Refuse what Pydantic would take for a time too, such as a number."""
    if not isinstance(value, str) or not RFC_3339.fullmatch(value):
        raise ValueError("should be a date and time with an offset, such as 2026-01-31T08:00:00+01:00")
    return value


def check_bounds(moment: datetime) -> datetime:
    """Return the moment in UTC; only what stores can hold."""
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        moment = LATEST
    if not EARLIEST <= moment < LATEST:
        raise ValueError("should lie between the years 2000 and 2199")
    return moment


Moment = Annotated[AwareDatetime, BeforeValidator(check_form), AfterValidator(check_bounds)]
