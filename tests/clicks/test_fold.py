"""The sums, compared with the simplest way to count."""

from collections import Counter
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shortly.clicks import fold
from shortly.clicks.fold import DAY_MS, HOUR_MS, MANY_VISITS, add, fold_visits, sum_of, tally_of
from shortly.clicks.store import EVERY_LINK, every_link
from shortly.clicks.visit import DIMENSIONS, OTHER, Tally, Visit

AT = 20_000 * DAY_MS
few = st.sampled_from(["", "a", "b"])
visits = st.lists(
    st.builds(
        Visit,
        at_ms=st.sampled_from([AT, AT + HOUR_MS - 1, AT + HOUR_MS, AT + DAY_MS - 1, AT + DAY_MS]),
        link_id=st.integers(1, 3),
        refused=st.sampled_from(["", "", "", "expired"]),
        bot=st.sampled_from(["", "", "curl"]),
        visitor=st.sampled_from([b"", b"visitor1", b"visitor2"]),
        private=st.booleans(),
        workspace=st.integers(1, 3),
        **{name: few for name in DIMENSIONS if name not in ("bot", "refused")},
    ),
    max_size=30,
)


def ids_of(visit: Visit) -> tuple[int, int]:
    """Return where a visit is counted."""
    return visit.link_id, every_link(visit.workspace)


def counted_naively(given: list[Visit], link_id: int, since_ms: int, until_ms: int) -> Tally:
    """Count what the folds of a link between two times must be."""
    chosen = [visit for visit in given if link_id in ids_of(visit) and since_ms <= visit.at_ms < until_ms]
    clicks = [visit for visit in chosen if not visit.refused]
    humans = [visit for visit in clicks if not visit.bot]
    described = {"refused": chosen, "bot": clicks}
    dimensions = {
        name: Counter(value for visit in described.get(name, humans) if (value := getattr(visit, name)))
        for name in DIMENSIONS
    }
    return Tally(
        clicks=len(clicks),
        bots=len(clicks) - len(humans),
        dimensions={name: dict(counts) for name, counts in dimensions.items() if counts},
    )


@pytest.mark.parametrize("many", [1, MANY_VISITS, 10**6])
@given(given=visits)
def test_the_sums_are_those_of_counting_one_by_one(many: int, given: list[Visit]) -> None:
    with patch.object(fold, "MANY_VISITS", many):
        folded = fold_visits(given)
    sums = {
        (link_id, day * 24 + hour): tally
        for day, links in folded.days.items()
        for link_id, hours in links.items()
        for hour, tally in hours.items()
    }
    alone = [visit for links in folded.alone.values() for visit in links.values()]
    assert not {(visit.link_id, visit.at_ms // HOUR_MS) for visit in alone} & set(sums)
    sums |= {(visit.link_id, visit.at_ms // HOUR_MS): tally_of([visit]) for visit in alone}
    assert set(sums) == {(link, visit.at_ms // HOUR_MS) for visit in given for link in ids_of(visit)}
    for (link_id, hour), tally in sums.items():
        assert tally == counted_naively(given, link_id, hour * HOUR_MS, (hour + 1) * HOUR_MS)


@given(visits)
def test_visitors_are_humans_who_were_redirected(given: list[Visit]) -> None:
    expected: dict[int, set[tuple[int, bytes]]] = {}
    for visit in given:
        seen = expected.setdefault(visit.at_ms // DAY_MS, set())
        if visit.visitor and not visit.private and not visit.bot and not visit.refused:
            seen.update((link, visit.visitor) for link in ids_of(visit))
    assert fold_visits(given).visitors == expected


@given(st.lists(visits, min_size=1))
def test_a_sum_of_tallies_is_that_of_all_their_visits(given: list[list[Visit]]) -> None:
    given = [[replace(visit, workspace=1) for visit in some] for some in given]
    everything = [visit for some in given for visit in some]
    expected = counted_naively(everything, EVERY_LINK, 0, 1 << 60)
    assert sum_of(tally_of(some) for some in given) == expected


counts = st.dictionaries(st.sampled_from([*"abcdefgh", OTHER]), st.integers(1, 9))


@given(counts, counts)
def test_values_beyond_the_bound_are_counted_together(known: dict[str, int], more: dict[str, int]) -> None:
    total = Tally()
    for each in (known, more):
        add(total, Tally(dimensions={"city": each} if each else {}), max_values=4)
    kept = total.dimensions.get("city", {})
    assert len(kept.keys() - {OTHER}) <= 4
    assert sum(kept.values()) == sum(known.values()) + sum(more.values())
    everything = Counter(known) + Counter(more)
    assert all(number <= everything[value] for value, number in kept.items() if value != OTHER)
    if len(everything.keys() - {OTHER}) <= 4:
        assert kept == everything


def test_the_most_frequent_of_the_new_values_get_the_free_places() -> None:
    total = Tally(dimensions={"city": {"a": 1, OTHER: 1}})
    add(total, Tally(dimensions={"city": {"b": 1, "c": 5, "d": 2, "a": 1}}), max_values=2)
    assert total.dimensions == {"city": {"a": 2, "c": 5, OTHER: 4}}
