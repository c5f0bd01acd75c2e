"""The list of links, and the form, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.site import Site, photograph, violations
from tests.faults.processes import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.e2e]


Kept = tuple[list[str], str, bool, bool]
"""Of a link: tags, folder, whether it is switched on, whether it is archived."""


def rows(page: Page):  # type: ignore[no-untyped-def]  # a locator
    return page.get_by_role("list", name="Links").get_by_role("listitem")


def test_links_are_made_and_edited_by_keyboard_alone(site_on_each_store: Site) -> None:
    site = site_on_each_store
    page = site.open()
    site.set_up(page)
    page.goto(f"{site.url}/app/links")
    expect(page.get_by_text("No links yet")).to_be_visible()
    page.keyboard.press("n")
    expect(page.get_by_role("dialog", name="New link")).to_be_visible()
    page.keyboard.type("example.com/spring")
    page.keyboard.press("Tab")
    page.keyboard.type("spring")
    expect(page.get_by_text("spring is free.")).to_be_visible()
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(1)
    site.answers("spring", 302)
    page.keyboard.press("j")
    page.keyboard.press("e")
    dialog = page.get_by_role("dialog", name="Edit spring")
    dialog.get_by_label("Title").fill("Spring sale")
    page.keyboard.press("Enter")
    expect(rows(page)).to_contain_text("Spring sale")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Screen, action or link").fill("sale")
    expect(page.get_by_role("option")).to_contain_text("/spring")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Edit spring")).to_be_visible()
    assert site.complaints == []


def test_the_list_is_walked_chosen_opened_and_searched_by_keys(site: Site) -> None:
    page = site.open()
    site.set_up(page)
    for slug in ("apple", "banana"):
        site.served.make_link(slug)
    page.goto(f"{site.url}/app/links")
    first, second = rows(page).nth(0), rows(page).nth(1)
    expect(second).to_be_visible()
    for key, row in (("j", first), ("j", second), ("k", first)):
        page.keyboard.press(key)
        expect(row).to_be_focused()
    page.keyboard.press("x")
    expect(first.get_by_role("checkbox")).to_be_checked()
    expect(second.get_by_role("checkbox")).not_to_be_checked()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name=re.compile("^Edit "))
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search")).to_be_focused()
    page.keyboard.type("apple")
    expect(rows(page)).to_have_count(1)
    assert site.complaints == []


def test_whatever_is_done_with_many_is_taken_back(site_on_each_store: Site) -> None:
    site = site_on_each_store
    page = site.open()
    site.set_up(page)
    site.served.make_link("apple", tags=["red"], folder="fruit")
    site.served.make_link("banana", enabled=False)
    site.served.make_link("cherry")
    page.goto(f"{site.url}/app/links")
    expect(rows(page)).to_have_count(3)

    def kept() -> list[Kept]:
        links = [site.served.api.get(f"/api/v1/links/{slug}").json() for slug in ("apple", "banana", "cherry")]
        return [(link["tags"], link["folder"], link["enabled"], link["archived"]) for link in links]

    def after(what: str, wanted: list[Kept]) -> None:
        wait_until(lambda: kept() == wanted, within_s=10, every_s=0.1, what=f"{what}: {wanted}")

    before: list[Kept] = [(["red"], "fruit", True, False), ([], "", False, False), ([], "", True, False)]
    after("at first", before)
    bar = page.get_by_role("toolbar")

    def choose(state: str) -> None:
        bar.get_by_role("button", name="Set state").click()
        page.get_by_role("menuitem", name=state, exact=True).click()

    def tag() -> None:
        bar.get_by_role("button", name="Add tags").click()
        page.get_by_role("dialog").get_by_role("combobox", name="Tags").fill("spring")
        page.keyboard.press("Enter")
        page.get_by_role("dialog").get_by_role("button", name="Add tags").click()

    def move() -> None:
        bar.get_by_role("button", name="Move to folder").click()
        page.get_by_role("dialog").get_by_role("combobox", name="Folder").fill("sale")
        page.get_by_role("dialog").get_by_role("button", name="Move to folder").click()

    for act, wanted in (
        (tag, [([*link[0], "spring"], *link[1:]) for link in before]),
        (move, [(link[0], "sale", *link[2:]) for link in before]),
        (lambda: choose("Archive"), [(*link[:3], True) for link in before]),
        (lambda: choose("Switch on"), [(*link[:2], True, False) for link in before]),
        (lambda: choose("Switch off"), [(*link[:2], False, False) for link in before]),
    ):
        page.get_by_role("checkbox", name="Select all that are loaded").check()
        expect(bar).to_contain_text("3 selected")
        act()
        after("done", wanted)
        expect(page.get_by_text("3 links changed.")).to_be_visible()
        page.get_by_role("button", name="Undo").click()
        after("taken back", before)
        expect(rows(page)).to_have_count(3)
        expect(page.get_by_text("3 links changed.")).to_have_count(0)
    assert site.complaints == []


def test_many_are_deleted_and_brought_back(site_on_each_store: Site) -> None:
    site = site_on_each_store
    page = site.open()
    site.set_up(page)
    for slug in ("apple", "banana", "cherry"):
        site.served.make_link(slug, target=f"https://example.com/{slug}")
    page.goto(f"{site.url}/app/links")
    page.get_by_role("checkbox", name=re.compile("Select .*apple")).check()
    page.get_by_role("checkbox", name=re.compile("Select .*cherry")).check()
    expect(page.get_by_text("2 selected")).to_be_visible()
    photograph(page, "links-selected")
    page.get_by_role("toolbar").get_by_role("button", name="Delete").click()
    expect(rows(page)).to_have_count(1)
    site.answers("apple", 410)
    page.get_by_role("button", name="Undo").click()
    expect(rows(page)).to_have_count(3)
    site.answers("apple", 302)


def test_a_page_that_cannot_be_fetched_takes_nothing_away_and_is_asked_for_again(site: Site) -> None:
    page = site.open()
    site.set_up(page)
    many = [{"target": "https://example.com", "slug": f"link-{nth:03}"} for nth in range(130)]
    site.served.api.post("/api/v1/bulk/links", json={"links": many}).raise_for_status()
    page.route("**/api/v1/links?*cursor=*", lambda route: route.fulfill(status=500, json={}))
    page.goto(f"{site.url}/app/links")
    expect(rows(page).first).to_be_visible()
    page.get_by_role("list", name="Links").evaluate("list => { list.parentElement.scrollTop = 1e6; }")
    failed = page.get_by_role("alert").filter(has=page.get_by_role("button", name="Try again"))
    expect(failed).to_be_visible()
    expect(rows(page).first).to_be_visible()
    photograph(page, "links-next-page-failed")
    page.unroute("**/api/v1/links?*cursor=*")
    failed.get_by_role("button").click()
    expect(failed).to_have_count(0)
    page.get_by_role("list", name="Links").evaluate("list => { list.parentElement.scrollTop = 1e6; }")
    expect(rows(page).last).to_have_attribute("aria-setsize", "130")


def test_a_row_leads_to_its_link_and_an_edit_is_taken_back(site: Site) -> None:
    page = site.open()
    site.set_up(page)
    site.served.make_link("apple", target="https://example.com/apple", title="An apple")
    page.goto(f"{site.url}/app/links")
    page.get_by_role("button", name=re.compile("^Edit .*apple$")).click()
    dialog = page.get_by_role("dialog", name="Edit apple")
    dialog.get_by_label("Title").fill("A pear")
    page.keyboard.press("Enter")
    expect(rows(page)).to_contain_text("A pear")
    page.get_by_role("button", name="Undo").click()
    expect(rows(page)).to_contain_text("An apple")
    rows(page).get_by_role("link", name=re.compile("apple$")).click()
    expect(page).to_have_url(re.compile(r"/app/links/apple\b"))
    expect(page.get_by_role("heading", name="An apple", level=1)).to_be_visible()
    page.go_back()
    expect(rows(page)).to_have_count(1)
    assert site.complaints == []


def test_filters_are_chips_and_views_are_kept(site: Site) -> None:
    page = site.open()
    site.set_up(page)
    site.served.make_link("apple", target="https://example.com/a", tags=["red"])
    site.served.make_link("banana", target="https://example.com/b")
    page.goto(f"{site.url}/app/links?tag=red")
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Views").click()
    page.get_by_label("Save this list as").fill("Red ones")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Red ones", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Remove the filter Tags: red").click()
    expect(rows(page)).to_have_count(2)
    page.reload()
    page.get_by_role("button", name="Views").click()
    page.get_by_role("button", name="Red ones", exact=True).click()
    expect(rows(page)).to_have_count(1)
    expect(page).to_have_url(re.compile("red"))
    page.get_by_role("button", name="Views").click()
    page.get_by_role("button", name="Delete the view Red ones").click()
    expect(page.get_by_text("No saved views yet")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Views").click()
    page.get_by_role("button", name="Red ones", exact=True).click()
    expect(rows(page)).to_have_count(1)


def test_two_who_edit_the_same_link_choose_field_by_field(site: Site) -> None:
    page = site.open()
    site.set_up(page)
    site.served.make_link("apple", target="https://example.com/a")
    page.goto(f"{site.url}/app/links")
    page.get_by_role("button", name=re.compile("Edit .*apple")).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Title").fill("Mine")
    answer = site.served.api.patch("/api/v1/links/apple", json={"title": "Theirs", "target": "https://example.com/new"})
    assert answer.status_code == 200
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_text("Somebody else changed this link meanwhile")).to_be_visible()
    for field, mine, theirs in (
        ("Title", "Mine", "Theirs"),
        ("Target", "https://example.com/a", "https://example.com/new"),
    ):
        versions = dialog.get_by_role("radiogroup", name=field)
        expect(versions.get_by_role("radio", name=f"Your version {mine}", exact=True)).to_be_checked()
        expect(versions.get_by_role("radio", name=f"Stored version {theirs}", exact=True)).to_be_visible()
    photograph(page, "links-conflict")
    dialog.get_by_role("radiogroup", name="Target").get_by_role("radio", name=re.compile("Stored version")).click()
    dialog.get_by_role("button", name="Save the choice").click()
    expect(rows(page)).to_contain_text("Mine")
    expect(dialog).to_be_hidden()
    link = site.served.api.get("/api/v1/links/apple").json()
    assert (link["title"], link["target"]) == ("Mine", "https://example.com/new")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_list_and_the_form_are_accessible_and_fit_a_phone(site: Site, scheme: str) -> None:
    page = site.open(scheme=scheme, bypass_csp=True)  # type: ignore[arg-type]
    site.set_up(page)
    site.served.make_link("apple", target="https://example.com/a", tags=["red", "spring"], title="Apples")
    site.served.make_link("off", target="https://example.com/b", enabled=False)
    page.goto(f"{site.url}/app/links?tag=red")
    expect(rows(page)).to_have_count(1)
    page.goto(f"{site.url}/app/links")
    expect(rows(page)).to_have_count(2)
    photograph(page, f"links-{scheme}")
    assert violations(page) == []
    page.get_by_role("button", name=re.compile("Edit .*apple")).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="QR code").click()
    expect(dialog.get_by_role("img", name=re.compile("QR code of"))).to_be_visible()
    photograph(page, f"links-form-{scheme}")
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 360, "height": 740})
    photograph(page, f"links-{scheme}-360")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("button", name=re.compile("Edit .*apple")).click()
    expect(page.get_by_role("dialog").get_by_label("Title")).to_have_value("Apples")
    photograph(page, f"links-form-{scheme}-360")
    assert violations(page) == []
