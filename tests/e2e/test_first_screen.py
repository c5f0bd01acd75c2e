"""What is there before the app is: the home screen's first words, at their place, with nothing of the app fetched."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect
from tests.e2e.site import Site, photograph

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

APP = "**/assets/start-*"
UNKEPT: dict[str, Any] = {"service_workers": "block"}
"""Or else the app comes from what the browser has kept."""


@pytest.mark.parametrize("width", [1200, 360])
def test_the_first_words_are_there_before_the_app_and_stay_where_they_are(site: Site, width: int) -> None:
    page = site.open(width=width, **UNKEPT)
    site.set_up(page)
    page.route(APP, lambda route: route.abort())
    page.goto(site.url)
    frame = page.locator(".frame")
    first = {}
    for text in ("Shorten a link", "Paste a long address and press Enter"):
        words = frame.get_by_text(text)
        expect(words).to_be_visible()
        first[text] = words.bounding_box()
    photograph(page, f"first-{width}")
    page.unroute(APP)
    page.reload()
    for text, place in first.items():
        words = page.get_by_role("main").get_by_text(text)
        expect(words).to_be_visible()
        expect(frame).to_have_count(0)
        box = words.bounding_box()
        assert box is not None
        assert place is not None
        assert [box[side] for side in ("x", "y", "height")] == pytest.approx(
            [place[side] for side in ("x", "y", "height")], abs=2
        )


@pytest.mark.parametrize(
    ("languages", "chosen", "words"),
    [("de-AT", None, "Link kürzen"), ("zh-TW", None, "Shorten a link"), ("de-DE", "ja", "リンクを短縮")],
)
def test_the_first_words_are_in_the_language_of_the_app(
    site: Site, languages: str, chosen: str | None, words: str
) -> None:
    page = site.open(locale=languages, **UNKEPT)
    if chosen:
        page.add_init_script(f"localStorage.setItem('shortly-locale', '{chosen}')")
    page.route(APP, lambda route: route.abort())
    page.goto(site.url)
    expect(page.locator(".frame").get_by_text(words)).to_be_visible()


def test_the_frame_is_dark_where_that_was_chosen_and_empty_of_words_on_other_screens(site: Site) -> None:
    page = site.open(scheme="dark", **UNKEPT)
    page.route(APP, lambda route: route.abort())
    page.goto(site.url)
    expect(page.locator("body")).to_have_css("background-color", "rgb(36, 36, 36)")
    page.goto(f"{site.url}/app/links")
    expect(page.locator(".frame header")).to_be_visible()
    expect(page.locator(".frame p")).to_be_hidden()
    page.goto(f"{site.url}/app/sign-in")
    expect(page.locator(".frame")).to_be_hidden()
