"""Links that strangers make, where that is switched on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from tests.api.served import Served

TARGET = "https://example.com/"


def test_without_the_setting_strangers_make_nothing(served: Served) -> None:
    assert served.stranger.post("/api/v1/links", json={"target": TARGET}).status_code == 401


def test_a_stranger_s_link_has_a_target_and_an_end_and_tells_nothing_else(serve: Callable[..., Served]) -> None:
    served = serve(anonymous_create=True, anonymous_expiry_days=7)
    answer = served.stranger.post("/api/v1/links", json={"target": TARGET})
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert set(told) == {"slug", "short_url", "target", "expires_at", "warnings"}
    assert "location" not in answer.headers
    assert "etag" not in answer.headers
    link = served.client.get(f"/api/v1/links/{told['slug']}").json()
    assert link["owner"] == "anonymous"
    end = datetime.fromisoformat(link["expires_at"])
    assert timedelta(days=6, hours=23) < end - datetime.now(UTC) <= timedelta(days=7)


@pytest.mark.parametrize(
    "fields",
    [
        {"slug": "mine"},
        {"expires_at": "2199-01-01T00:00:00Z"},
        {"expires_at": None},
        {"find_if_exists": True},
        {"domain": "localhost:8000"},
        {"title": "free"},
        {"max_clicks": 1},
        {"fallback_target": TARGET},
        {"owner": "user:1"},
    ],
)
def test_a_stranger_chooses_nothing_but_the_target(serve: Callable[..., Served], fields: dict[str, object]) -> None:
    refused = serve(anonymous_create=True).stranger.post("/api/v1/links", json={"target": TARGET, **fields})
    assert refused.status_code == 422
    assert refused.json()["field"] == next(iter(fields))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/links"),
        ("POST", "/api/v1/links/"),
        ("POST", "/api/v1/links/ab"),
        ("PATCH", "/api/v1/links/ab"),
        ("DELETE", "/api/v1/links/ab"),
        ("POST", "/api/v1/bulk/links"),
        ("GET", "/api/v1/reports"),
        ("PATCH", "/api/v1/reports/1"),
        ("GET", "/metrics"),
    ],
)
def test_everything_else_stays_closed(serve: Callable[..., Served], method: str, path: str) -> None:
    served = serve(anonymous_create=True)
    served.add("ab")
    assert served.stranger.request(method, path, json={}).status_code == 401


def test_a_wrong_key_is_not_a_stranger(serve: Callable[..., Served]) -> None:
    stranger = serve(anonymous_create=True).stranger
    for headers in ({"Authorization": "Bearer nonsense"}, {"Authorization": "Basic eDp5"}, {"X-Api-Key": ""}):
        assert stranger.post("/api/v1/links", json={"target": TARGET}, headers=headers).status_code == 401


def test_another_site_s_page_makes_none_through_its_visitors(serve: Callable[..., Served]) -> None:
    stranger = serve(anonymous_create=True).stranger
    refused = stranger.post("/api/v1/links", json={"target": TARGET}, headers={"Sec-Fetch-Site": "cross-site"})
    assert refused.json()["code"] == "cross_site_request"


def test_a_stranger_makes_few_and_others_are_not_held_up(serve: Callable[..., Served]) -> None:
    served = serve(anonymous_create=True, limit_anonymous="2/hour")
    answers = [served.stranger.post("/api/v1/links", json={"target": TARGET}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [201, 201, 429, 429]
    assert answers[-1].json()["code"] == "rate_limited"
    assert 3500 < int(answers[-1].headers["Retry-After"]) <= 3600
    served.add("ab")


def test_strangers_never_get_each_other_s_links(serve: Callable[..., Served]) -> None:
    stranger = serve(anonymous_create=True).stranger
    headers = {"Idempotency-Key": "the-same"}
    answers = [stranger.post("/api/v1/links", json={"target": TARGET}, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201], answers[0].text
    slugs = [answer.json()["slug"] for answer in answers]
    assert slugs[0] != slugs[1]
