"""Passkeys as people have them: a real browser, with the authenticator that it keeps for tests, at the real service."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright
from tests.faults.conftest import MakeServed
from tests.faults.served import Served

pytestmark = [pytest.mark.slow, pytest.mark.faults]

EMAIL, PASSWORD = "ada@example.com", "an owl eats at night"
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
CALL = """async ([method, path, body]) => {
  const answer = await fetch("/api/v1/auth/" + path, {
    method, headers: {"Content-Type": "application/json", "X-CSRF": "1"}, body: body && JSON.stringify(body)});
  const text = await answer.text();
  return [answer.status, text ? JSON.parse(text) : null];
}"""
CREATE = """async (options) => {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  return (await navigator.credentials.create({publicKey})).toJSON();
}"""
GET = """async (options) => {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return (await navigator.credentials.get({publicKey})).toJSON();
}"""


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    """Open a browser that never saw anything, with an authenticator built in."""
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("chromium is missing; install it by: scripts/system-packages.sh chromium")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(tmp_path / "profile"), executable_path=program, args=FLAGS.split(" "), headless=True
        )
        opened = context.pages[0]
        tools = context.new_cdp_session(opened)
        tools.send("WebAuthn.enable")
        device = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        tools.send("WebAuthn.addVirtualAuthenticator", {"options": device})
        yield opened
        context.close()


def call(page: Page, method: str, path: str, body: Any = None) -> Any:
    """Ask the API from within the page; return what a success says."""
    status, answer = page.evaluate(CALL, [method, path, body])
    assert status < 300, answer
    return answer


def test_a_browser_makes_a_passkey_and_signs_in_with_it(make_served: MakeServed, page: Page) -> None:
    served: Served = make_served(settings={"ADMIN_EMAIL": EMAIL, "ADMIN_PASSWORD": PASSWORD})
    served.start()
    page.goto(f"http://localhost:{served.port}/docs")
    assert call(page, "GET", "methods")["passkeys"]
    call(page, "POST", "sign-in", {"email": EMAIL, "password": PASSWORD})
    options = call(page, "POST", "passkeys/start", {"password": PASSWORD})["publicKey"]
    made = call(page, "POST", "passkeys", {"name": "Laptop", "credential": page.evaluate(CREATE, options)})
    assert made["name"] == "Laptop"
    with pytest.raises(Exception, match=r"InvalidStateError|excluded|previously registered"):
        page.evaluate(CREATE, call(page, "POST", "passkeys/start", {"password": PASSWORD})["publicKey"])
    call(page, "POST", "sign-out")
    assert page.evaluate(CALL, ["GET", "me", None])[0] == 401
    for _ in range(2):  # the second time the counter has to have gone on
        asked = call(page, "POST", "passkeys/sign-in/start")["publicKey"]
        session = call(page, "POST", "passkeys/sign-in", {"credential": page.evaluate(GET, asked)})["session"]
        assert (session["how"], session["second_factor"]) == ("passkey", True)
    assert call(page, "GET", "me")["user"]["email"] == EMAIL
    cookies = page.context.cookies()
    [cookie] = [one for one in cookies if one["name"] == "shortly_session"]
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    assert page.evaluate("document.cookie") == ""
