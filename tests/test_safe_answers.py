"""What every kind of answer of the whole service says to browsers: redirects, pages, JSON, problems, files."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.testclient import TestClient

from shortly.accounts.registry import Registry
from shortly.app import create_app
from shortly.settings import load_settings
from shortly.store import open_store
from shortly.wiring import link_service, served_domains

Serve = Callable[..., TestClient]
REDIRECTS = {"/ab": 302, "/expired": 302, "/query?a=b": 302}
LINK_PAGES = {"/unknown": 404, "/gone": 410}
PAGES = {"/": 200, "/docs": 200, "/docs/errors": 200}
DATA = {"/health": 200, "/openapi.json": 200, "/robots.txt": 200, "/favicon.ico": 200}
PROBLEMS = {"/api/v1/links": 401, "/api/nothing": 401, "/assets/nothing": 404, "/metrics": 401}
OURS = {**PAGES, **DATA, **PROBLEMS}


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Serve a few links."""
    opened: list[TestClient] = []

    def open_one(**values: Any) -> TestClient:
        settings = load_settings({"data_dir": tmp_path, **values})

        async def add() -> None:
            async with open_store(settings) as store:
                links = link_service(settings, store, served_domains(settings, Registry(store)))
                for slug, more in (
                    ("ab", {}),
                    ("gone", {"enabled": False}),
                    ("expired", {"enabled": False, "fallback_target": "https://example.com/else"}),
                    ("query", {"forward_query": True}),
                ):
                    await links.create({"target": "https://example.com/", "slug": slug, **more})

        anyio.run(add)
        client = TestClient(create_app(settings), settings.base_url, follow_redirects=False)
        opened.append(client)
        return client.__enter__()

    yield open_one
    for client in opened:
        client.__exit__()


def files_of(client: TestClient) -> dict[str, int]:
    """Return the files of the API's page."""
    return dict.fromkeys(re.findall(r'(?:src|href)="(/docs/[^"]+)"', client.get("/docs").text), 200)


def test_every_answer_of_ours_is_fenced_in(serve: Serve) -> None:
    client = serve(base_url="https://s.example")
    files = files_of(client)
    assert len(files) == 3
    kinds = [(path, status, "*/*") for path, status in {**OURS, **LINK_PAGES, **files}.items()]
    for path, status, accept in [*kinds, ("/unknown", 404, "application/json"), ("/unknown", 404, "text/html")]:
        answer = client.get(path, headers={"Accept": accept})
        assert answer.status_code == status, path
        headers = answer.headers
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["Referrer-Policy"] == "no-referrer", path
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin", path
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin", path
        assert "camera=()" in headers["Permissions-Policy"], path
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"], path
        for name in ("Server", "X-Powered-By", "Access-Control-Allow-Origin", "Set-Cookie"):
            assert name not in headers, path


def test_no_page_lets_scripts_in_that_are_not_files_of_ours(serve: Serve) -> None:
    client = serve()
    for path in [*PAGES, *LINK_PAGES]:
        answer = client.get(path, headers={"Accept": "text/html"})
        assert answer.headers["Content-Type"].startswith("text/html")
        policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy.get("script-src", "'none'") in ("'none'", "'self'"), path
        assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'", path
        scripts = re.findall(r"<script([^>]*)>([^<]*)</script>", answer.text)
        assert all(re.search(r'src="/(docs|assets)/', attributes) and not body for attributes, body in scripts), path
        assert not re.search(r"\son\w+=|javascript:|https?://(?!s\.example|localhost)", answer.text), path


def test_browsers_are_told_to_insist_on_https_where_that_is_the_address(serve: Serve) -> None:
    client = serve(base_url="https://s.example", hsts_subdomains=True)
    for path, status in {**OURS, **LINK_PAGES, **REDIRECTS, **files_of(client)}.items():
        answer = client.get(path)
        assert answer.status_code == status, path
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains", path


@pytest.mark.parametrize(
    "values", [{"base_url": "http://s.example"}, {"base_url": "https://s.example", "hsts_seconds": 0}]
)
def test_browsers_are_not_told_so_anywhere_else(serve: Serve, values: dict[str, Any]) -> None:
    client = serve(**values)
    for path in {**OURS, **LINK_PAGES, **REDIRECTS}:
        assert "Strict-Transport-Security" not in client.get(path).headers, path


def test_links_redirect_under_any_host_as_they_always_did(serve: Serve) -> None:
    client = serve(base_url="https://s.example")
    for host in ("s.example", "other.example", "10.0.0.1:8000", ""):
        assert client.get("/ab", headers={"Host": host}).headers["Location"] == "https://example.com/"
        assert client.get("/unknown", headers={"Host": host}).status_code == 404
    assert client.get("/docs", headers={"Host": "other.example"}).status_code == 421


def test_a_redirect_carries_nothing_that_it_does_not_need(serve: Serve) -> None:
    headers = serve().get("/ab").headers
    assert set(headers) == {"location", "cache-control", "content-length", "x-robots-tag"}
