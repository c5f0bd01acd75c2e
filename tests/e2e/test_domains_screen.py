"""Domains: added, given to a workspace, links made on them, and taken away; in a real browser on both stores."""

from __future__ import annotations

import re
from typing import Literal

import httpx2
import pytest
from playwright.sync_api import Page, expect
from tests.e2e.site import Site, photograph, violations
from tests.faults.processes import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

HOST = "go.example"
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def add_domain(page: Page, site: Site, host: str) -> None:
    page.goto(f"{site.url}/app/domains")
    page.get_by_role("button", name="Add domain").click()
    dialog = page.get_by_role("dialog", name="Add domain")
    dialog.get_by_label("Host").fill(host)
    dialog.get_by_label("Host").press("Enter")


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option, exact=True).click()


def answer_on(site: Site, host: str, slug: str) -> httpx2.Response:
    return httpx2.get(site.served.url(slug), headers={"Host": host}, trust_env=False, follow_redirects=False)


def test_a_domain_is_added_used_given_away_and_removed(site_on_each_store: Site) -> None:
    site = site_on_each_store
    page = site.open()
    site.set_up(page)
    page.goto(f"{site.url}/app/links")
    page.get_by_role("button", name="New link").first.click()  # an empty list offers one, too
    expect(page.get_by_label("Slug")).to_be_visible()
    expect(page.get_by_role("combobox", name="Domain")).to_have_count(0)  # there is no choice yet
    page.keyboard.press("Escape")
    site.served.make_link("spring")

    add_domain(page, site, "no host")
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("The host must be a name")
    page.get_by_role("dialog").get_by_label("Host").fill(HOST)
    page.keyboard.press("Enter")
    rows = page.get_by_role("list", name="Domains").get_by_role("listitem")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("Usual")
    expect(rows.first.get_by_role("button")).to_have_count(0)
    expect(rows.nth(1)).to_contain_text("All workspaces")
    photograph(page, "domains")

    page.goto(f"{site.url}/app/links")
    page.get_by_role("button", name="New link").click()
    page.get_by_role("textbox", name="Target").fill("https://example.com/elsewhere")
    page.get_by_label("Slug").fill("spring")
    expect(page.get_by_text("Another link has this slug.")).to_be_visible()
    choose(page, "Domain", HOST)
    expect(page.get_by_text(f"{HOST}/spring is free.")).to_be_visible()
    photograph(page, "new-link-on-a-domain")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_text(f"http://{HOST}/spring is there, and copied.")).to_be_visible()
    wait_until(lambda: answer_on(site, HOST, "spring").status_code == 302, within_s=5, what="the new host is served")
    assert answer_on(site, HOST, "spring").headers["location"] == "https://example.com/elsewhere"
    assert answer_on(site, f"localhost:{site.served.port}", "spring").headers["location"] == "https://example.com/"

    page.get_by_role("button", name="Filters").click()
    choose(page, "Domain", HOST)
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(f"domain={HOST}"))
    expect(page.get_by_role("group", name="Filters")).to_contain_text(HOST)

    page.goto(f"{site.url}/app/domains")
    page.get_by_role("button", name=f"Remove {HOST}").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_role("alert")).to_contain_text("has links; delete them first")
    site.served.api.post("/api/v1/workspaces", json={"name": "Sales"})
    page.reload()
    page.get_by_role("button", name=f"Assign {HOST}").click()
    choose(page, "Who may use it", "Sales")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(rows.nth(1)).to_contain_text("Sales")
    page.get_by_label("Those of all workspaces").uncheck()
    expect(rows).to_have_count(1)
    page.get_by_label("Those of all workspaces").check()

    assert site.served.api.delete(f"/api/v1/links/spring?domain={HOST}").status_code == 204
    page.get_by_role("button", name=f"Remove {HOST}").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(rows).to_have_count(1)
    wait_until(
        lambda: answer_on(site, HOST, "spring").headers["location"] == "https://example.com/",
        within_s=5,
        what="the host has no slugs of its own any more",
    )
    page.goto(f"{site.url}/app/audit")
    page.get_by_label("All workspaces and the installation itself").check()
    expect(page.get_by_text(f"Ada removed the domain {HOST}")).to_be_visible()
    expect(page.get_by_text(f"Ada changed who may use the domain {HOST}")).to_be_visible()
    expect(page.get_by_text(f"Ada added the domain {HOST}")).to_be_visible()
    assert site.complaints == []


def test_an_admin_of_a_workspace_gives_back_its_own_domain_and_adds_none(site: Site) -> None:
    ada, grace = site.open(), site.open()
    site.set_up(ada)
    for host, workspace_id in (("ours.example", 1), ("shared.example", None)):
        made = site.served.api.post("/api/v1/domains", json={"host": host, "workspace_id": workspace_id})
        assert made.status_code == 201, made.text
    invited = {"email": "grace@example.com", "role": "admin"}
    url = site.served.api.post("/api/v1/workspaces/1/invitations", json=invited).json()["url"]
    grace.goto(url)
    grace.get_by_label("Name").fill("Grace")
    grace.get_by_role("textbox", name="Password").fill("a heron waits at dawn")
    grace.keyboard.press("Enter")
    expect(grace.get_by_role("heading", name="Shorten a link")).to_be_visible()
    grace.get_by_role("link", name="Domains").click()
    rows = grace.get_by_role("list", name="Domains").get_by_role("listitem")
    expect(rows).to_have_count(3)
    expect(grace.get_by_role("button", name="Add domain")).to_have_count(0)
    expect(grace.get_by_role("button", name=re.compile("^(Assign|Remove) "))).to_have_count(1)
    grace.get_by_role("button", name="Remove ours.example").click()
    grace.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(rows).to_have_count(2)
    assert site.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_screen_and_its_dialogs_are_accessible_and_fit_a_phone(
    site: Site, scheme: Literal["light", "dark"]
) -> None:
    page = site.open(scheme=scheme, bypass_csp=True)
    site.set_up(page)
    site.served.api.post("/api/v1/domains", json={"host": "a-rather-long-name-of-a-host.marketing.example"})
    wrong = []
    for width in (1200, 360):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"{site.url}/app/domains")
        expect(page.get_by_role("list", name="Domains").get_by_role("listitem")).to_have_count(2)
        wrong += violations(page)
        photograph(page, f"domains-{scheme}-{width}")
        assert page.evaluate(SIDEWAYS) <= 0
        for button in (re.compile("^Assign "), re.compile("^Remove "), "Add domain"):
            page.get_by_role("button", name=button).first.click()
            expect(page.get_by_role("dialog")).to_be_visible()
            wrong += violations(page)
            photograph(page, f"domains-dialog-{scheme}-{width}")
            page.keyboard.press("Escape")
            expect(page.get_by_role("dialog")).to_have_count(0)
    assert wrong == []
