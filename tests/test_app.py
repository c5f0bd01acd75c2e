"""The whole service in this process: redirect, API, journal, drain and store together."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from shortly.accounts.access import OPERATOR
from shortly.api.app import create_api
from shortly.app import create_app
from shortly.errors import StorageFull
from shortly.links.reserved import RESERVED, RESERVED_ENDINGS
from shortly.settings import load_settings
from shortly.store import open_store
from shortly.store.sqlite import SqliteStore
from shortly.wiring import key_service

Serve = Callable[..., AbstractContextManager[TestClient]]


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """Open the service on one data folder, as often as wanted."""
    chosen = load_settings({"data_dir": tmp_path, "base_url": "http://testserver"})

    @contextmanager
    def served(**values: Any) -> Iterator[TestClient]:
        with TestClient(create_app(chosen.model_copy(update=values)), follow_redirects=False) as client:
            assert client.portal is not None
            client.headers["X-Api-Key"] = client.portal.call(make_key)
            yield client

    async def make_key() -> str:
        async with open_store(chosen) as store:
            _, secret = await key_service(chosen, store).create(OPERATOR, f"test {monotonic()}", installation=True)
        return secret

    return served


def counted(client: TestClient, slug: str, clicks: int) -> dict[str, Any]:
    """Wait for the drain, then return the link's statistics."""
    deadline = monotonic() + 20
    while True:
        stats: dict[str, Any] = client.get(f"/api/v1/links/{slug}/stats").json()
        if stats["clicks"] >= clicks or monotonic() > deadline:
            return stats
        sleep(0.05)


def test_clicks_survive_a_restart(serve: Serve) -> None:
    with serve() as client:
        made = client.post("/api/v1/links", json={"target": "https://example.com", "slug": "ab"})
        assert made.status_code == 201
        assert made.json()["short_url"] == "http://testserver/ab"
        for _ in range(3):
            assert client.get("/ab").headers["location"] == "https://example.com/"
        client.head("/ab")  # not a click
    with serve() as client:
        assert counted(client, "ab", 3)["clicks"] == 3
        assert client.get("/api/v1/links/ab").json()["clicks"] == 3
        assert "shortly_clicks_folded_total 3.0" in client.get("/metrics").text


def test_no_page_is_hidden_by_a_link_and_no_link_by_a_page() -> None:
    api = create_api(load_settings({}), lambda _: pytest.fail("not opened"))
    paths = {str(route.path) for route in iter_route_contexts(api.routes)}
    assert {"/health", "/docs", "/api/v1/links/{slug:slug}"} <= paths
    for path in paths:
        assert path.split("/")[1] in RESERVED or path == "/{slug:slug}/qr", path
    assert "qr" in RESERVED_ENDINGS


def test_every_reserved_path_is_answered_by_the_api(serve: Serve) -> None:
    with serve() as client:

        @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
        @given(st.sampled_from(sorted(RESERVED - {""})), st.text("abc123-_/", max_size=12))
        def answered(first: str, rest: str) -> None:
            answer = client.get(f"/{first}/{rest}" if rest else f"/{first}")
            assert "x-request-id" in answer.headers
            assert answer.status_code < 500

        answered()
        assert "x-request-id" not in client.get("/some-link").headers


def test_a_disk_without_room_for_a_salt_does_not_keep_visitors_out(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> bytes:
        raise StorageFull

    with serve() as client:
        client.post("/api/v1/links", json={"target": "https://example.com", "slug": "ab"})
    monkeypatch.setattr(SqliteStore, "salt", full)
    with serve() as client:
        assert client.get("/ab").status_code == 302
        assert counted(client, "ab", 1)["clicks"] == 1


class Page(BaseHTTPRequestHandler):
    """A page with a title."""

    def do_GET(self) -> None:
        """Answer any address."""
        self.server.asked += 1  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>Their title</title>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def page() -> Iterator[ThreadingHTTPServer]:
    """Run somebody's server."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        server.asked = 0  # type: ignore[attr-defined]
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_links_get_their_pages_titles_when_that_is_asked_for(serve: Serve, page: ThreadingHTTPServer) -> None:
    new = {"target": f"http://127.0.0.1:{page.server_port}/", "slug": "ab"}
    opened = {"outbound_allow": ("127.0.0.1",), "outbound_ports": (page.server_port,)}
    with serve(fetch_titles=True, **opened) as client:
        assert client.post("/api/v1/links", json=new).status_code == 201
        deadline = monotonic() + 20
        while not (title := client.get("/api/v1/links/ab").json()["title"]) and monotonic() < deadline:
            sleep(0.02)
        assert title == "Their title"
    assert page.asked == 1  # type: ignore[attr-defined]


def test_nobody_is_asked_for_titles_unless_the_operator_says_so(serve: Serve, page: ThreadingHTTPServer) -> None:
    new = {"target": f"http://127.0.0.1:{page.server_port}/"}
    opened = {"outbound_allow": ("127.0.0.1",), "outbound_ports": (page.server_port,)}
    with serve(**opened) as client:
        client.post("/api/v1/links", json=new)
    with serve(fetch_titles=True) as client:  # but the server is inside
        client.post("/api/v1/links", json=new)
    assert page.asked == 0  # type: ignore[attr-defined]


def test_a_host_that_one_process_adds_has_slugs_of_its_own_in_all_within_seconds(serve: Serve) -> None:
    with serve() as one, serve() as other:
        for target, domain in (("https://example.com/base", None), ("https://example.com/new", "new.example")):
            if domain is not None:
                assert one.post("/api/v1/domains", json={"host": domain}).status_code == 201
            made = one.post("/api/v1/links", json={"target": target, "slug": "ab", "domain": domain})
            assert made.status_code == 201, made.text
        assert leads(one, "new.example") == "https://example.com/new"
        assert awaited(lambda: leads(other, "NEW.example"), "https://example.com/new") < 5
        assert leads(other, "testserver") == leads(other, "else.example") == "https://example.com/base"
        assert one.delete("/api/v1/links/ab?domain=new.example").status_code == 204
        assert leads(other, "new.example") is None
        assert one.delete("/api/v1/domains/new.example").status_code == 204
        assert leads(one, "new.example") == "https://example.com/base"
        assert awaited(lambda: leads(other, "new.example"), "https://example.com/base") < 5


def leads(client: TestClient, host: str) -> str | None:
    """Return where the slug ``ab`` leads on a host."""
    return client.get("/ab", headers={"host": host}).headers.get("location")


def awaited(ask: Callable[[], object], wanted: object) -> float:
    """Return after how many seconds the answer was the wanted one; 20 when it was not."""
    began = monotonic()
    while ask() != wanted and monotonic() - began < 20:
        sleep(0.05)
    return monotonic() - began
