"""Clicks as browsers send them, and the visits they become."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortly.accounts.people import MAX_WORKSPACES
from shortly.clicks.click import Click, Outcome, decode_click, encode_click
from shortly.clicks.enrich import Enricher, best_language, campaign_of, referrer_host
from shortly.clicks.visit import DIMENSIONS, Visit

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)


@pytest.fixture(scope="module")
def enricher() -> Iterator[Enricher]:
    """One enricher for all tests, as its caches are meant to be."""
    enricher = Enricher(None)
    yield enricher
    enricher.close()


def click(
    *,
    outcome: int = Outcome.REDIRECTED,
    private: bool = False,
    visitor: bytes = b"visitor1",
    country: str = "",
    network: str = "",
    referrer: str = "",
    user_agent: str = "",
    language: str = "",
    query: str = "",
) -> Click:
    """A click on link 7."""
    return Click(
        1_790_000_000_000, 7, outcome, private, visitor, country, network, referrer, user_agent, language, query
    )


def test_a_visit_says_where_from_with_what_and_why(enricher: Enricher) -> None:
    visit = enricher.visit_of(
        click(
            country="de",
            network="203.0.113.0",
            referrer="https://www.Example.com/page?x=1",
            user_agent=CHROME,
            language="de-AT,en;q=0.8",
            query="utm_source=news&utm_campaign=spring+sale&x=y",
        )
    )
    assert visit == Visit(
        at_ms=1_790_000_000_000,
        link_id=7,
        visitor=b"visitor1",
        referrer="example.com",
        country="DE",
        browser="Chrome",
        os="Windows",
        device="desktop",
        language="de",
        utm_source="news",
        utm_campaign="spring sale",
    )


def test_a_private_visit_says_nothing_but_bot_or_human(enricher: Enricher) -> None:
    seen: dict[str, Any] = {
        "country": "DE",
        "referrer": "https://a.example/",
        "language": "de",
        "query": "utm_source=x",
    }
    human = enricher.visit_of(click(private=True, user_agent=CHROME, **seen))
    bot = enricher.visit_of(click(private=True, user_agent="curl/8.5.0", **seen))
    assert human == Visit(at_ms=human.at_ms, link_id=7, private=True)
    assert bot == Visit(at_ms=bot.at_ms, link_id=7, private=True, bot="curl")


@pytest.mark.parametrize(
    ("outcome", "refused"),
    [(0, ""), (1, "scheduled"), (2, "expired"), (3, "exhausted"), (4, "disabled"), (5, "protected"), (255, "unknown")],
)
def test_a_refused_visit_says_why(enricher: Enricher, outcome: int, refused: str) -> None:
    assert enricher.visit_of(click(outcome=outcome)).refused == refused


def test_a_visitor_without_a_hash_is_nobody(enricher: Enricher) -> None:
    assert enricher.visit_of(click(visitor=bytes(8))).visitor == b""


@pytest.mark.parametrize(
    ("referrer", "host"),
    [
        ("https://www.example.com/", "example.com"),
        ("http://news.example.com:8080/a?b#c", "news.example.com"),
        ("https://EXAMPLE.com", "example.com"),
        ("https://example.com./x", "example.com"),
        ("https://user:secret@example.com/", "example.com"),
        ("https://xn--mnchen-3ya.example/", "xn--mnchen-3ya.example"),
        ("https://[2001:db8::1]:443/", "[2001:db8::1]"),
        ("android-app://com.google.android.gm/", "com.google.android.gm"),
        ("https://" + "a" * 1000 + "/", "a" * 253),
        ("https://m\xfcnchen.example/", ""),
        ("https://exa mple.com/", ""),
        ("https://example.com\r\nX: y", ""),
        ("https://<script>/", ""),
        ("javascript:alert(1)", ""),
        ("file:///etc/passwd", ""),
        ("example.com/page", ""),
        ("https://", ""),
        ("-", ""),
        ("\x00", ""),
    ],
)
def test_a_referrer_is_a_host(referrer: str, host: str) -> None:
    assert referrer_host(referrer) == host


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("en-US,en;q=0.9", "en"),
        ("de;q=0.5, fr;q=0.9, en;q=0.7", "fr"),
        ("DE-de", "de"),
        ("*, nl;q=0.2", "nl"),
        ("fil-PH", "fil"),
        ("en;q=0", ""),
        ("en;q=2", ""),
        ("en;q=nan, it;q=0.1", "it"),
        ("x" * 100, ""),
        ("<b>", ""),
        ("", ""),
    ],
)
def test_a_language_is_the_one_liked_best(accepted: str, language: str) -> None:
    assert best_language(accepted) == language


@pytest.mark.parametrize(
    ("query", "source"),
    [
        ("utm_source=a", "a"),
        ("x=1&utm_source=a&utm_source=b", "a"),
        ("utm_source=&utm_source=b", "b"),
        ("utm_source=caf%C3%A9", "café"),
        ("utm_source=caf\xc3\xa9", "café"),
        ("utm_source=%ff", "\ufffd"),
        ("utm_source=a%0d%0ab%00%1b[31m", "ab[31m"),
        ("utm_source=%E2%80%AEevil", "evil"),
        ("utm_source=%zz", "%zz"),
        ("utm_source=+a+", "a"),
        ("utm_source=" + "a" * 500, "a" * 100),
        ("UTM_SOURCE=a", ""),
        ("utm_source", ""),
    ],
)
def test_a_campaign_is_text_that_can_be_shown(query: str, source: str) -> None:
    assert campaign_of(query)[0] == source


texts = st.text(max_size=300) | st.text(st.characters(max_codepoint=255), max_size=300)


@given(
    st.builds(
        Click,
        at_ms=st.integers(0, 2**64 - 1),
        link_id=st.integers(1, 2**63 - 1),
        outcome=st.integers(0, 255),
        private=st.booleans(),
        visitor=st.binary(min_size=8, max_size=8),
        country=st.text(max_size=2),
        network=texts,
        referrer=texts | st.builds("https://{}".format, texts),
        user_agent=texts,
        language=texts,
        workspace=st.integers(1, MAX_WORKSPACES),
        query=texts | st.builds("utm_term={}&utm_content={}".format, texts, texts),
    )
)
def test_no_click_is_too_strange(enricher: Enricher, strange: Click) -> None:
    for told in (strange, decode_click(encode_click(strange))):
        visit = enricher.visit_of(told)
        for name in DIMENSIONS:
            value = getattr(visit, name)
            assert len(value) <= (253 if name == "referrer" else 100)
            assert value == value.strip()
            assert value.encode().isascii() or value.isprintable() or name.startswith("utm_")
            assert not any(character in value for character in "\r\n\0\x1b\u202e")


def test_a_region_of_another_country_is_not_believed(
    tmp_path: Path, put_places: Callable[[Path, dict[str, Any]], None], munich: dict[str, Any]
) -> None:
    put_places(tmp_path / "geo.mmdb", {"203.0.113.0/24": munich})
    enricher = Enricher(tmp_path / "geo.mmdb")
    agreed = enricher.visit_of(click(country="DE", network="203.0.113.0"))
    differing = enricher.visit_of(click(country="FR", network="203.0.113.0"))
    unnamed = enricher.visit_of(click(country="XX", network="203.0.113.0"))
    assert (agreed.country, agreed.city) == ("DE", "Munich")
    assert (differing.country, differing.region, differing.city) == ("FR", "", "")
    assert (unnamed.country, unnamed.city) == ("DE", "Munich")
    enricher.close()
