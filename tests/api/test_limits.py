"""Who asks too often is refused, at no cost, before anything else is looked at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.routing import iter_route_contexts
from starlette.testclient import TestClient
from tests.api.served import Served, settings_in

from shortly.api.authentication import is_public
from shortly.api.limits import door_of

SIGN_IN = "/api/v1/auth/sign-in"


def tries(client: TestClient, number: int, path: str = SIGN_IN, **headers: str) -> list[int]:
    return [client.post(path, json={}, headers=headers).status_code for _ in range(number)]


def test_a_refusal_is_a_problem_that_says_when_to_go_on(serve: Callable[..., Served]) -> None:
    stranger = serve(limit_sign_in="2/hour").stranger
    first = stranger.post(SIGN_IN, json={})
    assert first.status_code != 429
    assert first.headers["RateLimit-Limit"] == "2"
    assert first.headers["RateLimit-Remaining"] == "1"
    assert 3590 <= int(first.headers["RateLimit-Reset"]) <= 3600
    stranger.post(SIGN_IN, json={})
    refused = stranger.post(SIGN_IN, json={})
    assert refused.status_code == 429
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.headers["RateLimit-Remaining"] == "0"
    assert 3590 <= int(refused.headers["Retry-After"]) <= 3600
    assert refused.json()["code"] == "rate_limited"
    assert refused.json()["type"] == "/docs/errors#rate_limited"
    assert refused.headers["Cache-Control"] == "no-store"


def test_a_limit_that_is_off_refuses_nobody(serve: Callable[..., Served]) -> None:
    stranger = serve(limit_sign_in="off").stranger
    answers = [stranger.post(SIGN_IN, json={}) for _ in range(30)]
    assert 429 not in {answer.status_code for answer in answers}
    assert "RateLimit-Limit" not in answers[0].headers


@pytest.mark.parametrize(
    ("setting", "path"),
    [
        ("limit_sign_in", SIGN_IN),
        ("limit_sign_in", "/api/v1/auth/oidc/start"),
        ("limit_recovery", "/api/v1/auth/password/forgot"),
        ("limit_recovery", "/api/v1/auth/password/reset"),
        ("limit_recovery", "/api/v1/auth/setup"),
        ("limit_recovery", "/api/v1/invitations/accept"),
        ("limit_create", "/api/v1/links"),
        ("limit_create", "/api/v1/bulk/links"),
        ("limit_create", "/api/v1/imports"),
        ("limit_report", "/api/v1/reports"),
    ],
)
def test_every_door_that_strangers_can_knock_at_has_its_limit(
    serve: Callable[..., Served], setting: str, path: str
) -> None:
    stranger = serve(**{setting: "2/hour"}).stranger
    assert [status == 429 for status in tries(stranger, 4, path)] == [False, False, True, True]


def test_whatever_strangers_may_send_something_to_has_a_limit(shared: Served) -> None:
    posts = {
        route.path_format
        for route in iter_route_contexts(shared.app.routes)
        if "POST" in (route.methods or ()) and route.path_format and is_public("POST", route.path_format)
    }
    assert len(posts) > 5
    without = {path for path in posts if door_of({"method": "POST", "path": path}) is None}
    assert not without, "say in api/limits.py how often strangers may ask for these"


def test_one_caller_has_a_limit_for_making_links_wherever_they_are(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, limit_create="2/hour", trusted_proxies="10.0.0.0/8")
    link = {"target": "https://example.com/"}
    with Served(settings).open(peer="10.0.0.1") as served:
        statuses = [
            served.client.post(path, json=body, headers={"X-Forwarded-For": f"192.0.2.{number}"}).status_code
            for number in range(2)
            for path, body in (("/api/v1/links", link), ("/api/v1/bulk/links", {"links": [link]}))
        ]
        assert statuses == [201, 200, 429, 429]
        other = {"Authorization": f"Bearer {served.new_key('other')}", "X-Forwarded-For": "192.0.2.9"}
        assert served.stranger.post("/api/v1/links", json=link, headers=other).status_code == 201


def test_a_stranger_cannot_hide_behind_a_header_that_no_trusted_proxy_sent(serve: Callable[..., Served]) -> None:
    stranger = serve(limit_sign_in="2/hour").stranger
    statuses = [tries(stranger, 1, **{"X-Forwarded-For": f"192.0.2.{number}"})[0] for number in range(4)]
    assert [status == 429 for status in statuses] == [False, False, True, True]


def test_behind_a_trusted_proxy_each_client_has_tries_of_its_own(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, limit_sign_in="2/hour", trusted_proxies="10.0.0.0/8")
    with Served(settings).open(peer="10.0.0.1") as served:
        proxied = served.stranger
        for forged in ("", "198.51.100.1, "):  # the right-most address that is no proxy's counts
            found = tries(proxied, 1, **{"X-Forwarded-For": f"{forged}192.0.2.1, 10.0.0.9"})
            assert 429 not in found
        assert tries(proxied, 1, **{"X-Forwarded-For": "203.0.113.5, 192.0.2.1"}) == [429]
        assert 429 not in tries(proxied, 2, **{"X-Forwarded-For": "192.0.2.2"})
        assert tries(proxied, 1, **{"X-Forwarded-For": "192.0.2.2"}) == [429]


def test_reading_and_health_are_never_limited(serve: Callable[..., Served]) -> None:
    served = serve(**dict.fromkeys(("limit_sign_in", "limit_create", "limit_recovery", "limit_report"), "1/hour"))
    for path in ("/health/live", "/api/v1/links"):
        assert {served.client.get(path).status_code for _ in range(5)} == {200}


def test_refusals_are_in_the_metrics(serve: Callable[..., Served]) -> None:
    served = serve(limit_sign_in="1/hour")
    tries(served.stranger, 4)
    assert "shortly_rate_limited_total 3.0" in served.client.get("/metrics").text
