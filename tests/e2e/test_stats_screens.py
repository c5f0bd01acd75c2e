"""Home and the screens of statistics: what is clicked is seen, at once and afterwards."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect
from tests.clicks.places import MUNICH, put_places
from tests.e2e.site import Site, photograph, violations, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0"
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def click(site: Site, slug: str, times: int = 1, agent: str = FIREFOX) -> None:
    for _ in range(times):
        headers = {"User-Agent": agent, "Referer": "https://news.example/", "Accept-Language": "de"}
        assert httpx2.get(f"{site.url}/{slug}", follow_redirects=False, headers=headers).status_code == 302


def filled(site: Site) -> Page:
    """Return home, with two links of which one was clicked."""
    page = site.open()
    site.set_up(page)
    site.served.make_link("abc", title="Spring sale")
    site.served.make_link("def")
    click(site, "abc", 3)
    click(site, "abc", 1, BOT)
    site.served.counted("abc", at_least=4)
    return page


def test_clicks_are_seen_at_home_while_they_come_and_the_stream_comes_back(site_on_each_store: Site) -> None:
    site = site_on_each_store
    page = filled(site)
    page.reload()
    expect(page.get_by_text("4 clicks in the last hour")).to_be_visible(timeout=15_000)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    click(site, "def", 2)
    expect(page.get_by_text("6 clicks in the last hour")).to_be_visible(timeout=15_000)
    week = page.get_by_text("Clicks in 7 days").locator("xpath=..")
    expect(week.get_by_text("5", exact=True)).to_be_visible(timeout=20_000)  # sums follow; the bot is not a visitor
    page.context.set_offline(True)
    site.served.stop()
    expect(page.get_by_text("Reconnecting…")).to_be_visible(timeout=15_000)
    site.served.start()
    page.context.set_offline(False)
    click(site, "def")
    expect(page.get_by_text("7 clicks in the last hour")).to_be_visible(timeout=30_000)
    photograph(page, "home-live")
    assert site.complaints == []


@pytest.fixture
def site_with_places(chromium: Browser, tmp_path: Path) -> Iterator[Site]:
    """Serve where this machine is known to stand in Munich."""
    put_places(tmp_path / "geo.mmdb", {"127.0.0.0/8": MUNICH})
    with Site(chromium, tmp_path, {"GEOIP_PATH": str(tmp_path / "geo.mmdb")}) as opened:
        yield opened


def test_a_link_is_looked_at_closely_and_the_address_keeps_it(site_with_places: Site) -> None:
    site = site_with_places
    page = filled(site)
    page.goto(f"{site.url}/app/links/abc?tz=UTC")
    expect(page.get_by_role("heading", name="Spring sale")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("A chart of 3 clicks"))).to_be_visible()
    world = page.get_by_role("region", name="World map")
    expect(world.get_by_role("img", name=re.compile("A map of the clicks from 1 country"))).to_be_visible()
    expect(world.locator("path").filter(has=page.get_by_text("Germany: 3", exact=True))).to_have_count(1)
    expect(world.get_by_role("row").filter(has_text="Germany")).to_contain_text("3")
    week = page.get_by_role("table", name="Weekdays and hours")
    expect(week.get_by_role("cell")).to_have_count(7 * 24)
    assert sum(int(text) for text in week.get_by_role("cell").all_text_contents()) == 3
    expect(page.get_by_text("0 before").first).to_be_visible()
    page.get_by_role("switch", name="Compare with the period before").press("Space")
    expect(page.get_by_text("0 before")).to_have_count(0)
    expect(page).to_have_url(re.compile("compare=false"))
    expect(page.get_by_text("hours of UTC")).to_be_visible()
    zone = page.get_by_role("combobox", name="Time zone")
    zone.fill("Tokyo")
    page.get_by_role("option", name="Asia/Tokyo").click()
    expect(page.get_by_text("hours of Asia/Tokyo")).to_be_visible()
    expect(page).to_have_url(re.compile("tz=Asia"))
    page.get_by_role("switch", name="Count bots, too").press("Space")
    expect(page.get_by_role("img", name=re.compile("A chart of 4 clicks"))).to_be_visible()
    expect(page).to_have_url(re.compile("bots=true"))
    page.get_by_role("combobox", name="Period").click()
    page.get_by_role("option", name="Today").click()
    expect(page).to_have_url(re.compile("period=today"))
    expect(page.get_by_text("Firefox").first).to_be_visible()
    expect(page.get_by_text("news.example").first).to_be_visible()
    page.get_by_role("button", name="Table").click()
    expect(page.get_by_role("table").first).to_contain_text("4")
    chart = page.locator(".u-over")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 2, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 50, steps=5)
    page.mouse.up()
    expect(page).to_have_url(re.compile("since="))
    page.go_back()
    expect(page).to_have_url(re.compile("period=today"))
    with page.expect_download() as picture:
        page.get_by_role("button", name="PNG").click()
    assert picture.value.path().read_bytes().startswith(b"\x89PNG")
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as table:
        page.get_by_role("menuitem", name="Visits · CSV").click()
    assert "news.example" in table.value.path().read_text()
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as lines:
        page.get_by_role("menuitem", name="Breakdowns · JSON").click()
    rows = [json.loads(line) for line in lines.value.path().read_text().splitlines()]
    assert ("browser", "Firefox", 3) in [(row["dimension"], row["value"], row["count"]) for row in rows]
    assert site.complaints == []


def test_everything_is_narrowed_by_a_value_and_the_address_keeps_it(site_on_each_store: Site) -> None:
    site = site_on_each_store
    page = filled(site)
    click(site, "abc", 2, "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/150.0.0.0 Safari/537.36")
    site.served.counted("abc", at_least=6)
    for path, seen in (("/app/links/abc", "Single visits"), ("/app/analytics", "World map")):
        page.goto(f"{site.url}{path}")
        expect(page.get_by_text(seen).first).to_be_visible()
        expect(page.get_by_role("img", name=re.compile("A chart of 5 clicks"))).to_be_visible()
        devices = page.get_by_role("region", name="Devices")
        devices.get_by_role("combobox").click()
        page.get_by_role("option", name="Browser").click()
        only = page.get_by_role("button", name="Only Browser: Firefox")
        only.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("img", name=re.compile("A chart of 3 clicks"))).to_be_visible()
        expect(page).to_have_url(re.compile("browser=Firefox"))
        expect(only).to_have_attribute("aria-pressed", "true")
        expect(devices).not_to_contain_text("Chrome")
        page.reload()
        expect(page.get_by_role("img", name=re.compile("A chart of 3 clicks"))).to_be_visible()
        photograph(page, f"stats-filtered{path.replace('/', '-')}")
        page.get_by_role("button", name="Export").click()
        expect(page.get_by_role("menuitem")).to_have_count(2)
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Remove the filter Browser: Firefox").press("Enter")
        expect(page.get_by_role("img", name=re.compile("A chart of 5 clicks"))).to_be_visible()
        expect(page).not_to_have_url(re.compile("browser="))
    assert site.complaints == []


def test_visits_of_all_links_lead_to_the_link_and_come_in_pages(site_on_each_store: Site) -> None:
    site = site_on_each_store
    page = filled(site)
    click(site, "def", 25)
    site.served.counted("def", at_least=25)
    page.goto(f"{site.url}/app/analytics")
    visits = page.get_by_role("region", name="Visits", exact=True)
    expect(visits.get_by_role("row")).to_have_count(26)
    expect(visits.get_by_role("link", name="/def")).to_have_count(25)
    visits.get_by_role("button", name="More").click()
    expect(visits.get_by_role("row")).to_have_count(29)
    expect(visits).not_to_contain_text("Googlebot")
    page.get_by_role("switch", name="Count bots, too").press("Space")
    visits.get_by_role("button", name="More").click()  # another list, from its first page on
    expect(visits.get_by_role("row")).to_have_count(30)
    expect(visits).to_contain_text("Googlebot")
    photograph(page, "analytics-visits")
    visits.get_by_role("link", name="/abc").first.click()
    expect(page.get_by_role("heading", name="Spring sale")).to_be_visible()
    expect(page.get_by_role("region", name="Visits", exact=True)).not_to_contain_text("/abc")
    assert site.complaints == []


def test_statistics_are_shared_with_whoever_has_the_address_until_that_is_ended(site_on_each_store: Site) -> None:
    site = site_on_each_store
    page = filled(site)
    page.goto(f"{site.url}/app/links/abc")
    page.get_by_role("button", name="Share", exact=True).press("Enter")
    dialog = page.get_by_role("dialog", name="Share the statistics")
    dialog.get_by_label("For how long").select_option("7")
    dialog.get_by_role("button", name="Share", exact=True).press("Enter")
    expect(dialog.get_by_text("Shared until")).to_be_visible()
    photograph(page, "share-dialog")
    dialog.get_by_role("button", name=re.compile("Copy")).press("Enter")
    shared = f"{site.url}/shared/"
    wait_for(page, f"navigator.clipboard.readText().then(text => text.startsWith('{shared}'))", "the address is copied")
    address = page.evaluate("navigator.clipboard.readText()")
    looks: list[tuple[int, Literal["light", "dark"]]] = [(1200, "light"), (360, "dark")]
    for width, scheme in looks:
        stranger = site.open(width=width, scheme=scheme, bypass_csp=True, java_script_enabled=True)
        stranger.goto(address)
        expect(stranger.get_by_role("heading", level=1)).to_contain_text("/abc")
        expect(stranger.get_by_text("news.example")).to_be_visible()
        expect(stranger.get_by_role("img")).to_be_visible()
        wide = stranger.evaluate("document.documentElement.scrollWidth")
        stranger.set_viewport_size({"width": width, "height": 1_600})
        photograph(stranger, f"shared-page-{width}-{scheme}")
        assert wide <= width
        assert violations(stranger) == []
        stranger.get_by_role("link", name="7 days").click()
        expect(stranger.get_by_role("link", name="7 days")).to_have_attribute("aria-current", "page")
    page.bring_to_front()
    dialog.get_by_role("button", name="End sharing").press("Enter")
    sure = page.get_by_role("dialog", name="End sharing?")
    sure.get_by_role("button", name="End sharing").press("Enter")
    expect(dialog.get_by_text("Nobody sees single visits")).to_be_visible()
    assert httpx2.get(address).status_code == 404
    assert site.complaints == []


def test_home_tells_what_is_clicked_most_now_and_ever(site_on_each_store: Site) -> None:
    page = filled(site_on_each_store)
    page.reload()
    section = page.get_by_role("region", name="Most clicked")
    expect(section).to_contain_text("Spring sale")
    expect(section).to_contain_text("3 clicks")
    section.get_by_text("Today", exact=True).click()
    expect(section).to_contain_text("the day is that of UTC")
    expect(section).to_contain_text("3 clicks")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(section).to_contain_text("4 clicks")
    photograph(page, "home-top")
    assert site_on_each_store.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_in_anybodys_way(site: Site, scheme: Literal["light", "dark"]) -> None:
    page = filled(site)
    state = page.context.storage_state()
    found: list[str] = []
    for width in (1200, 360):
        other = site.open(width=width, scheme=scheme, bypass_csp=True, storage_state=state)
        for name, path, seen in (
            ("home", "/", "4 clicks in the last hour"),
            ("link", "/app/links/abc", "World map"),
            ("analytics", "/app/analytics", "World map"),
            ("filtered", "/app/links/abc?browser=Firefox&period=12mo", "nothing is known"),
        ):
            other.goto(f"{site.url}{path}")
            expect(other.get_by_text(seen)).to_be_visible(timeout=60_000)
            expect(other.locator(".u-over").first).to_be_visible(timeout=60_000)
            other.wait_for_timeout(500)  # for the picture: fonts and the map
            wide = other.evaluate("document.documentElement.scrollWidth")
            other.set_viewport_size({"width": width, "height": 2_000})
            photograph(other, f"stats-{name}-{width}-{scheme}")
            other.set_viewport_size({"width": width, "height": 800})
            found += [f"{name} {width}: {each}" for each in violations(other)]
            if wide > width:
                found.append(f"{name} {width}: is {wide} wide")
    assert not found, "\n".join(found)


def test_home_tells_what_needs_attention_and_what_can_be_done_about_it(site_on_each_store: Site) -> None:
    site = site_on_each_store
    page = site.open()
    site.set_up(page)
    section = page.get_by_role("region", name="Needs attention")
    expect(section).to_contain_text("All is well")
    soon = (datetime.now(UTC) + timedelta(days=2, hours=1)).isoformat()
    site.served.make_link("soon", expires_at=soon)
    site.served.make_link("limited", max_clicks=2)
    click(site, "limited", 2)
    page.reload()
    expect(section).to_contain_text("Expires in 2 days")
    expect(section).to_contain_text("All 2 clicks are used up")
    photograph(page, "home-attention")
    page.get_by_role("button", name=re.compile("Archive .*limited")).press("Enter")
    expect(section).not_to_contain_text("used up")
    page.get_by_role("button", name="Undo").click()
    expect(section).to_contain_text("All 2 clicks are used up")
    page.get_by_role("button", name=re.compile("Extend .*soon")).press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert site.complaints == []
