"""Periods: what may be asked for, where they start and end, how many buckets they have."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from shortly.errors import InvalidInput, RangeTooLarge
from shortly.stats.periods import MAX_BUCKETS, NAMED_STEPS, Period, PeriodQuery, resolve
from shortly.stats.zones import day_start, find_zone, local_date, local_start, zone_names

NOW = datetime(2026, 11, 23, 12, 34, 56, tzinfo=UTC)
CREATED = datetime(2025, 3, 15, 23, 30, tzinfo=UTC)


def resolved(
    period: str | None = None,
    *,
    since: str | None = None,
    until: str | None = None,
    tz: str = "UTC",
    step: str | None = None,
    now: datetime = NOW,
) -> Period:
    query = PeriodQuery(period=period, since=since, until=until, tz=tz, step=step)
    return resolve(query, now=now, created_at=CREATED)


def ends(period: Period) -> tuple[str, str]:
    return period.since.isoformat(timespec="hours"), period.until.isoformat(timespec="hours")


@pytest.mark.parametrize(
    ("name", "since", "until", "step", "buckets"),
    [
        ("24h", "2026-11-22T14+01:00", "2026-11-23T14+01:00", "hour", 24),
        ("today", "2026-11-23T00+01:00", "2026-11-23T14+01:00", "hour", 14),
        ("yesterday", "2026-11-22T00+01:00", "2026-11-23T00+01:00", "hour", 24),
        ("7d", "2026-11-17T00+01:00", "2026-11-24T00+01:00", "day", 7),
        ("30d", "2026-10-25T00+02:00", "2026-11-24T00+01:00", "day", 30),
        (None, "2026-10-25T00+02:00", "2026-11-24T00+01:00", "day", 30),
        ("90d", "2026-08-26T00+02:00", "2026-11-24T00+01:00", "day", 90),
        ("month", "2026-11-01T00+01:00", "2026-11-24T00+01:00", "day", 23),
        ("year", "2026-01-01T00+01:00", "2026-12-01T00+01:00", "month", 11),
        ("12mo", "2025-12-01T00+01:00", "2026-12-01T00+01:00", "month", 12),
        ("all", "2025-03-16T00+01:00", "2026-12-01T00+01:00", "month", 21),
    ],
)
def test_a_named_period_is_made_of_local_hours_days_or_months(
    name: str | None, since: str, until: str, step: str, buckets: int
) -> None:
    period = resolved(name, tz="Europe/Berlin")
    assert ends(period) == (since, until)
    assert period.step == step
    assert len(period.edges()) - 1 == buckets
    assert period.running == (name != "yesterday")


@pytest.mark.parametrize(
    ("since", "until", "step"),
    [
        ("2026-11-01", "2026-11-03", "hour"),
        ("2026-10-24", "2026-10-26", "hour"),  # 49 hours in Berlin
        ("2026-11-01", "2026-11-04", "day"),
        ("2026-08-01", "2026-11-01", "day"),
        ("2026-01-01", "2026-07-01", "week"),
        ("2025-01-01", "2026-01-01", "month"),
    ],
)
def test_the_step_is_chosen_from_the_length(since: str, until: str, step: str) -> None:
    assert resolved(since=since, until=until, tz="Europe/Berlin").step == step


def test_dates_are_local_midnights_and_times_without_an_offset_are_local() -> None:
    period = resolved(since="2026-07-01", until="2026-07-02T06:00", tz="America/New_York")
    assert ends(period) == ("2026-07-01T00-04:00", "2026-07-02T06-04:00")


def test_a_time_in_the_midst_of_an_hour_takes_the_whole_hour_in() -> None:
    period = resolved(since="2026-11-01T10:20:00Z", until="2026-11-01T11:00:01Z", tz="Europe/Berlin")
    assert ends(period) == ("2026-11-01T11+01:00", "2026-11-01T13+01:00")


def test_a_period_without_an_end_runs_to_the_end_of_the_present_bucket() -> None:
    for step, until in [
        ("hour", "2026-11-23T13"),
        ("day", "2026-11-24T00"),
        ("week", "2026-11-30T00"),
        ("month", "2026-12-01T00"),
    ]:
        for end in (None, "2026-12-01" if step != "month" else "2099-12-31"):
            period = resolved(since="2026-11-10", until=end, step=step)
            assert (ends(period)[1], period.running) == (until + "+00:00", True)


def test_an_end_before_now_is_kept_within_the_present_bucket() -> None:
    period = resolved(since="2026-10-01", until="2026-11-23T05:00:00Z", step="month")
    assert (ends(period)[1], period.running) == ("2026-11-23T05+00:00", False)
    assert not resolved(since="2026-10-01", until="2026-11-23T12:00:00Z").running
    assert resolved(since="2026-10-01", until="2026-11-23T12:00:01Z").running


def test_the_first_and_the_last_bucket_are_cut_short_by_the_period() -> None:
    period = resolved(since="2026-10-15", until="2026-11-20", step="month")
    starts = [local_start(hour, period.zone).date() for hour in period.edges()]
    assert starts == [date(2026, 10, 15), date(2026, 11, 1), date(2026, 11, 20)]
    weeks = resolved(since="2026-11-04", until="2026-11-20", step="week").edges()
    assert [local_date(hour, ZoneInfo("UTC")).day for hour in weeks] == [4, 9, 16, 20]


@pytest.mark.parametrize(
    ("since", "until", "before"),
    [
        ("2026-03-01", "2026-04-01", "2026-02-01T00+01:00"),
        ("2024-01-01", "2025-01-01", "2023-01-01T00+01:00"),
        ("2026-01-01", "2026-04-01", "2025-10-01T00+02:00"),
        ("2026-03-29", "2026-03-30", "2026-03-28T00+01:00"),  # 23 hours, compared with the day before
        ("2026-03-02", "2026-04-01", "2026-01-31T00+01:00"),
        ("2026-03-29T06:00", "2026-03-29T12:00", "2026-03-28T23+01:00"),
    ],
)
def test_a_period_is_compared_with_as_many_months_days_or_hours_before(since: str, until: str, before: str) -> None:
    previous = resolved(since=since, until=until, tz="Europe/Berlin").previous()
    assert previous.since.isoformat(timespec="hours") == before
    assert previous.until_hour == resolved(since=since, until=until, tz="Europe/Berlin").since_hour


def test_a_running_period_is_compared_with_whole_days() -> None:
    assert ends(resolved("today").previous()) == ("2026-11-22T00+00:00", "2026-11-23T00+00:00")
    assert ends(resolved("7d", step="hour").previous()) == ("2026-11-10T00+00:00", "2026-11-17T00+00:00")
    assert ends(resolved("24h").previous()) == ("2026-11-21T13+00:00", "2026-11-22T13+00:00")


HOSTILE_ZONES = [
    "../../etc/passwd",
    "/etc/passwd",
    "\0",
    "UTC\0",
    "x" * 10_000,
    "",
    " ",
    "Europe",
    "europe/berlin",
    "localtime",
    "posixrules",
    "right/UTC",
    "Europe/Berlin/../Paris",
    "\ud800",
    "zone.tab",
    "+01:00",
]


@pytest.mark.parametrize("tz", HOSTILE_ZONES, ids=lambda tz: ascii(tz[:20]))
def test_only_names_of_time_zones_are_taken(tz: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        resolved("7d", tz=tz)
    assert refusal.value.field == "tz"
    assert len(str(refusal.value)) < 200


HOSTILE_TIMES = [
    "",
    "yesterday",
    "2026-13-01",
    "2026-02-29",
    "1999-12-31",
    "2101-01-01",
    "0001-01-01",
    "9999-12-31T23:59:59-23:59",
    "2026-11-01T10:00:00 01:00",
    "-1",
    "1e9",
    "99999999999999999999",
    "２０２６-11-01",
    "2026-11-01\0",
    "2026-11-01\ud800",
    "2" * 100_000,
]


@pytest.mark.parametrize("field", ["since", "until"])
@pytest.mark.parametrize("text", HOSTILE_TIMES, ids=lambda text: ascii(text[:30]))
def test_junk_in_place_of_a_time_is_refused_by_its_field(field: str, text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        resolved(since=text if field == "since" else "2026-01-01", until=text if field == "until" else None)
    assert refusal.value.field == field
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize("junk", ["", "7D", "week", "1d", "\0", "all ", "x" * 10_000])
def test_unknown_names_of_periods_and_steps_are_refused(junk: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        resolved(junk)
    assert refusal.value.field == "period"
    if junk != "week":
        with pytest.raises(InvalidInput) as refusal:
            resolved("7d", step=junk)
        assert refusal.value.field == "step"


def test_a_minute_across_the_start_of_a_local_hour_is_a_period() -> None:
    query = PeriodQuery(since="2010-09-01T06:29:00Z", until="2010-09-01T06:30:00Z", tz="Asia/Kolkata")
    period = resolve(query, now=NOW, created_at=CREATED)
    assert period.until_hour == period.since_hour + 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (PeriodQuery(period="7d", since="2026-01-01"), "period"),
        (PeriodQuery(until="2026-01-01"), "since"),
        (PeriodQuery(since="2026-01-02", until="2026-01-01"), "until"),
        (PeriodQuery(since="2026-01-01", until="2026-01-01"), "until"),
        (PeriodQuery(since="2026-11-24"), "since"),
        (PeriodQuery(since="2026-11-24", step="month"), "since"),
        (PeriodQuery(since="2011-12-30", until="2011-12-31", tz="Pacific/Apia"), "until"),
    ],
)
def test_a_period_that_contradicts_itself_is_empty_or_in_the_future_is_refused(query: PeriodQuery, field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        resolve(query, now=NOW, created_at=CREATED)
    assert refusal.value.field == field


def test_a_period_has_at_most_so_many_buckets() -> None:
    until = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=MAX_BUCKETS)
    most = resolved(since="2026-01-01T00:00Z", until=until.isoformat(), step="hour")
    assert len(most.edges()) - 1 == MAX_BUCKETS
    with pytest.raises(RangeTooLarge) as refusal:
        resolved(since="2026-01-01", until=(until + timedelta(hours=1)).isoformat(), step="hour")
    assert refusal.value.field == "step"
    for step in ("hour", "day", "week"):
        with pytest.raises(RangeTooLarge):
            resolved(since="2000-01-01", step=step, now=datetime(2100, 12, 31, tzinfo=UTC))
    assert len(resolved(since="2000-01-01", now=datetime(2100, 12, 31, tzinfo=UTC)).edges()) - 1 == 101 * 12


def test_all_starts_with_the_link_and_never_before_the_first_year() -> None:
    query = PeriodQuery(period="all")
    ancient = resolve(query, now=NOW, created_at=datetime(1970, 1, 1, tzinfo=UTC))
    assert ancient.since.isoformat() == "2000-01-01T00:00:00+00:00"
    from_the_future = resolve(query, now=NOW, created_at=NOW + timedelta(days=3))
    assert ends(from_the_future) == ("2026-11-23T00+00:00", "2026-11-23T13+00:00")


@pytest.mark.parametrize(
    ("tz", "day", "start", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", "2026-03-29T00:00+01:00", 23),
        ("Europe/Berlin", "2026-10-25", "2026-10-25T00:00+02:00", 25),
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T01:00-02:00", 23),  # midnight is skipped
        ("America/Sao_Paulo", "2018-02-17", "2018-02-17T00:00-02:00", 25),  # 23:00 comes twice
        ("Asia/Kolkata", "2026-11-01", "2026-11-01T00:00+05:30", 24),
        ("Asia/Kathmandu", "2026-11-01", "2026-11-01T00:00+05:45", 24),
        ("Australia/Lord_Howe", "2026-04-05", "2026-04-05T00:00+11:00", 24),  # 24.5 hours
        ("Australia/Lord_Howe", "2026-10-04", "2026-10-04T00:00+10:30", 24),  # 23.5 hours
        ("Pacific/Apia", "2011-12-29", "2011-12-29T00:00-10:00", 24),
        ("Pacific/Apia", "2011-12-31", "2011-12-31T00:00+14:00", 24),
        ("America/St_Johns", "2010-11-07", "2010-11-07T00:00-02:30", 25),
    ],
)
def test_a_day_of_a_clock_change_has_the_hours_it_has(tz: str, day: str, start: str, hours: int) -> None:
    until = (date.fromisoformat(day) + timedelta(days=1)).isoformat()
    by_hour = resolved(since=day, until=until, tz=tz, step="hour")
    assert len(by_hour.edges()) - 1 == hours
    assert by_hour.since.isoformat(timespec="minutes") == start
    assert len(resolved(since=day, until=until, tz=tz, step="day").edges()) == 2


def test_a_skipped_day_has_no_bucket_and_is_not_yesterday() -> None:
    week = resolved(since="2011-12-27", until="2012-01-03", tz="Pacific/Apia", step="day")
    assert [local_date(hour, week.zone).day for hour in week.edges()] == [27, 28, 29, 31, 1, 2, 3]
    new_year = datetime(2011, 12, 30, 12, tzinfo=UTC)  # the 31st in Apia
    assert resolved("yesterday", tz="Pacific/Apia", now=new_year).since.day == 29
    assert resolved("today", tz="Pacific/Apia", now=new_year).previous().since.day == 29


@pytest.mark.parametrize("tz", sorted(zone_names())[::15])
def test_local_days_follow_one_another_in_every_kind_of_zone(tz: str) -> None:
    zone = find_zone(tz)
    day = date(2009, 12, 25)
    last = day_start(day, zone)
    while day.year < 2013:
        day += timedelta(days=1)
        hour = day_start(day, zone)
        if hour != last:
            assert 22 <= hour - last <= 26
            assert local_date(hour, zone) == day
            assert local_date(hour - 1, zone) < day
        last = hour


@pytest.mark.parametrize(
    "tz", ["UTC", "Asia/Kolkata", "Asia/Kathmandu", "America/St_Johns", "Pacific/Chatham", "Pacific/Kiritimati"]
)
@pytest.mark.parametrize("minutes", range(0, 24 * 60, 170))
def test_a_click_of_this_moment_lies_in_every_period_that_reaches_to_now(tz: str, minutes: int) -> None:
    now = NOW + timedelta(minutes=minutes)
    hour = int(now.timestamp()) // 3600
    for name in NAMED_STEPS:
        period = resolve(PeriodQuery(period=name, tz=tz), now=now, created_at=now)
        assert (period.since_hour <= hour < period.until_hour) == (name != "yesterday")
