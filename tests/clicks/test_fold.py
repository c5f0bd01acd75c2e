"""The sums, compared with the simplest way to count."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from shortly.clicks.fold import DAY_MS, HOUR_MS, add, fold_visits
from shortly.clicks.store import EVERY_LINK
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
        **{name: few for name in DIMENSIONS if name not in ("bot", "refused")},
    ),
    max_size=30,
)


def counted_naively(given: list[Visit], link_id: int, since_ms: int, until_ms: int) -> Tally:
    """Count what the folds of a link between two times must be."""
    chosen = [visit for visit in given if link_id in (EVERY_LINK, visit.link_id) and since_ms <= visit.at_ms < until_ms]
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


@given(visits)
def test_the_sums_are_those_of_counting_one_by_one(given: list[Visit]) -> None:
    folded = fold_visits(given)
    for sums, width_ms in ((folded.hours, HOUR_MS), (folded.days, DAY_MS)):
        expected = {(link, visit.at_ms // width_ms) for visit in given for link in (EVERY_LINK, visit.link_id)}
        assert set(sums) == expected
        for (link_id, time), tally in sums.items():
            assert tally == counted_naively(given, link_id, time * width_ms, (time + 1) * width_ms)


@given(visits)
def test_visitors_are_humans_who_were_redirected(given: list[Visit]) -> None:
    expected: dict[tuple[int, int], set[bytes]] = {}
    for visit in given:
        if visit.visitor and not visit.private and not visit.bot and not visit.refused:
            for link_id in (EVERY_LINK, visit.link_id):
                expected.setdefault((link_id, visit.at_ms // DAY_MS), set()).add(visit.visitor)
    assert fold_visits(given).visitors == expected


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
