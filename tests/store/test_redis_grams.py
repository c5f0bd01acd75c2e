"""The grams of links: many links spelled together have those that each has alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.store.examples import link

from shortly.store.redis.grams import (
    PIECE,
    Spelling,
    bitmap_of,
    grams_in,
    grams_of,
    numbers_from,
    packed_rows,
    rows_of,
)
from shortly.store.redis.records import Doc, doc_of
from shortly.store.redis.search import rows_in

LETTERS = st.sampled_from("ab/ß日😀")
TEXTS = st.lists(st.one_of(LETTERS, st.text(LETTERS, min_size=PIECE - 3, max_size=PIECE + 3)), max_size=12).map("".join)
LINKS = st.integers(min_value=1, max_value=(1 << 1200) - 1)


def doc(title: str, notes: str = "", target: str = "https://example.com/") -> Doc:
    return replace(doc_of(link("ab", title=title, notes=notes)), target=target)


@given(st.lists(st.builds(doc, TEXTS, TEXTS, TEXTS.map("https://{}".format)), max_size=6))
def test_links_that_are_spelled_together_have_the_grams_of_each(docs: list[Doc]) -> None:
    spelling = Spelling()
    for place, each in enumerate(docs):
        for text in each.texts():
            spelling.add(text, 1 << place)
    found = spelling.grams()
    for place, each in enumerate(docs):
        assert {gram for gram, links in found.items() if links >> place & 1} == grams_of(each)


@given(TEXTS.filter(lambda text: len(text) > 1))
def test_whatever_is_looked_up_by_is_among_the_grams(text: str) -> None:
    grams = grams_of(doc(text))
    assert all(
        gram in grams
        for start in range(len(text) - 1)
        for gram in grams_in(text[start : start + 40].casefold())
        if len(gram) > 1
    )


@given(LINKS, st.integers(min_value=0, max_value=60_000))
def test_rows_and_bitmaps_say_the_same(links: int, first: int) -> None:
    rows = [first + place for place in range(links.bit_length()) if links >> place & 1]
    assert rows_of(links, numbers_from(first, links.bit_length())) == packed_rows(rows)
    start = first // 8
    bitmap = (bytes(start) + bitmap_of(links, first)).ljust(8192, b"\0")
    assert rows_in(bitmap) == rows
