"""Nothing but pages, health and docs answers without a key."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts
from tests.api.served import Served

from shortly.accounts.access import OPERATOR
from shortly.accounts.keys import draw_key
from shortly.api import authentication
from shortly.links.reserved import RESERVED

PUBLIC = {
    "/",
    "/docs",
    "/docs/errors",
    "/favicon.ico",
    "/health",
    "/health/live",
    "/health/ready",
    "/openapi.json",
    "/robots.txt",
}


LOGO = "/api/v1/branding/logo"
"""None has been chosen."""
VISITORS = {"/report", "/shared/{token}", "/abc/qr"}
"""For whoever follows links; no link is called ``abc`` here."""


def addresses(served: Served) -> Iterator[tuple[str, str]]:
    for route in iter_route_contexts(served.app.routes):
        assert route.path_format
        assert route.methods
        for method in route.methods:
            yield method, route.path_format.replace("{slug}", "abc").replace("{name}", "swagger-ui.css")


def test_every_route_but_the_public_ones_needs_a_key(served: Served) -> None:
    walked = set(addresses(served))
    assert len(walked) > 20
    for method, path in walked:
        answer = served.stranger.request(method, path, follow_redirects=False)
        if authentication.is_public(method, path):
            assert answer.status_code in (200, 303, 422) or (answer.status_code, path) == (404, LOGO), path
            continue
        if path in VISITORS:
            assert answer.status_code in (200, 404, 422), path
        elif path in PUBLIC or path.startswith("/docs/"):
            assert answer.status_code == 200, path
        else:
            assert answer.status_code == 401, path
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert answer.json()["code"] == "unauthenticated"


def test_every_route_begins_with_a_reserved_segment(served: Served) -> None:
    # but for what a link's own address goes on with, which the redirect leaves to routes when no link is called so
    paths = {path for _, path in addresses(served)} - {"/abc/qr"}
    assert {path.split("/")[1] for path in paths} <= RESERVED


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v1/nothing", "/api/v2/links", "/metrics/x"])
def test_a_stranger_does_not_learn_what_exists(served: Served, path: str) -> None:
    assert served.stranger.get(path).status_code == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_bearer_s_scheme_may_be_written_in_any_case(served: Served, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {served.key}"}
    assert served.stranger.get("/api/v1/links", headers=headers).status_code == 200


def test_a_key_may_come_in_its_own_header(served: Served) -> None:
    assert served.stranger.get("/api/v1/links", headers={"X-Api-Key": served.key}).status_code == 200


def test_the_same_key_may_come_twice_but_not_two_keys(served: Served) -> None:
    both = {"Authorization": f"Bearer {served.key}", "X-Api-Key": served.key}
    assert served.stranger.get("/api/v1/links", headers=both).status_code == 200
    both["X-Api-Key"] = served.new_key("second")
    assert served.stranger.get("/api/v1/links", headers=both).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic c2x5OnNseQ=="},
        {"X-Api-Key": ""},
        {"X-Api-Key": "sly_" + "0" * 49},
        {"X-Api-Key": "x" * 20_000},
        {"X-Api-Key": b"\xff\xfe"},
        {"Authorization": b"Bearer \xff"},
    ],
)
def test_junk_is_no_key(served: Served, headers: dict[str, Any]) -> None:
    assert served.stranger.get("/api/v1/links", headers=headers).status_code == 401


def test_an_unknown_and_a_revoked_key_are_refused(served: Served) -> None:
    secret = served.new_key("short-lived")
    headers = {"X-Api-Key": secret}
    assert served.stranger.get("/api/v1/links", headers=headers).status_code == 200
    key = served.run(served.services.keys.named, OPERATOR, "short-lived")
    served.run(served.services.keys.revoke, OPERATOR, key.id)
    assert served.stranger.get("/api/v1/links", headers=headers).status_code == 401
    assert served.stranger.get("/api/v1/links", headers={"X-Api-Key": draw_key()}).status_code == 401


def test_a_key_in_the_query_is_not_looked_at(served: Served) -> None:
    assert served.stranger.get(f"/api/v1/links?api_key={served.key}").status_code == 401
