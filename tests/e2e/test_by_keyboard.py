"""A day with the web app by keyboard alone, and what is told to those who do not see it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.e2e.site import Site, photograph, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

HEAR = """
window.heard = [];
new MutationObserver(changes => {
  for (const {addedNodes} of changes) for (const node of addedNodes)
    if (node.parentElement?.closest("[data-announcer]") && node.textContent) window.heard.push(node.textContent);
}).observe(document, {childList: true, subtree: true, characterData: true});
"""
STEPS = 90
"""How often Tab may be pressed to get anywhere."""


def reach(page: Page, wanted: Locator, key: str = "Tab") -> None:
    """Press Tab until that has the focus."""
    expect(wanted).to_be_visible()
    for _ in range(STEPS):
        if wanted.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{wanted} has no focus after {STEPS} times {key}")


def press(page: Page, wanted: Locator, key: str = "Tab") -> None:
    reach(page, wanted, key)
    page.keyboard.press("Enter")


def hears(page: Page, text: str) -> None:
    wait_for(page, f"window.heard.includes({text!r})", f"{text!r} is told, and not only shown")


def go(page: Page, name: str) -> None:
    """Go to a screen by the palette."""
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Screen, action or link")).to_be_focused()
    page.keyboard.type(name)
    expect(page.get_by_role("option", name=name).first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def test_a_day_by_keyboard_alone(site: Site) -> None:
    page = site.open()
    page.add_init_script(HEAR)
    site.set_up(page)
    page.goto(site.url)
    expect(page.get_by_label("Long address")).to_be_focused()
    page.keyboard.type("example.com/spring")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Copied", exact=True)).to_be_visible()
    press(page, page.get_by_role("main").get_by_role("button", name=re.compile("^Copy ")).first)
    hears(page, "Copied")

    press(page, page.get_by_role("navigation").get_by_role("link", name="Links", exact=True), "Shift+Tab")
    rows = page.get_by_role("list", name="Links").get_by_role("listitem")
    expect(rows).to_have_count(1)
    page.keyboard.press("n")
    expect(page.get_by_role("dialog").get_by_role("textbox", name="Target")).to_be_focused()
    page.keyboard.type("example.com/sale")
    reach(page, page.get_by_role("dialog").get_by_role("textbox", name="Slug"))
    page.keyboard.type("sale")
    expect(page.get_by_text("sale is free.")).to_be_visible()
    press(page, page.get_by_role("button", name="Tags, folder, notes"))
    reach(page, page.get_by_role("combobox", name="Tags"))
    page.keyboard.type("red,")
    press(page, page.get_by_role("button", name="Create"))
    expect(rows).to_have_count(2)

    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search")).to_be_focused()
    page.keyboard.type("sale")
    expect(rows).to_have_count(1)
    hears(page, "1 result")
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    expect(rows).to_have_count(2)
    hears(page, "2 results")
    press(page, page.get_by_role("button", name="Filters"))
    reach(page, page.get_by_role("dialog").get_by_role("combobox", name="Tags"))
    page.keyboard.type("red,")
    expect(rows).to_have_count(1)
    page.keyboard.press("Escape")  # the choices
    page.keyboard.press("Escape")
    press(page, page.get_by_role("button", name="Remove the filter Tags: red"))
    expect(rows).to_have_count(2)

    reach(page, page.get_by_role("checkbox", name="Select all that are loaded"))
    page.keyboard.press("Space")
    press(page, page.get_by_role("toolbar").get_by_role("button", name="Delete"))
    expect(page.get_by_text("2 links deleted.")).to_be_visible()
    page.keyboard.press("z")
    hears(page, "Taken back.")
    expect(rows).to_have_count(2)

    page.keyboard.press("?")
    single = page.get_by_role("dialog", name="Keys").get_by_role("switch", name="Keys without Ctrl")
    reach(page, single)
    photograph(page, "keys")
    page.keyboard.press("Space")
    page.keyboard.press("Escape")
    expect(single).to_be_hidden()
    page.keyboard.press("n")  # does nothing now; the palette goes on

    go(page, "Analytics")
    expect(page.get_by_role("dialog")).to_have_count(0)
    reach(page, page.get_by_role("switch", name="Count bots, too"))
    page.keyboard.press("Space")
    expect(page).to_have_url(re.compile("bots=true"))
    hears(page, "Clicks: 0")
    press(page, page.get_by_role("region", name="Clicks over time").get_by_role("button", name="Table"))
    expect(page.get_by_role("region", name="Clicks over time").get_by_role("table")).to_be_visible()

    go(page, "Settings")
    reach(page, page.get_by_role("textbox", name="Name", exact=True))
    page.keyboard.press("Control+a")
    page.keyboard.type("Acme Links")
    page.keyboard.press("Enter")
    expect(page.get_by_role("banner")).to_contain_text("Acme Links")
    assert site.complaints == []


def test_where_browsers_lend_no_clipboard_as_without_tls_links_are_copied_all_the_same(site: Site) -> None:
    page = site.open()
    page.add_init_script("Object.defineProperty(Navigator.prototype, 'clipboard', {value: undefined})")
    page.add_init_script(HEAR)
    site.set_up(page)
    field = page.get_by_label("Long address")
    field.fill("example.com/first")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Copied", exact=True)).to_be_visible()
    expect(field).to_be_focused()
    page.keyboard.press("Control+v")
    expect(field).to_have_value(re.compile(f"^{re.escape(site.url)}/"))
    page.get_by_role("main").get_by_role("button", name=re.compile("^Copy ")).first.click()
    hears(page, "Copied")
    assert site.complaints == []
