"""Which slugs are allowed, drawn and asked for."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortly.errors import InvalidSlug, ReservedSlug
from shortly.links.reserved import RESERVED
from shortly.links.slug import ALPHABET, MAX_LENGTH, SMALL_ALPHABET, SlugRules

PLAIN = SlugRules()
WIDE = SlugRules(unicode=True, multi_segment=True)


@pytest.mark.parametrize("slug", ["a", "A-b_9", "x" * MAX_LENGTH, "healthy", "API2", "-", "robots"])
def test_a_plain_slug_is_taken_as_it_is(slug: str) -> None:
    assert PLAIN.check(slug) == slug


@pytest.mark.parametrize(
    "slug",
    ["", " ", "a b", "a/b", "a.b", "é", "a+", "%41", "a\n", "a\0", "..", "a" * (MAX_LENGTH + 1), "\ud800", "‮", "a?b"],
)
def test_anything_else_is_refused(slug: str) -> None:
    with pytest.raises(InvalidSlug):
        PLAIN.check(slug)


@pytest.mark.parametrize("slug", ["grüße", "日本", "🎉", "👩‍💻", "docs2/start", "a/b/c", "नमस्ते", "1️⃣"])
def test_other_scripts_emoji_and_segments_are_a_setting(slug: str) -> None:
    assert WIDE.check(slug) == slug
    with pytest.raises(InvalidSlug):
        PLAIN.check(slug)


@pytest.mark.parametrize(
    "slug", ["a//b", "/a", "a/", "a/../b", "\u200d", "\ufe0f", "a\u200bb", "\u202ea", "a b", "a/b?c"]
)
def test_invisible_and_empty_parts_are_refused_even_then(slug: str) -> None:
    with pytest.raises(InvalidSlug):
        WIDE.check(slug)


def test_two_spellings_of_the_same_letters_are_one_slug() -> None:
    assert WIDE.check("e\u0301") == "\u00e9"
    assert WIDE.slug_of("/e\u0301") == "\u00e9"


@pytest.mark.parametrize("slug", ["api", "API", "health", "Docs", "metrics", "v4", "api/x", "x/qr", "x/track"])
def test_no_slug_hides_a_page(slug: str) -> None:
    with pytest.raises(ReservedSlug):
        WIDE.check(slug)


@given(st.sampled_from(sorted(RESERVED)), st.text(max_size=20))
def test_the_redirect_never_looks_up_a_reserved_path(first: str, rest: str) -> None:
    assert PLAIN.slug_of(f"/{first}") is None
    assert PLAIN.slug_of(f"/{first}/{rest}") is None


@given(st.text(max_size=40))
def test_every_slug_that_is_allowed_is_the_one_its_path_asks_for(text: str) -> None:
    try:
        slug = WIDE.check(text)
    except InvalidSlug:
        return
    assert WIDE.slug_of(f"/{slug}") == slug
    assert quote(slug)


@pytest.mark.parametrize(("insensitive", "alphabet"), [(False, ALPHABET), (True, SMALL_ALPHABET)])
def test_drawn_slugs_have_their_length_and_no_look_alikes(insensitive: bool, alphabet: str) -> None:
    rules = SlugRules(length=5, case_insensitive=insensitive)
    drawn = [rules.draw(longer=n % 3) for n in range(300)]
    assert {len(slug) for slug in drawn} == {5, 6, 7}
    assert set("".join(drawn)) <= set(alphabet)
    assert len(set(drawn)) == 300
    assert not set(alphabet) & set("0Oo1Il")


def test_the_alphabet_has_56_letters() -> None:
    assert len(set(ALPHABET)) == len(ALPHABET) == 56
