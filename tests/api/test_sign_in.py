"""Coming in and out: the first person, sessions, cookies, and what other sites cannot do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from joserfc import jwt
from joserfc.jwk import OctKey
from starlette.testclient import TestClient
from tests.api.served import OWN_PAGE, PASSWORD, Served

from shortly.accounts.people import Member, User, Workspace
from shortly.accounts.sessions import Session

AUTH = "/api/v1/auth"
ADA = "ada@example.com"
HTTPS = "https://s.example"


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def token_of(browser: TestClient) -> str:
    return browser.cookies["shortly_session"]


def add_user(served: Served, email: str, *, role: str | None = None, **fields: Any) -> User:
    """Store a user with the usual password."""
    registry = served.services.entrance.registry
    hashed = served.run(served.services.entrance.passwords.hash, PASSWORD)
    user: User = served.run(
        registry.add, User(email=email, created_at=datetime.now(UTC), **{"password_hash": hashed, **fields})
    )
    if role is not None:
        now = datetime.now(UTC)
        served.run(registry.add, Member(user_id=user.id, workspace_id=1, role=role, created_at=now))  # type: ignore[arg-type]
    return user


def edit_user(served: Served, email: str, **fields: Any) -> None:
    registry = served.services.entrance.registry
    user = served.run(registry.find, User, email)
    from msgspec import structs

    served.run(registry.replace, user, structs.replace(user, **fields))


# --- the first person ----------------------------------------------------------------------------------------


def test_the_first_person_becomes_admin_and_the_door_closes_for_good(served: Served) -> None:
    assert served.stranger.get(f"{AUTH}/setup").json() == {"open": True}
    token = served.run(served.services.entrance.setup.issue)
    later = served.run(served.services.entrance.setup.issue)
    given = {"token": token, "email": " Ada@Example.com ", "password": PASSWORD, "name": "Ada"}
    answer = served.stranger.post(f"{AUTH}/setup", json=given)
    assert answer.status_code == 201
    assert answer.json()["user"]["admin"]
    assert answer.json()["user"]["email"] == "Ada@example.com"
    assert answer.json()["session"]["how"] == "setup"
    assert served.stranger.get(f"{AUTH}/setup").json() == {"open": False}
    for again in (token, later):
        refused = served.stranger.post(f"{AUTH}/setup", json={**given, "token": again, "email": "eve@example.com"})
        assert code(refused) == (410, "setup_done")
    assert served.run(served.services.entrance.setup.issue) is None
    registry = served.services.entrance.registry
    assert served.run(registry.get, Workspace, 1).id == 1
    user = served.run(registry.find, User, ADA)
    assert [member.role for member in served.run(registry.all, Member, f"user:{user.id}")] == ["admin"]
    served.run(registry.remove, user)
    assert served.stranger.get(f"{AUTH}/setup").json() == {"open": False}


def test_of_many_first_persons_one_comes_in(served: Served) -> None:
    setup = served.services.entrance.setup

    async def rush() -> list[Any]:
        tokens = [await setup.issue() for _ in range(8)]
        tries = [
            setup.redeem(token or "", email=f"u{n}@example.com", password=PASSWORD) for n, token in enumerate(tokens)
        ]
        return await asyncio.gather(*tries, return_exceptions=True)

    answers = served.run(rush)
    assert sorted(type(answer).__name__ for answer in answers) == ["SetupDone"] * 7 + ["User"]
    assert len(served.run(served.services.entrance.registry.all, User)) == 1


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "é" * 43, "A" * 86])
def test_a_guessed_setup_token_opens_nothing(served: Served, token: str) -> None:
    given = {"token": token, "email": ADA, "password": PASSWORD}
    assert code(served.stranger.post(f"{AUTH}/setup", json=given)) == (410, "ticket_refused")
    assert served.stranger.get(f"{AUTH}/setup").json() == {"open": True}


def test_a_setup_link_ends_after_a_day(served: Served) -> None:
    token = served.run(served.services.entrance.setup.issue)
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=24, minutes=1)):
        given = {"token": token, "email": ADA, "password": PASSWORD}
        assert code(served.stranger.post(f"{AUTH}/setup", json=given)) == (410, "ticket_refused")


def test_what_is_refused_at_setup_leaves_the_link_alive(served: Served) -> None:
    token = served.run(served.services.entrance.setup.issue)
    given = {"token": token, "email": ADA, "password": PASSWORD}
    assert code(served.stranger.post(f"{AUTH}/setup", json={**given, "password": "short"})) == (422, "weak_password")
    refused = served.stranger.post(f"{AUTH}/setup", json={**given, "email": "not an address"})
    assert refused.json()["field"] == "email"
    assert served.stranger.post(f"{AUTH}/setup", json=given).status_code == 201


def test_a_user_made_by_a_command_closes_the_door_too(served: Served) -> None:
    token = served.run(served.services.entrance.setup.issue)
    user = add_user(served, "cli@example.com", admin=True)
    given = {"token": token, "email": ADA, "password": PASSWORD}
    assert code(served.stranger.post(f"{AUTH}/setup", json=given)) == (410, "setup_done")
    served.run(served.services.entrance.registry.remove, user)
    assert code(served.stranger.post(f"{AUTH}/setup", json=given)) == (410, "setup_done")


# --- signing in and out --------------------------------------------------------------------------------------


def test_somebody_signs_in_makes_a_link_and_signs_out(served: Served) -> None:
    served.set_up()
    browser = served.sign_in(" ADA@example.com")
    me = browser.get(f"{AUTH}/me").json()
    assert (me["user"]["email"], me["workspace_id"], me["session"]["current"]) == (ADA, 1, True)
    assert "installation" in me["permissions"]
    made = browser.post("/api/v1/links", json={"target": "https://example.com", "slug": "abc"})
    assert made.status_code == 201
    out = browser.post(f"{AUTH}/sign-out")
    assert out.status_code == 204
    assert "shortly_session" not in browser.cookies
    assert code(browser.get(f"{AUTH}/me")) == (401, "unauthenticated")


def test_a_copied_cookie_is_worth_nothing_after_sign_out(served: Served) -> None:
    browser = served.set_up()
    thief = served.browser()
    thief.cookies.set("shortly_session", token_of(browser))
    assert thief.get(f"{AUTH}/me").status_code == 200
    browser.post(f"{AUTH}/sign-out")
    assert code(thief.get(f"{AUTH}/me")) == (401, "unauthenticated")


def test_each_sign_in_begins_another_session_whatever_cookie_came_along(served: Served) -> None:
    browser = served.set_up()
    planted = token_of(browser)
    answer = browser.post(f"{AUTH}/sign-in", json={"email": ADA, "password": PASSWORD})
    assert answer.status_code == 200
    assert token_of(browser) != planted


@pytest.mark.parametrize(
    ("email", "password"),
    [
        (ADA, "another owl at night"),
        (ADA, ""),
        ("eve@example.com", PASSWORD),
        ("", PASSWORD),
        ("\x00", PASSWORD),
        ("ada@example.com\r\nBcc: eve@example.com", PASSWORD),
        ("x" * 500, PASSWORD),
        (ADA, "\u0000" * 256),
    ],
)
def test_all_that_is_wrong_is_refused_in_the_same_words(served: Served, email: str, password: str) -> None:
    served.set_up()
    answer = served.browser().post(f"{AUTH}/sign-in", json={"email": email, "password": password})
    assert code(answer) == (401, "sign_in_refused")
    assert answer.json()["detail"] == "This e-mail address and password do not let anybody in."
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": ADA},
        {"email": ADA, "password": None},
        {"email": ADA, "password": ["x"]},
        {"email": ADA, "password": PASSWORD, "admin": True},
        {"email": ADA, "password": "x" * 257},
        {"email": "x" * 10_000, "password": PASSWORD},
        [],
    ],
)
def test_a_malformed_sign_in_is_told_without_repeating_it(served: Served, body: Any) -> None:
    answer = served.browser().post(f"{AUTH}/sign-in", json=body)
    assert code(answer) == (422, "invalid_input")
    assert PASSWORD not in answer.text


def test_who_has_no_password_or_is_disabled_does_not_come_in(served: Served) -> None:
    served.set_up()
    add_user(served, "sso@example.com", password_hash=None)
    add_user(served, "gone@example.com", disabled_at=datetime.now(UTC))
    for email in ("sso@example.com", "gone@example.com"):
        answer = served.browser().post(f"{AUTH}/sign-in", json={"email": email, "password": PASSWORD})
        assert code(answer) == (401, "sign_in_refused")


def test_disabling_a_user_ends_what_is_under_way(served: Served) -> None:
    browser = served.set_up()
    edit_user(served, ADA, disabled_at=datetime.now(UTC))
    assert code(browser.get(f"{AUTH}/me")) == (401, "unauthenticated")


def test_an_old_hash_is_made_anew_at_the_next_sign_in(served: Served) -> None:
    served.set_up()
    from shortly.accounts.passwords import Passwords

    dear = served.run(Passwords(time_cost=2, memory_cost=16, parallelism=1).hash, PASSWORD)
    edit_user(served, ADA, password_hash=dear)
    served.sign_in()
    stored = served.run(served.services.entrance.registry.find, User, ADA)
    assert "m=8,t=1" in stored.password_hash
    assert stored.signed_in_at is not None
    served.sign_in()


def test_a_password_changed_while_it_was_looked_at_lets_nobody_in(served: Served) -> None:
    served.set_up()
    entrance = served.services.entrance
    read = served.run(entrance.registry.find, User, ADA)
    edit_user(served, ADA, password_hash="$changed")
    from shortly.accounts.sessions import From
    from shortly.errors import SignInRefused

    async def sign_in() -> Any:
        return await entrance.sessions.sign_in(read, "password", second_factor=False, facts=From())

    with pytest.raises(SignInRefused):
        served.run(sign_in)


# --- tokens and cookies --------------------------------------------------------------------------------------


def test_by_https_the_cookie_is_bound_to_the_host_and_kept_from_scripts(serve: Callable[..., Served]) -> None:
    served = serve(base_url=HTTPS)
    token = served.run(served.services.entrance.setup.issue)
    given = {"token": token, "email": ADA, "password": PASSWORD}
    answer = served.browser().post(f"{AUTH}/setup", json=given)
    cookies = flags_of(answer)
    assert list(cookies) == ["__Host-shortly", "__Host-shortly-device"]
    for flags in cookies.values():
        assert {"secure", "httponly", "samesite=lax", "path=/"} <= flags
        assert not any(flag.startswith("domain") for flag in flags)


def test_by_plain_http_it_is_kept_from_scripts_too(served: Served) -> None:
    token = served.run(served.services.entrance.setup.issue)
    answer = served.browser().post(f"{AUTH}/setup", json={"token": token, "email": ADA, "password": PASSWORD})
    cookies = flags_of(answer)
    assert list(cookies) == ["shortly_session", "shortly_device"]
    for flags in cookies.values():
        assert {"httponly", "samesite=lax", "path=/"} <= flags
        assert "secure" not in flags


def flags_of(answer: Any) -> dict[str, set[str]]:
    """Return the cookies that an answer sets, with their flags in lower case."""
    cookies = (text.partition("=") for text in answer.headers.get_list("set-cookie"))
    return {name: {part.strip().lower() for part in rest.split(";")[1:]} for name, _, rest in cookies}


def forgeries(served: Served, genuine: str) -> list[str]:
    secret = served.services.entrance.secret
    key = OctKey.import_key(secret.keys("session")[0].value)
    kid = secret.keys("session")[0].id
    foreign = OctKey.import_key(b"f" * 32)
    claims = jwt.decode(genuine, key, ["HS256"]).claims
    header, body, signature = genuine.split(".")
    unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"
    head = {"alg": "HS256", "kid": kid}

    def signed(changes: dict[str, Any], by: OctKey = key, top: dict[str, Any] = head) -> str:
        kept = {name: value for name, value in {**claims, **changes}.items() if value is not ...}
        return jwt.encode(top, kept, by, ["HS256", "HS512"])

    return [
        f"{unsigned}.{body}.",
        f"{header}.{body}.",
        f"{header}.{body}.{signature[:-2]}",
        f"{header}.{body}",
        signed({}, foreign),
        signed({}, foreign, {"alg": "HS256"}),
        signed({}, top={"alg": "HS512", "kid": kid}),
        signed({}, top={"alg": "HS256", "kid": "other"}),
        signed({"jti": "AAAAAAAAAAAAAAAAAAAAAA"}),
        signed({"jti": ...}),
        signed({"jti": 1}),
        signed({"sub": "1"}),
        signed({"sid": "1"}),
        signed({"sid": "x"}),
        signed({"sid": "9" * 400}),
        signed({"sid": None}),
        signed({"exp": 1}),
        signed({"exp": "soon"}),
        signed({"exp": ...}),
        "",
        "..",
        "x" * 5000,
        "\xff.\xff.\xff",
    ]


def test_no_forged_token_comes_in(served: Served) -> None:
    browser = served.set_up()
    genuine = token_of(browser)
    for forged in forgeries(served, genuine):
        headers = [(b"cookie", b"shortly_session=" + forged.encode("latin-1"))]
        assert code(served.stranger.get(f"{AUTH}/me", headers=headers)) == (401, "unauthenticated"), forged
    assert browser.get(f"{AUTH}/me").status_code == 200


def test_of_two_different_cookies_none_is_believed(served: Served) -> None:
    token = token_of(served.set_up())
    both = {"Cookie": f"shortly_session={token}; shortly_session={token}"}
    assert served.stranger.get(f"{AUTH}/me", headers=both).status_code == 200
    tossed = {"Cookie": f"shortly_session={token}; shortly_session=x"}
    assert code(served.stranger.get(f"{AUTH}/me", headers=tossed)) == (401, "unauthenticated")


def test_the_store_holds_nothing_that_could_be_sent_as_a_cookie(served: Served) -> None:
    token = token_of(served.set_up())
    claims = token.split(".")[1]
    bodies = served.run(served.store.list_records, "session", "", datetime.now(UTC))
    assert bodies
    for record in bodies:
        assert claims.encode() not in record.body
        assert token.encode() not in record.body


def test_a_session_ends_that_is_not_used_and_after_90_days_in_any_case(served: Served) -> None:
    browser = served.set_up()
    start = datetime.now(UTC)
    with time_machine.travel(start + timedelta(days=13, hours=23)) as clock:
        assert browser.get(f"{AUTH}/me").status_code == 200
        clock.move_to(start + timedelta(days=27))
        assert browser.get(f"{AUTH}/me").status_code == 200
        for day in range(35, 90, 10):
            clock.move_to(start + timedelta(days=day))
            assert browser.get(f"{AUTH}/me").status_code == 200
        clock.move_to(start + timedelta(days=90, minutes=1))
        assert browser.get(f"{AUTH}/me").status_code == 401
    other = served.sign_in()
    with time_machine.travel(start + timedelta(days=14, minutes=1)):
        assert other.get(f"{AUTH}/me").status_code == 401


def test_a_secret_that_is_being_changed_keeps_sessions_alive(serve: Callable[..., Served]) -> None:
    old = serve(jwt_secret="o" * 32)
    token = token_of(old.set_up())
    cookie = {"Cookie": f"shortly_session={token}"}
    both = serve(jwt_secret=f"{'n' * 32}, {'o' * 32}")
    assert both.stranger.get(f"{AUTH}/me", headers=cookie).status_code == 200
    renewed = {"Cookie": f"shortly_session={token_of(both.sign_in())}"}
    new = serve(jwt_secret="n" * 32)
    assert new.stranger.get(f"{AUTH}/me", headers=cookie).status_code == 401
    assert new.stranger.get(f"{AUTH}/me", headers=renewed).status_code == 200


# --- other sites ---------------------------------------------------------------------------------------------

OWN = "http://localhost:8000"


@pytest.mark.parametrize(
    ("headers", "comes_through"),
    [
        ({"X-CSRF": "1", "Sec-Fetch-Site": "same-origin"}, True),
        ({"X-CSRF": "1", "Sec-Fetch-Site": "none"}, True),
        ({"X-CSRF": "1", "Origin": OWN}, True),
        ({"X-CSRF": "1", "Sec-Fetch-Site": "same-origin", "Origin": OWN}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": OWN}, False),
        ({"X-CSRF": "0", "Sec-Fetch-Site": "same-origin"}, False),
        ({"X-CSRF": "1"}, False),
        ({}, False),
        ({"X-CSRF": "1", "Sec-Fetch-Site": "same-site"}, False),
        ({"X-CSRF": "1", "Sec-Fetch-Site": "cross-site"}, False),
        ({"X-CSRF": "1", "Sec-Fetch-Site": "cross-site", "Origin": OWN}, False),
        ({"X-CSRF": "1", "Sec-Fetch-Site": "SAME-ORIGIN"}, False),
        ({"X-CSRF": "1", "Sec-Fetch-Site": ""}, False),
        ({"X-CSRF": "1", "Origin": "https://evil.example"}, False),
        ({"X-CSRF": "1", "Origin": "null"}, False),
        ({"X-CSRF": "1", "Origin": f"{OWN}.evil.example"}, False),
        ({"X-CSRF": "1", "Origin": "http://localhost:8001"}, False),
        ({"X-CSRF": "1", "Origin": ""}, False),
    ],
)
def test_only_our_own_pages_change_anything_by_cookie(
    served: Served, headers: dict[str, str], comes_through: bool
) -> None:
    cookie = {"Cookie": f"shortly_session={token_of(served.set_up())}"}
    answer = served.stranger.post(
        "/api/v1/links", json={"target": "https://example.com", "slug": "abc"}, headers={**cookie, **headers}
    )
    assert code(answer) == (403, "cross_site_request") if not comes_through else answer.status_code == 201
    assert (served.slugs() == ["abc"]) is comes_through
    assert served.stranger.get("/api/v1/links", headers={**cookie, **headers}).status_code == 200


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
@pytest.mark.parametrize("door", ["setup", "sign-in", "password/forgot", "password/reset"])
def test_another_site_cannot_sign_anybody_in_or_ask_for_mails(
    served: Served, door: str, headers: dict[str, str]
) -> None:
    given = {"email": ADA, "password": PASSWORD, "token": "x"}
    assert code(served.stranger.post(f"{AUTH}/{door}", json=given, headers=headers)) == (403, "cross_site_request")


def test_a_key_needs_no_such_proof_and_comes_before_a_cookie(served: Served) -> None:
    cookie = {"Cookie": f"shortly_session={token_of(served.set_up())}"}
    key = {"Authorization": f"Bearer {served.key}"}
    made = served.stranger.post("/api/v1/links", json={"target": "https://example.com"}, headers={**cookie, **key})
    assert made.status_code == 201
    assert served.stranger.get(f"{AUTH}/me", headers={**cookie, **key}).json()["user"] is None
    wrong = {"Authorization": "Bearer nonsense"}
    assert served.stranger.get(f"{AUTH}/me", headers={**cookie, **wrong}).status_code == 401


# --- one's own sessions --------------------------------------------------------------------------------------


def test_sessions_are_listed_and_ended_one_by_one_and_all_others(served: Served) -> None:
    first = served.set_up()
    second, third = served.sign_in(), served.sign_in()
    listed = first.get(f"{AUTH}/sessions").json()["items"]
    assert [one["current"] for one in listed] == [True, False, False]
    assert {one["user_agent"] for one in listed} == {"testclient"}
    assert first.delete(f"{AUTH}/sessions/{listed[1]['id']}").status_code == 204
    assert second.get(f"{AUTH}/me").status_code == 401
    assert third.get(f"{AUTH}/me").status_code == 200
    assert first.delete(f"{AUTH}/sessions").json() == {"ended": 1}
    assert third.get(f"{AUTH}/me").status_code == 401
    assert first.get(f"{AUTH}/me").status_code == 200
    gone = first.delete(f"{AUTH}/sessions/{listed[1]['id']}")
    assert code(gone) == (404, "session_not_found")


def test_nobody_sees_or_ends_sessions_of_others(served: Served) -> None:
    ada = served.set_up()
    add_user(served, "eve@example.com", role="viewer")
    eve = served.sign_in("eve@example.com")
    mine = ada.get(f"{AUTH}/sessions").json()["items"][0]["id"]
    assert mine not in [one["id"] for one in eve.get(f"{AUTH}/sessions").json()["items"]]
    assert code(eve.delete(f"{AUTH}/sessions/{mine}")) == (404, "session_not_found")
    eve.delete(f"{AUTH}/sessions")
    assert ada.get(f"{AUTH}/me").status_code == 200


def test_an_admin_ends_all_sessions_of_somebody(served: Served) -> None:
    ada = served.set_up()
    eve = add_user(served, "eve@example.com", role="admin")
    browsers = [served.sign_in("eve@example.com") for _ in range(2)]
    path = f"/api/v1/users/{eve.id}/sessions"
    assert code(browsers[0].delete(path)) == (403, "forbidden")
    assert ada.delete(path).json() == {"ended": 2}
    assert [browser.get(f"{AUTH}/me").status_code for browser in browsers] == [401, 401]
    assert ada.get(f"{AUTH}/me").status_code == 200
    assert code(ada.delete("/api/v1/users/12345/sessions")) == (404, "user_not_found")


def test_a_key_has_no_sessions(served: Served) -> None:
    for method, path in (("GET", "sessions"), ("DELETE", "sessions"), ("DELETE", "sessions/1"), ("POST", "sign-out")):
        assert code(served.client.request(method, f"{AUTH}/{path}")) == (403, "session_needed")


def test_the_hundred_and_first_session_takes_the_place_of_the_one_not_seen_for_longest(served: Served) -> None:
    first = served.set_up()
    registry = served.services.entrance.registry
    start = datetime.now(UTC)
    with time_machine.travel(start + timedelta(minutes=2)):
        used = served.sign_in()
    user = served.run(registry.find, User, ADA)
    now = start + timedelta(minutes=3)

    async def fill() -> None:
        for _ in range(98):
            session = Session(
                user_id=user.id, digest="", created_at=now, seen_at=now, expires_at=now + timedelta(days=1), how="oidc"
            )
            await registry.add(session)

    served.run(fill)
    assert len(served.run(registry.all, Session)) == 100
    served.sign_in()
    assert len(served.run(registry.all, Session)) == 100
    assert first.get(f"{AUTH}/me").status_code == 401
    assert used.get(f"{AUTH}/me").status_code == 200


def test_a_session_tells_the_network_it_began_in_and_no_address(serve: Callable[..., Served]) -> None:
    served = serve(trusted_proxies=("10.0.0.0/8",))
    with TestClient(served.app, served.settings.base_url, client=("10.0.0.1", 1)) as proxied:
        token = served.services.entrance.setup
        secret = proxied.portal.call(token.issue) if proxied.portal else None
        given = {"token": secret, "email": ADA, "password": PASSWORD}
        forwarded = {"X-Forwarded-For": "198.51.100.9, 203.0.113.77", "User-Agent": "x" * 500}
        answer = proxied.post(f"{AUTH}/setup", json=given, headers={**OWN_PAGE, **forwarded})
    assert answer.json()["session"]["origin"] == "203.0.113.0"
    assert answer.json()["session"]["user_agent"] == "x" * 160


# --- workspaces ----------------------------------------------------------------------------------------------


def test_people_act_in_the_workspace_that_they_name(served: Served) -> None:
    ada = served.set_up()
    registry = served.services.entrance.registry
    served.run(registry.add, Workspace(id=2, name="Second", created_at=datetime.now(UTC)))
    add_user(served, "eve@example.com", role="viewer")
    eve = served.sign_in("eve@example.com")
    assert eve.get(f"{AUTH}/me").json()["workspace_id"] == 1
    assert "links:write" not in eve.get(f"{AUTH}/me").json()["permissions"]
    assert ada.get(f"{AUTH}/me", headers={"X-Workspace": "2"}).json()["workspace_id"] == 2
    for foreign in ("2", "3", "0", "-1", "x", "", "9" * 99, "１"):
        headers = [(b"x-workspace", foreign.encode())]
        assert code(eve.get(f"{AUTH}/me", headers=headers)) == (404, "workspace_not_found")


def test_who_belongs_nowhere_may_do_nothing_but_sees_themselves(served: Served) -> None:
    served.set_up()
    add_user(served, "new@example.com")
    me = served.sign_in("new@example.com").get(f"{AUTH}/me").json()
    assert (me["workspace_id"], me["permissions"]) == (0, [])


# --- what is noted -------------------------------------------------------------------------------------------


def test_coming_in_and_out_is_noted_with_the_network_and_without_secrets(served: Served) -> None:
    ada = served.set_up()
    browser = served.sign_in()
    for email, password in ((ADA, "canary wrong password"), ("canary@example.com", PASSWORD)):
        served.browser().post(f"{AUTH}/sign-in", json={"email": email, "password": password})
    browser.post(f"{AUTH}/password", json={"password": PASSWORD, "new_password": "canary new password"})
    browser.post(f"{AUTH}/sign-out")
    assert ada.get(f"{AUTH}/me").status_code == 401
    served.run(served.services.entrance.errands.finish)
    admin = served.sign_in(password="canary new password")
    noted = admin.get("/api/v1/audit?everywhere=true&limit=100")
    entries = [entry for entry in noted.json()["items"] if entry["workspace_id"] == 0]
    assert sorted(entry["action"] for entry in entries) == [
        "installation.set_up",
        "password.changed",
        "session.ended",
        "user.sign_in_refused",
        "user.signed_in",
        "user.signed_in",
        "user.signed_in",
    ]
    user = admin.get(f"{AUTH}/me").json()["user"]["id"]
    assert {entry["subject"] for entry in entries} == {f"user:{user}"}
    assert "canary" not in noted.text
