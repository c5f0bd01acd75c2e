"""Whatever comes in: one clear 4xx problem, never a 5xx, and nothing is stored."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.api.served import Served

from shortly.api.body_limit import MAX_OF_STRANGERS

LINKS = "/api/v1/links"
TARGET = "https://example.com/"
HUGE = 10**40
JSON_ROUTES = [
    ("POST", LINKS),
    ("PATCH", f"{LINKS}/kept"),
    ("POST", "/api/v1/bulk/links"),
    ("PATCH", "/api/v1/bulk/links"),
    ("POST", "/api/v1/bulk/links/delete"),
]


@pytest.fixture(scope="module", autouse=True)
def kept(shared: Served) -> None:
    """Make the one link that is there before and after."""
    shared.add("kept", title="kept")


@pytest.fixture(autouse=True)
def nothing_happens(shared: Served) -> Iterator[None]:
    """Look after each test whether that link is still the only one, and unchanged."""
    yield
    items = shared.client.get(LINKS).json()["items"]
    assert [(link["slug"], link["title"], link["version"]) for link in items] == [("kept", "kept", 1)]


def check_problem(answer: Any, status: int | None = None) -> dict[str, Any]:
    assert 400 <= answer.status_code < 500, answer.text[:300]
    assert status in (None, answer.status_code), answer.text[:300]
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert len(answer.content) < 2000
    problem: dict[str, Any] = answer.json()
    assert set(problem) - {"field"} == {"type", "title", "status", "detail", "code"}
    assert problem["status"] == answer.status_code
    assert problem["type"] == f"/docs/errors#{problem['code']}"
    assert "Traceback" not in answer.text
    return problem


BAD_BODIES = [
    (b"", 422),
    (b"{", 400),
    (b"nonsense", 400),
    (b'{"target":"\xff\xfe"}', 400),
    (b"\xff\xfe\x00\x00", 400),
    (b"\x00", 400),
    (b"[" * 100_000, 400),
    (b'{"a":' * 100_000, 400),
    (b"9" * 10_000, 400),
    (b"NaN", 422),
    (b"null", 422),
    (b"[]", 422),
    (b'"text"', 422),
    (b"1e999", 422),
    (json.dumps({f"field{number}": number for number in range(20_000)}).encode(), 422),
    (json.dumps({"x" * 100_000: 1}).encode(), 422),
    (rb'{"\ud800":1}', 422),
    (rb'{"\u0000":1}', 422),
]


@pytest.mark.parametrize(("method", "path"), JSON_ROUTES)
@pytest.mark.parametrize(("body", "status"), BAD_BODIES, ids=lambda value: repr(value)[:24])
def test_a_body_that_is_none_is_refused(shared: Served, method: str, path: str, body: bytes, status: int) -> None:
    answer = shared.client.request(method, path, content=body, headers={"Content-Type": "application/json"})
    check_problem(answer, status)


def test_no_route_at_all_takes_a_body_that_is_none(serve: Callable[..., Served]) -> None:
    """Whatever else a route says against it: it is a refusal, and a problem."""
    served = serve(max_body_mb=1, limit_report="off")
    tried = 0
    for path, operations in served.app.openapi()["paths"].items():
        for method, operation in operations.items():
            if operation.get("requestBody", {}).get("required"):
                address = re.sub(r"{\w+}", "7", path)
                for body in [*(body for body, _ in BAD_BODIES), b'{"x":"' + b"x" * 10_000_000 + b'"}']:
                    headers = {"Content-Type": "application/json"}
                    check_problem(served.client.request(method.upper(), address, content=body, headers=headers))
                tried += 1
    assert tried > 30


@pytest.mark.parametrize(("method", "path"), JSON_ROUTES)
def test_a_body_of_ten_megabytes_is_refused(shared: Served, method: str, path: str) -> None:
    body = b'{"target":"' + b"x" * 10_000_000 + b'"}'
    assert check_problem(shared.client.request(method, path, content=body), 413)["code"] == "body_too_large"
    for headers in ({}, {"Idempotency-Key": "k"}):
        chunks = (body[start : start + 65_536] for start in range(0, len(body), 65_536))
        check_problem(shared.client.request(method, path, content=chunks, headers=headers), 413)


def test_a_body_as_large_as_is_allowed_is_read(shared: Served) -> None:
    limit = 1 << 20
    body = b'{"x":"' + b"x" * (limit - 8) + b'"}'
    assert len(body) == limit
    check_problem(shared.client.post(LINKS, content=body), 422)
    check_problem(shared.client.post(LINKS, content=body + b" "), 413)


@pytest.mark.parametrize("path", ["/api/v1/auth/sign-in", "/api/v1/reports", "/api/v1/invitations/accept"])
def test_strangers_may_send_no_more_than_they_have_to_say(shared: Served, path: str) -> None:
    body = b'{"x":"' + b"x" * (MAX_OF_STRANGERS - 8) + b'"}'
    assert len(body) == MAX_OF_STRANGERS
    assert shared.stranger.post(path, content=body).status_code != 413
    assert shared.stranger.post(path, content=body + b" ").status_code == 413
    chunks = (body[start : start + 4_096] for start in range(0, len(body), 4_096))
    assert shared.stranger.post(path, content=(part for part in [*chunks, b" "])).status_code == 413


def test_a_form_is_no_json(shared: Served) -> None:
    answer = shared.client.post(
        LINKS, content=b"target=x", headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert check_problem(answer, 415)["code"] == "not_json"


BAD_MOMENTS: list[Any] = [
    *("", "tomorrow", 0, 1e9, "1767225600", True, []),
    *("2026-01-01", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z", "2026-01-01T25:00:00Z"),
    *("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"),
    *("2026-01-01T00:00:00+99:99", "+292278994-08-17T07:12:55Z"),
]
BAD_VALUES: dict[str, list[Any]] = {
    "target": [
        *(None, "", " ", 5, True, [], {}, "x" * 10_000, "https://", "https://exa mple.com", "https://[::1"),
        *("https://example.com/\r\nSet-Cookie: a=b", "https://example.com/\nX: y", "https://example.com/\0"),
        *("\ud800", "https://example.com/\ud800", "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd"),
        *(
            "//example.com",
            "/path",
            "https://user:pass@example.com/",
            "http://localhost:8000/loop",
            "ftp://example.com/",
        ),
    ],
    "slug": [
        *("", "a b", "a/b", "..", "a/..", "%2F", "a\0", "a\r\nb", "é", "\ud800", "x" * 129, 5, []),
        *("api", "health", "DOCS", "metrics", ".well-known"),
    ],
    "title": ["x" * 513, "a\0b", "a\r\nb", "\ud800", 5, []],
    "notes": ["x" * 10_001, "a\0b", 5],
    "folder": ["x" * 129, "a\nb", 5],
    "tags": ["red", 5, {}, ["x"] * 100_000, [""], [5], [None], ["x" * 65], ["a\0"], ["\ud800"]],
    "valid_from": BAD_MOMENTS,
    "expires_at": BAD_MOMENTS,
    "max_clicks": [0, -1, HUGE, 1.5, "10", True, []],
    "cache_s": [-1, HUGE, 1.5, "10", False],
    "fallback_target": ["", "javascript:1", "https://e.com/\r\n", 5],
    "status": [200, 303, -1, HUGE, "302", True, 302.5],
    "referrer_policy": ["none", "no-referrer\r\nX: y", 5],
    **{key: [1, "true", "yes", []] for key in ("forward_query", "crawlable", "enabled", "archived")},
    "domain": ["nobody.example", "x" * 10_000, "\0", "\ud800", 5, "localhost:8000/../x"],
    "find_if_exists": [1, "true", None],
    **{key: ["x"] for key in ("password", "rules", "variants", "id", "owner", "clicks", "created_at", "", "sluG")},
}
BAD_FIELDS = [(name, value) for name, values in BAD_VALUES.items() for value in values]


@pytest.mark.parametrize(("name", "value"), BAD_FIELDS, ids=lambda value: repr(value)[:40])
def test_a_bad_field_is_named(shared: Served, name: str, value: Any) -> None:
    content = json.dumps({"target": TARGET, name: value})
    problem = check_problem(shared.client.post(LINKS, content=content), 422)
    assert problem["field"].split(".")[0] == name
    if name in ("domain", "find_if_exists"):
        return
    content = json.dumps({name: value})
    problem = check_problem(shared.client.patch(f"{LINKS}/kept", content=content), 422)
    assert problem["field"].split(".")[0] == name


def test_a_link_does_not_expire_before_it_is_valid(shared: Served) -> None:
    span = {"valid_from": "2026-02-01T00:00:00Z", "expires_at": "2026-01-01T00:00:00Z"}
    answer = shared.client.post(LINKS, json={"target": TARGET, **span})
    assert check_problem(answer, 422)["field"] == "expires_at"


@pytest.mark.parametrize("method", ["PUT", "POST", "TRACE", "OPTIONS", "CONNECT", "BREW"])
def test_a_method_that_is_not_there_is_refused_with_those_that_are(shared: Served, method: str) -> None:
    answer = shared.client.request(method, f"{LINKS}/kept")
    check_problem(answer, 405)
    assert answer.headers["Allow"] == "DELETE, GET, HEAD, PATCH"


@pytest.mark.parametrize(
    "path",
    ["/api", "/api/v1", "/api/v1/", "/api/v1/links/", "/api/v1/nothing", "/docs/x", "/docs/1/x", "/app", "/health/"],
)
def test_an_address_that_is_not_there_is_not_found(shared: Served, path: str) -> None:
    assert check_problem(shared.client.get(path), 404)["code"] == "not_found"


@pytest.mark.parametrize(
    "path", ["/docs/..%2F..%2Fetc%2Fpasswd", "/docs/1.7.7/..%2fpy.typed", "/docs/%2e%2e/x", "/docs/%00"]
)
def test_no_path_leads_out_of_the_docs(shared: Served, path: str) -> None:
    check_problem(shared.client.get(path), 404)


@pytest.mark.parametrize(
    "query",
    [
        "period=week",
        "period=",
        "period=7d&since=2026-01-01",
        "since=junk",
        "since=%00",
        "until=2026-01-01",
        "since=2026-01-02&until=2026-01-01",
        "since=0001-01-01",
        "since=99999-01-01",
        "since=2000-01-01&step=hour",
        "since=2026-01-01T00:00:00%2B99:00",
        "tz=Mars/Base",
        "tz=../../etc/passwd",
        "tz=%00",
        "step=second",
        "step=-1",
        "dimensions=password",
        "dimensions=browser,,os",
        "dimensions=" + ",".join(["browser"] * 51),
        "limit=0",
        "limit=1001",
        "limit=" + "9" * 5000,
        "compare=perhaps",
        "surprise=1",
    ],
)
def test_statistics_that_make_no_sense_are_refused(shared: Served, query: str) -> None:
    for path in (f"{LINKS}/kept/stats", "/api/v1/stats"):
        assert "field" in check_problem(shared.client.get(f"{path}?{query}"), 422)


@pytest.mark.parametrize("query", ["format=xls", "table=passwords", "format=csv&table=", "tz=x", "dimensions=x"])
def test_an_export_that_makes_no_sense_is_refused(shared: Served, query: str) -> None:
    for path in (f"{LINKS}/kept/export", "/api/v1/stats/export"):
        check_problem(shared.client.get(f"{path}?{query}"), 422)


@pytest.mark.parametrize(
    "path", ["links", "links/kept", "links/kept/stats", "stats", "audit", "exports/links", "nothing"]
)
@pytest.mark.parametrize("text", ["%FF", "%00", "a%C3", "%ED%A0%80", "%C0%AF"])
def test_a_query_that_is_no_text_is_refused_wherever_it_is_sent(shared: Served, path: str, text: str) -> None:
    for query, field in ((f"x={text}", "x"), (f"domain={text}", "domain")):
        problem = check_problem(shared.client.get(f"/api/v1/{path}?limit=5&{query}"), 422)
        assert (problem["code"], problem["field"]) == ("invalid_input", field)
    assert check_problem(shared.stranger.get(f"/api/v1/{path}?x={text}"), 401)


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "cursor=junk", "cursor=%00", "step=day", "since=x"])
def test_visits_that_make_no_sense_are_refused(shared: Served, query: str) -> None:
    check_problem(shared.client.get(f"{LINKS}/kept/visits?{query}"), 422)


@pytest.mark.parametrize(
    "query", ["follow=perhaps", "surprise=1", "slug=" + "x" * 5_000, "slug=%00&surprise=", "domain=" + "x" * 5_000]
)
def test_a_live_stream_that_makes_no_sense_is_refused(shared: Served, query: str) -> None:
    check_problem(shared.client.get(f"/api/v1/live?{query}"), 422)


def test_a_live_stream_of_a_link_that_is_not_there_is_not_found(shared: Served) -> None:
    assert check_problem(shared.client.get("/api/v1/live?slug=nothing"), 404)["code"] == "link_not_found"


@pytest.mark.parametrize("last", ["x", "1", "1.2", "-5.0", "9" * 60, "\u0663.1", "178.x", "..", ""])
def test_a_last_event_that_never_was_gets_the_whole_hour(shared: Served, last: str) -> None:
    answer = shared.client.get("/api/v1/live?follow=false", headers={b"Last-Event-ID": last.encode()})
    assert "event: hour" in answer.text


@pytest.mark.parametrize("ending", ["stats", "visits", "export"])
def test_nothing_is_told_of_a_link_that_is_not_there(shared: Served, ending: str) -> None:
    assert check_problem(shared.client.get(f"{LINKS}/nothing/{ending}"), 404)["code"] == "link_not_found"


def test_odd_headers_do_no_harm(shared: Served) -> None:
    oddities: list[dict[str, Any]] = [
        {"X-Request-Id": "x" * 10_000},
        {"X-Request-Id": b"\xff"},
        {"Accept": "x" * 10_000},
        {"Content-Type": b"\xff/\xfe"},
        {"Content-Length": "-1"},
        {"Host": "\x7f"},
        {"If-None-Match": b"\xff" * 5000},
    ]
    for headers in oddities:
        assert shared.client.get(f"{LINKS}/kept", headers=headers).status_code in (200, 400, 421)
