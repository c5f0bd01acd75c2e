"""Tags and folders, settings and branding, the system page, sharing and the app without a connection."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect
from tests.e2e.site import Site, photograph, wait_for

from shortly import __version__

pytestmark = [pytest.mark.slow, pytest.mark.e2e]


def test_a_tag_is_renamed_merged_and_taken_away(site_on_each_store: Site) -> None:
    site = site_on_each_store
    page = site.open()
    site.set_up(page)
    for number in range(3):
        site.served.make_link(f"a{number}", tags=["spring", "mail"])
    site.served.make_link("b", tags=["sprung"])
    page.goto(f"{site.url}/app/labels")
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="spring", exact=True))
    expect(row).to_contain_text("3")
    page.get_by_role("button", name="Rename sprung").click()
    page.get_by_role("textbox", name="Name", exact=True).fill("spring")
    expect(page.get_by_text("spring exists already")).to_be_visible()
    page.keyboard.press("Enter")
    expect(row).to_contain_text("4")
    expect(page.get_by_role("link", name="sprung")).to_have_count(0)
    photograph(page, "labels")
    page.get_by_role("button", name="Take mail away").click()
    page.get_by_role("button", name="Take it away").click()
    expect(page.get_by_role("link", name="mail")).to_have_count(0)
    row.get_by_role("link").click()
    expect(page).to_have_url(re.compile("tag="))
    assert site.complaints == []


def test_a_folder_with_archived_links_is_renamed_as_a_whole(site: Site) -> None:
    page = site.open()
    site.set_up(page)
    site.served.make_link("a", folder="old")
    site.served.make_link("b", folder="old", archived=True)
    page.goto(f"{site.url}/app/labels")
    page.get_by_text("Folders", exact=True).click()
    page.get_by_role("button", name="Rename old").click()
    page.get_by_role("textbox", name="Name", exact=True).fill("new")
    page.keyboard.press("Enter")
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="new", exact=True))
    expect(row).to_contain_text("2")
    expect(page.get_by_role("link", name="old", exact=True)).to_have_count(0)


def test_branding_shows_in_the_app_and_on_public_pages(site_on_each_store: Site) -> None:
    site = site_on_each_store
    page = site.open()
    site.set_up(page)
    page.goto(f"{site.url}/app/settings")
    page.get_by_role("textbox", name="Name", exact=True).fill("Acme Links")
    page.get_by_label("Imprint").fill("https://example.com/imprint")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("banner")).to_contain_text("Acme Links")
    drawn = "<rect width='80' height='20' fill='#c2185b'/>"
    svg = f"<svg xmlns='http://www.w3.org/2000/svg' width='80' height='20'>{drawn}</svg>".encode()
    page.locator("input[type=file]").set_input_files({"name": "l.svg", "mimeType": "image/svg+xml", "buffer": svg})
    expect(page.get_by_role("banner").get_by_alt_text("Acme Links")).to_be_visible()
    photograph(page, "settings")
    visitor = site.open(width=360, height=720)
    for _ in range(20):  # the name and the logo are kept for a while
        visitor.goto(f"{site.url}/none")
        if "Acme Links" in visitor.content() and visitor.get_by_role("img").count():
            break
        visitor.wait_for_timeout(500)
    expect(visitor.get_by_role("link", name="Imprint")).to_be_visible()
    wait_for(visitor, "document.querySelector('img').naturalWidth > 0", "the logo is drawn")
    photograph(visitor, "not-found-360")
    page.get_by_label("Search settings").fill("journal_max")
    expect(page.get_by_role("row").filter(has_text="JOURNAL_MAX_MB")).to_contain_text("1024")
    assert site.complaints == []


def test_the_system_page_says_how_it_does(site_on_each_store: Site) -> None:
    site = site_on_each_store
    page = site.open()
    site.set_up(page)
    page.get_by_role("link", name="System").click()
    store = page.get_by_role("region", name="Store")
    expect(store).to_contain_text(re.compile("SQLite|Redis"))
    expect(store).to_contain_text("OK")
    for region, facts in {
        "Click journal": ("Oldest click not counted yet", "Clicks dropped0"),
        "Disk": ("Free", "Databases"),
        "Program": ("1 / 1", f"Version{__version__}"),
    }.items():
        for fact in facts:
            expect(page.get_by_role("region", name=region)).to_contain_text(fact)
    expect(page.get_by_role("region", name="Backups")).to_contain_text("There is no backup yet")
    photograph(page, "system")
    assert site.complaints == []


def test_what_was_shared_is_filled_in_and_made_by_enter(site: Site) -> None:
    page = site.open()
    site.set_up(page)
    page.goto(f"{site.url}/app/share?text=Look%20https%3A%2F%2Fexample.com%2Fshared")
    field = page.get_by_label("Long address")
    expect(field).to_have_value("https://example.com/shared")
    assert site.served.api.get("/api/v1/links").json()["items"] == []
    field.press("Enter")
    expect(page.get_by_role("button", name=re.compile("^Cop(y|ied)")).first).to_be_visible()
    page.goto(f"{site.url}/app/settings")
    href = page.get_by_role("link", name="Shorten this page").get_attribute("href")
    assert href == f'javascript:void(open("{site.url}/app/share?url="+encodeURIComponent(location.href)))'


def test_the_bookmark_opens_the_page_one_is_on_ready_to_be_shortened(site: Site) -> None:
    page = site.open()
    site.set_up(page)
    page.goto(f"{site.url}/app/settings")
    bookmark = page.get_by_role("link", name="Shorten this page")
    bookmark.click()
    expect(page.get_by_text("Drag the button to the bookmarks bar.")).to_be_visible()
    script = bookmark.get_attribute("href") or ""
    page.goto(f"{site.url}/health/live?page=1&more=ä#part")  # any page: a bookmark is there on each of them
    with page.context.expect_page() as opened:
        page.evaluate(script.removeprefix("javascript:"))
    shared = opened.value
    expect(shared.get_by_label("Long address")).to_have_value(f"{site.url}/health/live?page=1&more=%C3%A4#part")
    assert site.complaints == []


def test_the_app_opens_without_a_connection_and_says_so(site: Site) -> None:
    page = site.open()
    site.set_up(page)
    wait_for(
        page,
        "navigator.serviceWorker.getRegistration().then(found => found?.active?.state === 'activated')",
        "the service worker is active",
    )
    devtools = page.context.new_cdp_session(page)
    errors = devtools.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [error["errorId"] for error in errors] == ["in-incognito"]  # as contexts of tests are; nothing else
    manifest = devtools.send("Page.getAppManifest")
    assert manifest["errors"] == []
    assert json.loads(manifest["data"])["share_target"]["action"] == "/app/share"
    page.goto(f"{site.url}/app/labels")
    expect(page.get_by_role("heading", name="Tags and folders")).to_be_visible()
    page.context.set_offline(True)
    expect(page.get_by_text("No connection").first).to_be_visible()
    page.goto(f"{site.url}/")
    expect(page.get_by_text("No connection").first).to_be_visible(timeout=20_000)
    kept = page.evaluate("caches.keys().then(n => caches.open(n[0])).then(c => c.keys()).then(k => k.map(r => r.url))")
    assert any(url.endswith("/app") for url in kept)
    assert not [url for url in kept if "/api/" in url]
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").first.click()
    expect(page.get_by_role("heading", name="Shorten a link")).to_be_visible()
    assert site.complaints == []
