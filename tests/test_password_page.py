"""Links with a password, through the whole service: nobody gets on without it, and who has it is counted once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from html import escape
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.parse import quote

import pytest
from httpx2 import Cookies, Response
from starlette.testclient import TestClient
from tests.store.redis_servers import RedisServer

from shortly.accounts.access import OPERATOR
from shortly.accounts.passes import Passes
from shortly.accounts.passwords import Passwords
from shortly.accounts.secret import Secret
from shortly.api import password_page
from shortly.app import create_app
from shortly.redirect.languages import LANGUAGES, read_texts
from shortly.settings import load_settings
from shortly.store import open_store
from shortly.wiring import key_service

PASSWORD = "ten brown owls"
TARGET = "https://secret.example/there"
PAGE = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
SECRET = "s" * 40
OFF = {"limit_unlock": "off", "limit_unlock_link": "off", "limit_unlock_crowd": "off"}
Start = Callable[..., "Site"]


class Site:
    """One running process of an installation."""

    def __init__(self, client: TestClient, key: str) -> None:
        self.client = client
        self.keyed = {"X-Api-Key": key}

    def add(self, slug: str = "ab", **fields: Any) -> dict[str, Any]:
        body = {"slug": slug, "target": TARGET, "password": PASSWORD, **fields}
        answer = self.client.post("/api/v1/links", json=body, headers=self.keyed)
        assert answer.status_code == 201, answer.text
        link: dict[str, Any] = answer.json()
        return link

    def edit(self, slug: str, /, **changes: Any) -> Response:
        answer = self.client.patch(f"/api/v1/links/{slug}", json=changes, headers=self.keyed)
        assert answer.status_code == 200, answer.text
        return answer

    def open(self, path: str = "/ab", password: str = PASSWORD, **headers: str) -> Response:
        """Send a password, as the page does."""
        self.client.cookies = Cookies()
        return self.client.post(path, content=f"password={quote(password)}", headers={**PAGE, **headers})

    def follow(self, path: str = "/ab", cookie: str | None = None, **headers: str) -> Response:
        """Ask for a link with a cookie and no others."""
        self.client.cookies = Cookies()
        return self.client.get(path, headers={**({"Cookie": cookie} if cookie else {}), **headers})

    def clicks(self, slug: str = "ab", at_least: int = 0) -> int:
        """Return how many clicks are counted, as soon as there are so many."""
        deadline = monotonic() + 20
        while True:
            number: int = self.client.get(f"/api/v1/links/{slug}", headers=self.keyed).json()["clicks"]
            if number >= at_least or monotonic() > deadline:
                return number
            sleep(0.05)


def cookie_of(answer: Response) -> str:
    """Return what the browser sends back of the one cookie that it got."""
    (cookie,) = answer.headers.get_list("set-cookie")
    return cookie.partition(";")[0]


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let hashes cost less than a person's password deserves."""
    costs = {"time_cost": 1, "memory_cost": 8, "parallelism": 1}
    monkeypatch.setattr(Passwords.__init__, "__kwdefaults__", costs)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a read of Redis take long on a machine that is busy with others."""
    monkeypatch.setattr("shortly.store.redis.client.READ_DEADLINE_S", 10.0)


@pytest.fixture(params=["sqlite", "redis"])
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Start]:
    """Start processes of one installation, replicas with ``DATA_DIR``s of their own if it is on Redis."""
    with ExitStack() as opened:
        values: dict[str, Any] = {"base_url": "http://testserver", "jwt_secret": SECRET}
        if request.param == "redis":
            server = RedisServer(tmp_path / "redis")
            server.start()
            opened.callback(server.kill)
            values["store_url"] = server.url
        count = 0

        @contextmanager
        def site(folder: Path, **further: Any) -> Iterator[Site]:
            settings = load_settings({**values, "data_dir": folder, **further})

            async def make_key() -> str:
                async with open_store(settings) as store:
                    service = key_service(settings, store)
                    return (await service.create(OPERATOR, f"{monotonic()}", installation=True))[1]

            with TestClient(create_app(settings), settings.base_url, follow_redirects=False) as client:
                assert client.portal is not None
                yield Site(client, client.portal.call(make_key))

        def begin(**further: Any) -> Site:
            nonlocal count
            count += 1
            folder = tmp_path / (f"replica{count}" if request.param == "redis" else "data")
            return opened.enter_context(site(folder, **further))

        yield begin


@pytest.fixture
def site(start: Start) -> Site:
    return start(**OFF)


# --- the way through ---------------------------------------------------------------------------------------------


def test_the_right_password_leads_on_and_is_one_click(site: Site) -> None:
    made = site.add(forward_query=True)
    assert made["has_password"] is True
    assert "password" not in made
    page = site.follow("/ab?utm_source=mail")
    assert page.status_code == 403
    assert '<form method="post">' in page.text
    opened = site.open("/ab?utm_source=mail")
    assert (opened.status_code, opened.headers["location"], opened.content) == (303, "/ab?utm_source=mail", b"")
    assert opened.headers["cache-control"] == "private, max-age=0, no-store"
    (cookie,) = opened.headers.get_list("set-cookie")
    assert re.fullmatch(r"shortly_link=[\w=-]+; Path=/ab; Max-Age=900; HttpOnly; SameSite=Lax", cookie)
    led = site.follow(opened.headers["location"], cookie_of(opened))
    assert (led.status_code, led.headers["location"]) == (302, f"{TARGET}?utm_source=mail")
    assert "no-store" in led.headers["cache-control"]
    assert site.clicks(at_least=1) == 1


def test_a_browser_leaves_by_a_page_since_forms_may_not_redirect_elsewhere(site: Site) -> None:
    site.add()
    opened = site.open("/ab?a='%22%3C;b", Accept="text/html,*/*;q=0.8")
    assert (opened.status_code, opened.headers["refresh"]) == (200, "0;url=/ab?a='%22%3C;b")
    assert 'href="/ab?a=&#x27;%22%3C;b"' in opened.text
    assert "location" not in opened.headers
    assert (opened.headers["referrer-policy"], opened.headers["cache-control"]) == ("no-referrer", "no-store")
    assert "form-action 'none'" in opened.headers["content-security-policy"]
    assert "secret" not in f"{opened.headers} {opened.text}"
    assert site.follow("/ab", cookie_of(opened)).headers["location"] == TARGET


def test_the_page_is_no_click_whoever_asks_for_it(site: Site) -> None:
    site.add(max_clicks=1)
    for _ in range(3):
        assert site.follow().status_code == 403
        assert site.follow(**{"User-Agent": "Googlebot/2.1"}).status_code == 403
        assert site.follow(**{"Sec-Purpose": "prefetch"}).status_code == 403
        head = site.client.head("/ab")
        assert (head.status_code, head.content) == (403, b"")
        assert site.open(password="not the password").status_code == 403
    opened = site.open()
    assert site.follow("/ab", cookie_of(opened)).status_code == 302  # nothing of the limit was used up before
    assert site.follow("/ab", cookie_of(opened)).status_code == 410
    assert site.clicks(at_least=1) == 1


def test_nothing_tells_where_it_leads_before(site: Site) -> None:
    site.add(title="Merger with Example Corp", notes="secret.example", tags=["secret"])
    asked = [
        site.follow(),
        site.follow(Accept="application/json"),
        site.follow("/ab+"),
        site.follow("/ab/qr"),
        site.open(password="not the password"),
        site.client.head("/ab"),
        site.client.post("/ab", content=b"", headers={"Accept": "application/json"}),
        site.client.put("/ab", content=b"x"),
        site.client.options("/ab"),
        site.open(),
    ]
    for answer in asked:
        seen = f"{answer.headers} {answer.text}"
        assert "secret" not in seen, answer.request.method
        assert "Merger" not in seen
    assert [answer.status_code for answer in asked] == [403, 403, 200, 200, 403, 403, 403, 405, 405, 303]


def test_no_status_and_no_cache_lets_a_browser_keep_it(site: Site) -> None:
    for status in (301, 302, 307, 308):
        site.add(f"s{status}", status=status, cache_s=86_400)
        led = site.follow(f"/s{status}", cookie_of(site.open(f"/s{status}")))
        assert (led.status_code, led.headers["cache-control"]) == (status, "private, max-age=0, no-store")


def test_a_form_that_is_sent_again_does_not_hand_the_password_to_the_target(site: Site) -> None:
    site.add(status=307)
    cookie = cookie_of(site.open())
    again = site.client.post("/ab", content=f"password={quote(PASSWORD)}", headers={**PAGE, "Cookie": cookie})
    assert (again.status_code, again.headers["location"]) == (303, "/ab")


def test_what_has_ended_says_so_without_a_password(site: Site) -> None:
    site.add("off", enabled=False)
    site.add("fall", enabled=False, fallback_target="https://example.com/closed")
    site.add("soon", valid_from=(datetime.now(UTC) + timedelta(days=1)).isoformat())
    assert site.follow("/off").status_code == 410
    assert site.follow("/fall").headers["location"] == "https://example.com/closed"
    assert site.follow("/soon").status_code == 404
    assert site.open("/off").status_code == 405


# --- the page ----------------------------------------------------------------------------------------------------


def test_it_speaks_the_visitor_s_language(site: Site) -> None:
    site.add()
    for language in LANGUAGES:
        texts, spoken = read_texts()[language], {"Accept-Language": language}
        page, wrong = site.follow(**spoken), site.open(password="not the password", **spoken)
        for answer in (page, wrong):
            assert answer.headers["content-language"] == language
            assert f'<html lang="{language}">' in answer.text
            assert f"<h1>{texts.protected_title}</h1>" in answer.text
            assert texts.protected_label in answer.text
        assert "alert" not in page.text
        assert f'role="alert" id="wrong">{escape(texts.protected_wrong)}</p>' in wrong.text
        assert 'aria-describedby="wrong about" aria-invalid="true"' in wrong.text


def test_it_is_kept_by_nobody_and_needs_no_scripts(site: Site) -> None:
    site.add()
    for page in (site.follow(), site.open(password="not the password")):
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["x-robots-tag"] == "noindex"
        policy = page.headers["content-security-policy"]
        assert "form-action 'self'" in policy
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "<script" not in page.text


def test_programs_are_told_what_it_takes(site: Site) -> None:
    site.add()
    answer = site.follow(Accept="application/json")
    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
    assert answer.json()["code"] == "link_protected"


# --- what a browser keeps ----------------------------------------------------------------------------------------


def test_another_password_ends_what_the_first_one_opened(site: Site) -> None:
    site.add()
    cookie = cookie_of(site.open())
    assert site.follow("/ab", cookie).status_code == 302
    site.edit("ab", title="the same password")
    assert site.follow("/ab", cookie).status_code == 302
    site.edit("ab", password="nine white owls")
    assert site.follow("/ab", cookie).status_code == 403
    assert site.open().status_code == 403
    assert site.open(password="nine white owls").status_code == 303
    site.edit("ab", password=PASSWORD)
    assert site.follow("/ab", cookie).status_code == 403  # the same words, and another hash
    assert site.edit("ab", password=None).json()["has_password"] is False
    assert site.follow("/ab").headers["location"] == TARGET


def test_a_cookie_opens_its_own_link_alone(site: Site) -> None:
    site.add("ab")
    site.add("cd")
    cookie = cookie_of(site.open("/ab"))
    assert site.follow("/ab", cookie).status_code == 302
    assert site.follow("/cd", cookie).status_code == 403
    site.edit("ab", slug="ef")
    assert site.follow("/ef", cookie).status_code == 302  # the same link
    assert site.open("/ab").headers["location"] == "/ab"  # and its earlier slug asks like the present one
    site.client.delete("/api/v1/links/ef", headers=site.keyed)
    site.add("ab")
    assert site.follow("/ab", cookie).status_code == 403


def test_a_forged_cookie_opens_nothing(site: Site) -> None:
    site.add()
    forgeries = [b"", b"x", b"=", b"==", b"A" * 127, b"A" * 5000, b"\x00", b"\xe9", b"../..", b'"', b"AAAA" * 20]
    for forged in forgeries:
        for cookie in (b"shortly_link=" + forged, b"; ".join([b"shortly_link=" + forged] * 200)):
            site.client.cookies = Cookies()
            assert site.client.get("/ab", headers={b"Cookie": cookie}).status_code == 403, forged


def test_a_changed_cookie_opens_nothing_and_a_right_one_does_beside_others(site: Site) -> None:
    site.add()
    name, _, token = cookie_of(site.open()).partition("=")
    for place in range(0, len(token) - 2, 7):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert site.follow("/ab", f"{name}={changed}").status_code == 403
    assert site.follow("/ab", f"a=b; {name}=x; {name}={token}; c=d").status_code == 302


def test_a_cookie_ends_by_itself_and_means_nothing_under_another_secret() -> None:
    now = datetime(2026, 11, 29, tzinfo=UTC)
    passes = Passes(Secret((SECRET,)), lambda: now, timedelta(minutes=15))
    token = passes.issue(7, "hash").encode()
    assert passes.opens(token, 7, "hash")
    assert not passes.opens(token, 8, "hash")
    assert not passes.opens(token, 7, "other")
    later = Passes(Secret((SECRET,)), lambda: now + timedelta(minutes=15), timedelta(minutes=15))
    assert not later.opens(token, 7, "hash")
    assert Passes(Secret(("n" * 40, SECRET)), lambda: now, timedelta(minutes=1)).opens(token, 7, "hash")
    assert not Passes(Secret(("n" * 40,)), lambda: now, timedelta(minutes=1)).opens(token, 7, "hash")


def test_a_link_below_another_one_has_a_cookie_of_its_own(start: Start) -> None:
    site = start(**OFF, multi_segment_slugs=True, unicode_slugs=True)
    site.add("ab")
    site.add("ab/éß")
    above, below = site.open("/ab"), site.open("/ab/%C3%A9%C3%9F")
    assert below.headers["location"] == "/ab/%C3%A9%C3%9F"
    assert "; Path=/ab/%C3%A9%C3%9F;" in below.headers["set-cookie"]
    both = f"{cookie_of(above)}; {cookie_of(below)}"
    assert site.follow("/ab/%C3%A9%C3%9F", both).status_code == 302
    assert site.follow("/ab", cookie_of(below)).status_code == 403


def test_behind_tls_the_cookie_never_leaves_it(start: Start) -> None:
    site = start(**OFF, base_url="https://testserver")
    site.add()
    opened = site.open()
    assert opened.headers["set-cookie"].startswith("__Secure-shortly-link=")
    assert opened.headers["set-cookie"].endswith("; HttpOnly; SameSite=Lax; Secure")
    assert opened.headers["strict-transport-security"]
    assert site.follow("/ab", cookie_of(opened)).status_code == 302


# --- limits ------------------------------------------------------------------------------------------------------


def guess(site: Site, address: str = "203.0.113.7", password: str = "not the password", slug: str = "ab") -> Response:
    return site.open(f"/{slug}", password, **{"X-Forwarded-For": address})


@pytest.fixture
def behind_proxy(start: Start, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Start a process that believes what the test says of where requests come from."""
    monkeypatch.setattr("shortly.redirect.visitor.Addresses.trusts", lambda _, address: address == "testclient")
    return partial(start, trusted_proxies="127.0.0.1")


def test_who_guesses_is_stopped_and_told_when_to_come_again(behind_proxy: Start) -> None:
    site = behind_proxy(limit_unlock="off", limit_unlock_link="3/hour")
    site.add()
    site.add("cd")
    first = guess(site)
    assert (first.headers["ratelimit-limit"], first.headers["ratelimit-remaining"]) == ("3", "2")
    assert [guess(site).status_code for _ in range(2)] == [403, 403]
    refused = guess(site, password=PASSWORD)
    assert refused.status_code == 429
    assert refused.headers["ratelimit-remaining"] == "0"
    assert 3590 <= int(refused.headers["retry-after"]) <= 3600
    assert 'role="alert"' in refused.text
    assert "too many wrong passwords" in refused.text
    assert guess(site, "203.0.113.99", PASSWORD).status_code == 429  # the same network
    assert guess(site, "198.51.100.1", PASSWORD).status_code == 303  # nobody else is locked out
    assert guess(site, password=PASSWORD, slug="cd").status_code == 303  # nor is another link


def test_people_who_know_the_password_never_use_the_link_s_tries_up(behind_proxy: Start) -> None:
    site = behind_proxy(limit_unlock="off", limit_unlock_link="3/hour", limit_unlock_crowd="5/hour")
    site.add()
    assert [guess(site, password=PASSWORD).status_code for _ in range(10)] == [303] * 10


def test_many_networks_together_are_stopped_and_lock_nobody_out(behind_proxy: Start) -> None:
    site = behind_proxy(limit_unlock="off", limit_unlock_link="100/hour", limit_unlock_crowd="20/hour")
    site.add()
    for nth in range(20):
        assert guess(site, f"10.{nth % 2}.0.1").status_code == 403
    assert guess(site, "10.0.0.1", PASSWORD).status_code == 429
    for nth in range(2, 12):  # what a botnet has left: its first tries from each network
        answers = [guess(site, f"10.{nth}.0.1").status_code for _ in range(5)]
        assert answers == [403] * password_page.CROWDED_TRIES + [429] * 2
    assert guess(site, "192.0.2.1", PASSWORD).status_code == 303


def test_one_address_cannot_keep_the_machine_busy(behind_proxy: Start) -> None:
    site = behind_proxy(limit_unlock="4/minute")
    for slug in ("ab", "cd"):
        site.add(slug)
    answers = [guess(site, password=PASSWORD, slug=slug).status_code for slug in ("ab", "cd") * 3]
    assert answers == [303] * 4 + [429] * 2
    program = site.client.post("/ab", headers={"Accept": "application/json", "X-Forwarded-For": "203.0.113.7"})
    assert (program.status_code, program.json()["code"]) == (429, "rate_limited")
    assert program.headers["retry-after"]


def test_a_site_that_makes_browsers_guess_gets_nowhere(site: Site) -> None:
    site.add()
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site", "Origin": "http://evil.example"}):
        answer = site.open(**headers)
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


@pytest.mark.parametrize("start", ["redis"], indirect=True)
def test_replicas_count_wrong_passwords_together(start: Start) -> None:
    first, second = (start(limit_unlock="off", limit_unlock_link="4/hour") for _ in range(2))
    first.add()
    for _ in range(2):
        assert first.open(password="not the password").status_code == 403
        assert second.open(password="not the password").status_code == 403
    assert first.open().status_code == 429
    assert second.open().status_code == 429


# --- other processes ---------------------------------------------------------------------------------------------


def test_a_password_that_is_set_elsewhere_holds_at_once_here(start: Start) -> None:
    here, there = start(**OFF), start(**OFF)
    here.add(password=None)
    for site in (here, there):
        for _ in range(3):
            assert site.follow().headers["location"] == TARGET  # both remember it
    there.edit("ab", password=PASSWORD)
    assert there.follow().status_code == 403
    deadline = monotonic() + 1
    while here.follow().status_code != 403:
        assert monotonic() < deadline
    cookie = cookie_of(here.open())
    assert there.follow("/ab", cookie).status_code == 302  # a cookie of one replica opens on all
    here.edit("ab", password="nine white owls")
    deadline = monotonic() + 1
    while there.follow("/ab", cookie).status_code != 403:
        assert monotonic() < deadline


def test_while_redis_is_away_a_remembered_link_asks_and_opens(tmp_path: Path) -> None:
    server = RedisServer(tmp_path / "redis")
    server.start()
    settings = load_settings(
        {"base_url": "http://testserver", "jwt_secret": SECRET, "store_url": server.url, "data_dir": tmp_path / "data"}
    )

    async def make_key() -> str:
        async with open_store(settings) as store:
            return (await key_service(settings, store).create(OPERATOR, "test", installation=True))[1]

    try:
        with TestClient(create_app(settings), settings.base_url, follow_redirects=False) as client:
            assert client.portal is not None
            site = Site(client, client.portal.call(make_key))
            site.add()
            site.add("plain", password=None)
            assert site.follow("/plain").status_code == 302
            assert site.follow().status_code == 403
            server.kill()
            for _ in range(3):
                assert site.follow("/plain").status_code == 302
                assert site.follow().status_code == 403
                assert site.open(password="not the password").status_code == 403
                assert site.follow("/ab", cookie_of(site.open())).headers["location"] == TARGET
    finally:
        server.kill()


# --- hostile input -----------------------------------------------------------------------------------------------


HOSTILE: tuple[tuple[bytes, str], ...] = (
    *(
        (body, "application/x-www-form-urlencoded")
        for body in (
            b"",
            b"password",
            b"password=",
            b"password=%00",
            b"password=%ff%fe",
            b"password=\xff\xfe",
            b"password=%0d%0aSet-Cookie:x",
            b"password=" + b"x" * 10_000_000,
            b"password=" + b"x" * 300,
            b"&".join(b"a%d=1" % nth for nth in range(5_000)),
            b"password=ten+brown+owls&password=other",
        )
    ),
    (b'{"password": "ten brown owls"}', "application/json"),
    (b"password=ten+brown+owls", "text/plain"),
    (b"--x\r\nContent-Disposition: form-data; name=password\r\n\r\nten\r\n--x--", "multipart/form-data; boundary=x"),
)


def test_what_is_no_password_is_a_wrong_one(site: Site) -> None:
    site.add()
    for body, kind in HOSTILE:
        answer = site.client.post("/ab", content=body, headers={**PAGE, "Content-Type": kind})
        assert answer.status_code == 403, body[:80]
        assert "set-cookie" not in answer.headers
        assert 'role="alert"' in answer.text
        assert "Traceback" not in answer.text


def test_a_query_cannot_break_out_of_the_answer(site: Site) -> None:
    site.add()
    opened = site.open("/ab?a=%0d%0aSet-Cookie:x=y&b=<script>")
    assert len(opened.headers.get_list("set-cookie")) == 1
    assert opened.headers["location"].startswith("/ab?a=%0")
    assert "<script>" not in opened.headers["location"]
    assert "<script>" not in site.follow("/ab?b=<script>").text


def test_too_many_passwords_at_once_are_put_off(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add()
    monkeypatch.setattr("shortly.accounts.passwords.MAX_WAITING", 0)
    answer = site.open()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


# --- the API -----------------------------------------------------------------------------------------------------


def test_a_password_that_cannot_be_typed_is_refused_and_not_repeated(site: Site) -> None:
    refused: tuple[object, ...] = (
        "",
        "shorty",
        "x" * 257,
        "line\nbreak here",
        "nul\x00 inside",
        "half\ud800half",
        12345678,
        ["x"],
        {},
    )
    keyed = {**site.keyed, "Content-Type": "application/json"}
    for password in refused:
        body = json.dumps({"slug": "ab", "target": TARGET, "password": password})
        made = site.client.post("/api/v1/links", content=body, headers=keyed)
        assert (made.status_code, made.json().get("field")) == (422, "password"), made.text
        assert site.follow().status_code == 404
        assert "shorty" not in made.json()["detail"]


def test_many_links_get_passwords_and_lose_them(site: Site) -> None:
    new = [{"slug": f"s{nth}", "target": TARGET, "password": PASSWORD} for nth in range(3)]
    new.append({"slug": "bad", "target": TARGET, "password": "x"})
    made = site.client.post("/api/v1/bulk/links", json={"links": new}, headers=site.keyed).json()
    assert [one["status"] for one in made["results"]] == [201, 201, 201, 422]
    assert site.open("/s2").status_code == 303
    edits = [{"slug": "s0", "changes": {"password": None}}, {"slug": "s1", "changes": {"password": "nine white owls"}}]
    changed = site.client.patch("/api/v1/bulk/links", json={"edits": edits}, headers=site.keyed).json()
    assert [one["link"]["has_password"] for one in changed["results"]] == [False, True]
    assert [site.open(f"/s{nth}").status_code for nth in range(3)] == [405, 403, 303]


def test_a_link_that_is_there_does_not_stand_in_for_a_protected_one(site: Site) -> None:
    site.add("open", password=None)
    body = {"target": TARGET, "password": PASSWORD, "find_if_exists": True}
    answer = site.client.post("/api/v1/links", json=body, headers=site.keyed)
    assert (answer.status_code, answer.json()["field"]) == (422, "password")


def test_an_export_tells_that_there_is_a_password_and_not_which(site: Site) -> None:
    site.add()
    for form in ("csv", "json"):
        text = site.client.get(f"/api/v1/exports/links?format={form}", headers=site.keyed).text
        assert "has_password" in text
        assert "argon2" not in text
        assert PASSWORD not in text


def test_an_import_never_opens_what_had_a_password(site: Site) -> None:
    site.add("there")

    def import_(**row: Any) -> tuple[str, str | None]:
        step = {"rows": [{"target": TARGET, **row}], "existing": "overwrite"}
        (result,) = site.client.post("/api/v1/imports", json=step, headers=site.keyed).json()["results"]
        return result["outcome"], (result["error"] or {}).get("field")

    assert import_(slug="ab", has_password=True) == ("refused", "password")
    assert site.follow().status_code == 404
    assert import_(slug="ab", has_password=True, password=PASSWORD) == ("created", None)
    assert site.open().status_code == 303
    assert import_(slug="there", has_password=True, title="again") == ("overwritten", None)
    assert site.open("/there").status_code == 303
    assert import_(password=PASSWORD) == ("refused", "slug")
    assert import_(slug="open", has_password=False) == ("created", None)


def test_the_audit_log_tells_that_a_password_was_set_and_removed_and_never_which(site: Site) -> None:
    site.add()
    site.edit("ab", password="nine white owls")
    site.edit("ab", title="else")
    site.edit("ab", password=None)
    answer = site.client.get("/api/v1/audit", headers=site.keyed)
    told = [(one["action"], one["details"].get("password")) for one in answer.json()["items"]]
    assert told[:4] == [
        ("link.edited", "removed"),
        ("link.edited", None),
        ("link.edited", "set"),
        ("link.created", "set"),
    ]
    for secret in (PASSWORD, "nine white owls", "argon2"):
        assert secret not in answer.text


def test_a_repeated_request_leaves_nothing_to_guess_a_password_from(site: Site, tmp_path: Path) -> None:
    keyed = {**site.keyed, "Idempotency-Key": "one"}
    body = {"slug": "ab", "target": TARGET, "password": PASSWORD}
    first, second = (site.client.post("/api/v1/links", json=body, headers=keyed) for _ in range(2))
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"
    other = site.client.post("/api/v1/links", json={**body, "password": "nine white owls"}, headers=keyed)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")


def test_no_password_is_in_a_file_or_in_the_log(site: Site, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    canary = "canary-" * 3
    site.add(password=canary)
    site.open(password=canary)
    site.open(password=canary + "x")
    site.clicks()
    out, err = capfd.readouterr()
    assert canary not in out + err
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert canary.encode() not in path.read_bytes(), path
