"""Reports of abuse: anybody sends them, admins read and decide them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.api.served import Served

REPORTS = "/api/v1/reports"


@pytest.fixture
def abused(serve: Callable[..., Served]) -> Served:
    served = serve(extra_domains="go.example", limit_report="off")
    served.add("ab", target="https://evil.example/")
    return served


def report(served: Served, **fields: Any) -> int:
    return served.stranger.post(REPORTS, json={"slug": "ab", "reason": "phishing", **fields}).status_code


def listed(served: Served, **query: Any) -> list[dict[str, Any]]:
    answer = served.client.get(REPORTS, params=query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_a_report_tells_what_was_written_and_nothing_of_who_wrote_it(abused: Served) -> None:
    details = "It asks for my bank's password.\r\nSee the screenshot."
    answer = abused.stranger.post(
        REPORTS,
        json={"slug": "ab", "reason": "phishing", "details": details, "contact": "ada@example.com"},
        headers={"User-Agent": "tell-tale"},
    )
    assert answer.status_code == 202
    assert answer.content in (b"", b"null")
    (one,) = listed(abused)
    assert one.pop("id") > 0
    assert one.pop("created_at")
    assert one == {
        "short_url": "http://localhost:8000/ab",
        "slug": "ab",
        "domain": "localhost:8000",
        "target": "https://evil.example/",
        "reason": "phishing",
        "details": details.replace("\r", ""),
        "contact": "ada@example.com",
        "state": "open",
        "note": "",
        "decided_by": "",
        "decided_at": None,
    }


@pytest.mark.parametrize(
    "short_url", ["http://localhost:8000/ab", "localhost:8000/ab", "https://LOCALHOST:8000/ab?x=1#y"]
)
def test_a_link_is_reported_by_its_address_too(abused: Served, short_url: str) -> None:
    assert abused.stranger.post(REPORTS, json={"short_url": short_url, "reason": "spam"}).status_code == 202
    assert len(listed(abused)) == 1


def test_a_link_of_another_domain_is_another_link(abused: Served) -> None:
    abused.add("ab", domain="go.example")
    assert report(abused, domain="go.example") == 202
    assert abused.stranger.post(REPORTS, json={"short_url": "https://go.example/ab", "reason": "spam"}).is_success
    assert [one["short_url"] for one in listed(abused)] == ["http://go.example/ab"] * 2


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"slug": "nothing", "reason": "spam"}, 404),
        ({"short_url": "https://elsewhere.example/ab", "reason": "spam"}, 404),
        ({"short_url": "http://localhost:8000/%ff", "reason": "spam"}, 404),
        ({"short_url": "http://[", "reason": "spam"}, 404),
        ({"slug": "ab", "domain": "elsewhere.example", "reason": "spam"}, 422),
        ({"slug": "ab", "reason": "boredom"}, 422),
        ({"slug": "ab"}, 422),
        ({"reason": "spam"}, 422),
        ({"slug": "ab", "short_url": "http://localhost:8000/ab", "reason": "spam"}, 422),
        ({"slug": "ab", "reason": "spam", "details": "x" * 4001}, 422),
        ({"slug": "ab", "reason": "spam", "details": "\x1b[2J"}, 422),
        ({"slug": "ab", "reason": "spam", "contact": "\u202eevil"}, 422),
        ({"slug": "ab", "reason": "spam", "contact": "x" * 255}, 422),
        ({"slug": "ab", "reason": "spam", "state": "dismissed"}, 422),
        ({"slug": "\ud800", "reason": "spam"}, 422),
        ([], 422),
    ],
)
def test_a_report_that_cannot_be_right_is_refused_and_not_kept(abused: Served, body: object, status: int) -> None:
    answer = abused.stranger.post(REPORTS, content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert answer.status_code == status
    assert listed(abused) == []


def test_reports_are_decided_and_filtered_by_that(abused: Served) -> None:
    for reason in ("phishing", "spam", "other"):
        assert report(abused, reason=reason) == 202
    other, spam, phishing = listed(abused)
    acted = abused.client.patch(f"{REPORTS}/{phishing['id']}", json={"state": "acted", "note": "banned"})
    assert acted.status_code == 200
    assert (acted.json()["state"], acted.json()["note"]) == ("acted", "banned")
    assert acted.json()["decided_by"].startswith("key:")
    assert acted.json()["decided_at"]
    abused.client.patch(f"{REPORTS}/{spam['id']}", json={"state": "dismissed"})
    assert [one["reason"] for one in listed(abused, state="open")] == [other["reason"]]
    assert [one["reason"] for one in listed(abused, state="acted")] == ["phishing"]
    assert [one["reason"] for one in listed(abused, state="dismissed")] == ["spam"]
    assert len(listed(abused)) == 3


def test_decisions_are_in_the_audit_log(abused: Served) -> None:
    report(abused)
    (one,) = listed(abused)
    abused.client.patch(f"{REPORTS}/{one['id']}", json={"state": "acted", "note": "banned"})
    (entry,) = abused.client.get("/api/v1/audit", params={"action": "report.decided"}).json()["items"]
    assert entry["subject"] == f"report:{one['id']}"
    assert entry["details"] == {"state": "acted", "reason": "phishing", "link": "link:/ab"}


def test_reports_come_in_pages_newest_first(abused: Served) -> None:
    for number in range(5):
        report(abused, details=str(number))
    found: list[str] = []
    cursor, pages = None, 0
    while cursor or not pages:
        page = abused.client.get(REPORTS, params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        found += [one["details"] for one in page["items"]]
        cursor, pages = page["next_cursor"], pages + 1
    assert pages == 3
    assert sorted(found, reverse=True) == ["4", "3", "2", "1", "0"]
    for bad in ("x", "-1", "0", "9" * 30, "٣"):
        assert abused.client.get(REPORTS, params={"cursor": bad}).json()["code"] == "invalid_cursor"


def test_only_who_may_sees_and_decides_reports(abused: Served) -> None:
    report(abused)
    (one,) = listed(abused)
    assert abused.stranger.get(REPORTS).status_code == 401
    assert abused.stranger.patch(f"{REPORTS}/{one['id']}", json={"state": "dismissed"}).status_code == 401
    assert abused.client.patch(f"{REPORTS}/{one['id'] + 1}", json={"state": "dismissed"}).status_code == 404
    for body in ({}, {"state": "open"}, {"state": "acted", "slug": "x"}, {"state": "acted", "note": "\x00"}):
        assert abused.client.patch(f"{REPORTS}/{one['id']}", json=body).status_code == 422
    assert listed(abused)[0]["state"] == "open"


def test_nobody_reports_without_end(serve: Callable[..., Served]) -> None:
    served = serve(limit_report="2/hour")
    served.add("ab")
    assert [report(served) for _ in range(4)] == [202, 202, 429, 429]
    assert len(listed(served)) == 2
