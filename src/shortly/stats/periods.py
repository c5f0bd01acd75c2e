"""Periods of time: how they are asked for, how they are cut into buckets, and what they are compared with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

from msgspec import Struct

from shortly.errors import InvalidInput, RangeTooLarge
from shortly.stats.zones import day_start, find_zone, local_date, local_start, utc_day, utc_hour

Step = Literal["hour", "day", "week", "month"]
"""Width of a bucket; weeks begin on Monday."""
STEPS: tuple[Step, ...] = get_args(Step)

MAX_BUCKETS = 2_000
FIRST_YEAR = 2000
LAST_YEAR = 2100
MAX_TEXT = 40
"""Characters of a date or time."""

OPEN_H = 32 * 24
"""Hours after the present one that a period without an end is given before it is cut off; no bucket is longer."""

DEFAULT_PERIOD = "30d"
NAMED_STEPS: dict[str, Step | None] = {
    "24h": "hour",
    "7d": "day",
    "30d": "day",
    "90d": "day",
    "12mo": "month",
    "today": "hour",
    "yesterday": "hour",
    "month": "day",
    "year": "month",
    "all": None,
}
"""Each named period with its usual step; None: by its length. Days and months are local and whole, and the present one
is the last of them; ``24h`` are 24 hours, the present one being the last; ``month`` and ``year`` are the present ones;
``all`` begins with the local day on which the link was made."""


class PeriodQuery(Struct, frozen=True, kw_only=True):
    """A period as it is asked for: by name, or by ``since`` and ``until``; by neither it is ``DEFAULT_PERIOD``."""

    period: str | None = None
    """One of ``NAMED_STEPS``."""
    since: str | None = None
    """ISO 8601, inclusive. A date means local midnight, a time without an offset is local."""
    until: str | None = None
    """Likewise, exclusive; now, when it is missing."""
    tz: str = "UTC"
    """IANA name."""
    step: str | None = None
    """One of ``STEPS``; chosen from the length when it is missing."""


class Period(Struct, frozen=True, kw_only=True):
    """The hours (see ``zones``) from ``since_hour`` up to, not including, ``until_hour``; never empty."""

    zone: ZoneInfo
    step: Step
    since_hour: int
    until_hour: int
    running: bool
    """It reaches past the present moment, so its last bucket is still filling."""

    @property
    def since(self) -> datetime:
        """Start, inclusive, in local time."""
        return local_start(self.since_hour, self.zone)

    @property
    def until(self) -> datetime:
        """End, exclusive, in local time."""
        return local_start(self.until_hour, self.zone)

    def edges(self) -> list[int]:
        """Return where the buckets begin, and last where the last one ends; rising.

        Buckets are local hours, days, weeks or months; the first and the last are cut short by the period's ends. A
        day of a clock change has 23 or 25 hours, and one that the zone skipped has no bucket.
        """
        if self.step == "hour":
            return list(range(self.since_hour, self.until_hour + 1))
        edges = [self.since_hour]
        for day in self._step_starts():
            hour = day_start(day, self.zone)
            if hour >= self.until_hour:
                break
            if hour > edges[-1]:
                edges.append(hour)
        edges.append(self.until_hour)
        return edges

    def _step_starts(self) -> Iterator[date]:
        day = local_date(self.since_hour, self.zone)
        while True:
            day = next_start(day, self.step)
            yield day

    def whole_days(self) -> range | None:
        """Return the UTC days with the dates of its local days, or None where it cuts through a day."""
        return whole_days(self.since_hour, self.until_hour, self.zone, running=self.running)

    def days(self) -> range:
        """Return the UTC days with the dates of all local days that it touches, and perhaps one more."""
        return range(
            utc_day(local_date(self.since_hour, self.zone)), utc_day(local_date(self.until_hour, self.zone)) + 1
        )

    def previous(self) -> Period:
        """Return the period of the same length that ends where this one starts: as many whole months, else as many
        whole days, else as many hours. What is running counts as whole."""
        since = local_date(self.since_hour, self.zone)
        days = self.whole_days()
        if days is None:
            begin = 2 * self.since_hour - self.until_hour
        elif (months := self._whole_months()) is not None:
            begin = day_start(add_months(since, -months), self.zone)
        else:
            begin = day_start(min(since - timedelta(days=len(days)), day_before(since, self.zone)), self.zone)
        return Period(zone=self.zone, step=self.step, since_hour=begin, until_hour=self.since_hour, running=False)

    def _whole_months(self) -> int | None:
        first, last = local_date(self.since_hour, self.zone), local_date(self.until_hour, self.zone)
        if first.day != 1 or last.day != 1 or self.until_hour != day_start(last, self.zone):
            return None
        return months_between(first, last) or None


def whole_days(since_hour: int, until_hour: int, zone: ZoneInfo, *, running: bool) -> range | None:
    """Return the numbers of the UTC days that have the dates of the local days between two hours.

    None when the hours cut through a local day at either end; the end of a ``running`` span never does.
    """
    first, end = local_date(since_hour, zone), local_date(until_hour, zone)
    if since_hour != day_start(first, zone):
        return None
    if until_hour != day_start(end, zone):
        if not running:
            return None
        end += timedelta(days=1)
    return range(utc_day(first), utc_day(end))


# --- from what is asked for ----------------------------------------------------------------------------------


class Span(NamedTuple):
    """Hours from ``since`` up to, not including, ``until``."""

    since: int
    until: int


def resolve(query: PeriodQuery, *, now: datetime, created_at: datetime) -> Period:
    """Return the period that is asked for, cut off at the end of the bucket that ``now`` lies in.

    Args:
        query: What is asked for.
        now: The present moment, aware.
        created_at: Where ``all`` starts, aware.

    Raises:
        InvalidInput: A field is unknown, malformed, outside the years 2000 to 2100 or contradicts another one, or the
            period is empty or wholly in the future.
        RangeTooLarge: It has more than ``MAX_BUCKETS`` buckets.
    """
    zone = find_zone(query.tz)
    now_hour = utc_hour(now)
    usual: Step | None = None
    if query.since is None and query.until is None:
        name = DEFAULT_PERIOD if query.period is None else query.period
        span = named_span(name, zone, now_hour, utc_hour(created_at))
        usual = NAMED_STEPS[name]
    else:
        span = explicit_span(query, zone, now_hour)
    step = check_step(query.step) or usual or usual_step(min(span.until, now_hour + 1) - span.since)
    if span.since > now_hour:
        raise InvalidInput("The period lies in the future.", field="since")
    until = min(span.until, step_end(now_hour, step, zone))
    period = Period(zone=zone, step=step, since_hour=span.since, until_hour=until, running=until > now_hour)
    if (buckets := count_buckets(period)) > MAX_BUCKETS:
        raise RangeTooLarge(buckets, MAX_BUCKETS)
    return period


def named_span(name: str, zone: ZoneInfo, now_hour: int, created_hour: int) -> Span:
    """Return a period of ``NAMED_STEPS``; those that hold the present moment end with their last day or month."""
    today = local_date(now_hour, zone)
    month = today.replace(day=1)

    def days(since: date, until: date) -> Span:
        return Span(day_start(since, zone), day_start(until, zone))

    match name:
        case "24h":
            return Span(now_hour - 23, now_hour + 1)
        case "today":
            return days(today, today + timedelta(days=1))
        case "yesterday":
            return days(day_before(today, zone), today)
        case "7d" | "30d" | "90d":
            return days(today - timedelta(days=int(name[:-1]) - 1), today + timedelta(days=1))
        case "month":
            return days(month, add_months(month, 1))
        case "12mo":
            return days(add_months(month, -11), add_months(month, 1))
        case "year":
            return days(today.replace(month=1, day=1), date(today.year + 1, 1, 1))
        case "all":
            created = max(local_date(min(created_hour, now_hour), zone), date(FIRST_YEAR, 1, 1))
            return Span(day_start(created, zone), now_hour + OPEN_H)
        case _:
            raise InvalidInput(f"The period must be one of {', '.join(NAMED_STEPS)}.", field="period")


def explicit_span(query: PeriodQuery, zone: ZoneInfo, now_hour: int) -> Span:
    """Return the hours that ``since`` and ``until`` lie in."""
    if query.period is not None:
        raise InvalidInput("Give either a period or since and until, not both.", field="period")
    if query.since is None:
        raise InvalidInput("An end without a start is no period: give since as well.", field="since")
    start = parse_moment(query.since, zone, field="since")
    since = utc_hour(start)
    if query.until is None:
        return Span(since, max(since, now_hour) + OPEN_H)
    end = parse_moment(query.until, zone, field="until")
    if end.timestamp() <= start.timestamp():
        raise InvalidInput("The end (until, exclusive) must be after the start (since).", field="until")
    until = utc_hour(end)
    if end.timestamp() != local_start(until, zone).timestamp():
        until += 1  # the hour that it is in the midst of belongs to the period
    return Span(since, max(until, since + 1))


def parse_moment(text: str, zone: ZoneInfo, *, field: str) -> datetime:
    """Return the moment of a date or time, which is local where it has no offset.

    Raises:
        InvalidInput: It is not ISO 8601, or not in the years 2000 to 2100.
    """
    try:
        if len(text) > MAX_TEXT or not text.isascii():
            raise ValueError
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            f"{field} must be an ISO 8601 date or time, such as 2026-01-31 or 2026-01-31T08:00:00+01:00 "
            "(in a URL, + is written %2B).",
            field=field,
        ) from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise InvalidInput(f"{field} must lie in the years {FIRST_YEAR} to {LAST_YEAR}.", field=field)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return moment


def check_step(text: str | None) -> Step | None:
    """Return the step, or None for none; raise ``InvalidInput`` for any other text."""
    for step in STEPS:
        if text == step:
            return step
    if text is None:
        return None
    raise InvalidInput(f"The step must be one of {', '.join(STEPS)}.", field="step")


def usual_step(hours: int) -> Step:
    """Return the step that shows a period of this length well, in some 12 to 100 buckets."""
    if hours <= 2 * 25:
        return "hour"
    if hours <= 100 * 24:
        return "day"
    return "week" if hours <= 300 * 24 else "month"


def count_buckets(period: Period) -> int:
    """Return how many buckets a period has, without making them; days that the zone skipped are counted."""
    if period.step == "hour":
        return period.until_hour - period.since_hour
    first, last = local_date(period.since_hour, period.zone), local_date(period.until_hour - 1, period.zone)
    if period.step == "month":
        return months_between(first, last) + 1
    days = (last - first).days
    return days + 1 if period.step == "day" else (days + first.weekday()) // 7 + 1


# --- the calendar --------------------------------------------------------------------------------------------


def step_end(hour: int, step: Step, zone: ZoneInfo) -> int:
    """Return where the bucket that an hour lies in ends."""
    return hour + 1 if step == "hour" else day_start(next_start(local_date(hour, zone), step), zone)


def next_start(day: date, step: Step) -> date:
    """Return the first day after this one on which a bucket begins; for steps of a day or more."""
    if step == "month":
        return add_months(day.replace(day=1), 1)
    return day + timedelta(days=7 - day.weekday() if step == "week" else 1)


def day_before(day: date, zone: ZoneInfo) -> date:
    """Return the last local date before this one that had any hours."""
    return local_date(day_start(day, zone) - 1, zone)


def add_months(first: date, months: int) -> date:
    """Return the first day of the month that lies so many months after the one that ``first`` is the first day of."""
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    return date(year, month + 1, 1)


def months_between(first: date, last: date) -> int:
    """Return how many months lie from the month of one date to that of another."""
    return (last.year - first.year) * 12 + last.month - first.month
