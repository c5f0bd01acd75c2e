"""How people come in and look after each other, in a real browser against a real server."""

from __future__ import annotations

import re
import time
from pathlib import Path

import httpx2
import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect
from tests.api.identity_provider import run_provider
from tests.e2e.site import EMAIL, PASSWORD, Site, photograph

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

OTHER = "a heron waits at dawn"


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Account").click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def sign_in(page: Page, site: Site, email: str = EMAIL, password: str = PASSWORD) -> None:
    page.goto(f"{site.url}/app/sign-in")
    page.get_by_label("E-mail").fill(email)
    page.get_by_role("textbox", name="Password").fill(password)
    page.keyboard.press("Enter")


def at_home(page: Page) -> None:
    expect(page.get_by_role("heading", name="Shorten a link")).to_be_visible()


def prove(page: Page, button: str) -> None:
    """Answer the question for the present password."""
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Present password").fill(PASSWORD)
    dialog.get_by_role("button", name=button).click()


def invite(page: Page, site: Site, email: str, role: str) -> str:
    """Return the link of an invitation made in the browser."""
    page.goto(f"{site.url}/app/team")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Role", exact=True).select_option(role)
    page.get_by_role("button", name="Invite").click()
    return page.get_by_label("Invitation link").input_value()


def set_up_app(page: Page) -> tuple[str, list[str]]:
    """Set an authenticator app up; return its secret and the recovery codes."""
    page.get_by_role("button", name="Set up an app").click()
    prove(page, "Go on")
    expect(page.get_by_role("img", name="QR code for the authenticator app")).to_be_visible()
    secret = page.get_by_label("Secret").input_value()
    page.get_by_label("Code from the app").fill(pyotp.TOTP(secret).now())
    page.keyboard.press("Enter")
    codes = page.get_by_role("dialog").get_by_role("listitem")
    expect(codes).to_have_count(10)
    return secret, codes.all_inner_texts()


def test_an_invited_person_joins_in_another_browser_and_is_shown_what_they_may_do(site_on_each_store: Site) -> None:
    site = site_on_each_store
    ada, grace = site.open(), site.open(width=360)
    site.set_up(ada)
    link = invite(ada, site, "grace@example.com", "viewer")
    expect(ada.get_by_role("list", name="Invitations").get_by_role("listitem")).to_have_count(1)
    grace.goto(link)
    grace.get_by_label("Name").fill("Grace")
    assert "#" not in grace.url
    grace.get_by_role("textbox", name="Password").fill(OTHER)
    photograph(grace, "invitation-360")
    grace.keyboard.press("Enter")
    at_home(grace)
    grace.get_by_role("button", name="Menu").click()
    places = grace.get_by_role("navigation")
    expect(places.get_by_role("link", name="Links")).to_be_visible()
    expect(places.get_by_role("link", name="Team")).to_have_count(0)
    grace.goto(f"{site.url}/app/keys")
    expect(grace.get_by_role("alert")).to_contain_text("You may not do this here")
    ada.reload()
    members = ada.get_by_role("list", name="Members").get_by_role("listitem")
    expect(members).to_have_count(2)
    with ada.expect_response(lambda answer: answer.request.method == "PATCH"):
        ada.get_by_label("Role of Grace").select_option("admin")
    expect(ada.get_by_label("Role of Grace")).to_be_enabled()
    grace.goto(f"{site.url}/app/keys")
    expect(grace.get_by_role("heading", name="API keys")).to_be_visible()
    expect(grace.get_by_role("list", name="API keys")).to_be_visible()
    members.filter(has_text="Grace").get_by_role("button", name="Remove").click()
    ada.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(members).to_have_count(1)
    grace.reload()
    expect(grace.get_by_text("You are in no workspace yet")).to_be_visible()
    assert site.complaints == []


def test_somebody_with_an_account_joins_another_workspace_and_changes_between_them(site: Site) -> None:
    ada = site.open()
    site.set_up(ada)
    first = invite(ada, site, "grace@example.com", "editor")
    ada.get_by_role("button", name=re.compile("^Workspace: ")).click()
    ada.get_by_role("menuitem", name="New workspace").click()
    ada.get_by_role("dialog").get_by_label("Name").fill("Sales")
    ada.get_by_role("dialog").get_by_role("button", name="Create").click()
    expect(ada.get_by_role("button", name="Workspace: Sales")).to_be_visible()
    second = invite(ada, site, "grace@example.com", "editor")
    grace = site.open()
    grace.goto(first)
    grace.get_by_role("textbox", name="Password").fill(OTHER)
    grace.keyboard.press("Enter")
    at_home(grace)
    sign_out(grace)
    grace.goto(second)
    grace.get_by_role("link", name="I have an account already").click()
    grace.get_by_label("E-mail").fill("grace@example.com")
    grace.get_by_role("textbox", name="Password").fill(OTHER)
    grace.keyboard.press("Enter")
    grace.get_by_role("button", name="Join").click()
    expect(grace.get_by_role("button", name="Workspace: Sales")).to_be_visible()
    ada.goto(f"{site.url}/app/team")
    ada.get_by_label("Name").fill("Marketing")
    ada.get_by_role("button", name="Rename").click()
    expect(ada.get_by_role("button", name="Workspace: Marketing")).to_be_visible()
    ada.get_by_role("button", name="Delete").click()
    dialog = ada.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Delete")).to_be_disabled()
    dialog.get_by_label("Type Marketing to confirm").fill("Marketing")
    dialog.get_by_role("button", name="Delete").click()
    at_home(ada)
    expect(ada.get_by_role("button", name="Workspace: Marketing")).to_have_count(0)
    grace.reload()
    at_home(grace)  # led back to the workspace that is left


def test_an_authenticator_app_and_its_recovery_codes(site: Site) -> None:
    page = site.open()
    site.set_up(page)
    page.goto(f"{site.url}/app/security")
    secret, codes = set_up_app(page)
    done = page.get_by_role("button", name="Done")
    expect(done).to_be_disabled()
    page.get_by_label("I have kept them in a safe place").check()
    done.click()
    expect(page.get_by_text("10 recovery codes are left.")).to_be_visible()
    sign_out(page)
    sign_in(page, site)
    code = page.get_by_label("Code")
    expect(code).to_be_focused()
    code.fill("000000")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    code.fill(pyotp.TOTP(secret).at(time.time(), counter_offset=1))  # the present one was taken by the set-up
    page.keyboard.press("Enter")
    at_home(page)
    sign_out(page)
    sign_in(page, site)
    page.get_by_label("Code").fill(codes[0])
    page.keyboard.press("Enter")
    at_home(page)
    page.goto(f"{site.url}/app/security")
    expect(page.get_by_text("9 recovery codes are left.")).to_be_visible()
    page.get_by_role("button", name="Remove the app").click()
    prove(page, "Remove the app")
    expect(page.get_by_role("button", name="Set up an app")).to_be_visible()
    assert site.complaints == []


def with_passkeys(page: Page, *, at_field: bool) -> None:
    """Give the browser a device for passkeys, whose owner touches it whenever asked.

    Args:
        at_field: Whether the browser offers passkeys at the e-mail field; they are taken there by themselves then.
    """
    if not at_field:
        page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false")
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable", {"enableUI": False})
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def test_a_session_ended_in_one_browser_is_over_in_the_other(site_on_each_store: Site) -> None:
    site = site_on_each_store
    here, there = site.open(), site.open()
    site.set_up(here)
    sign_in(there, site)
    at_home(there)
    here.goto(f"{site.url}/app/security")
    rows = here.get_by_role("list", name="Sessions").get_by_role("listitem")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("This one")
    expect(rows.first).to_contain_text("Chrome")
    rows.nth(1).get_by_role("button", name="End").click()
    expect(rows).to_have_count(1)
    there.get_by_role("navigation").get_by_role("link", name="Links").click()
    expect(there.get_by_role("heading", name="Sign in")).to_be_visible()
    sign_in(there, site)
    at_home(there)
    here.reload()
    here.get_by_role("button", name="End all others").click()
    here.get_by_role("dialog").get_by_role("button", name="End all others").click()
    expect(here.get_by_text("1 session ended.")).to_be_visible()
    there.reload()
    expect(there.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_changed_password_is_the_only_one_that_counts(site: Site) -> None:
    page = site.open()
    site.set_up(page)
    page.goto(f"{site.url}/app/security")
    page.get_by_role("textbox", name="Present password").fill("not the password")
    page.get_by_role("textbox", name="New password").fill(OTHER)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("alert")).to_contain_text(re.compile("password", re.IGNORECASE))
    page.get_by_role("textbox", name="Present password").fill(PASSWORD)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("The password is changed")).to_be_visible()
    sign_out(page)
    sign_in(page, site)
    expect(page.get_by_role("alert")).to_be_visible()
    sign_in(page, site, password=OTHER)
    at_home(page)


def test_a_key_made_in_the_browser_works_until_it_is_revoked(site_on_each_store: Site) -> None:
    site = site_on_each_store
    page = site.open()
    site.set_up(page)
    page.goto(f"{site.url}/app/keys")
    page.get_by_role("button", name="New key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("shop")
    dialog.get_by_role("button", name="Create key").click()
    secret = page.get_by_label("Secret key").input_value()

    def status(key: str) -> int:
        answer = httpx2.get(f"{site.url}/api/v1/links", headers={"Authorization": f"Bearer {key}"})
        return answer.status_code

    assert status(secret) == 200
    row = page.get_by_role("list", name="API keys").get_by_role("listitem").filter(has_text="shop")
    row.get_by_role("button", name="Rotate").click()
    page.get_by_role("dialog").get_by_role("button", name="Rotate").click()
    expect(page.get_by_label("Secret key")).not_to_have_value(secret)
    rotated = page.get_by_label("Secret key").input_value()
    assert (status(secret), status(rotated)) == (200, 200)
    row.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(row).to_contain_text("Revoked")
    assert (status(secret), status(rotated)) == (401, 401)
    page.goto(f"{site.url}/app/audit")
    expect(page.get_by_text("Ada revoked the API key shop")).to_be_visible()
    page.get_by_role("combobox", name="What").fill("created the API")
    page.get_by_role("option", name="… created the API key …").click()
    entries = page.get_by_role("list", name="Audit log").get_by_role("listitem")
    expect(entries.filter(has_text="Ada created the API key shop")).to_have_count(1)
    expect(entries.filter(has_text="revoked")).to_have_count(0)
    with page.expect_download() as download:
        page.get_by_role("link", name="Export as JSON lines").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert lines
    assert all('"key.created"' in line for line in lines)


def test_a_reported_link_is_banned_and_another_report_dismissed(site: Site) -> None:
    page = site.open()
    site.set_up(page)
    for slug in ("bad", "fine"):
        site.served.make_link(slug, target=f"https://example.com/{slug}")
        report = {"slug": slug, "reason": "phishing", "details": f"{slug} asks for a bank's password"}
        httpx2.post(f"{site.url}/api/v1/reports", json=report).raise_for_status()
    page.goto(f"{site.url}/app/reports")
    rows = page.get_by_role("list", name="Abuse reports").get_by_role("listitem")
    expect(rows).to_have_count(2)
    rows.filter(has_text="/bad").get_by_role("button", name="Ban the link").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("phishing, seen")
    dialog.get_by_role("button", name="Ban the link").click()
    expect(rows).to_have_count(1)
    assert httpx2.get(f"{site.url}/bad", follow_redirects=False).status_code == 410
    rows.get_by_role("button", name="Dismiss").click()
    page.get_by_role("dialog").get_by_role("button", name="Dismiss").click()
    expect(page.get_by_text("No reports here")).to_be_visible()
    assert httpx2.get(f"{site.url}/fine", follow_redirects=False).status_code == 302
    page.get_by_text("Banned", exact=True).click()
    expect(rows).to_contain_text("phishing, seen")


def test_an_installation_admin_looks_after_people(site: Site) -> None:
    ada, grace = site.open(), site.open()
    site.set_up(ada)
    grace.goto(invite(ada, site, "grace@example.com", "editor"))
    grace.get_by_role("textbox", name="Password").fill(OTHER)
    grace.keyboard.press("Enter")
    at_home(grace)
    ada.goto(f"{site.url}/app/people")
    rows = ada.get_by_role("list", name="All people").get_by_role("listitem")
    expect(rows).to_have_count(2)
    ada.get_by_label("Search by name or address").fill("grace")
    expect(rows).to_have_count(1)

    def act(name: str) -> None:
        ada.get_by_role("button", name="Actions for grace@example.com").click()
        ada.get_by_role("menuitem", name=name).click()

    act("Link for a new password")
    link = ada.get_by_label("Link for a new password").input_value()
    act("Disable")
    expect(rows).to_contain_text("Disabled")
    grace.reload()
    expect(grace.get_by_role("heading", name="Sign in")).to_be_visible()
    act("Enable")
    expect(rows).not_to_contain_text("Disabled")
    grace.goto(link)
    grace.get_by_role("textbox", name="New password").fill("an owl waits at dawn")
    grace.keyboard.press("Enter")
    expect(grace.get_by_role("heading", name="Your password is changed")).to_be_visible()
    act("Delete")
    dialog = ada.get_by_role("dialog")
    dialog.get_by_label("Type grace@example.com to confirm").fill("grace@example.com")
    dialog.get_by_role("button", name="Go on").click()
    expect(ada.get_by_text("Nobody matches")).to_be_visible()


def test_who_must_have_a_second_factor_sets_it_up_first(chromium: Browser, tmp_path: Path) -> None:
    with Site(chromium, tmp_path, {"REQUIRE_SECOND_FACTOR": "all"}) as site:
        page = site.open()
        page.goto(site.setup_link())
        page.get_by_label("E-mail").fill(EMAIL)
        page.get_by_role("textbox", name="Password").fill(PASSWORD)
        page.get_by_role("button", name="Begin").click()
        page.get_by_role("button", name="Skip").click()
        expect(page.get_by_role("heading", name="Set up a second factor")).to_be_visible()
        set_up_app(page)
        page.get_by_label("I have kept them in a safe place").check()
        page.get_by_role("button", name="Done").click()
        at_home(page)


def test_a_passkey_is_made_named_used_and_removed(site: Site) -> None:
    page = site.open()
    with_passkeys(page, at_field=False)
    site.set_up(page)
    page.goto(f"{site.url}/app/security")
    page.get_by_role("button", name="Add a passkey").click()
    prove(page, "Go on")
    row = page.get_by_role("list", name="Passkeys").get_by_role("listitem")
    expect(row).to_have_count(1)
    row.get_by_role("button", name="Rename").click()
    page.get_by_label("Name of the passkey").fill("Laptop")
    page.get_by_role("button", name="Save").last.click()
    expect(row).to_contain_text("Laptop")
    sign_out(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    at_home(page)
    page.goto(f"{site.url}/app/security")
    expect(page.get_by_role("list", name="Sessions").get_by_role("listitem").first).to_contain_text("by passkey")
    row.get_by_role("button", name="Remove").click()
    prove(page, "Remove")
    expect(page.get_by_text("No passkey yet.")).to_be_visible()
    assert site.complaints == []


def test_a_passkey_that_the_browser_offers_at_the_field_lets_its_owner_in(site: Site) -> None:
    page = site.open()
    with_passkeys(page, at_field=True)
    site.set_up(page)
    page.goto(f"{site.url}/app/security")
    page.get_by_role("button", name="Add a passkey").click()
    prove(page, "Go on")
    expect(page.get_by_role("list", name="Passkeys").get_by_role("listitem")).to_have_count(1)
    page.get_by_role("button", name="Account").click()
    with page.expect_response(lambda answer: answer.url.endswith("/auth/passkeys/sign-in") and answer.ok):
        page.get_by_role("menuitem", name="Sign out").click()  # its owner touches the device whenever it is offered
    at_home(page)
    page.goto(f"{site.url}/app/security")
    expect(page.get_by_role("list", name="Sessions").get_by_role("listitem").first).to_contain_text("by passkey")
    assert site.complaints == []


def test_the_identity_provider_lets_somebody_in_and_out(chromium: Browser, tmp_path: Path) -> None:
    with run_provider() as provider:
        provider.knows("ada", email="grace@example.com", email_verified=True, name="Grace")
        settings = {
            "OIDC_ISSUER": provider.issuer,
            "OIDC_CLIENT_ID": "shortly",
            "OIDC_CLIENT_SECRET": "a secret of the client",
            "OIDC_NAME": "Example ID",
            "OIDC_ROLES": "*=editor",
        }
        with Site(chromium, tmp_path, settings) as site:
            site.set_up(site.open())
            page = site.open()
            page.goto(f"{site.url}/app/sign-in")
            page.get_by_role("link", name="Sign in with Example ID").click()
            page.wait_for_url(f"{provider.issuer}/**")
            page.locator("input[name=sub]").fill("ada")
            page.locator("button, input[type=submit]").first.click()
            at_home(page)
            page.get_by_role("button", name="Account").click()
            page.get_by_role("menuitem", name="Sign out").click()
            page.wait_for_url(f"{provider.issuer}/**")  # it has a session of its own to end
            page.get_by_role("button", name="End session").click()
            expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
            page.goto(f"{site.url}/app/links")
            expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
            page.goto(f"{site.url}/app/sign-in?problem=no_role")
            expect(page.get_by_role("alert")).to_contain_text("None of your groups")


def test_the_whole_way_in_and_out_by_keyboard_alone(site: Site) -> None:
    site.set_up(site.open())
    page = site.open()
    page.goto(f"{site.url}/app/sign-in")
    expect(page.get_by_label("E-mail")).to_be_focused()
    page.keyboard.type(EMAIL)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    at_home(page)
    account = page.get_by_role("button", name="Account")
    for _ in range(30):
        if account.evaluate("it => it === document.activeElement"):
            break
        page.keyboard.press("Shift+Tab")
    expect(account).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menu")).to_be_visible()
    expect(page.get_by_role("menuitem").first).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("menuitem", name="Sign out")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_people_say_what_they_are_called(site: Site) -> None:
    page = site.open()
    site.set_up(page)
    page.goto(f"{site.url}/app/security")
    save = page.get_by_role("region", name="You").get_by_role("button", name="Save")
    expect(save).to_be_disabled()
    page.get_by_label("Name", exact=True).fill("Ada Lovelace")
    save.click()
    expect(page.get_by_text("Your name is changed.")).to_be_visible()
    expect(save).to_be_disabled()
    page.goto(f"{site.url}/app/team")
    expect(page.get_by_role("list", name="Members")).to_contain_text("Ada Lovelace")
    assert site.complaints == []
