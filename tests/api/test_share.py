"""Statistics that are shared as a page for everybody who has its address."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.api.served import Served

SHARE = "/api/v1/links/a/share"


def share(served: Served, slug: str = "a", **given: Any) -> str:
    """Share a link's statistics; return the path of the page."""
    answer = served.client.put(f"/api/v1/links/{slug}/share", json=given)
    assert answer.status_code == 200, answer.text
    url: str = answer.json()["url"]
    assert url.startswith(f"{served.settings.base_url}/shared/")
    return url.removeprefix(served.settings.base_url)


def see(served: Served, path: str, language: str = "en") -> Any:
    return served.stranger.get(path, headers={"Accept": "text/html", "Accept-Language": language})


def test_strangers_see_sums_and_nothing_of_single_visits(served: Served) -> None:
    served.add("a", "https://secret.example/target", title="Inner title", notes="inner notes", tags=["inner-tag"])
    served.click("a", [{"country": "DE", "referrer": "news.example", "browser": "<b>x</b>", "city": "Bonn"}] * 3)
    served.click("a", [{"bot": "curl"}] * 4)
    page = see(served, share(served))
    assert page.status_code == 200
    text = page.text
    for seen in ("Statistics of ", "news.example", "DE", "&lt;b&gt;x&lt;/b&gt;"):
        assert seen in text
    assert "<dd>3</dd>" in text
    for hidden in ("secret.example", "Inner title", "inner notes", "inner-tag", "Bonn", "curl", "<script", "<b>x"):
        assert hidden not in text
    assert page.headers["x-robots-tag"] == "noindex"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in page.headers["content-security-policy"]


@pytest.mark.parametrize(("language", "seen"), [("de", "Statistik von"), ("ja", "の統計"), ("xx", "Statistics of")])
def test_the_page_speaks_the_visitors_language(served: Served, language: str, seen: str) -> None:
    served.add("a")
    page = see(served, share(served), language)
    assert seen in page.text
    assert page.headers["content-language"] == ("en" if language == "xx" else language)


def test_a_period_can_be_chosen_and_nonsense_is_the_usual_one(served: Served) -> None:
    served.add("a")
    path = share(served)
    assert 'href="?period=7d" aria-current="page"' in see(served, f"{path}?period=7d").text
    for nonsense in ("all", "%00", "7d%27", "x" * 5_000):
        assert 'href="?period=30d" aria-current="page"' in see(served, f"{path}?period={nonsense}").text


def test_a_share_ends_at_once_and_its_address_never_comes_back(served: Served) -> None:
    served.add("a")
    path = share(served)
    assert share(served) == path
    assert served.client.get(SHARE).json()["url"].endswith(path)
    assert served.client.delete(SHARE).status_code == 204
    page = see(served, path)
    assert (page.status_code, "This page is not shared" in page.text) == (404, True)
    assert served.client.get(SHARE).json()["code"] == "not_shared"
    assert served.client.delete(SHARE).status_code == 404
    assert share(served) != path
    assert see(served, path).status_code == 404


def test_a_share_runs_out(served: Served) -> None:
    served.add("a")
    path = share(served)
    assert see(served, path).status_code == 200
    soon = datetime.now(UTC) + timedelta(seconds=5)
    assert share(served, expires_at=soon.isoformat()) == path
    while see(served, path).status_code == 200:
        assert datetime.now(UTC) < soon + timedelta(seconds=60)
        time.sleep(0.1)  # LIMIT_PAGE
    assert datetime.now(UTC) > soon - timedelta(seconds=1)
    assert see(served, path).status_code == 404
    assert served.client.get(SHARE).status_code == 404


def test_who_asks_for_pages_too_often_is_refused_and_the_api_goes_on(serve: Callable[..., Served]) -> None:
    served = serve(limit_page="3/hour")
    served.add("a")
    path = share(served)
    assert [see(served, each).status_code for each in (path, "/shared/guessed", path, path)] == [200, 404, 200, 429]
    refused = see(served, path)
    assert refused.json()["code"] == "rate_limited"
    assert 3590 <= int(refused.headers["Retry-After"]) <= 3600
    assert served.client.get(SHARE).status_code == 200


def test_its_end_can_be_moved_without_another_address(served: Served) -> None:
    served.add("a")
    path = share(served, expires_at="2199-01-01T00:00:00Z")
    assert served.client.get(SHARE).json()["expires_at"].startswith("2199-01-01")
    assert share(served) == path
    assert served.client.get(SHARE).json()["expires_at"] is None


def test_a_renamed_link_stays_shared_and_one_in_its_place_is_not(served: Served) -> None:
    served.add("a")
    path = share(served)
    served.client.patch("/api/v1/links/a", json={"slug": "b"})
    assert see(served, path).status_code == 200
    assert served.client.get("/api/v1/links/b/share").json()["url"].endswith(path)
    served.client.delete("/api/v1/links/b")
    assert see(served, path).status_code == 404
    served.add("a", title="another one")
    assert see(served, path).status_code == 404
    assert served.client.get(SHARE).status_code == 404
    assert share(served) != path


def test_a_banned_link_is_not_shown(served: Served) -> None:
    served.add("a")
    path = share(served)
    served.client.put("/api/v1/links/a/ban", json={"reason": "spam"})
    assert see(served, path).status_code == 404


def test_it_is_noted_who_shares(served: Served) -> None:
    served.add("a")
    share(served)
    served.client.delete(SHARE)
    actions = [entry["action"] for entry in served.client.get("/api/v1/audit").json()["items"]]
    assert actions[:2] == ["link.unshared", "link.shared"]


def test_a_key_that_may_not_read_statistics_does_not_publish_them(served: Served) -> None:
    served.add("a")
    key = served.new_key("w", scopes=["links:write"])
    answer = served.browser().put(SHARE, json={}, headers={"X-Api-Key": key})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    "given",
    [
        {"expires_at": "2001-01-01T00:00:00Z"},
        {"expires_at": "soon"},
        {"expires_at": 7},
        {"expires_at": "2030-01-01T00:00:00"},
        {"other": 1},
        [],
    ],
)
def test_what_makes_no_sense_is_refused(served: Served, given: Any) -> None:
    served.add("a")
    answer = served.client.put(SHARE, json=given)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert served.client.get(SHARE).status_code == 404


@pytest.mark.parametrize("token", ["x", "x" * 5_000, "%00", "%F0%9F%A6%89", "..%2f..%2fapi", "%ED%A0%80", "'--"])
def test_a_guessed_address_shows_nothing(client: TestClient, token: str) -> None:
    answer = client.get(f"/shared/{token}", headers={"Accept": "text/html"})
    assert answer.status_code in (404, 422)
    assert len(answer.content) < 10_000


def test_no_link_is_called_as_the_pages_are(client: TestClient) -> None:
    answer = client.post("/api/v1/links", json={"target": "https://example.com", "slug": "Shared"})
    assert (answer.status_code, answer.json()["code"]) == (422, "reserved_slug")
