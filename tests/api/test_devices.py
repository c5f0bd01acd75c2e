"""Strangers who try passwords do not lock the account's owner out."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from starlette.testclient import TestClient
from tests.api.served import PASSWORD, Served, settings_in

from shortly.accounts.devices import NAME_BYTES, TIME_BYTES
from shortly.accounts.secret import KEY_ID_LENGTH, NONCE_BYTES

SIGN_IN = "/api/v1/auth/sign-in"
ADA = "ada@example.com"
COOKIE = "shortly_device"
LIMITS = {"limit_account": "3/hour", "limit_strangers": "8/hour", "trusted_proxies": "10.0.0.0/8"}


@pytest.fixture
def behind_proxy(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Run an API to which the header says where each request comes from."""
    with ExitStack() as opened:

        def open_one(**values: Any) -> Served:
            settings = settings_in(tmp_path, **{**LIMITS, **values})
            served = opened.enter_context(Served(settings).open(peer="10.0.0.1"))
            served.set_up()
            return served

        yield open_one


def attempt(browser: TestClient, network: int, *, right: bool = False, email: str = ADA) -> int:
    """Try to sign in from an address of a network, and return the status."""
    given = {"email": email, "password": PASSWORD if right else "not the right one"}
    headers = {"X-Forwarded-For": f"192.0.{network}.{7 if right else 1}"}
    return browser.post(SIGN_IN, json=given, headers=headers).status_code


def test_one_network_cannot_use_up_an_account(behind_proxy: Callable[..., Served]) -> None:
    served = behind_proxy()
    stranger = served.browser()
    assert [attempt(stranger, 1) for _ in range(5)] == [401, 401, 401, 429, 429]
    assert attempt(served.browser(), 1, right=True) == 429
    assert attempt(served.browser(), 2, right=True) == 200


def test_many_networks_lock_out_strange_devices_alone(behind_proxy: Callable[..., Served]) -> None:
    served = behind_proxy()
    mine = served.browser()
    assert attempt(mine, 1, right=True) == 200
    statuses = [attempt(served.browser(), network) for network in range(10, 15) for _ in range(2)]
    assert statuses == [401] * 7 + [429] * 3
    assert attempt(served.browser(), 20, right=True) == 429
    assert attempt(mine, 10, right=True) == 200


def test_a_known_device_has_no_more_tries_than_another(behind_proxy: Callable[..., Served]) -> None:
    served = behind_proxy()
    mine = served.browser()
    attempt(mine, 1, right=True)
    token = mine.cookies[COOKIE]
    statuses = []
    for network in range(2, 8):  # a thief copies it, wherever they are
        thief = served.browser()
        thief.cookies.set(COOKIE, token)
        statuses.append(attempt(thief, network))
    assert statuses == [401, 401, 401, 429, 429, 429]


def test_a_device_is_known_for_the_account_that_came_in_with_it(behind_proxy: Callable[..., Served]) -> None:
    served = behind_proxy(limit_strangers="2/hour")
    served.client.post("/api/v1/users", json={"email": "eve@example.com"})
    mine = served.browser()
    assert attempt(mine, 1, right=True) == 200
    assert [attempt(mine, 2, email="eve@example.com") for _ in range(3)] == [401, 401, 429]
    assert attempt(mine, 2, email="ADA@Example.com", right=True) == 200


@pytest.mark.parametrize("token", ["", "x", "A" * 80, "A" * 5_000, "====", "ä", '"quoted"', "shortly"])
def test_a_made_up_cookie_makes_no_device_known(behind_proxy: Callable[..., Served], token: str) -> None:
    served = behind_proxy(limit_strangers="1/hour")
    for expected in (401, 429):
        headers = {"X-Forwarded-For": "192.0.2.1", "Cookie": f"{COOKIE}={token}".encode().decode("latin-1")}
        given = {"email": ADA, "password": "not the right one"}
        browser = served.browser()
        raw = [(name, value.encode("latin-1")) for name, value in {**browser.headers, **headers}.items()]
        assert browser.post(SIGN_IN, json=given, headers=raw).status_code == expected  # type: ignore[arg-type]


def test_two_different_cookies_make_no_device_known(behind_proxy: Callable[..., Served]) -> None:
    served = behind_proxy(limit_strangers="2/hour")
    mine = served.browser()
    attempt(mine, 1, right=True)
    both = f"{COOKIE}={mine.cookies[COOKIE]}; {COOKIE}=x"
    for expected in (401, 429):
        headers = {"X-Forwarded-For": "192.0.2.1", "Cookie": both}
        given = {"email": ADA, "password": "not the right one"}
        assert served.browser().post(SIGN_IN, json=given, headers=headers).status_code == expected


def test_a_device_is_forgotten_after_half_a_year_and_lives_on_when_it_is_used(
    behind_proxy: Callable[..., Served],
) -> None:
    served = behind_proxy()
    devices = served.services.entrance.devices
    token = devices.issue(ADA)
    name = devices.name_of(token, ADA)
    assert name is not None
    assert devices.name_of(devices.issue(ADA), ADA) != name
    for days, known in ((179, True), (181, False)):
        with time_machine.travel(datetime.now(UTC) + timedelta(days=days)):
            assert (devices.name_of(token, ADA) == name) is known


def test_by_https_the_cookie_is_bound_to_the_host_and_says_nothing(serve: Callable[..., Served]) -> None:
    served = serve(base_url="https://s.example")
    served.set_up()
    answer = served.browser().post(SIGN_IN, json={"email": ADA, "password": PASSWORD})
    (cookie,) = [one for one in answer.headers.get_list("set-cookie") if one.startswith("__Host-shortly-device=")]
    assert {"Secure", "HttpOnly", "SameSite=lax", "Path=/", "Max-Age=15552000"} <= set(cookie.split("; "))
    sealed = urlsafe_b64decode(cookie.partition("=")[2].partition(";")[0])
    assert len(sealed) == KEY_ID_LENGTH + NONCE_BYTES + NAME_BYTES + TIME_BYTES + 16
    assert b"ada" not in sealed
