"""Menus, popovers, dialogs and the palette: nothing that axe finds wrong while they are open, in light and dark."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

import httpx2
import pytest
from playwright.sync_api import Error, Page, expect
from tests.e2e.site import PASSWORD, Site, photograph, violations
from tests.faults.processes import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

Steps = Callable[[Page], object]


def press(name: str | re.Pattern[str], role: Literal["button", "combobox", "menuitem"] = "button") -> Steps:
    return lambda page: page.get_by_role(role, name=name).first.click()


def keys(*pressed: str) -> Steps:
    def pressing(page: Page) -> None:
        for key in pressed:
            page.keyboard.press(key)

    return pressing


def choose_all(page: Page) -> None:
    page.get_by_role("checkbox", name="Select all").check()


def prove(page: Page) -> None:
    page.get_by_role("dialog").get_by_role("textbox", name="Present password").fill(PASSWORD)
    page.get_by_role("dialog").get_by_role("button", name="Go on").click()


OPENED: dict[str, tuple[str, list[Steps], str]] = {
    "account menu": ("/", [press("Account")], "menu"),
    "workspace menu": ("/", [press(re.compile("^Workspace: "))], "menu"),
    "new workspace": ("/", [press(re.compile("^Workspace: ")), press("New workspace", "menuitem")], "dialog"),
    "palette": ("/", [keys("Control+k")], "dialog"),
    "keys": ("/app/labels", [keys("?")], "dialog"),
    "new link": ("/app/links", [press("New link")], "dialog"),
    "edit link": ("/app/links", [press(re.compile("^Edit .*ab$"))], "dialog"),
    "qr of a link": ("/app/links", [press(re.compile("^QR code of .*ab$"))], "dialog"),
    "filters": ("/app/links", [press("Filters")], "dialog"),
    "views": ("/app/links", [press("Views")], "dialog"),
    "sort": ("/app/links", [press("Sort by", "combobox")], "listbox"),
    "state of many": ("/app/links", [choose_all, press("Set state")], "menu"),
    "tags of many": ("/app/links", [choose_all, press("Add tags")], "dialog"),
    "folder of many": ("/app/links", [choose_all, press("Move to folder")], "dialog"),
    "rename a tag": ("/app/labels", [press("Rename spring")], "dialog"),
    "take a tag away": ("/app/labels", [press("Take spring away")], "dialog"),
    "period": ("/app/analytics", [press("Period", "combobox")], "listbox"),
    "other days": ("/app/analytics", [press("Other days")], "dialog"),
    "time zones": ("/app/analytics", [press("Time zone", "combobox")], "listbox"),
    "export": ("/app/analytics", [press(re.compile("^Export"))], "menu"),
    "share statistics": ("/app/links/ab", [press("Share")], "dialog"),
    "new key": ("/app/keys", [press("New key")], "dialog"),
    "rotate a key": ("/app/keys", [press("Rotate")], "dialog"),
    "revoke a key": ("/app/keys", [press("Revoke")], "dialog"),
    "ban": ("/app/reports", [press("Ban the link")], "dialog"),
    "dismiss": ("/app/reports", [press("Dismiss")], "dialog"),
    "what was done": ("/app/audit", [press("What", "combobox")], "listbox"),
    "new passkey": ("/app/security", [press("Add a passkey")], "dialog"),
    "authenticator app": ("/app/security", [press("Set up an app"), prove], "textbox"),
    "actions for a person": ("/app/people", [press(re.compile("^Actions for"))], "menu"),
    "delete a workspace": ("/app/team", [press("Delete")], "dialog"),
}
"""What opens -> where, by which steps, and the role of what is then there."""

LANDMARKS = ["region"]
"""Menus and lists of choices lie at the end of the page, tied to what opened them and not to a landmark."""


def unfold(site: Site, page: Page, name: str) -> None:
    """Go there and open it."""
    address, steps, role = OPENED[name]
    page.goto(f"{site.url}{address}")
    expect(page.get_by_role("heading", level=1).first).to_be_visible()
    for step in steps:
        step(page)
    expect(page.get_by_role(role).first).to_be_visible()  # type: ignore[arg-type]
    page.wait_for_timeout(200)  # for what it reads


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_whatever_opens_is_accessible_and_fits_a_phone(site: Site, scheme: Literal["light", "dark"]) -> None:
    page = site.open(scheme=scheme, bypass_csp=True)
    site.set_up(page)
    site.served.make_link("ab", tags=["spring"])
    httpx2.post(f"{site.url}/api/v1/reports", json={"slug": "ab", "reason": "spam"}).raise_for_status()
    page.set_default_timeout(10_000)
    wrong: dict[str, list[str]] = {}
    for name in OPENED:
        page.set_viewport_size({"width": 1200, "height": 800})
        try:
            unfold(site, page, name)
        except (AssertionError, Error) as error:
            wrong[name] = [str(error)[:500]]
            continue
        file = name.replace(" ", "-")
        photograph(page, f"opened-{file}-{scheme}")
        found = violations(page, but=LANDMARKS)
        if scheme == "light":  # what a phone changes is not the colours
            page.set_viewport_size({"width": 360, "height": 740})
            page.wait_for_timeout(100)
            photograph(page, f"opened-{file}-360")
            found += [f"{problem} (360 px)" for problem in violations(page, but=LANDMARKS)]
        if found:
            wrong[name] = found
    assert wrong == {}
    assert site.complaints == []


def test_a_long_list_of_choices_follows_the_arrow_keys(site: Site) -> None:
    page = site.open(bypass_csp=True)
    site.set_up(page)
    page.goto(f"{site.url}/app/analytics")
    field = page.get_by_role("combobox", name="Time zone")
    field.click()
    field.fill("America/")
    choices = page.get_by_role("listbox", name="Time zone")
    expect(choices).to_be_visible()
    box = choices.bounding_box()
    assert box is not None
    assert box["height"] <= 220
    assert choices.evaluate("list => list.scrollHeight") > 220
    assert violations(page, but=LANDMARKS) == []
    for _ in range(20):
        page.keyboard.press("ArrowDown")
    active = choices.get_by_role("option").and_(page.locator("[data-combobox-selected]"))
    expect(active).to_be_in_viewport()

    def is_inside() -> bool:
        outer, inner = choices.bounding_box(), active.bounding_box()
        return bool(outer and inner and outer["y"] <= inner["y"] <= outer["y"] + outer["height"] - inner["height"] + 1)

    wait_until(is_inside, within_s=5, every_s=0.1, what="the choice is inside the list")
    name = active.text_content()
    page.keyboard.press("Enter")
    expect(field).to_have_value(name or "")
