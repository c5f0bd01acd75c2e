"""The quick ways of writing rows of clicks down, held against the general ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortly.clicks.fold import HUMAN, hours_of
from shortly.clicks.visit import Visit
from shortly.store.sqlite import click_rows
from shortly.store.sqlite.click_rows import link_in, link_prefix, pack, pack_hours_of, unpack_hours

visits = st.builds(
    Visit,
    at_ms=st.integers(0, (1 << 43) - 1),
    link_id=st.just(1),
    refused=st.sampled_from(["", "", "", "expired"]),
    bot=st.sampled_from(["", "", "curl"]),
    private=st.booleans(),
    **{name: st.sampled_from(["", "a", "ä", "a text of more than 31 characters"]) for name in HUMAN},
)


@given(visits)
def test_the_hours_of_one_visit_are_packed_as_those_of_its_tally(visit: Visit) -> None:
    assert pack_hours_of(visit) == pack(hours_of([visit]))


def test_values_that_find_no_room_are_packed_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(click_rows, "ONES", 2)
    for nth in range(7):
        visit = Visit(at_ms=nth, link_id=1, referrer=f"{nth}.example", browser=f"{nth}")
        assert unpack_hours(pack_hours_of(visit)) == hours_of([visit])


@given(st.integers(-(1 << 63), (1 << 63) - 1))
def test_the_key_of_a_visitor_says_whose_he_is(link_id: int) -> None:
    assert link_in(link_prefix(link_id) + b"visitor1") == link_id
