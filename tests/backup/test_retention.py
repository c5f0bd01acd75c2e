"""What the rule keeps: the newest of each of the last days, weeks and months."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shortly.backup.retention import Rule, day_of, kept, month_of, week_of

BEGIN = datetime(2026, 1, 1, 3, tzinfo=UTC)
MOMENTS = st.lists(st.integers(0, 3652 * 24).map(lambda hours: BEGIN + timedelta(hours=hours)), max_size=60)


def test_a_year_of_daily_backups_pruned_every_day_leaves_days_weeks_and_months() -> None:
    rule = Rule(daily=7, weekly=4, monthly=12)
    there: set[datetime] = set()
    for day in range(400):
        there.add(BEGIN + timedelta(days=day))
        there = kept(there, rule)
    now = BEGIN + timedelta(days=399)  # 2027-02-04, a Thursday
    days = {now - timedelta(days=ago) for ago in range(7)}
    weeks = {datetime(2027, 1, 31, 3, tzinfo=UTC), datetime(2027, 1, 24, 3, tzinfo=UTC)}
    weeks |= {datetime(2027, 1, 17, 3, tzinfo=UTC)}
    months = {datetime(2027, 1, 31, 3, tzinfo=UTC)}
    months |= {datetime(2026, month + 1, 1, 3, tzinfo=UTC) - timedelta(days=1) for month in range(3, 12)}
    months |= {datetime(2026, 12, 31, 3, tzinfo=UTC)}
    assert there == days | weeks | months


def test_the_newest_of_a_day_stays() -> None:
    morning, evening = BEGIN, BEGIN + timedelta(hours=15)
    assert kept([morning, evening], Rule(1, 0, 0)) == {evening}


def test_days_without_a_backup_do_not_count() -> None:
    moments = [BEGIN + timedelta(days=day) for day in (0, 40, 41)]
    assert kept(moments, Rule(3, 0, 0)) == set(moments)


def test_a_rule_that_keeps_nothing_keeps_the_newest() -> None:
    assert kept([BEGIN, BEGIN + timedelta(1)], Rule(0, 0, 0)) == {BEGIN + timedelta(1)}
    assert kept([], Rule(7, 4, 12)) == set()


@given(MOMENTS, st.builds(Rule, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)))
def test_pruning_again_changes_nothing_and_no_period_keeps_more_than_the_rule_says(
    moments: list[datetime], rule: Rule
) -> None:
    left = kept(moments, rule)
    assert kept(left, rule) == left <= set(moments)
    assert len(left) <= 1 + rule.daily + rule.weekly + rule.monthly
    for period_of, count in ((day_of, rule.daily), (week_of, rule.weekly), (month_of, rule.monthly)):
        last = sorted({period_of(moment) for moment in moments}, reverse=True)[:count]
        for period in last:
            assert max(moment for moment in moments if period_of(moment) == period) in left
