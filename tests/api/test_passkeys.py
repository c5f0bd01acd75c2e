"""Passkeys, with a device in software that can be made to lie."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from starlette.testclient import TestClient
from tests.api.authenticator import PRESENT, VERIFIED, Authenticator, text
from tests.api.served import PASSWORD, Served
from tests.api.test_sign_in import ADA, AUTH, add_user, code, edit_user

from shortly.accounts.passkeys import Passkey
from shortly.accounts.sessions import From

pytestmark = pytest.mark.slow

KEYS = f"{AUTH}/passkeys"


def begin(browser: TestClient) -> dict[str, Any]:
    answer = browser.post(f"{KEYS}/start", json={"password": PASSWORD})
    assert answer.status_code == 200, answer.text
    options: dict[str, Any] = answer.json()["publicKey"]
    return options


def register(browser: TestClient, device: Authenticator, name: str = "Phone") -> Any:
    return browser.post(KEYS, json={"name": name, "credential": device.create(begin(browser))})


def challenge(served: Served) -> dict[str, Any]:
    options: dict[str, Any] = served.browser().post(f"{KEYS}/sign-in/start").json()["publicKey"]
    return options


def sign_in(served: Served, credential: dict[str, Any]) -> Any:
    return served.browser().post(f"{KEYS}/sign-in", json={"credential": credential})


def test_a_passkey_is_made_and_lets_its_owner_in_by_itself(served: Served) -> None:
    browser = served.set_up()
    options = begin(browser)
    assert (options["rp"]["id"], options["user"]["name"]) == ("localhost", ADA)
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    device = Authenticator()
    made = browser.post(KEYS, json={"name": " My phone ", "credential": device.create(options)})
    assert made.status_code == 201, made.text
    assert made.json()["name"] == "My phone"
    assert browser.get(f"{AUTH}/me").json()["session"]["second_factor"]
    asked = challenge(served)
    assert (asked["rpId"], asked["userVerification"], asked.get("allowCredentials") or []) == (
        "localhost",
        "required",
        [],
    )
    fresh = served.browser()
    answer = fresh.post(f"{KEYS}/sign-in", json={"credential": device.get(asked)})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["user"]["email"], answer.json()["session"]["how"]) == (ADA, "passkey")
    assert fresh.get(f"{AUTH}/me").json()["session"]["second_factor"]
    [listed] = browser.get(KEYS).json()["items"]
    assert listed["used_at"] is not None
    excluded = begin(browser)["excludeCredentials"]
    assert [one["id"] for one in excluded] == [text(device.credential_id)]


def lie(**fields: Any) -> Callable[[Authenticator, dict[str, Any]], dict[str, Any]]:
    """Return the answer of a device whose fields were changed."""

    def answer(device: Authenticator, options: dict[str, Any]) -> dict[str, Any]:
        for name, value in fields.items():
            setattr(device, name, value)
        return device.get(options)

    return answer


def spoil(part: str, value: Any) -> Callable[[Authenticator, dict[str, Any]], dict[str, Any]]:
    """Return an answer of which one part was replaced."""

    def answer(device: Authenticator, options: dict[str, Any]) -> dict[str, Any]:
        credential = device.get(options)
        if part in credential:
            credential[part] = value
        else:
            credential["response"][part] = value
        return credential

    return answer


LIES = {
    "another page": lie(origin="https://evil.example"),
    "a page of a neighbour": lie(origin="http://localhost:8001"),
    "another party": lie(rp_id="evil.example"),
    "nobody verified": lie(flags=PRESENT),
    "nobody present": lie(flags=VERIFIED),
    "a counter that stands still": lie(step=0),
    "a counter that goes back": lie(step=-1),
    "another key": lie(key=Authenticator().key),
    "another id": lie(credential_id=b"x" * 32),
    "another user": lie(handle=(12345).to_bytes(8)),
    "a handle of another length": lie(handle=b"x" * 64),
    "another challenge": lambda device, options: device.get({**options, "challenge": "A" * 43}),
    "no challenge": lambda device, options: device.get(options, challenge=None),
    "a registration": lambda device, options: device.get(options, type="webauthn.create"),
    "a signature cut short": spoil("signature", "MEUCIQ"),
    "no signature": spoil("signature", ""),
    "no base64": spoil("signature", "\u00e9\x00"),
    "no data": spoil("authenticatorData", ""),
    "data cut short": spoil("authenticatorData", text(b"x" * 36)),
    "no JSON": spoil("clientDataJSON", text(b"x")),
    "a list": spoil("clientDataJSON", text(b"[]")),
    "deep JSON": spoil("clientDataJSON", text(b"[" * 9000)),
    "another type": spoil("type", "password"),
    "two ids": spoil("id", "AAAA"),
}


@pytest.mark.parametrize("kind", LIES)
def test_a_device_that_lies_lets_nobody_in(served: Served, kind: str) -> None:
    device = Authenticator()
    device.sign_count = 5
    assert register(served.set_up(), device).status_code == 201
    answer = sign_in(served, LIES[kind](device, challenge(served)))
    assert code(answer) == (401, "passkey_refused")
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("fields", "changes"),
    [
        ({"origin": "https://evil.example"}, {}),
        ({"rp_id": "evil.example"}, {}),
        ({"flags": PRESENT}, {}),
        ({"flags": VERIFIED}, {}),
        ({"algorithm": -65535}, {}),
        ({"credential_id": b""}, {}),
        ({}, {"type": "webauthn.get"}),
        ({}, {"challenge": "A" * 43}),
    ],
)
def test_a_device_that_lies_is_not_registered(served: Served, fields: dict[str, Any], changes: dict[str, Any]) -> None:
    browser = served.set_up()
    device = Authenticator()
    for name, value in fields.items():
        setattr(device, name, value)
    answer = browser.post(KEYS, json={"name": "Phone", "credential": device.create(begin(browser), **changes)})
    assert code(answer) == (422, "passkey_unusable")
    assert browser.get(KEYS).json()["items"] == []


@pytest.mark.parametrize("body", [b"", b"x", b"\xa0", b"\xff" * 100, b"\x9f" * 5000, b"\xa1\x63fmt\x64none"])
def test_any_bytes_instead_of_an_attestation_are_refused(served: Served, body: bytes) -> None:
    browser = served.set_up()
    credential = Authenticator().create(begin(browser))
    credential["response"]["attestationObject"] = text(body)
    answer = browser.post(KEYS, json={"name": "Phone", "credential": credential})
    assert code(answer) == (422, "passkey_unusable")


def test_an_answer_works_once(served: Served) -> None:
    device = Authenticator()
    device.step = 0  # as many devices do, so that the counter cannot tell
    browser = served.set_up()
    options = begin(browser)
    made = {"name": "Phone", "credential": device.create(options)}
    assert browser.post(KEYS, json=made).status_code == 201
    assert code(browser.post(KEYS, json=made)) == (422, "passkey_unusable")
    answer = device.get(challenge(served))
    assert sign_in(served, answer).status_code == 200
    assert code(sign_in(served, answer)) == (401, "passkey_refused")
    passkeys = served.services.entrance.passkeys
    again = device.get(challenge(served))

    async def rush() -> list[str]:
        tries = [passkeys.sign_in(again, From()) for _ in range(5)]
        return sorted(type(one).__name__ for one in await asyncio.gather(*tries, return_exceptions=True))

    assert served.run(rush) == ["PasskeyRefused"] * 4 + ["SignedIn"]


def test_an_answer_that_took_longer_than_five_minutes_is_refused(served: Served) -> None:
    device = Authenticator()
    register(served.set_up(), device)
    options = challenge(served)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=5, seconds=1)):
        assert code(sign_in(served, device.get(options))) == (401, "passkey_refused")


def test_a_challenge_for_one_thing_or_person_is_none_for_another(served: Served) -> None:
    ada = served.set_up()
    device = Authenticator()
    options = challenge(served)
    created = device.create({**begin(ada), "challenge": options["challenge"]})
    assert code(ada.post(KEYS, json={"name": "Phone", "credential": created})) == (422, "passkey_unusable")
    add_user(served, "eve@example.com")
    eve = served.sign_in("eve@example.com")
    created = device.create(begin(ada))
    assert code(eve.post(KEYS, json={"name": "Phone", "credential": created})) == (422, "passkey_unusable")


def test_a_key_belongs_to_one_user(served: Served) -> None:
    device = Authenticator()
    assert register(served.set_up(), device).status_code == 201
    add_user(served, "eve@example.com")
    eve = served.sign_in("eve@example.com")
    assert code(register(eve, device)) == (422, "passkey_unusable")


def test_a_disabled_user_does_not_come_in(served: Served) -> None:
    device = Authenticator()
    register(served.set_up(), device)
    edit_user(served, ADA, disabled_at=datetime.now(UTC))
    assert code(sign_in(served, device.get(challenge(served)))) == (401, "sign_in_refused")


def test_passkeys_are_listed_renamed_and_removed_by_their_owner_alone(served: Served) -> None:
    ada = served.set_up()
    device = Authenticator()
    key_id = register(ada, device).json()["id"]
    other = served.sign_in()
    add_user(served, "eve@example.com")
    eve = served.sign_in("eve@example.com")
    assert eve.get(KEYS).json() == {"items": []}
    assert code(eve.patch(f"{KEYS}/{key_id}", json={"name": "Mine"})) == (404, "passkey_not_found")
    assert code(eve.post(f"{KEYS}/{key_id}/remove", json={"password": PASSWORD})) == (404, "passkey_not_found")
    assert ada.patch(f"{KEYS}/{key_id}", json={"name": "Old phone"}).json()["name"] == "Old phone"
    for name in ("", " ", "x" * 65, "a\nb", "\x00"):
        assert code(ada.patch(f"{KEYS}/{key_id}", json={"name": name})) == (422, "invalid_input")
    assert code(ada.post(f"{KEYS}/{key_id}/remove", json={"password": "wrong"})) == (422, "wrong_password")
    assert code(other.post(f"{KEYS}/{key_id}/remove", json={"password": PASSWORD})) == (403, "second_factor_required")
    assert ada.post(f"{KEYS}/{key_id}/remove", json={"password": PASSWORD}).status_code == 204
    assert other.get(f"{AUTH}/me").status_code == 401
    assert code(sign_in(served, device.get(challenge(served)))) == (401, "passkey_refused")


def test_there_is_an_end_to_how_many_one_may_have(served: Served) -> None:
    ada = served.set_up()
    user = ada.get(f"{AUTH}/me").json()["user"]["id"]
    registry = served.services.entrance.registry
    assert register(ada, Authenticator()).status_code == 201

    async def fill() -> None:
        for number in range(19):
            key = b64encode(number.to_bytes(16)).decode()
            await registry.add(
                Passkey(user_id=user, name="x", credential=key, public_key="", created_at=datetime.now(UTC))
            )

    served.run(fill)
    assert code(ada.post(f"{KEYS}/start", json={"password": PASSWORD})) == (409, "passkeys_full")


def test_where_a_second_factor_is_asked_for_a_passkey_is_one(serve: Callable[..., Served]) -> None:
    served = serve(require_second_factor="all")
    ada = served.set_up()
    assert code(ada.get("/api/v1/links")) == (403, "second_factor_required")
    device = Authenticator()
    assert register(ada, device).status_code == 201
    assert ada.get("/api/v1/links").status_code == 200
    assert code(served.sign_in().get("/api/v1/links")) == (403, "second_factor_required")


@pytest.mark.parametrize(
    ("base_url", "work"),
    [
        ("http://localhost:8000", True),
        ("https://s.example", True),
        ("http://s.example", False),
        ("https://192.0.2.1", False),
        ("https://[2001:db8::1]", False),
    ],
)
def test_they_are_offered_where_browsers_allow_them(serve: Callable[..., Served], base_url: str, work: bool) -> None:
    assert serve(base_url=base_url).stranger.get(f"{AUTH}/methods").json()["passkeys"] is work
