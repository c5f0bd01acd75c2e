"""What visitors see who have switched scripts off: preview, report, 404 and 410, under the name of the installation."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from tests.e2e.site import Site, photograph

pytestmark = [pytest.mark.slow, pytest.mark.e2e]


def test_visitors_without_scripts_look_ahead_report_and_are_told_what_is_the_matter(site_on_each_store: Site) -> None:
    site = site_on_each_store
    site.served.api.patch("/api/v1/branding", json={"name": "Acme Links"}).raise_for_status()
    site.served.make_link("ab", target="https://example.com/there", title="Spring sale")
    site.served.make_link("off", enabled=False)
    page = site.open(width=360, java_script_enabled=False)
    page.goto(f"{site.url}/ab+")
    expect(page.get_by_role("heading", name="Where this link leads")).to_be_visible()
    expect(page.get_by_text("https://example.com/there")).to_be_visible()
    expect(page.get_by_role("link", name="Go on")).to_have_attribute("href", "/ab")
    for _ in range(20):  # the name is kept for a while
        if page.get_by_text("Acme Links").count():
            break
        page.wait_for_timeout(500)
        page.reload()
    expect(page.get_by_text("Acme Links")).to_be_visible()
    photograph(page, "preview-without-scripts-360")
    page.get_by_role("link", name="Report this link").click()
    expect(page.get_by_label("Short link")).to_have_value(f"{site.url}/ab")
    page.get_by_label("What is wrong with it?").select_option(label="Unwanted advertising (spam)")
    page.get_by_label("Details").fill("It came by mail.")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Send report")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    (report,) = site.served.api.get("/api/v1/reports").json()["items"]
    assert (report["slug"], report["reason"], report["details"]) == ("ab", "spam", "It came by mail.")
    for path, status, heading in (
        ("none", 404, "This link does not exist"),
        ("off", 410, "This link is no longer active"),
    ):
        answer = page.goto(f"{site.url}/{path}")
        assert answer is not None
        assert answer.status == status
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        expect(page.get_by_text("Acme Links")).to_be_visible()
