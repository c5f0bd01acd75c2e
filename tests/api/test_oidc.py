"""Signing in with an OpenID Connect provider, which runs in a process of its own."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from msgspec import structs
from starlette.testclient import TestClient
from structlog.testing import capture_logs
from tests.api.identity_provider import IdentityProvider, run_provider
from tests.api.served import Served

from shortly.accounts.audit import AuditQuery
from shortly.accounts.identities import Identity
from shortly.accounts.people import Member, User
from shortly.accounts.tickets import Ticket

pytestmark = pytest.mark.slow

AUTH = "/api/v1/auth"
START = f"{AUTH}/oidc/start"
ADA = "ada@example.com"
BEN = "ben@example.com"


@pytest.fixture(scope="module")
def running() -> Iterator[IdentityProvider]:
    with run_provider() as provider:
        yield provider


@pytest.fixture
def provider(running: IdentityProvider) -> IdentityProvider:
    running.misbehaves()
    running.knows("ben", email=BEN, email_verified=True, name="Ben", groups=["staff"])
    return running


Serve = Callable[..., Served]


@pytest.fixture
def served_with(serve: Serve, provider: IdentityProvider) -> Serve:
    """Run an API where Ada is admin, and people come in by the provider."""

    def run(**values: Any) -> Served:
        served = serve(
            oidc_issuer=provider.issuer, oidc_client_id="shortly", oidc_client_secret="s3cret-s3cret", **values
        )
        served.set_up(ADA)
        return served

    return run


def depart(browser: TestClient, **query: str) -> str:
    """Return the address at the provider that a browser is sent to."""
    answer = browser.get(START, params=query, follow_redirects=False)
    assert answer.status_code == 303
    return answer.headers["Location"]


def arrive(browser: TestClient, url: str) -> str:
    """Return where the browser is led to when it comes back."""
    answer = browser.get(url, follow_redirects=False)
    assert answer.status_code == 303
    return answer.headers["Location"]


def come_in(served: Served, provider: IdentityProvider, subject: str = "ben", **query: str) -> tuple[TestClient, str]:
    browser = served.browser()
    return browser, arrive(browser, provider.lets_in(depart(browser, **query), subject))


def problem(reason: str) -> str:
    return f"/app/sign-in?problem={reason}"


def find(served: Served, email: str) -> User | None:
    user: User | None = served.run(served.services.entrance.registry.find, User, email)
    return user


def change(served: Served, email: str, **fields: Any) -> None:
    user = find(served, email)
    assert user
    served.run(served.services.entrance.registry.replace, user, structs.replace(user, **fields))


def roles(served: Served, email: str) -> dict[int, str]:
    user = find(served, email)
    assert user
    members = served.run(served.services.entrance.registry.all, Member, f"user:{user.id}")
    return {member.workspace_id: member.role for member in members}


def audited(served: Served) -> list[tuple[str, dict[str, Any]]]:
    page = served.run(served.services.audit.page, None, AuditQuery(descending=False))
    return [(entry.action, entry.details) for entry in page.entries]


# --- coming in -----------------------------------------------------------------------------------------------


def test_somebody_new_comes_in_makes_a_link_and_signs_out_there_too(
    served_with: Serve, provider: IdentityProvider
) -> None:
    served = served_with(oidc_roles="staff=editor", oidc_name="Team ID")
    assert served.stranger.get(f"{AUTH}/methods").json()["oidc"] == "Team ID"
    browser, landed = come_in(served, provider, next="/app/links?tag=spring")
    assert landed == "/app/links?tag=spring"
    me = browser.get(f"{AUTH}/me").json()
    assert (me["user"]["email"], me["user"]["name"], me["session"]["how"]) == (BEN, "Ben", "oidc")
    assert browser.post("/api/v1/links", json={"target": "https://example.com", "slug": "abc"}).status_code == 201
    assert ("user.signed_in", {"how": "oidc"}) in audited(served)
    out = browser.post(f"{AUTH}/sign-out")
    assert out.status_code == 200
    assert out.json()["url"].startswith(f"{provider.issuer}/oauth2/end_session?client_id=shortly&")
    assert browser.get(f"{AUTH}/me").status_code == 401


def test_the_same_person_comes_back_as_the_same_user_under_another_address(
    served_with: Serve, provider: IdentityProvider
) -> None:
    served = served_with()
    first, _ = come_in(served, provider)
    provider.knows("ben", email="benjamin@example.com", email_verified=True)
    second, landed = come_in(served, provider)
    assert landed == "/app"
    assert first.get(f"{AUTH}/me").json()["user"]["id"] == second.get(f"{AUTH}/me").json()["user"]["id"]


def test_the_browser_is_sent_off_with_a_challenge_and_keeps_the_proof(
    served_with: Serve, provider: IdentityProvider
) -> None:
    served = served_with()
    browser = served.browser()
    answer = browser.get(START, follow_redirects=False)
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert query["code_challenge_method"] == ["S256"]
    assert len(query["code_challenge"][0]) == 43
    assert query["redirect_uri"] == [f"http://localhost:8000{AUTH}/oidc/callback"]
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert answer.headers["Cache-Control"] == "no-store"
    kept = browser.cookies["shortly_oidc"]
    (ticket,) = served.run(served.services.entrance.registry.all, Ticket)
    for text in (answer.headers["Location"], ticket.data):
        assert kept not in text
    assert query["nonce"][0] not in ticket.data


def test_by_https_the_cookie_is_bound_to_the_host(served_with: Serve) -> None:
    served = served_with(base_url="https://s.example")
    cookie = served.browser().get(START, follow_redirects=False).headers["Set-Cookie"]
    assert cookie.startswith("__Host-shortly-oidc=")
    assert "Secure" in cookie


def test_no_secret_is_logged(served_with: Serve, provider: IdentityProvider) -> None:
    served = served_with()
    with capture_logs() as lines:
        browser = served.browser()
        back = provider.lets_in(depart(browser), "ben")
        arrive(browser, back)
        arrive(browser, back)
    query = parse_qs(urlsplit(back).query)
    assert lines
    for secret in (query["code"][0], query["state"][0], "s3cret-s3cret", browser.cookies["shortly_session"]):
        assert secret not in str(lines)


# --- what is refused -----------------------------------------------------------------------------------------


def test_another_state_another_browser_and_a_replay_lead_nowhere(
    served_with: Serve, provider: IdentityProvider
) -> None:
    served = served_with()
    browser, other = served.browser(), served.browser()
    back = provider.lets_in(depart(browser), "ben")
    depart(other)
    state = parse_qs(urlsplit(back).query)["state"][0]
    assert arrive(served.browser(), back) == problem("expired")
    assert arrive(other, back) == problem("expired")
    depart(browser)
    assert arrive(browser, back) == problem("expired")
    browser = served.browser()
    back = provider.lets_in(depart(browser), "ben")
    assert arrive(browser, back.replace(parse_qs(urlsplit(back).query)["state"][0], state)) == problem("expired")
    assert find(served, BEN) is None


def test_a_callback_works_once_even_with_the_cookie_kept(served_with: Serve, provider: IdentityProvider) -> None:
    served = served_with()
    browser = served.browser()
    url = depart(browser)
    kept = browser.cookies["shortly_oidc"]
    back = provider.lets_in(url, "ben")
    assert arrive(browser, back) == "/app"
    thief = served.browser()
    thief.cookies.set("shortly_oidc", kept)
    provider.misbehaves()
    assert arrive(thief, back) == problem("expired")
    assert provider.asked("/oauth2/token") == 0


def test_who_takes_too_long_begins_anew(served_with: Serve, provider: IdentityProvider) -> None:
    served = served_with()
    browser = served.browser()
    back = provider.lets_in(depart(browser), "ben")
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=11)):
        assert arrive(browser, back) == problem("expired")


WRONG_CLAIMS: list[dict[str, Any]] = [
    {"nonce": "another"},
    {"nonce": None},
    {"iss": "https://evil.example"},
    {"aud": "another"},
    {"aud": ["shortly", "another"]},
    {"aud": []},
    {"azp": "another"},
    {"exp": int(time.time()) - 3600},
    {"exp": None},
    {"exp": "never"},
    {"iat": int(time.time()) - 7200},
    {"iat": int(time.time()) + 7200},
    {"iat": None},
    {"nbf": int(time.time()) + 7200},
    {"sub": None},
    {"sub": ""},
    {"sub": 7},
    {"sub": "x" * 256},
    {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
]


def test_a_token_that_was_not_made_for_this_sign_in_lets_nobody_in(
    served_with: Serve, provider: IdentityProvider
) -> None:
    served = served_with()
    for claims in WRONG_CLAIMS:
        provider.misbehaves(claims=claims)
        browser, landed = come_in(served, provider)
        assert landed == problem("invalid_token"), claims
        assert browser.get(f"{AUTH}/me").status_code == 401
    assert find(served, BEN) is None
    assert ("user.sign_in_refused", {"how": "oidc", "reason": "invalid_token"}) in audited(served)


def test_a_token_with_a_wrong_signature_lets_nobody_in(served_with: Serve, provider: IdentityProvider) -> None:
    served = served_with()
    for sign in ("none", "shared", "stranger", "unknown", "damaged"):
        provider.misbehaves(
            sign=sign, description={"id_token_signing_alg_values_supported": ["none", "HS256", "RS256"]}
        )
        assert come_in(served, provider)[1] == problem("invalid_token"), sign
    assert find(served, BEN) is None


def test_new_keys_are_fetched_when_one_is_unknown_but_not_for_everybody_who_makes_one_up(
    served_with: Serve, provider: IdentityProvider
) -> None:
    served = served_with()
    assert come_in(served, provider)[1] == "/app"
    provider.rotates()
    provider.misbehaves()
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=55), tick=True):
        assert come_in(served, provider)[1] == problem("invalid_token")  # asked for within the last minute
        assert provider.asked("/jwks") == 0
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=65), tick=True):
        provider.misbehaves(claims={"iat": int(time.time()), "exp": int(time.time()) + 300})
        assert come_in(served, provider)[1] == "/app"
        assert provider.asked("/jwks") == 1
        provider.misbehaves(sign="unknown")
        assert come_in(served, provider)[1] == problem("invalid_token")
        assert provider.asked("/jwks") == 0


def test_an_answer_of_another_issuer_is_not_taken(served_with: Serve, provider: IdentityProvider) -> None:
    served = served_with()
    browser = served.browser()
    back = provider.lets_in(depart(browser), "ben")
    assert arrive(browser, f"{back}&iss=https://evil.example") == problem("invalid_token")


def test_no_answer_that_a_stranger_makes_up_is_noted(served_with: Serve, provider: IdentityProvider) -> None:
    served = served_with()
    stranger = served.browser()
    state = parse_qs(urlsplit(depart(stranger)).query)["state"][0]
    for forged in ("code=x&iss=https://evil.example", "code=x", "error=access_denied", ""):
        arrive(stranger, f"/api/v1/auth/oidc/callback?state={state}&{forged}")
        state = parse_qs(urlsplit(depart(stranger)).query)["state"][0]
    arrive(stranger, "/api/v1/auth/oidc/callback?state=made-up&code=x&iss=https://evil.example")
    assert "oidc" not in {entry.actor for entry in served.run(served.services.audit.page, None, AuditQuery()).entries}


def test_who_changes_their_mind_at_the_provider_is_back_at_the_sign_in_page(
    served_with: Serve, provider: IdentityProvider
) -> None:
    served = served_with()
    browser = served.browser()
    back = provider.turns_away(depart(browser))
    state = parse_qs(urlsplit(provider.lets_in(depart(browser), "ben")).query)["state"][0]
    assert arrive(browser, f"{back.partition('?')[0]}?error=access_denied&state={state}") == problem("refused_there")


ELSEWHERE = [
    "https://evil.example",
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/app//evil.example/../..",
    "/app/../abc",
    "/app/%2e%2e/abc",
    "/app/..",
    "/abc",
    "/application",
    "javascript:alert(1)",
    "/app\r\nSet-Cookie: a=b",
    "/app/\u2044",
    " /app/x",
    "/app@evil.example",
    "",
    "/app/" + "x" * 600,
]


def test_no_address_but_our_own_screens_is_led_to(served_with: Serve, provider: IdentityProvider) -> None:
    served = served_with()
    for wanted in ELSEWHERE:
        assert come_in(served, provider, next=wanted)[1] == "/app", wanted


def test_a_provider_that_is_down_is_said_to_be(serve: Serve) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        served = serve(oidc_issuer=f"http://localhost:{taken.getsockname()[1]}", oidc_client_id="shortly")
        assert depart(served.browser()) == problem("provider_away")
        assert arrive(served.browser(), f"{AUTH}/oidc/callback?code=x&state=y") == problem("expired")


@pytest.mark.parametrize(
    "description", [{"issuer": "https://evil.example"}, {"jwks_uri": "ftp://x"}, {"token_endpoint": None}]
)
def test_a_provider_that_does_not_describe_itself_is_not_asked(
    served_with: Serve, provider: IdentityProvider, description: dict[str, Any]
) -> None:
    provider.misbehaves(description=description)
    assert depart(served_with().browser()) == problem("provider_away")


def test_without_a_provider_there_is_none(served: Served) -> None:
    assert served.stranger.get(f"{AUTH}/methods").json()["oidc"] is None
    assert depart(served.browser()) == problem("off")
    assert arrive(served.browser(), f"{AUTH}/oidc/callback?code=x&state=y") == problem("off")


# --- who is let in -------------------------------------------------------------------------------------------


def test_an_account_with_the_same_address_is_not_taken_over(served_with: Serve, provider: IdentityProvider) -> None:
    served = served_with()
    provider.knows("eve", email="ADA@Example.com", email_verified=True)
    assert come_in(served, provider, "eve")[1] == problem("email_taken")


def test_where_it_is_allowed_a_verified_address_connects_once(served_with: Serve, provider: IdentityProvider) -> None:
    served = served_with(oidc_link_by_email=True)
    provider.knows("eve", email=ADA, email_verified=False)
    assert come_in(served, provider, "eve")[1] == problem("email_taken")
    provider.knows("ada", email=ADA, email_verified=True)
    browser, landed = come_in(served, provider, "ada")
    assert landed == "/app"
    assert browser.get(f"{AUTH}/me").json()["user"]["admin"]
    assert "user.linked" in [action for action, _ in audited(served)]
    provider.knows("eve", email=ADA, email_verified=True)  # the address was given to somebody else there
    assert come_in(served, provider, "eve")[1] == problem("email_taken")


def test_an_address_that_is_not_verified_makes_no_user_unless_that_is_set(
    served_with: Serve, provider: IdentityProvider
) -> None:
    served = served_with()
    provider.knows("ben", email=BEN, email_verified=False)
    assert come_in(served, provider)[1] == problem("email_unverified")
    provider.knows("ben", email=BEN)
    assert come_in(served, provider)[1] == problem("email_unverified")
    provider.knows("ben", name="Ben")
    assert come_in(served, provider)[1] == problem("no_email")
    provider.knows("ben", email="no address", email_verified=True)
    assert come_in(served, provider)[1] == problem("no_email")
    assert find(served, BEN) is None


def test_unverified_addresses_can_be_let_in(served_with: Serve, provider: IdentityProvider) -> None:
    served = served_with(oidc_require_verified_email=False)
    provider.knows("ben", email=BEN)
    assert come_in(served, provider)[1] == "/app"


def test_where_users_are_made_by_admins_only_strangers_stay_out(served_with: Serve, provider: IdentityProvider) -> None:
    assert come_in(served_with(oidc_create_users=False), provider)[1] == problem("unknown")


def test_a_disabled_user_stays_out(served_with: Serve, provider: IdentityProvider) -> None:
    served = served_with()
    come_in(served, provider)
    change(served, BEN, disabled_at=datetime.now(UTC))
    assert come_in(served, provider)[1] == problem("disabled")


def test_a_deleted_user_comes_back_as_somebody_new(served_with: Serve, provider: IdentityProvider) -> None:
    served = served_with()
    browser, _ = come_in(served, provider)
    user_id = browser.get(f"{AUTH}/me").json()["user"]["id"]
    assert served.client.delete(f"/api/v1/users/{user_id}").status_code == 204
    assert served.run(served.services.entrance.registry.all, Identity) == []
    again, _ = come_in(served, provider)
    assert again.get(f"{AUTH}/me").json()["user"]["id"] != user_id


def test_groups_give_roles_and_take_them_at_the_next_sign_in(served_with: Serve, provider: IdentityProvider) -> None:
    served = served_with(oidc_roles="staff=viewer, leads=admin, *=viewer@2, ops=installation, ghosts=editor@9")
    assert served.client.post("/api/v1/workspaces", json={"name": "Second"}).status_code == 201
    provider.knows("ben", email=BEN, email_verified=True, groups=["staff", "leads", "ghosts", 7])
    come_in(served, provider)
    assert roles(served, BEN) == {1: "admin", 2: "viewer"}
    provider.knows("ben", email=BEN, email_verified=True, groups=["ops", "staff"])
    browser, _ = come_in(served, provider)
    assert roles(served, BEN) == {1: "viewer", 2: "viewer"}
    assert browser.get(f"{AUTH}/me").json()["user"]["admin"]
    provider.knows("ben", email=BEN, email_verified=True)
    come_in(served, provider)
    assert roles(served, BEN) == {2: "viewer"}
    user = find(served, BEN)
    assert user
    assert not user.admin
    actions = [action for action, _ in audited(served)]
    for action in ("user.created", "member.added", "member.role_changed", "member.removed", "user.made_admin"):
        assert action in actions


def test_who_is_in_no_group_that_gives_a_role_does_not_become_a_user(
    served_with: Serve, provider: IdentityProvider
) -> None:
    assert come_in(served_with(oidc_roles="leads=admin"), provider)[1] == problem("no_role")


def test_groups_are_found_in_inner_claims(served_with: Serve, provider: IdentityProvider) -> None:
    served = served_with(oidc_roles="cn=x=editor", oidc_groups_claim="realm_access.roles")
    provider.knows("ben", email=BEN, email_verified=True, realm_access={"roles": ["cn=x"]})
    come_in(served, provider)
    assert roles(served, BEN) == {1: "editor"}


def test_what_the_token_leaves_out_is_asked_for(served_with: Serve, provider: IdentityProvider) -> None:
    served = served_with(oidc_roles="staff=editor")
    provider.misbehaves(claims={"email": None, "email_verified": None, "groups": None, "name": None})
    assert come_in(served, provider)[1] == "/app"
    assert roles(served, BEN) == {1: "editor"}


def test_the_last_admin_stays_one_whatever_groups_say(serve: Serve, provider: IdentityProvider) -> None:
    served = serve(
        oidc_issuer=provider.issuer,
        oidc_client_id="shortly",
        oidc_client_secret="s3cret-s3cret",
        oidc_roles="ops=installation,*=viewer",
    )
    assert come_in(served, provider)[1] == problem("not_set_up")
    provider.knows("ben", email=BEN, email_verified=True, groups="ops")
    assert come_in(served, provider)[1] == "/app"
    assert served.stranger.get(f"{AUTH}/setup").json() == {"open": False}
    provider.knows("ben", email=BEN, email_verified=True)
    browser, _ = come_in(served, provider)
    assert browser.get(f"{AUTH}/me").json()["user"]["admin"]


def test_a_second_factor_at_the_provider_is_remembered(served_with: Serve, provider: IdentityProvider) -> None:
    served = served_with()
    provider.misbehaves(claims={"amr": ["pwd", "mfa"]})
    browser, _ = come_in(served, provider)
    assert browser.get(f"{AUTH}/me").json()["session"]["second_factor"]
    provider.misbehaves(claims={"amr": ["pwd"]})
    browser, _ = come_in(served, provider)
    assert not browser.get(f"{AUTH}/me").json()["session"]["second_factor"]
