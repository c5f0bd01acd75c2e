"""A file of links is tried, imported, found in the list, exported and imported again, on both stores."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect
from tests.e2e.site import Site, photograph

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

GOOD = 600
"""More than two steps of a running import."""
BAD = {"two words": "https://example.com/", "no-target": "", "odd": "javascript:alert(1)"}
MIXED = "\n".join(
    [
        "long_url,keyword,tags,Remark",
        *(f'https://example.com/{number},import-{number},"spring,mail",x' for number in range(GOOD)),
        *(f"{target},{slug},,x" for slug, target in BAD.items()),
    ]
)


def choose_file(page: Page, name: str, content: str) -> None:
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "text/csv", "buffer": content.encode()})


def exported(page: Page, form: str) -> Path:
    with page.expect_download() as download:
        page.get_by_role("button", name=form, exact=True).click()
    return Path(download.value.path())


def test_a_file_is_tried_imported_exported_and_imported_again(site_on_each_store: Site) -> None:
    site = site_on_each_store
    page = site.open(accept_downloads=True)
    site.set_up(page)
    page.get_by_role("link", name="Import & export").click()
    choose_file(page, "links.csv", MIXED)
    expect(page.get_by_text(f"{GOOD + len(BAD)} rows")).to_be_visible()
    expect(page.get_by_role("combobox", name="long_url")).to_have_value("Target")
    expect(page.get_by_role("combobox", name="keyword")).to_have_value("Slug")
    expect(page.get_by_role("combobox", name="Remark")).to_have_value("")

    page.get_by_role("button", name="Try it first").click()
    expect(page.get_by_text("This is what would happen; nothing was changed.")).to_be_visible(timeout=60_000)
    expect(page.get_by_text(f"New: {GOOD}")).to_be_visible()
    expect(page.get_by_text(f"Error: {len(BAD)}")).to_be_visible()
    rows = page.get_by_role("table").get_by_role("row")
    expect(rows.nth(1)).to_contain_text(str(GOOD + 1))  # what was refused comes first
    expect(rows.nth(1)).to_contain_text("Error")
    photograph(page, "import-tried")
    assert site.served.api.get("/api/v1/links").json()["items"] == []

    steps = 0

    def count(_: object) -> None:
        nonlocal steps
        steps += 1

    page.on("request", lambda request: count(request) if "/api/v1/imports" in request.url else None)
    held: list[Route] = []
    page.route("**/api/v1/imports**", lambda route: route.continue_() if held else held.append(route))
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("progressbar", name="At work")).to_be_attached()  # at 0 % it has no width
    held[0].continue_()
    expect(page.get_by_text("Done", exact=True)).to_be_visible(timeout=60_000)
    assert steps == 3
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the report").click()
    report = [json.loads(line) for line in Path(download.value.path()).read_text().splitlines()]
    assert [one["outcome"] for one in report] == ["created"] * GOOD + ["refused"] * len(BAD)
    assert {one["error"]["code"] for one in report[GOOD:]} <= {"invalid_slug", "invalid_input", "invalid_target"}
    assert site.served.api.get("/api/v1/links/import-7").json()["tags"] == ["mail", "spring"]

    page.get_by_role("link", name="Links", exact=True).click()
    page.get_by_role("searchbox", name="Search").or_(page.get_by_label("Search")).first.fill("import-599")
    expect(page.get_by_text("import-599").first).to_be_visible()

    page.goto(f"{site.url}/app/transfer")
    csv = exported(page, "CSV").read_text()
    lines = exported(page, "JSON").read_text()
    assert len(lines.splitlines()) == GOOD
    for name, content in (("links.csv", csv), ("links.jsonl", lines)):
        page.goto(f"{site.url}/app/transfer")
        choose_file(page, name, content)
        expect(page.get_by_text(f"{GOOD} rows")).to_be_visible()
        page.get_by_role("button", name="Import", exact=True).click()
        expect(page.get_by_text(f"Exists: {GOOD}")).to_be_visible(timeout=60_000)
        expect(page.get_by_text(re.compile("^(New|Error): "))).to_have_count(0)
    for number in range(0, GOOD, 100):
        assert site.served.api.delete(f"/api/v1/links/import-{number}").status_code == 204
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text(f"New: {GOOD // 100}")).to_be_visible(timeout=60_000)
    assert site.served.api.get("/api/v1/links/import-100").json()["tags"] == ["mail", "spring"]
    assert site.complaints == []


def test_a_file_that_is_no_list_of_links_is_refused_in_words(site: Site) -> None:
    page = site.open()
    site.set_up(page)
    page.goto(f"{site.url}/app/transfer")
    choose_file(page, "broken.json", "[{")
    expect(page.get_by_role("alert")).to_contain_text("cannot be read")
    choose_file(page, "other.csv", "name,age\nAda,36\n")
    expect(page.get_by_role("alert")).to_contain_text("Say which column holds the target")
    expect(page.get_by_role("button", name="Import", exact=True)).to_be_disabled()
    assert site.complaints == []
