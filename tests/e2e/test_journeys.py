"""What people do with the web app, in a real browser against a real server."""

from __future__ import annotations

import re

import httpx2
import pytest
from playwright.sync_api import expect
from tests.e2e.site import EMAIL, PASSWORD, Site, photograph

pytestmark = [pytest.mark.slow, pytest.mark.e2e]


def test_from_the_printed_link_to_a_counted_click(site_on_each_store: Site) -> None:
    site = site_on_each_store
    page = site.open()
    site.set_up(page)
    assert "token" not in page.url
    short = site.shorten(page, "example.com/some/long/path")
    assert short.startswith(f"{site.url}/")
    answer = httpx2.get(short, follow_redirects=False, headers={"User-Agent": "Mozilla/5.0 Firefox/150.0"})
    assert (answer.status_code, answer.headers["location"]) == (302, "https://example.com/some/long/path")
    site.served.counted(short.rpartition("/")[2], at_least=1)
    page.reload()
    expect(page.get_by_text("1 click", exact=True).first).to_be_visible()
    photograph(page, "home")
    assert site.complaints == []


def test_who_signs_out_is_in_front_of_the_door_and_comes_back_by_their_password(site: Site) -> None:
    page = site.open()
    site.set_up(page)
    page.get_by_role("button", name="Account").click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto(f"{site.url}/app/links")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_role("textbox", name="Password").fill("not the password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text(re.compile("password", re.IGNORECASE))
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Links", exact=True)).to_be_visible()
    page.goto(f"{site.url}/app/setup")
    expect(page.get_by_role("heading", name="Shortly is set up already")).to_be_visible()


def test_the_list_is_searched_and_sorted_and_the_address_keeps_it(site: Site) -> None:
    page = site.open()
    site.set_up(page)
    for slug in ("apple", "banana", "cherry"):
        site.served.make_link(slug, target=f"https://example.com/{slug}")
    page.goto(f"{site.url}/app/links")
    rows = page.get_by_role("list", name="Links").get_by_role("listitem")
    expect(rows).to_have_count(3)
    page.get_by_label("Search").fill("banan")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("/banana")
    expect(page).to_have_url(re.compile("q=banan"))
    page.reload()
    expect(rows).to_have_count(1)
    expect(page.get_by_label("Search")).to_have_value("banan")
    page.get_by_label("Search").fill("")
    expect(rows).to_have_count(3)
    page.get_by_role("combobox", name="Sort by").click()
    page.get_by_role("option", name="Slug, A to Z").click()
    expect(rows.first).to_contain_text("/apple")
    expect(page).to_have_url(re.compile("sort=slug"))
    page.get_by_label("Search").fill("nothing has this")
    expect(page.get_by_text("No link matches")).to_be_visible()
