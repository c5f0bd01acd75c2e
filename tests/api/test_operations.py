"""Health, metrics, docs and the other pages; and what every answer has."""

import asyncio
import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from threading import get_ident
from typing import Any

import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient
from structlog.testing import capture_logs
from tests.api.served import Served

from shortly.api import health
from shortly.api.authentication import is_public
from shortly.api.bulk import AT_ONCE
from shortly.api.problems import STATUS, status_of
from shortly.backup.service import backups_of
from shortly.errors import Busy, ShortlyError, StorageFull, StoreUnavailable


def all_errors(kind: type[ShortlyError] = ShortlyError) -> set[type[ShortlyError]]:
    return {kind}.union(*(all_errors(below) for below in kind.__subclasses__()))


# --- health --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/health", "/health/ready"])
def test_health_tells_how_it_is(served: Served, path: str) -> None:
    answer = served.stranger.get(path)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["status"], body["store"], body["journal"]) == ("ok", "ok", "ok")
    assert 0 <= body["uptime_s"] < 60
    assert body["version"]


def test_a_journal_that_refuses_makes_it_unready_but_not_dead(served: Served) -> None:
    served.journal = replace(served.journal, refusing=True, dropped=3)
    for path in ("/health", "/health/ready"):
        answer = served.stranger.get(path)
        assert (answer.status_code, answer.json()["journal"]) == (503, "refusing")
    assert served.stranger.get("/health/live").json() == {"status": "ok"}


def test_a_store_that_is_away_or_hangs_makes_it_unready(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    async def be_away() -> None:
        raise StoreUnavailable

    async def hang() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(health, "DEADLINE_S", 0.05)
    monkeypatch.setattr(health, "KEPT_S", 0)
    for ping in (be_away, hang):
        monkeypatch.setattr(served.services.store, "ping", ping)
        answer = served.stranger.get("/health/ready")
        assert (answer.status_code, answer.json()["store"]) == (503, "unavailable")
        assert served.stranger.get("/health/live").status_code == 200


def test_strangers_cannot_make_the_store_work_by_asking(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    async def ping() -> None:
        asked.append(1)

    monkeypatch.setattr(served.services.store, "ping", ping)
    monkeypatch.setattr(health, "KEPT_S", 3600)
    for _ in range(20):
        assert served.stranger.get("/health").status_code == 200
    assert len(asked) == 1


# --- metrics -------------------------------------------------------------------------------------------------


def test_metrics_are_what_prometheus_reads(served: Served) -> None:
    served.add("abc")
    served.client.get("/api/v1/links/nothing")
    served.services.counters.add("redirects_302", 5)
    served.services.counters.add("clicks_dropped", 2)
    answer = served.client.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    values = {
        (sample.name, *sample.labels.values()): sample.value
        for family in families.values()
        for sample in family.samples
    }
    assert values["shortly_redirects_total", "302"] == 5
    assert values["shortly_clicks_dropped_total",] == 2
    assert values["shortly_api_requests_total", "2xx"] == 1
    assert values["shortly_api_requests_total", "4xx"] == 1
    assert values["shortly_api_request_seconds_bucket", "+Inf"] == values["shortly_api_request_seconds_count",] == 2
    assert values["shortly_api_request_seconds_sum",] > 0
    assert {
        "shortly_clicks_written",
        "shortly_clicks_folded",
        "shortly_clicks_corrupt",
        "shortly_drain_lag_seconds",
    } < set(families)
    assert 0 < values["shortly_disk_free_bytes",] < values["shortly_disk_total_bytes",]
    assert {name for family in families.values() for sample in family.samples for name in sample.labels} == {
        "status",
        "le",
        "version",
        "python",
    }


def test_metrics_tell_when_the_newest_backup_was_made(served: Served) -> None:
    def told() -> list[float]:
        families = text_string_to_metric_families(served.client.get("/metrics").text)
        return [s.value for one in families if one.name == "shortly_backup_newest_time_seconds" for s in one.samples]

    assert told() == [0.0]
    made = asyncio.run(backups_of(served.settings).create(datetime(2026, 11, 28, 3, tzinfo=UTC)))
    assert told() == [made.created_at.timestamp()]


# --- docs and pages ------------------------------------------------------------------------------------------


def test_the_docs_come_from_here_alone(served: Served) -> None:
    answer = served.stranger.get("/docs")
    policy = answer.headers["Content-Security-Policy"]
    assert "'unsafe-inline'" not in next(part for part in policy.split(";") if "script-src" in part)
    addresses = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
    assert len(addresses) == 4
    for address in addresses:
        assert address.startswith("/")
        file = served.stranger.get(address)
        assert file.status_code == 200
        if address.startswith("/docs"):
            assert "immutable" in file.headers["Cache-Control"]
    assert "<script>" not in answer.text


def test_the_document_is_made_once_and_not_where_requests_are_served(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []
    openapi = served.app.openapi

    def noting() -> dict[str, Any]:
        threads.append(get_ident())
        return openapi()

    async def serving() -> int:
        return get_ident()

    monkeypatch.setattr(served.app, "openapi", noting)
    with ThreadPoolExecutor(4) as strangers:
        answers = list(strangers.map(lambda _: served.stranger.get("/openapi.json").content, range(4)))
    assert len(set(answers)) == 1
    assert len(threads) == 1
    assert threads[0] != served.run(serving)


def test_the_document_names_every_operation_and_problem(served: Served) -> None:
    document = served.stranger.get("/openapi.json").json()
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names) >= 16
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)+", name) for name in names)
    assert set(document["components"]["securitySchemes"]) == {"Bearer", "X-Api-Key", "Session"}
    schemas = document["components"]["schemas"]
    assert "HTTPValidationError" not in schemas
    references = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert {"NewLink", "LinkEdit", "LinkDeletion", "Problem"} <= references <= set(schemas)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if path.startswith("/health"):
                continue
            if is_public(method.upper(), path):
                assert "security" not in operation
                continue
            assert operation["security"] == [{"Bearer": []}, {"X-Api-Key": []}, {"Session": []}]
            assert "application/problem+json" in operation["responses"]["401"]["content"]
            assert operation["summary"]


def test_every_problem_is_explained_at_its_type(served: Served) -> None:
    page = served.stranger.get("/docs/errors").text
    for kind in all_errors():
        assert f'id="{kind.code}"' in page
    taken = served.client.get("/api/v1/links/nothing").json()["type"]
    assert taken == "/docs/errors#link_not_found"


def test_every_error_has_a_status_of_its_own_in_the_table() -> None:
    assert {kind for kind in all_errors() if kind.__module__.startswith("shortly.")} == set(STATUS)
    codes = [kind.code for kind in STATUS]
    assert len(set(codes)) == len(codes)

    class Finer(StorageFull):
        """One that the table does not know."""

    assert status_of(Finer) == 507


def test_the_start_page_says_where_one_is(served: Served) -> None:
    answer = served.stranger.get("/")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "http://localhost:8000/" in answer.text


def test_the_start_page_may_be_elsewhere(serve: Callable[..., Served]) -> None:
    answer = serve(root_redirect="https://example.com/").stranger.get("/", follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, "https://example.com/")


def test_robots_and_browsers_find_what_they_ask_for(served: Served) -> None:
    assert "Disallow: /api/" in served.stranger.get("/robots.txt").text
    assert served.stranger.get("/favicon.ico").headers["Content-Type"] == "image/svg+xml"


def test_head_is_get_without_a_body(served: Served) -> None:
    served.add("abc")
    for path in ("/health", "/docs", "/robots.txt", "/api/v1/links/abc", "/api/v1/links"):
        got, asked = served.client.get(path), served.client.head(path)
        assert (asked.status_code, asked.content) == (200, b"")
        assert asked.headers["Content-Length"] == got.headers["Content-Length"]


# --- every answer --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/", "/health", "/docs", "/nothing", "/api/v1/links", "/api/v1/links?limit=x", "/metrics"]
)
def test_every_answer_has_safe_headers_and_an_id(served: Served, path: str) -> None:
    for client in (served.client, served.stranger):
        headers = client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] == "no-store"
        assert re.fullmatch(r"[0-9a-f]{16}", headers["X-Request-Id"])


def test_a_sane_request_id_is_taken_over_and_no_other(client: TestClient) -> None:
    def echoed(given: str | bytes) -> str:
        headers = {b"X-Request-Id": given.encode() if isinstance(given, str) else given}
        return client.get("/health/live", headers=headers).headers["X-Request-Id"]

    assert echoed("abc-1.2_3") == "abc-1.2_3"
    for other in ("x" * 65, "a b", "<script>", "", b"\xff"):
        assert re.fullmatch(r"[0-9a-f]{16}", echoed(other))


def test_a_log_line_tells_of_a_request_without_secrets(served: Served) -> None:
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        served.client.get(f"/api/v1/links/a%0Ab?search=hidden&key={served.key}", headers={"X-Request-Id": "r1"})
    (line,) = (line for line in lines if line["event"] == "request")
    assert line.pop("ms") > 0
    assert line == {
        "event": "request",
        "log_level": "info",
        "method": "GET",
        "path": "/api/v1/links/a%0Ab",
        "status": 404,
        "request_id": "r1",
    }


def test_what_nobody_expected_is_logged_and_not_told(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr(served.services.store, "get_link", fail)
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        answer = served.client.get("/api/v1/links/abc", headers={"X-Request-Id": "r1"})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret" not in answer.text
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    (line,) = (line for line in lines if line["log_level"] == "error")
    assert (line["request_id"], repr(line["exc_info"])) == ("r1", "RuntimeError('a secret of the inside')")


@pytest.mark.parametrize(("refusal", "status", "retry"), [(StoreUnavailable(), 503, "2"), (StorageFull(), 507, None)])
def test_the_machine_s_troubles_are_told(
    served: Served, monkeypatch: pytest.MonkeyPatch, refusal: ShortlyError, status: int, retry: str | None
) -> None:
    async def fail(*_: object) -> None:
        raise refusal

    monkeypatch.setattr(served.services.store, "add_links", fail)
    for path, body in (
        ("/links", {"target": "https://a.example"}),
        ("/bulk/links", {"links": [{"target": "https://a.example"}]}),
    ):
        answer = served.client.post(f"/api/v1{path}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, refusal.code)
        assert answer.headers.get("Retry-After") == retry


def test_a_disk_that_fills_up_during_a_bulk_costs_only_the_rest(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_links = served.services.links.create_many
    calls = []

    async def fill_up(*given: object, **named: object) -> object:
        calls.append(1)
        if len(calls) > 1:
            raise StorageFull
        return await add_links(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(served.services.links, "create_many", fill_up)
    answer = served.client.post(
        "/api/v1/bulk/links", json={"links": [{"target": "https://a.example"}] * (AT_ONCE + 50)}
    )
    body = answer.json()
    assert (answer.status_code, body["succeeded"], body["failed"]) == (200, AT_ONCE, 50)
    assert body["results"][-1]["error"]["code"] == "storage_full"


def test_a_key_for_metrics_reads_them_and_nothing_else(served: Served) -> None:
    key = {"Authorization": f"Bearer {served.new_key('prometheus', scopes=['metrics:read'])}"}
    assert served.stranger.get("/metrics", headers=key).status_code == 200
    for path in ("/api/v1/links", "/api/v1/stats", "/api/v1/system", "/api/v1/users", "/api/v1/keys", "/api/v1/audit"):
        refused = served.stranger.get(path, headers=key)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden"), path
    made = served.stranger.post("/api/v1/links", json={"target": "https://example.com/"}, headers=key)
    assert made.status_code == 403
    for scopes in (["links:read"], ["admin"]):
        other = {"Authorization": f"Bearer {served.new_key(scopes[0], scopes=scopes)}"}
        assert served.stranger.get("/metrics", headers=other).status_code == 403


def test_passwords_that_cannot_be_hashed_during_a_bulk_cost_only_the_rest(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []

    async def hash_one(password: str) -> str:
        if hashed:
            raise Busy
        hashed.append(password)
        return "a hash"

    monkeypatch.setattr(served.services.links, "_hash_password", hash_one)
    first = [{"target": "https://a.example", "password": "ten brown owls"}] * AT_ONCE
    rest = [{"target": "https://a.example", "password": "nine grey geese"}] * 3
    answer = served.client.post("/api/v1/bulk/links", json={"links": [*first, *rest]})
    body = answer.json()
    assert (answer.status_code, body["succeeded"], body["failed"]) == (200, AT_ONCE, 3)
    assert {one["status"] for one in body["results"][-3:]} == {503}
