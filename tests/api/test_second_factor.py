"""Authenticator apps and recovery codes: each code lets somebody in once."""

from __future__ import annotations

import asyncio
from base64 import b32decode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
import time_machine
from starlette.testclient import TestClient
from tests.api.served import PASSWORD, Served
from tests.api.test_sign_in import ADA, AUTH, add_user, code, edit_user

from shortly.accounts.second_factor import Totp
from shortly.accounts.sessions import From


@pytest.fixture
def clock() -> Any:
    """Give a moment that stands still, at the beginning of a step."""
    with time_machine.travel(datetime(2030, 1, 1, 12, 0, 0, tzinfo=UTC), tick=False) as traveller:
        yield traveller


def enrol(browser: TestClient) -> tuple[pyotp.TOTP, list[str]]:
    """Set an app up, and return it with the recovery codes."""
    started = browser.post(f"{AUTH}/totp", json={"password": PASSWORD})
    assert started.status_code == 201, started.text
    app = pyotp.TOTP(started.json()["secret"])
    confirmed = browser.post(f"{AUTH}/totp/confirm", json={"code": app.now()})
    assert confirmed.status_code == 200, confirmed.text
    return app, confirmed.json()["recovery_codes"]


def sign_in(served: Served, given: str | None, password: str = PASSWORD) -> Any:
    body = {"email": ADA, "password": password} | ({} if given is None else {"code": given})
    return served.browser().post(f"{AUTH}/sign-in", json=body)


def test_an_app_is_set_up_and_asked_for(served: Served, clock: Any) -> None:
    browser = served.set_up()
    assert browser.get(f"{AUTH}/totp").json() == {"enabled": False, "recovery_codes": 0}
    started = browser.post(f"{AUTH}/totp", json={"password": PASSWORD}).json()
    uri = urlsplit(started["uri"])
    assert (uri.scheme, uri.netloc, parse_qs(uri.query)["secret"]) == ("otpauth", "totp", [started["secret"]])
    assert len(b32decode(started["secret"])) == 20
    assert sign_in(served, None).status_code == 200
    app = pyotp.TOTP(started["secret"])
    assert code(browser.post(f"{AUTH}/totp/confirm", json={"code": app.at(0)})) == (422, "unconfirmed_code")
    confirmed = browser.post(f"{AUTH}/totp/confirm", json={"code": app.now()})
    assert len(set(confirmed.json()["recovery_codes"])) == 10
    assert browser.get(f"{AUTH}/me").json()["session"]["second_factor"]
    assert code(sign_in(served, None)) == (401, "second_factor_needed")
    assert code(sign_in(served, "")) == (401, "second_factor_needed")
    assert code(sign_in(served, app.at(datetime.now(UTC) + timedelta(seconds=30)), "wrong password")) == (
        401,
        "sign_in_refused",
    )
    answer = sign_in(served, app.at(datetime.now(UTC) + timedelta(seconds=30)))
    assert answer.json()["session"]["second_factor"]


def test_a_code_works_once_and_for_a_minute_and_a_half(served: Served, clock: Any) -> None:
    app, _ = enrol(served.set_up())
    used_to_confirm = app.now()
    assert code(sign_in(served, used_to_confirm)) == (401, "wrong_code")
    clock.shift(timedelta(seconds=300))
    now = datetime.now(UTC)
    for drift in (-60, 60):
        assert code(sign_in(served, app.at(now + timedelta(seconds=drift)))) == (401, "wrong_code")
    assert sign_in(served, app.at(now - timedelta(seconds=30))).status_code == 200
    given = app.at(now)
    assert sign_in(served, f" {given[:3]} {given[3:]} ").status_code == 200
    assert code(sign_in(served, given)) == (401, "wrong_code")
    assert code(sign_in(served, app.at(now - timedelta(seconds=30)))) == (401, "wrong_code")
    assert sign_in(served, app.at(now + timedelta(seconds=30))).status_code == 200


def test_of_many_who_come_with_the_same_code_one_gets_in(served: Served, clock: Any) -> None:
    app, codes = enrol(served.set_up())
    clock.shift(timedelta(seconds=60))
    entrance = served.services.entrance

    async def rush(given: str) -> list[str]:
        tries = [entrance.sign_in.sign_in(ADA, PASSWORD, From(), code=given) for _ in range(6)]
        return sorted(type(one).__name__ for one in await asyncio.gather(*tries, return_exceptions=True))

    assert served.run(rush, app.now()) == ["SignedIn"] + ["WrongCode"] * 5
    clock.shift(timedelta(hours=3))
    assert served.run(rush, codes[0]) == ["SignedIn"] + ["WrongCode"] * 5


def test_each_recovery_code_lets_in_once_in_any_spelling(served: Served) -> None:
    browser = served.set_up()
    _, codes = enrol(browser)
    assert sign_in(served, codes[0]).status_code == 200
    assert code(sign_in(served, codes[0])) == (401, "wrong_code")
    assert sign_in(served, codes[1].upper().replace("-", " ")).status_code == 200
    assert browser.get(f"{AUTH}/totp").json() == {"enabled": True, "recovery_codes": 8}
    renewed = browser.post(f"{AUTH}/totp/recovery-codes", json={"password": PASSWORD}).json()["recovery_codes"]
    assert code(sign_in(served, codes[2])) == (401, "wrong_code")
    assert sign_in(served, renewed[0]).status_code == 200


@pytest.mark.parametrize(
    "given",
    ["0", "000000", "0000000", "１２３４５６", "-12345", "+12345", "1e5", "aaaa-aaaa-aaaa-aaaa", "\x00" * 6, "é" * 16],
)
def test_a_code_of_any_other_form_is_wrong(served: Served, clock: Any, given: str) -> None:
    app, _ = enrol(served.set_up())
    assert given not in (app.at(datetime.now(UTC) + timedelta(seconds=30)), app.now())
    assert code(sign_in(served, given)) == (401, "wrong_code")


def test_after_five_wrong_codes_waiting_begins_and_grows(served: Served, clock: Any) -> None:
    app, _ = enrol(served.set_up())
    clock.shift(timedelta(minutes=5))
    for _ in range(5):
        assert code(sign_in(served, "aaaa-aaaa-aaaa-aaaa")) == (401, "wrong_code")
    answer = sign_in(served, app.now())
    assert code(answer) == (429, "rate_limited")
    assert 1 <= int(answer.headers["Retry-After"]) <= 31
    clock.shift(timedelta(seconds=31))
    assert code(sign_in(served, "aaaa-aaaa-aaaa-aaaa")) == (401, "wrong_code")
    clock.shift(timedelta(seconds=31))
    assert code(sign_in(served, app.now())) == (429, "rate_limited")
    clock.shift(timedelta(seconds=30))
    assert sign_in(served, app.now()).status_code == 200
    clock.shift(timedelta(minutes=5))
    assert code(sign_in(served, "aaaa-aaaa-aaaa-aaaa")) == (401, "wrong_code")
    assert sign_in(served, app.now()).status_code == 200


def test_setting_up_and_doing_without_takes_the_password(served: Served, clock: Any) -> None:
    browser = served.set_up()
    for path in ("totp", "totp/disable", "totp/recovery-codes"):
        assert code(browser.post(f"{AUTH}/{path}", json={"password": "wrong password"})) == (422, "wrong_password")
        assert code(browser.post(f"{AUTH}/{path}", json={})) == (422, "wrong_password")
    assert code(browser.post(f"{AUTH}/totp/disable", json={"password": PASSWORD})) == (409, "second_factor_missing")
    assert code(browser.post(f"{AUTH}/totp/confirm", json={"code": "123456"})) == (409, "second_factor_missing")
    enrol(browser)
    assert code(browser.post(f"{AUTH}/totp", json={"password": PASSWORD})) == (409, "second_factor_exists")
    assert browser.post(f"{AUTH}/totp/disable", json={"password": PASSWORD}).status_code == 204
    assert not browser.get(f"{AUTH}/me").json()["session"]["second_factor"]
    assert sign_in(served, None).status_code == 200


def test_a_session_from_before_cannot_take_the_app_away(served: Served, clock: Any) -> None:
    browser, stolen = served.set_up(), served.sign_in()
    enrol(browser)
    refused = stolen.post(f"{AUTH}/totp/disable", json={"password": PASSWORD})
    assert code(refused) == (403, "second_factor_required")
    refused = stolen.post(f"{AUTH}/passkeys/start", json={"password": PASSWORD})
    assert code(refused) == (403, "second_factor_required")


def test_who_has_no_password_needs_to_have_come_in_a_moment_ago(served: Served, clock: Any) -> None:
    browser = served.set_up()
    edit_user(served, ADA, password_hash=None)
    clock.shift(timedelta(minutes=16))
    assert code(browser.post(f"{AUTH}/totp", json={})) == (403, "recent_sign_in_needed")
    clock.shift(timedelta(minutes=-2))
    assert browser.post(f"{AUTH}/totp", json={}).status_code == 201


def test_a_reset_password_does_not_get_around_the_app(served: Served, clock: Any) -> None:
    browser = served.set_up()
    enrol(browser)
    user = browser.get(f"{AUTH}/me").json()["user"]["id"]
    url = browser.post(f"/api/v1/users/{user}/reset-link").json()["url"]
    given = {"token": url.partition("=")[2], "password": "a fox sleeps by day"}
    assert served.browser().post(f"{AUTH}/password/reset", json=given).status_code == 204
    assert code(sign_in(served, None, "a fox sleeps by day")) == (401, "second_factor_needed")


def test_an_admin_takes_a_lost_app_away_and_nobody_else_does(served: Served, clock: Any) -> None:
    ada = served.set_up()
    eve = add_user(served, "eve@example.com", role="admin")
    lost = served.sign_in("eve@example.com")
    enrol(lost)
    path = f"/api/v1/users/{eve.id}/second-factor/remove"
    assert code(lost.post(path)) == (403, "forbidden")
    assert ada.post(path).status_code == 204
    assert lost.get(f"{AUTH}/me").status_code == 401
    served.sign_in("eve@example.com")
    assert code(ada.post("/api/v1/users/1/second-factor/remove")) == (404, "user_not_found")


def test_the_store_holds_neither_what_the_app_knows_nor_a_recovery_code(served: Served) -> None:
    app, codes = enrol(served.set_up())
    [record] = served.run(served.store.list_records, "totp", "", datetime.now(UTC))
    for secret in (app.secret, *codes, *(one.replace("-", "") for one in codes)):
        assert secret.lower().encode() not in record.body.lower()


def test_a_secret_that_is_changed_takes_no_app_away(serve: Callable[..., Served]) -> None:
    old = serve(jwt_secret="o" * 32)
    _, codes = enrol(old.set_up())
    both = serve(jwt_secret=f"{'n' * 32},{'o' * 32}")
    assert sign_in(both, codes[0]).status_code == 200
    add_user(both, "eve@example.com")
    lapsed = serve(jwt_secret="o" * 32)
    _, others = enrol(lapsed.sign_in("eve@example.com"))
    again = serve(jwt_secret=f"{'n' * 32},{'o' * 32}")
    assert again.run(again.services.entrance.second_factor.reseal) == 1
    assert again.run(again.services.entrance.second_factor.reseal) == 0
    new = serve(jwt_secret="n" * 32)
    assert sign_in(new, codes[1]).status_code == 200
    body = {"email": "eve@example.com", "password": PASSWORD, "code": others[0]}
    assert new.browser().post(f"{AUTH}/sign-in", json=body).status_code == 200
    foreign = serve(jwt_secret="f" * 32)
    assert code(sign_in(foreign, codes[2])) == (409, "second_factor_unreadable")


def test_a_deleted_user_leaves_no_app(served: Served) -> None:
    ada = served.set_up()
    eve = add_user(served, "eve@example.com", role="viewer")
    enrol(served.sign_in("eve@example.com"))
    assert ada.delete(f"/api/v1/users/{eve.id}").status_code == 204
    assert served.run(served.services.entrance.registry.all, Totp) == []


# --- where it is asked for -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("asked_of", "viewer_too"), [("admins", False), ("all", True)])
def test_where_it_is_asked_for_nothing_works_before(
    serve: Callable[..., Served], asked_of: str, viewer_too: bool
) -> None:
    served = serve(require_second_factor=asked_of)
    ada = served.set_up()
    add_user(served, "vic@example.com", role="viewer")
    add_user(served, "wsa@example.com", role="admin")
    assert code(ada.get("/api/v1/links")) == (403, "second_factor_required")
    assert code(served.sign_in("wsa@example.com").get("/api/v1/links")) == (403, "second_factor_required")
    assert (served.sign_in("vic@example.com").get("/api/v1/links").status_code == 403) is viewer_too
    assert ada.get(f"{AUTH}/me").json()["permissions"] == []
    enrol(ada)
    assert ada.get("/api/v1/links").status_code == 200
    assert served.client.get("/api/v1/links").status_code == 200  # keys have no second factor
