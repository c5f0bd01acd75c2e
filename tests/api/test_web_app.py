"""The built web app as it is served: in the smallest form that a browser takes, and read from the disk only once."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.api.served import Served, settings_in

from shortly.api.web_app import coding_for, read_files
from shortly.links.reserved import RESERVED

SCRIPT = b"console.log('a script that is worth packing');" * 20
PAGE = b'<!doctype html><script type="module" src="/assets/main-1a2b.js"></script>'
JS = "/assets/main-1a2b.js"
FORMS = {"identity": b"", "br": b"", "gzip": b""}


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder such as the build leaves behind; beside a file lies what passes for its packed forms."""
    folder = tmp_path_factory.mktemp("ui")
    (folder / "assets").mkdir()
    (folder / "index.html").write_bytes(PAGE)
    (folder / "manifest.webmanifest").write_text("{}")
    (folder / "assets" / "main-1a2b.js").write_bytes(SCRIPT)
    (folder / "assets" / "main-1a2b.js.gz").write_bytes(gzip.compress(SCRIPT))
    (folder / "assets" / "main-1a2b.js.br").write_bytes(b"as if by Brotli")
    (folder.parent / "secret.txt").write_text("secret")
    return folder


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory, ui: Path) -> Iterator[TestClient]:
    """Talk to an API that has the app."""
    with Served(settings_in(tmp_path_factory.mktemp("data")), ui).open() as served:
        yield served.stranger


def test_the_page_is_at_the_root_and_at_every_address_of_a_screen(browser: TestClient) -> None:
    for path in ("/app", "/app/links", "/app/links/a/b%20c?x=1", "/app/no-such-screen"):
        answer = browser.get(path)
        assert (answer.status_code, answer.content) == (200, PAGE), path
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["cache-control"] == "no-cache"


def test_scripts_of_the_page_come_from_files_alone(browser: TestClient) -> None:
    rules = browser.get("/app").headers["content-security-policy"]
    parts = dict(part.strip().split(" ", 1) for part in rules.split(";"))
    assert parts["script-src"] == "'self'"
    assert parts["default-src"] == "'none'"
    assert parts["frame-ancestors"] == "'none'"


def test_assets_are_kept_for_ever_and_what_keeps_its_name_is_asked_for_again(browser: TestClient) -> None:
    assert browser.get(JS).headers["cache-control"] == "public, max-age=31536000, immutable"
    manifest = browser.get("/manifest.webmanifest")
    assert manifest.headers["cache-control"] == "no-cache"
    assert manifest.headers["content-type"].startswith("application/manifest+json")


@pytest.mark.parametrize("path", [JS, "/app"])
def test_a_browser_that_has_the_file_gets_304(browser: TestClient, path: str) -> None:
    first = browser.get(path)
    for tags in (first.headers["etag"], f'"x", W/{first.headers["etag"]}', "*"):
        again = browser.get(path, headers={"If-None-Match": tags})
        assert (again.status_code, again.content) == (304, b""), tags
        assert again.headers["etag"] == first.headers["etag"]
        assert again.headers["vary"] == "Accept-Encoding"
    assert browser.get(path, headers={"If-None-Match": '"x"'}).status_code == 200


def test_each_coding_has_a_tag_of_its_own_and_unpacks_to_the_file(browser: TestClient) -> None:
    answers = {name: browser.get(JS, headers={"Accept-Encoding": name}) for name in ("gzip", "identity")}
    assert all(answer.content == SCRIPT for answer in answers.values())
    assert answers["gzip"].headers["content-encoding"] == "gzip"
    assert "content-encoding" not in answers["identity"].headers
    assert answers["gzip"].headers["etag"] != answers["identity"].headers["etag"]
    packed = browser.head(JS, headers={"Accept-Encoding": "gzip, br"})
    assert packed.headers["content-encoding"] == "br"
    assert packed.headers["content-length"] == str(len(b"as if by Brotli"))


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("br;q=0, gzip", "gzip"),
        ("br;q=0.000,gzip;q=0.5", "gzip"),
        ("br; q=0, gzip; q=0", "identity"),
        ("*", "br"),
        ("*, br;q=0", "gzip"),
        ("*;q=0", "identity"),
        ("GZIP", "gzip"),
        ("identity", "identity"),
        ("", "identity"),
        (";;,,q=br", "identity"),
    ],
)
def test_the_best_coding_that_the_browser_takes_is_chosen(accepted: str, chosen: str) -> None:
    assert coding_for(accepted, FORMS) == chosen


def test_a_coding_that_was_not_made_is_not_chosen() -> None:
    assert coding_for("br, gzip", {"identity": b"", "gzip": b""}) == "gzip"


@pytest.mark.parametrize(
    "path",
    [
        "/assets/none.js",
        "/assets/",
        "/assets/main-1a2b.js.br",
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/assets/..%5c..%5csecret.txt",
        "/assets/main-1a2b.js%00",
    ],
)
def test_what_is_no_file_of_the_app_is_a_404_and_never_the_disk_s(browser: TestClient, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 404, path
    assert answer.headers["content-type"] == "application/problem+json"


def test_head_says_what_get_would_without_the_bytes(browser: TestClient) -> None:
    for path in ("/app", "/app/links", JS):
        head, get = browser.head(path), browser.get(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == get.headers["content-length"]
        assert head.headers["etag"] == get.headers["etag"]


def test_the_root_shows_the_app_unless_it_leads_elsewhere(tmp_path: Path, ui: Path) -> None:
    with Served(settings_in(tmp_path / "a"), ui).open() as served:
        assert served.stranger.get("/").content == PAGE
        assert served.stranger.head("/").status_code == 200
    with Served(settings_in(tmp_path / "b", root_redirect="https://example.com/"), ui).open() as served:
        answer = served.stranger.get("/", follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (302, "https://example.com/")


def test_without_a_built_app_the_start_page_says_what_is_missing(served: Served) -> None:
    answer = served.stranger.get("/")
    assert answer.status_code == 200
    assert "was not built" in answer.text
    assert served.stranger.get("/app").status_code == 404


def test_a_folder_that_is_not_there_has_no_files(tmp_path: Path) -> None:
    assert read_files(tmp_path / "none") == {}


def test_no_file_of_the_app_hides_a_link(ui: Path) -> None:
    names = {name.split("/")[0] for name in read_files(ui)} - {"index.html"}
    assert names <= RESERVED
