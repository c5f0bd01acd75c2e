"""The app speaks the browser's language, or the one that was chosen."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect
from tests.e2e.site import EMAIL, PASSWORD, ROOT, Site, photograph

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

FONTS = {"ja": ["Hiragino Sans", "Noto Sans CJK JP"], "zh-Hans": ["PingFang SC", "Noto Sans CJK SC"]}
"""Some of the fonts that a language has in front of all others."""
TEXTS = ROOT / "web" / "src" / "i18n" / "locales"


def texts(locale: str, area: str) -> dict[str, str]:
    read: dict[str, str] = json.loads((TEXTS / locale / f"{area}.json").read_text())
    return read


def test_the_browsers_language_is_spoken_and_another_one_can_be_chosen(site: Site) -> None:
    site.set_up(site.open())
    for tag, locale in [
        ("de-AT", "de"),
        ("es-MX", "es"),
        ("fr-CA", "fr"),
        ("pt-BR", "pt"),
        ("ja-JP", "ja"),
        ("zh-CN", "zh-Hans"),
        ("nl-NL", "en"),
    ]:
        page = site.open(locale=tag)
        page.goto(f"{site.url}/app/sign-in")
        expect(page.get_by_role("heading", name=texts(locale, "auth")["signIn"], exact=True)).to_be_visible()
        assert page.evaluate("document.documentElement.lang") == locale
        fonts = page.get_by_role("heading").first.evaluate("heading => getComputedStyle(heading).fontFamily")
        assert [name for name in FONTS.get(locale, []) if name not in fonts] == []
        assert ("sans-serif" if locale in FONTS else "system-ui") in fonts
        page.context.close()
    page = site.open(locale="de-DE")
    page.goto(f"{site.url}/app/sign-in")
    page.get_by_role("textbox").nth(0).fill(EMAIL)
    page.get_by_role("textbox").nth(1).fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=texts("de", "home")["title"])).to_be_visible()
    photograph(page, "home-de")
    page.get_by_role("button", name=texts("de", "nav")["account"]).click()
    page.get_by_role("menuitem", name="日本語").click()
    expect(page.get_by_role("heading", name=texts("ja", "home")["title"])).to_be_visible()
    page.reload()
    expect(page.get_by_role("link", name=texts("ja", "nav")["analytics"])).to_be_visible()
    photograph(page, "home-ja")
    assert site.complaints == []
