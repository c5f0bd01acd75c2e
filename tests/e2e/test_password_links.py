"""Links with a password: set in the form, and opened by visitors, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.site import Site, photograph, violations

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

WORDS = "ten brown owls"
OTHER_WORDS = "nine white owls"


class There(BaseHTTPRequestHandler):
    """The site that the links lead to, which says how somebody came."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(f"<title>There</title><h1>There</h1><p>{self.path} by {self.headers['Referer']}".encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def there() -> Iterator[str]:
    """Run another site."""
    server = HTTPServer(("127.0.0.1", 0), There)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_visitor_gets_on_by_keyboard_and_is_counted_once(site_on_each_store: Site, there: str) -> None:
    site = site_on_each_store
    site.served.make_link("ab", target=f"{there}/far", password=WORDS, forward_query=True)
    page = site.open()
    page.goto(f"{site.url}/ab?from=mail")
    expect(page.get_by_role("heading", name="This link is protected")).to_be_visible()
    field = page.get_by_label("Password")
    expect(field).to_be_focused()
    page.keyboard.type("a wrong one")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("This is not the password.")
    expect(field).to_be_focused()
    expect(field).to_have_value("")
    page.keyboard.type(WORDS)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Open the link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="There")).to_be_visible()
    expect(page.get_by_text("/far?from=mail by None")).to_be_visible()
    assert site.served.counted("ab", at_least=1) == 1
    page.goto(f"{site.url}/ab")  # and is not asked again for a while
    expect(page.get_by_role("heading", name="There")).to_be_visible()
    assert site.served.counted("ab", at_least=2) == 2
    stranger = site.open()
    stranger.goto(f"{site.url}/ab")
    expect(stranger.get_by_label("Password")).to_be_visible()
    assert site.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_wrong_password_is_told_accessibly(site: Site, scheme: str) -> None:
    site.served.make_link("ab", password=WORDS)
    page = site.open(scheme=scheme, bypass_csp=True)  # type: ignore[arg-type]
    page.goto(f"{site.url}/ab")
    page.keyboard.type("a wrong one")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    assert violations(page) == []
    photograph(page, f"password-wrong-{scheme}")
    page.set_viewport_size({"width": 360, "height": 740})
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    photograph(page, f"password-wrong-{scheme}-360")


def form_of(page: Page, site: Site, slug: str):  # type: ignore[no-untyped-def]  # a locator
    page.goto(f"{site.url}/app/links")
    page.get_by_role("button", name=f"Edit localhost:{site.served.port}/{slug}").click()
    dialog = page.get_by_role("dialog", name=f"Edit {slug}")
    expect(dialog.get_by_role("textbox", name="Target")).to_be_visible()
    return dialog


def test_a_password_is_set_changed_and_removed_in_the_form(site: Site, there: str) -> None:
    page = site.open(bypass_csp=True)
    site.set_up(page)
    site.served.make_link("ab", target=there)
    dialog = form_of(page, site, "ab")
    dialog.get_by_role("button", name="Password", exact=True).click()
    dialog.get_by_role("textbox", name="Password").fill("short")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_text("At least 8 characters.", exact=True)).to_be_visible()
    dialog.get_by_role("textbox", name="Password").fill(WORDS)
    assert violations(page) == []
    photograph(page, "links-password")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("img", name="Opens only with a password")).to_be_visible()
    photograph(page, "links-locked")
    visitor = site.open()
    visitor.goto(f"{site.url}/ab")
    visitor.get_by_label("Password").fill(WORDS)
    visitor.keyboard.press("Enter")
    expect(visitor.get_by_role("heading", name="There")).to_be_visible()

    dialog = form_of(page, site, "ab")
    expect(dialog.get_by_text("This link has one")).to_be_visible()
    dialog.get_by_role("textbox", name="Title").fill("Still locked")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    visitor.goto(f"{site.url}/ab")
    expect(visitor.get_by_role("heading", name="There")).to_be_visible()

    dialog = form_of(page, site, "ab")
    dialog.get_by_role("textbox", name="New password").fill(OTHER_WORDS)
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    visitor.goto(f"{site.url}/ab")
    expect(visitor.get_by_label("Password")).to_be_visible()

    dialog = form_of(page, site, "ab")
    dialog.get_by_role("switch", name="Remove the password").check()
    expect(dialog.get_by_role("textbox", name="New password")).to_be_disabled()
    page.set_viewport_size({"width": 360, "height": 740})
    assert violations(page) == []
    photograph(page, "links-password-360")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    visitor.goto(f"{site.url}/ab")
    expect(visitor.get_by_role("heading", name="There")).to_be_visible()
    expect(page.get_by_role("img", name="Opens only with a password")).to_have_count(0)
    assert site.complaints == []
