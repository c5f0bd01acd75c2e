"""What visitors see who are not redirected: preview, 404, 410, the form for reports; in their language, branded."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.store.redis_servers import RedisServer

from shortly.accounts.access import OPERATOR
from shortly.app import create_app
from shortly.redirect.languages import LANGUAGES, MAX_HEADER, best_of, language_of, read_texts
from shortly.settings import Settings, load_settings
from shortly.store import open_store
from shortly.wiring import key_service

Serve = Callable[..., AbstractContextManager[TestClient]]
SVG = "PHN2ZyB4bWxucz0naHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmcnLz4="
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@contextmanager
def service(settings: Settings) -> Iterator[TestClient]:
    async def make_key() -> str:
        async with open_store(settings) as store:
            return (await key_service(settings, store).create(OPERATOR, f"{monotonic()}", installation=True))[1]

    with TestClient(create_app(settings), follow_redirects=False) as client:
        assert client.portal is not None
        key = client.portal.call(make_key)
        client.keyed = {"X-Api-Key": key}  # type: ignore[attr-defined]
        yield client


@pytest.fixture(params=["sqlite", "redis"])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TestClient]:
    values: dict[str, Any] = {"data_dir": tmp_path, "base_url": "http://testserver", "extra_domains": "go.example"}
    if request.param == "sqlite":
        with service(load_settings(values)) as client:
            yield client
        return
    server = RedisServer(tmp_path / "redis")
    server.start()
    try:
        with service(load_settings({**values, "store_url": server.url})) as client:
            yield client
    finally:
        server.kill()


def add(client: TestClient, slug: str, **fields: Any) -> None:
    body = {"slug": slug, "target": "https://example.com/there", **fields}
    answer = client.post("/api/v1/links", json=body, headers=client.keyed)  # type: ignore[attr-defined]
    assert answer.status_code == 201, answer.text


def clicks(client: TestClient, slug: str) -> int:
    answer = client.get(f"/api/v1/links/{slug}", headers=client.keyed)  # type: ignore[attr-defined]
    number: int = answer.json()["clicks"]
    return number


def change_branding(client: TestClient, **changes: Any) -> None:
    answer = client.patch("/api/v1/branding", json=changes, headers=client.keyed)  # type: ignore[attr-defined]
    assert answer.status_code == 200, answer.text


# --- the preview -------------------------------------------------------------------------------------------------


def test_a_preview_shows_where_a_link_leads_and_counts_no_click(client: TestClient) -> None:
    add(client, "ab", title="<b>Spring</b> & more")
    page = client.get("/ab+")
    assert page.status_code == 200
    assert "https://example.com/there" in page.text
    assert "&lt;b&gt;Spring&lt;/b&gt; &amp; more" in page.text
    assert 'href="/ab"' in page.text
    assert "location" not in page.headers
    assert page.headers["x-robots-tag"] == "noindex"
    assert "script" not in page.headers["content-security-policy"]
    assert client.head("/ab+").content == b""
    assert client.post("/ab+").status_code == 405
    client.get("/ab")
    deadline = monotonic() + 20
    while clicks(client, "ab") < 1 and monotonic() < deadline:
        sleep(0.05)
    assert clicks(client, "ab") == 1


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"enabled": False}, 410, "no longer active"),
        ({"expires_at": (datetime.now(UTC) + timedelta(seconds=1)).isoformat()}, 410, "no longer active"),
        ({"valid_from": (datetime.now(UTC) + timedelta(days=1)).isoformat()}, 404, "not active yet"),
        ({"enabled": False, "fallback_target": "https://example.com/else"}, 200, "https://example.com/else"),
        ({"max_clicks": 3}, 200, "a limited number of times"),
    ],
)
def test_a_preview_says_what_the_link_would(client: TestClient, fields: dict[str, Any], status: int, said: str) -> None:
    add(client, "ab", **fields)
    if "expires_at" in fields:
        sleep(1.1)
    page = client.get("/ab+")
    assert (page.status_code, said in page.text) == (status, True), page.text
    assert "https://example.com/there" not in page.text


def test_a_banned_link_has_no_preview(client: TestClient) -> None:
    add(client, "ab")
    client.put("/api/v1/links/ab/ban", json={"status": 451}, headers=client.keyed)  # type: ignore[attr-defined]
    page = client.get("/ab+")
    assert page.status_code == 451
    assert "example.com" not in page.text


def test_a_preview_warns_of_look_alikes_and_shows_them_in_punycode(client: TestClient) -> None:
    add(client, "ab", target="http://раураӏ.com/x")
    page = client.get("/ab+").text
    assert "could be mistaken" in page
    assert "http://xn--" in page
    assert "раураӏ" not in page
    assert "is not encrypted" in page
    add(client, "mu", target="https://münchen.example/")
    page = client.get("/mu+").text
    assert "https://münchen.example/" in page
    assert "xn--mnchen-3ya.example" in page
    assert "mistaken" not in page


@pytest.mark.parametrize("path", ["/none+", "/+", "/++", "/a%2Fb+", "/%00+", "/ab+/x", "/<script>+"])
def test_what_is_no_link_has_no_preview(client: TestClient, path: str) -> None:
    add(client, "ab")
    page = client.get(path)
    assert page.status_code == 404
    assert "<script" not in page.text


def test_domains_have_previews_of_their_own_links(client: TestClient) -> None:
    add(client, "ab", target="https://example.com/one")
    add(client, "ab", target="https://example.com/two", domain="go.example")
    assert "example.com/one" in client.get("/ab+").text
    assert "example.com/one" in client.get("/ab+", headers={"Host": "any.example"}).text
    assert "example.com/two" in client.get("/ab+", headers={"Host": "go.example"}).text


# --- languages ---------------------------------------------------------------------------------------------------


def test_every_page_is_there_in_every_language(client: TestClient) -> None:
    add(client, "ab")
    for language, texts in read_texts().items():
        asked = {"Accept-Language": f"nl, {language};q=0.9, en;q=0.1"}
        for path, said in (
            ("/none", texts.not_found),
            ("/ab+", texts.go_on),
            ("/report", texts.report_send),
            ("/shared/x", texts.unshared),
        ):
            page = client.get(path, headers=asked)
            assert f'<html lang="{language}">' in page.text
            assert said.replace("'", "&#x27;") in page.text
            assert page.headers["content-language"] == language
            assert "accept-language" in page.headers["vary"]


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        (b"", "en"),
        (b"*", "en"),
        (b"pt-BR,pt;q=0.9", "pt"),
        (b"en;q=0.1, de-AT;q=0.2", "de"),
        (b"zh-TW, fr;q=0.1", "fr"),
        (b"zh-CN", "zh-Hans"),
        (b"de;q=0, es;q=nan, ja;q=x", "en"),
        (b"\xff\xfe,;;;=,de" + b"," * 9_000, "de"),
        (b"," * 9_000 + b"de", "en"),
    ],
)
def test_the_language_is_the_best_that_there_is(asked: bytes, language: str) -> None:
    assert language_of(asked) == language
    assert language in LANGUAGES


def test_every_text_has_the_gaps_of_english() -> None:
    everything = read_texts()
    for texts in everything.values():
        assert texts.preview_to.count("{short}") == 1
        assert texts.real_name.count("{host}") == 1
        assert texts.reasons.keys() == everything["en"].reasons.keys()


# --- branding ----------------------------------------------------------------------------------------------------


def test_pages_follow_the_branding_within_seconds(client: TestClient) -> None:
    assert "Shortly" in client.get("/none").text
    links = {"imprint_url": "https://example.com/imprint?a=1&b=2", "privacy_url": "https://example.com/privacy"}
    logo = {"media_type": "image/svg+xml", "data": SVG}
    change_branding(client, name="Acme <x>", accent="#C2185B", logo=logo, home_url="https://example.com/", **links)
    deadline = monotonic() + 10
    while "Acme" not in (page := client.get("/none")).text and monotonic() < deadline:
        sleep(0.05)
    assert "Acme &lt;x&gt;" in page.text
    assert "<x>" not in page.text
    assert "#c2185b" in page.text
    assert 'href="https://example.com/imprint?a=1&amp;b=2"' in page.text
    source = page.text.partition('<img src="')[2].partition('"')[0]
    picture = client.get(source)
    assert picture.headers["content-type"] == "image/svg+xml"
    assert "sandbox" in picture.headers["content-security-policy"]
    assert client.get(source, headers={"If-None-Match": picture.headers["etag"]}).status_code == 304
    assert client.get("/api/v1/branding").json()["logo_url"] == source
    change_branding(client, logo=None)
    assert client.get(source).status_code == 404


# --- reports -----------------------------------------------------------------------------------------------------


def reports(client: TestClient) -> list[dict[str, Any]]:
    answer = client.get("/api/v1/reports", headers=client.keyed)  # type: ignore[attr-defined]
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_a_report_is_sent_without_scripts(client: TestClient) -> None:
    add(client, "ab")
    link = client.get("/ab+").text.partition('href="/report')[2].partition('"')[0]
    form = client.get(f"/report{link.replace('&amp;', '&')}")
    assert 'value="http://testserver/ab"' in form.text
    assert "form-action 'self'" in form.headers["content-security-policy"]
    assert form.headers["referrer-policy"] == "same-origin"
    fields = {"link": "http://testserver/ab", "reason": "phishing", "details": "It lies.", "contact": "ada@example.com"}
    sent = client.post("/report", data=fields, headers={"Origin": "http://testserver"})
    assert (sent.status_code, sent.headers["location"]) == (303, "/report?sent")
    assert "Thank you" in client.get("/report?sent").text
    (one,) = reports(client)
    assert (one["slug"], one["reason"], one["details"]) == ("ab", "phishing", "It lies.")


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"link": "http://testserver/none", "reason": "spam"}, 404, "no such short link"),
        ({"link": "https://other.example/ab", "reason": "spam"}, 404, "no such short link"),
        ({"link": "http://testserver/ab", "reason": "boredom"}, 422, "missing"),
        ({"link": "http://testserver/ab"}, 422, "missing"),
        ({"link": "http://testserver/ab", "reason": "spam", "details": "x" * 4_001}, 422, "too long"),
        ({"link": "http://testserver/ab", "reason": "spam", "details": "\x00"}, 422, "too long"),
        ({"link": "http://[", "reason": "spam"}, 404, "no such short link"),
        ({}, 422, "missing"),
    ],
)
def test_what_is_wrong_with_a_report_is_said_and_nothing_typed_is_lost(
    client: TestClient, fields: dict[str, str], status: int, said: str
) -> None:
    add(client, "ab")
    answer = client.post("/report", data={**fields, "contact": '"><script>'}, headers=FORM)
    assert (answer.status_code, said in answer.text) == (status, True)
    assert reports(client) == []
    assert "<script>" not in answer.text
    assert "&quot;&gt;&lt;script&gt;" in answer.text


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"a=" * 40_000, FORM),
        (b"\xff\xfe", FORM),
        (b"&".join([b"a=1"] * 100), FORM),
        (b"a=%ff", FORM),
        (b'{"link": 1}', {"Content-Type": "application/json"}),
        (b"", {}),
    ],
)
def test_what_is_no_form_is_refused(client: TestClient, body: bytes, headers: dict[str, str]) -> None:
    assert client.post("/report", content=body, headers=headers).status_code == 422


def test_no_other_site_sends_reports(client: TestClient) -> None:
    add(client, "ab")
    fields = {"link": "http://testserver/ab", "reason": "spam"}
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert client.post("/report", data=fields, headers=headers).status_code == 403
    assert reports(client) == []


def test_reports_of_one_address_are_limited(client: TestClient) -> None:
    add(client, "ab")
    fields = {"link": "http://testserver/ab", "reason": "spam"}
    answers = [client.post("/report", data=fields) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [303] * 10 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert "too many" in answers[-1].text


def test_whoever_looks_at_very_many_pages_is_asked_to_wait(tmp_path: Path) -> None:
    values = {"data_dir": tmp_path, "base_url": "http://testserver", "limit_page": "3/hour"}
    with service(load_settings(values)) as client:
        add(client, "ab")
        answers = [client.get(path) for path in ("/ab+", "/report", "/nothing+", "/ab+", "/report")]
        assert [answer.status_code for answer in answers] == [200, 200, 404, 429, 429]
        german = client.get("/ab+", headers={"Accept-Language": "de"})
        assert "Zu viele Anfragen" in german.text
        assert 0 < int(german.headers["Retry-After"]) <= 3600
        assert (german.headers["RateLimit-Limit"], german.headers["RateLimit-Remaining"]) == ("3", "0")
        machine = client.get("/ab+", headers={"Accept": "application/json"})
        assert machine.json()["code"] == "rate_limited"
        assert client.get("/ab").status_code == 302


def test_a_stranger_s_long_header_is_not_remembered() -> None:
    best_of.cache_clear()
    longest = b"de," + b"x" * MAX_HEADER
    assert {language_of(longest + b"y" * number) for number in range(50)} == {"de"}
    assert best_of.cache_info().currsize == 1
