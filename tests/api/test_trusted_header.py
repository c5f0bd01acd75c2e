"""Signing in by the headers of a proxy: only that proxy's are believed, and no other site can make use of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from msgspec import structs
from tests.api.served import OWN_PAGE, Served, settings_in

from shortly.accounts.audit import AuditQuery
from shortly.accounts.people import Member, User
from shortly.accounts.sessions import Session
from shortly.errors import InvalidSettings
from shortly.settings import load_settings

PROXY = "10.0.0.7"
ME = "/api/v1/auth/me"
ADA = "ada@example.com"
BEN = {"X-Forwarded-Email": "ben@example.com"}
SETTINGS: dict[str, Any] = {
    "trusted_header_user": "X-Forwarded-Email",
    "trusted_header_name": "X-Forwarded-Preferred-Username",
    "trusted_header_groups": "X-Forwarded-Groups",
    "trusted_header_proxies": "10.0.0.7/32",
}


@pytest.fixture
def behind(tmp_path: Path) -> Iterator[Served]:
    with Served(settings_in(tmp_path, **SETTINGS, trusted_header_roles="staff=editor,ops=installation,*=viewer")).open(
        PROXY
    ) as served:
        served.set_up(ADA)
        yield served


def find(served: Served, email: str) -> User:
    user: User = served.run(served.services.entrance.registry.find, User, email)
    return user


def test_whoever_the_proxy_names_is_in_and_out_with_each_request(behind: Served) -> None:
    headers = {**BEN, "X-Forwarded-Preferred-Username": "Ben Example", "X-Forwarded-Groups": "staff,else"}
    me = behind.stranger.get(ME, headers=headers).json()
    assert (me["user"]["email"], me["user"]["name"], me["session"]["how"]) == (
        "ben@example.com",
        "Ben Example",
        "header",
    )
    assert "links:write" in me["permissions"]
    assert behind.stranger.get(ME).status_code == 401
    assert behind.stranger.get(ME, headers=headers).json()["user"]["id"] == me["user"]["id"]
    user = find(behind, "ben@example.com")
    assert behind.run(behind.services.entrance.registry.all, Session, f"user:{user.id}") == []
    page = behind.run(behind.services.audit.page, None, AuditQuery())
    assert ("user.created", "header") in [(entry.action, entry.actor) for entry in page.entries]


def test_an_existing_user_is_known_by_the_address(behind: Served) -> None:
    me = behind.stranger.get(ME, headers={"x-forwarded-email": " ADA@example.com "}).json()
    assert me["user"]["id"] == find(behind, ADA).id


@pytest.mark.parametrize("peer", ["10.0.0.8", "127.0.0.1", "testclient", "::ffff:10.0.0.8"])
def test_from_anybody_else_the_header_means_nothing(tmp_path: Path, peer: str) -> None:
    settings = settings_in(tmp_path, **SETTINGS, trusted_proxies="0.0.0.0/0")
    with Served(settings).open(peer) as served:
        served.set_up(ADA)
        headers = {"X-Forwarded-Email": ADA, "X-Forwarded-For": PROXY, "Forwarded": f"for={PROXY}"}
        assert served.stranger.get(ME, headers=headers).status_code == 401


def test_without_the_setting_no_header_is_believed(tmp_path: Path) -> None:
    with Served(settings_in(tmp_path, trusted_proxies=PROXY)).open(PROXY) as served:
        served.set_up(ADA)
        for name in ("X-Forwarded-Email", "Remote-Email", "Remote-User"):
            assert served.stranger.get(ME, headers={name: ADA}).status_code == 401


def test_two_headers_or_one_that_is_no_address_let_nobody_in(behind: Served) -> None:
    stranger = behind.stranger
    assert (
        stranger.get(ME, headers=[("X-Forwarded-Email", ADA), ("X-Forwarded-Email", "e@example.com")]).status_code
        == 401
    )
    assert stranger.get(ME, headers={"X-Forwarded-Email": "x" * 20_000}).status_code == 401
    for value in ("ada", f"{ADA},eve@example.com", "a b@example.com"):
        refused = stranger.get(ME, headers={"X-Forwarded-Email": value})
        assert (refused.status_code, refused.json()["code"]) == (403, "identity_refused")


def test_another_site_cannot_use_the_proxy_s_cookie(behind: Served) -> None:
    link = {"target": "https://example.com"}
    staff = {**BEN, "X-Forwarded-Groups": "staff"}
    for headers in (
        {},
        {"X-CSRF": "1"},
        {"X-CSRF": "1", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://evil.example"},
    ):
        refused = behind.stranger.post("/api/v1/links", json=link, headers={**staff, **headers})
        assert (refused.status_code, refused.json()["code"]) == (403, "cross_site_request")
    assert behind.stranger.post("/api/v1/links", json=link, headers={**staff, **OWN_PAGE}).status_code == 201


def test_the_proxy_s_word_goes_before_a_cookie_and_a_key_before_both(behind: Served) -> None:
    browser = behind.sign_in(ADA)
    assert browser.get(ME, headers=BEN).json()["user"]["email"] == "ben@example.com"
    assert browser.get(ME).json()["user"]["email"] == ADA
    assert behind.client.get(ME, headers=BEN).json()["actor"] == behind.actor


def test_other_groups_are_other_roles_at_once(behind: Served) -> None:
    def permissions(groups: str) -> list[str]:
        answer = behind.stranger.get(ME, headers={**BEN, "X-Forwarded-Groups": groups})
        found: list[str] = answer.json()["permissions"]
        return found

    assert "installation" in permissions("ops|staff")
    assert "links:write" in permissions("staff")
    assert permissions("") == ["domains:read", "links:read", "stats:read"]
    user = find(behind, "ben@example.com")
    members = behind.run(behind.services.entrance.registry.all, Member, f"user:{user.id}")
    assert [member.role for member in members] == ["viewer"]


def test_groups_that_change_back_within_the_minute_count_too(behind: Served) -> None:
    for groups, may_write in (("staff", True), ("", False), ("staff", True), ("", False)):
        answer = behind.stranger.get(ME, headers={**BEN, "X-Forwarded-Groups": groups})
        assert ("links:write" in answer.json()["permissions"]) is may_write


def test_a_disabled_user_is_out_at_the_next_request(behind: Served) -> None:
    assert behind.stranger.get(ME, headers=BEN).status_code == 200
    user = find(behind, "ben@example.com")
    registry = behind.services.entrance.registry
    behind.run(registry.replace, user, structs.replace(user, disabled_at=datetime.now(UTC)))
    assert behind.stranger.get(ME, headers=BEN).status_code == 403
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=2)):
        assert behind.stranger.get(ME, headers=BEN).json()["code"] == "identity_refused"


def test_signing_out_here_ends_nothing_and_is_no_error(behind: Served) -> None:
    assert behind.stranger.post("/api/v1/auth/sign-out", headers={**BEN, **OWN_PAGE}).status_code == 204


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"TRUSTED_HEADER_USER": "Remote-Email"}, "TRUSTED_HEADER_PROXIES"),
        ({"TRUSTED_HEADER_USER": "Remote-Email", "TRUSTED_PROXIES": "10.0.0.0/8"}, "TRUSTED_HEADER_PROXIES"),
        ({"TRUSTED_HEADER_USER": "Remote-Email", "TRUSTED_HEADER_PROXIES": "0.0.0.0/0"}, "TRUSTED_HEADER_PROXIES"),
        ({"TRUSTED_HEADER_USER": "Remote-Email", "TRUSTED_HEADER_PROXIES": "proxy"}, "TRUSTED_HEADER_PROXIES"),
        ({"TRUSTED_HEADER_USER": "Remote Email", "TRUSTED_HEADER_PROXIES": "10.0.0.7"}, "TRUSTED_HEADER_USER"),
        ({"TRUSTED_HEADER_PROXIES": "10.0.0.7"}, "TRUSTED_HEADER_PROXIES"),
        ({"TRUSTED_HEADER_GROUPS": "Remote-Groups"}, "TRUSTED_HEADER_GROUPS"),
        ({"OIDC_ISSUER": "https://id.example"}, "OIDC_CLIENT_ID"),
        ({"OIDC_CLIENT_ID": "shortly"}, "OIDC_CLIENT_ID"),
        ({"OIDC_ISSUER": "http://id.example", "OIDC_CLIENT_ID": "shortly"}, "OIDC_ISSUER"),
        ({"OIDC_ISSUER": "https://id.example?x=1", "OIDC_CLIENT_ID": "shortly"}, "OIDC_ISSUER"),
        ({"OIDC_ISSUER": "https://u:p@id.example", "OIDC_CLIENT_ID": "shortly"}, "OIDC_ISSUER"),
        ({"OIDC_SCOPES": "profile email"}, "OIDC_SCOPES"),
        ({"OIDC_ISSUER": "https://id.example", "OIDC_CLIENT_ID": "s", "OIDC_ROLES": "staff=owner"}, "OIDC_ROLES"),
        ({"OIDC_ISSUER": "https://id.example", "OIDC_CLIENT_ID": "s", "OIDC_ROLES": "a=installation@2"}, "OIDC_ROLES"),
    ],
    ids=str,
)
def test_settings_that_would_let_in_the_wrong_people_stop_the_start(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], named: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings, match=f"^{named}: "):
        load_settings()
