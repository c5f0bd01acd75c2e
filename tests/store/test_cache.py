"""What a process remembers of links."""

from __future__ import annotations

import gc
import random
import sys
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortly.links.cache import CHANCES, LinkCache
from shortly.links.link import Redirection
from shortly.redirect.answer import prepare


def redirection(slug: str) -> Redirection:
    return Redirection(link_id=1, domain="", slug=slug, target="https://example.com/")


def test_a_redirection_is_remembered_until_it_is_dropped() -> None:
    cache = LinkCache(10)
    kept = redirection("ab")
    cache.put("", "ab", kept)
    assert cache.get("", "ab") is kept
    assert cache.get("other.example", "ab") is None
    cache.drop("", "ab")
    assert cache.get("", "ab") is None
    cache.drop("", "ab")


def test_a_newer_redirection_takes_the_older_ones_place_and_nobody_else_s() -> None:
    cache = LinkCache(2)
    cache.put("", "ab", redirection("old"))
    cache.put("", "cd", redirection("cd"))
    newer = redirection("new")
    cache.put("", "ab", newer)
    assert cache.get("", "ab") is newer
    assert cache.get("", "cd") is not None


def test_clearing_forgets_all() -> None:
    cache = LinkCache(4)
    for slug in "abcd":
        cache.put("", slug, redirection(slug))
    cache.clear()
    assert [cache.get("", slug) for slug in "abcd"] == [None] * 4
    assert len(cache) == 0


def test_what_is_asked_for_stays_while_what_is_not_goes() -> None:
    cache = LinkCache(10)
    cache.put("", "hot", redirection("hot"))
    cache.put("", "cold", redirection("cold"))
    for number in range(100):
        cache.put("", str(number), redirection(str(number)))
        assert cache.get("", "hot") is not None
    assert cache.get("", "cold") is None


def test_the_first_that_nobody_asked_for_goes_first() -> None:
    cache = LinkCache(4)
    for slug in "abcd":
        cache.put("", slug, redirection(slug))
    assert cache.get("", "a") is not None
    cache.put("", "e", redirection("e"))
    assert [slug for slug in "abcde" if cache.get("", slug)] == ["a", "c", "d", "e"]


def test_a_new_one_finds_a_place_soon_where_all_others_are_asked_for() -> None:
    cache = LinkCache(100)
    for number in range(100):
        cache.put("", str(number), redirection(str(number)))
    for number in range(100):
        cache.get("", str(number))
    cache.put("", "new", redirection("new"))
    assert cache.get("", "new") is not None
    assert [number for number in range(100) if cache.get("", str(number)) is None] == [CHANCES]


def test_what_is_dropped_and_comes_again_leaves_no_trail() -> None:
    cache = LinkCache(10)
    for number in range(1_000):
        slug = str(number % 7)
        cache.put("", slug, redirection(slug))
        cache.drop("", slug)
    trail = sys.getsizeof(cache._order)
    for number in range(100_000):
        slug = str(number % 7)
        cache.put("", slug, redirection(slug))
        cache.drop("", slug)
    assert sys.getsizeof(cache._order) <= 2 * trail


def test_of_what_is_asked_for_by_a_law_of_popularity_it_has_most() -> None:
    chance = random.Random(1)
    count, limit = 10_000, 1_000
    weights = list(accumulate(1 / rank for rank in range(1, count + 1)))
    cache, hits = LinkCache(limit), 0
    draws = chance.choices(range(count), cum_weights=weights, k=60_000)
    for nth, number in enumerate(draws):
        if cache.get("", str(number)) is None:
            cache.put("", str(number), redirection(str(number)))
        else:
            hits += nth >= len(draws) // 2
    best = weights[limit - 1] / weights[-1]  # who knew the law would keep these
    assert best * 0.85 < hits / (len(draws) // 2) <= best + 0.02


def test_what_is_in_doubt_is_told_apart_and_gives_way_to_what_is_known() -> None:
    cache = LinkCache(10)
    for slug in ("ab", "cd", "ef"):
        cache.put("", slug, redirection(slug))
    cache.doubt()
    assert cache.get("", "ab") is None
    doubted = cache.get_doubted("", "ab")
    assert doubted is not None
    newer = redirection("new")
    cache.put("", "ab", newer)
    cache.drop("", "cd")
    cache.drop_doubted("", "ab")
    assert cache.get_doubted("", "ab") is newer
    assert cache.get_doubted("", "cd") is None
    cache.doubt()
    assert cache.get_doubted("", "ab") is newer
    assert cache.get_doubted("", "ef") is not None
    cache.forget_doubted()
    assert cache.get_doubted("", "ab") is None
    assert len(cache) == 0


def test_doubts_never_make_it_hold_more_than_its_limit_twice() -> None:
    cache = LinkCache(10)
    for number in range(100):
        for slug in range(number, number + 7):
            cache.put("", str(slug), redirection(str(slug)))
        cache.doubt()
        assert len(cache) <= 20
        assert cache.get_doubted("", str(number)) is not None


def test_a_cache_of_none_remembers_none() -> None:
    cache = LinkCache(0)
    cache.put("", "ab", redirection("ab"))
    assert cache.get("", "ab") is None


@pytest.mark.parametrize("limit", [1, 2, 3, 10])
@given(steps=st.lists(st.tuples(st.sampled_from(["get", "put", "drop"]), st.integers(0, 30)), max_size=200))
def test_it_never_holds_more_than_its_limit_nor_a_wrong_answer(limit: int, steps: list[tuple[str, int]]) -> None:
    cache = LinkCache(limit)
    known: dict[str, Redirection] = {}
    for step, number in steps:
        slug = str(number)
        if step == "put":
            known[slug] = redirection(slug)
            cache.put("", slug, known[slug])
        elif step == "drop":
            known.pop(slug, None)
            cache.drop("", slug)
        else:
            assert cache.get("", slug) in (None, known.get(slug))
        assert len(cache) <= limit


def test_slugs_of_further_domains_are_apart_even_if_they_look_like_others() -> None:
    cache = LinkCache(10)
    path, host = redirection("a.example/x"), redirection("x")
    cache.put("", "a.example/x", path)
    cache.put("a.example", "x", host)
    assert cache.get("", "a.example/x") is path
    assert cache.get("a.example", "x") is host
    cache.drop("a.example", "x")
    assert cache.get("", "a.example/x") is path


def test_what_is_in_doubt_is_let_go_little_by_little() -> None:
    cache = LinkCache(200)
    kept = [redirection(str(number)) for number in range(100)]
    alone = references(kept)
    for number in range(100):
        cache.put("", str(number), kept[number])
    cache.doubt()
    cache.forget_doubted()
    held = []
    for number in range(100):
        cache.put("", str(number), redirection(str(number)))
        held.append(references(kept) - alone)
    assert held == list(range(99, -1, -1))


def references(objects: list[Redirection]) -> int:
    return sum(sys.getrefcount(one) for one in objects)


def test_the_collector_of_cyclic_garbage_does_not_walk_over_what_is_remembered() -> None:
    one = redirection("ab")
    one.prepared = prepare(one)
    gc.collect()  # lets go of the inner tuples
    gc.collect()  # and of the one around them
    assert not gc.is_tracked(one)
    assert not gc.is_tracked(one.prepared)
    assert not gc.is_tracked(one.prepared.headers)
