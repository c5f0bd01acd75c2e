"""What a visitor of a short link gets, and what is written down about it."""

import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.redirect.front import Front

from shortly.clicks.click import Outcome
from shortly.errors import StoreUnavailable
from shortly.links.link import BanStatus, Redirection
from shortly.links.reserved import RESERVED
from shortly.links.slug import SlugRules
from shortly.redirect.pages import Pages, Shown
from shortly.redirect.visitor import Addresses, network_of
from shortly.store import Store

pytestmark = pytest.mark.anyio

LATER = timedelta(hours=1)


def now() -> datetime:
    return datetime.now(UTC)


async def test_a_link_redirects_and_the_click_is_written_down(front: Front) -> None:
    link = await front.link("ab", "https://example.com/x?y=1#z")
    before = int(time.time() * 1000)
    answer = await front.request(
        "/ab",
        query=b"utm_source=mail",
        headers={"User-Agent": "Firefox", "Referer": "https://news.example/", "Accept-Language": "de,en;q=0.5"},
    )
    assert answer.status == 302
    assert answer.location == "https://example.com/x?y=1#z"
    assert answer.headers["cache-control"] == "private, max-age=0, no-store"
    assert answer.headers["x-robots-tag"] == "noindex"
    (click,) = front.clicks()
    assert click.link_id == link.id
    assert before <= click.at_ms <= int(time.time() * 1000)
    assert click.outcome == Outcome.REDIRECTED
    assert (click.referrer, click.user_agent, click.language) == ("https://news.example/", "Firefox", "de,en;q=0.5")
    assert click.query == "utm_source=mail"
    assert click.network == "203.0.113.0"
    assert len(click.visitor) == 8
    assert front.counted()["redirects_302"] == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_each_link_has_its_status(front: Front, status: int) -> None:
    await front.link("ab", status=status)
    assert (await front.request("/ab")).status == status


async def test_headers_follow_the_link(front: Front) -> None:
    await front.link("ab", crawlable=True, cache_s=60, referrer_policy="no-referrer")
    answer = await front.request("/ab")
    assert answer.headers["cache-control"] == "private, max-age=60"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "x-robots-tag" not in answer.headers


async def test_a_head_request_answers_and_does_not_count(front: Front) -> None:
    await front.link("ab")
    answer = await front.request("/ab", method="HEAD")
    assert (answer.status, answer.location, answer.body) == (302, "https://example.com/", b"")
    assert front.clicks() == []


@pytest.mark.parametrize(
    "headers", [{"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}, {"X-Moz": "prefetch"}]
)
async def test_a_prefetch_answers_and_does_not_count(front: Front, headers: dict[str, str]) -> None:
    await front.link("ab")
    assert (await front.request("/ab", headers=headers)).status == 302
    assert front.clicks() == []


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_other_methods_are_not_allowed_unless_the_status_keeps_them(front: Front, method: str) -> None:
    await front.link("ab")
    await front.link("cd", status=308)
    refused = await front.request("/ab", method=method)
    assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD")
    assert (await front.request("/cd", method=method)).status == 308
    assert front.clicks() == []


@pytest.mark.parametrize(
    "path",
    ["/nope", "/ab/", "/ab/x", "/ab+", "/%00", "/%ff", "/..", "/a%2Fb", "/ab%0d%0aX: y", "/" + "a" * 60_000, "/é"],
)
async def test_an_unknown_path_is_404_and_says_nothing_of_itself(front: Front, path: str) -> None:
    await front.link("ab")
    answer = await front.request(path)
    assert answer.status == 404
    assert b"nope" not in answer.body
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert front.clicks() == []
    assert front.handed_on == []


async def test_machines_get_a_problem_instead_of_a_page(front: Front) -> None:
    answer = await front.request("/nope", headers={"Accept": "application/json"})
    assert answer.headers["content-type"] == "application/problem+json"
    assert b'"code":"link_not_found"' in answer.body


@pytest.mark.parametrize("first", sorted(RESERVED))
async def test_reserved_paths_are_handed_on_even_if_a_link_has_such_a_slug(front: Front, first: str) -> None:
    assert (await front.request(f"/{first}")).status == 299
    assert (await front.request(f"/{first}/more")).status == 299
    assert front.handed_on == [f"/{first}", f"/{first}/more"]


async def test_other_protocols_are_handed_on(front: Front) -> None:
    await front.app({"type": "lifespan"}, anyio.sleep_forever, lambda _: anyio.sleep(0))  # type: ignore[arg-type]
    assert front.handed_on == ["lifespan"]


async def test_an_edit_is_seen_at_the_next_request(front: Front) -> None:
    await front.link("ab")
    assert (await front.request("/ab")).location == "https://example.com/"
    await front.links.edit("ab", {"target": "https://example.com/new"})
    assert (await front.request("/ab")).location == "https://example.com/new"
    await front.links.edit("ab", {"slug": "cd"})
    assert (await front.request("/ab")).location == "https://example.com/new"
    assert (await front.request("/cd")).location == "https://example.com/new"
    await front.links.delete("cd")
    assert (await front.request("/ab")).status == 410
    assert (await front.request("/cd")).status == 410


async def test_a_disabled_link_is_gone_and_counts_as_refused(front: Front) -> None:
    await front.link("ab", enabled=False)
    assert (await front.request("/ab")).status == 410
    assert [click.outcome for click in front.clicks()] == [Outcome.DISABLED]


@pytest.mark.parametrize("status", [410, 451])
async def test_a_banned_link_leads_nowhere_whatever_else_it_says(front: Front, status: BanStatus) -> None:
    await front.link("plain", cache_s=60)
    await front.link("gone", enabled=False, fallback_target="https://example.com/over")
    await front.link("few", max_clicks=1, status=307)
    for slug in ("plain", "gone", "few"):
        await front.request(f"/{slug}", method="HEAD")
        banned = await front.links.ban(slug, status=status, reason="secret", by="cli")
        for method in ("GET", "HEAD"):
            answer = await front.request(f"/{slug}", method=method)
            assert answer.status == status
            assert answer.location is None
            assert answer.headers["cache-control"] == "no-store"
            assert b"secret" not in answer.body
        assert banned.ban is not None
    assert [click.outcome for click in front.clicks()] == [Outcome.BANNED] * 3
    await front.links.edit("plain", {"target": "https://example.com/new", "enabled": True})
    assert (await front.request("/plain")).status == status
    await front.links.edit("plain", {"slug": "renamed"})
    assert (await front.request("/plain")).status == (await front.request("/renamed")).status == status
    await front.links.unban("renamed")
    assert (await front.request("/plain")).location == "https://example.com/new"
    await front.links.unban("few")
    assert (await front.request("/few")).status == 307  # the ban used no click up


async def test_a_legal_ban_names_who_blocks_only_where_that_is_set(store: Store, tmp_path: Path, front: Front) -> None:
    await front.link("ab")
    await front.links.ban("ab", status=451, reason="", by="cli")
    assert "link" not in (await front.request("/ab")).headers
    other = Front(store, tmp_path / "other", shown=Shown(Pages(blocked_by="https://sho.rt/legal")))
    assert (await other.request("/ab")).headers["link"] == '<https://sho.rt/legal>; rel="blocked-by"'
    await other.links.ban("ab", status=410, reason="", by="cli")
    assert "link" not in (await other.request("/ab")).headers
    other.close()


async def test_a_link_is_there_from_its_start_to_its_end(front: Front) -> None:
    await front.link("early", valid_from=now() + LATER)
    await front.link("late", expires_at=now() - LATER)
    await front.link("fine", valid_from=now() - LATER, expires_at=now() + LATER)
    assert (await front.request("/early")).status == 404
    assert (await front.request("/late")).status == 410
    assert (await front.request("/fine")).status == 302
    assert [click.outcome for click in front.clicks()] == [Outcome.SCHEDULED, Outcome.EXPIRED, Outcome.REDIRECTED]


async def test_a_link_that_expires_while_it_is_remembered_is_gone(front: Front) -> None:
    await front.link("ab", expires_at=now() + timedelta(milliseconds=150))
    assert (await front.request("/ab")).status == 302
    with anyio.fail_after(2):
        while (await front.request("/ab")).status == 302:
            await anyio.sleep(0.02)
    assert (await front.request("/ab")).status == 410


@pytest.mark.parametrize("why", [{"enabled": False}, {"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}])
async def test_a_fallback_takes_over_from_the_gone_page(front: Front, why: dict[str, Any]) -> None:
    await front.link("ab", fallback_target="https://example.com/over", status=301, cache_s=100, **why)
    answer = await front.request("/ab")
    assert (answer.status, answer.location) == (302, "https://example.com/over")
    assert answer.headers["cache-control"] == "private, max-age=0, no-store"


async def test_a_limited_link_redirects_exactly_as_often_as_it_may(front: Front) -> None:
    await front.link("ab", max_clicks=10)
    statuses: list[int] = []

    async def visit() -> None:
        statuses.append((await front.request("/ab")).status)

    async with anyio.create_task_group() as group:
        for _ in range(40):
            group.start_soon(visit)
    assert sorted(statuses) == [302] * 10 + [410] * 30
    outcomes = [click.outcome for click in front.clicks()]
    assert outcomes.count(Outcome.REDIRECTED) == 10
    assert outcomes.count(Outcome.EXHAUSTED) == 30
    await front.links.edit("ab", {"max_clicks": 11})
    assert [(await front.request("/ab")).status for _ in range(2)] == [302, 410]


async def test_a_limit_cannot_be_walked_around(front: Front) -> None:
    await front.link("ab", max_clicks=1)
    head = await front.request("/ab", method="HEAD")
    ahead = await front.request("/ab", headers={"Sec-Purpose": "prefetch"})
    assert (head.status, head.location) == (200, None)
    assert (ahead.status, ahead.location) == (503, None)
    assert [(await front.request("/ab")).status for _ in range(2)] == [302, 410]


async def test_a_protected_link_never_gives_its_target_away(front: Front) -> None:
    class Locked:
        def __getattr__(self, name: str) -> object:
            return getattr(front.store, name)

        def remembered(self, domain: str, slug: str) -> Redirection | None:
            return Redirection(link_id=1, domain="", slug="ab", target="https://secret.example/", password_hash="x")

    front.app._remembered = Locked().remembered
    for method in ("GET", "HEAD"):
        answer = await front.request("/ab", method=method)
        assert (answer.status, answer.location) == (403, None)
        assert b"secret" not in answer.body


@pytest.mark.parametrize(
    ("target", "query", "location"),
    [
        ("https://example.com/", b"a=1&b=2", "https://example.com/?a=1&b=2"),
        ("https://example.com/?x=y", b"a=1", "https://example.com/?x=y&a=1"),
        ("https://example.com/?x=y#f", b"a=1", "https://example.com/?x=y&a=1#f"),
        ("https://example.com/#f", b"a=%0d%0aX:y", "https://example.com/?a=%0d%0aX:y#f"),
        ("https://example.com/", b"a=\xff\r\n<", "https://example.com/?a=%FF%0D%0A%3C"),
        ("https://example.com/", b"", "https://example.com/"),
        ("https://example.com/", b"a" * 9000, "https://example.com/"),
    ],
)
async def test_a_query_is_forwarded_where_asked(front: Front, target: str, query: bytes, location: str) -> None:
    await front.link("ab", target, forward_query=True)
    await front.link("cd", target)
    assert (await front.request("/ab", query=query)).location == location
    assert (await front.request("/cd", query=query)).location == target


async def test_a_store_that_is_away_is_never_a_404(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(domain: str, slug: str) -> None:
        raise StoreUnavailable

    monkeypatch.setattr(front.store, "get_redirection", away)
    answer = await front.request("/ab")
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0


async def test_links_of_further_domains_are_apart(store: Store, tmp_path: Path) -> None:
    front = Front(store, tmp_path, extra_domains=("go.example",))
    await front.link("ab", "https://example.com/default")
    await front.link("ab", "https://example.com/go", domain="go.example")
    await front.link("only", domain="go.example")
    assert (await front.request("/ab", headers={"Host": "sho.rt"})).location == "https://example.com/default"
    assert (await front.request("/ab", headers={"Host": "GO.example"})).location == "https://example.com/go"
    assert (await front.request("/ab", headers={"Host": "who.knows"})).location == "https://example.com/default"
    assert (await front.request("/only", headers={"Host": "sho.rt"})).status == 404
    front.close()


async def test_wide_slugs_are_found_however_they_are_spelt(store: Store, tmp_path: Path) -> None:
    front = Front(store, tmp_path, slugs=SlugRules(unicode=True, multi_segment=True))
    await front.link("grüße/🎉")
    assert (await front.request("/gr%C3%BC%C3%9Fe/%F0%9F%8E%89")).status == 302
    assert (await front.request("/gru%CC%88%C3%9Fe/%F0%9F%8E%89")).status == 302
    front.close()


async def test_a_click_on_disk_is_what_waiting_for_the_disk_means(store: Store, tmp_path: Path) -> None:
    front = Front(store, tmp_path, sync_ms=0, wait_for_disk=True)
    await front.link("ab")
    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(front.request, "/ab")
    assert len(front.clicks()) == 20
    front.close()


# --- visitors ------------------------------------------------------------------------------------------------


async def test_no_address_is_in_the_journal(front: Front) -> None:
    await front.link("ab")
    for address in ("203.0.113.77", "2001:db8:77:88::99", "::ffff:198.51.100.77"):
        await front.request("/ab", client=(address, 1), headers={"X-Forwarded-For": "192.0.2.77"})
    written = b"".join(file.read_bytes() for file in front.data_dir.glob("journal/*/*.seg"))
    for trace in (b"113.77", b"77:88", b"100.77", b"192.0.2", b"7788"):
        assert trace not in written
    assert [click.network for click in front.clicks()] == ["203.0.113.0", "2001:db8:77::", "198.51.100.0"]


async def test_visitors_are_told_apart_by_address_and_browser_for_a_day(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    await front.link("ab")
    for address, agent in [("192.0.2.1", "A"), ("192.0.2.1", "A"), ("192.0.2.2", "A"), ("192.0.2.1", "B")]:
        await front.request("/ab", client=(address, 1), headers={"User-Agent": agent})
    tomorrow = time.time() + 86_400
    front.salts[int(tomorrow // 86_400)] = b"other" * 3
    monkeypatch.setattr("shortly.redirect.redirect.time_ns", lambda: int(tomorrow * 1e9))
    await front.request("/ab", client=("192.0.2.1", 1), headers={"User-Agent": "A"})
    first, again, neighbour, browser, next_day = (click.visitor for click in front.clicks())
    assert first == again
    assert len({first, neighbour, browser, next_day}) == 4


async def test_a_click_says_which_workspace_its_link_belongs_to(store: Store, tmp_path: Path) -> None:
    front = Front(store, tmp_path, honour_dnt=True)
    await front.link("ab")
    await front.link("cd", workspace=65_535)
    for slug, headers in (("ab", {}), ("cd", {}), ("cd", {"DNT": "1"})):
        await front.request(f"/{slug}", headers=headers)
    assert [click.workspace for click in front.clicks()] == [1, 65_535, 65_535]
    front.close()


async def test_those_who_ask_not_to_be_tracked_are_only_counted(store: Store, tmp_path: Path) -> None:
    front = Front(store, tmp_path, honour_dnt=True)
    await front.link("ab")
    for headers in ({"DNT": "1"}, {"Sec-GPC": "1"}, {"DNT": "0"}):
        await front.request("/ab", headers={**headers, "User-Agent": "Me", "Referer": "https://a.example/"})
    asked, asked_too, not_asked = front.clicks()
    assert asked[3:] == asked_too[3:] == (True, b"\0" * 8, "", "", "", "", "", "", 1)
    assert not_asked.user_agent == "Me"
    front.close()


@pytest.mark.parametrize(
    ("peer", "forwarded", "network"),
    [
        ("10.0.0.1", "198.51.100.9", "198.51.100.0"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.9, 10.0.0.2", "198.51.100.0"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.9:5555", "198.51.100.0"),
        ("10.0.0.1", "[2001:db8:5::1]:443", "2001:db8:5::"),
        ("10.0.0.1", "1.1.1.1, junk", ""),
        ("10.0.0.1", "", "10.0.0.0"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.0"),
        ("::ffff:10.0.0.1", "198.51.100.9", "198.51.100.0"),
        ("192.0.2.5", "198.51.100.9", "192.0.2.0"),
    ],
)
async def test_only_trusted_proxies_name_the_visitor(
    store: Store, tmp_path: Path, peer: str, forwarded: str, network: str
) -> None:
    front = Front(store, tmp_path, addresses=Addresses([ip_network("10.0.0.0/8")]), country_header="CF-IPCountry")
    await front.link("ab")
    headers = {"X-Forwarded-For": forwarded, "CF-IPCountry": "DE"}
    await front.request("/ab", client=(peer, 1), headers=headers)
    (click,) = front.clicks()
    assert click.network == network
    assert click.country == ("" if peer == "192.0.2.5" else "DE")
    front.close()


async def test_a_request_without_an_address_is_served(front: Front) -> None:
    await front.link("ab")
    assert (await front.request("/ab", client=None)).status == 302
    assert front.clicks()[0].network == ""


@pytest.mark.parametrize(
    ("address", "network"), [("", b""), ("fe80::1%eth0", b"fe80::"), ("::1", b"::"), (":junk:", b"")]
)
async def test_odd_addresses_have_networks_too(address: str, network: bytes) -> None:
    assert network_of(address) == network


@pytest.fixture(params=[b"\xff" * 5000, "💥".encode() * 2000, b"\r\n\0" * 100])
def junk(request: pytest.FixtureRequest) -> str:
    return bytes(request.param).decode("latin-1")


async def test_hostile_headers_are_cut_and_kept_apart(front: Front, junk: str) -> None:
    await front.link("ab")
    headers = dict.fromkeys(["User-Agent", "Referer", "Accept-Language", "Accept", "Host", "X-Forwarded-For"], junk)
    assert (await front.request("/ab", headers=headers, query=junk.encode("latin-1"))).status == 302
    (click,) = front.clicks()
    assert click.user_agent == junk[:512]
    assert click.query == junk[:1024]
