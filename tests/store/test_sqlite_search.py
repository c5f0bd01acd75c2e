"""Which trigrams candidates of a search must have."""

from __future__ import annotations

from shortly.store.sqlite.search import MOST_TRIGRAMS, trigram_match

TEXTS = [f"https://www.example.com/{name}" for name in ("spring", "summer", "autumn", "winter")]


def test_what_most_links_have_is_not_asked_for() -> None:
    assert trigram_match("www.example.com/spring", TEXTS) == " AND ".join(
        f'"{trigram}"' for trigram in ("/sp", "spr", "pri", "rin", "ing", "m/s")
    )


def test_where_all_links_have_all_of_it_all_of_it_is_asked_for() -> None:
    assert trigram_match("www.", TEXTS) == '"www" AND "ww."'


def test_a_long_search_asks_for_the_rarest() -> None:
    long = "".join(chr(0x4E00 + number) for number in range(40))
    known = [long[:20]] * 3 + [""] * 7
    assert trigram_match(long, known) == " AND ".join(
        f'"{long[start : start + 3]}"' for start in range(18, 18 + MOST_TRIGRAMS)
    )


def test_what_trigrams_cannot_find_is_not_asked_for() -> None:
    assert trigram_match("ab", TEXTS) is None
    assert trigram_match("abc\0def", TEXTS) is None
    assert trigram_match('a"b', TEXTS) == '"a""b"'
