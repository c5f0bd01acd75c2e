"""Requests that come twice: at the same moment, or again after the process died that was carrying them out."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.faults.conftest import MakeServed
from tests.faults.served import Served
from tests.store.redis_servers import single_server

from shortly.redis_address import parse_address
from shortly.store.redis import RedisStore
from shortly.store.sqlite import SqliteStore

pytestmark = pytest.mark.faults

ROOT = Path(__file__).parents[2]
DYING = (sys.executable, "-m", "tests.faults.dying_program", "{port}")
LINKS = "/api/v1/links"
BULK = "/api/v1/bulk/links"
AT_ONCE = 64


@pytest.fixture(params=["sqlite", "redis"])
def engine(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """Give the settings of a store."""
    if request.param == "sqlite":
        yield {}
        return
    with single_server() as server:
        yield {"STORE_URL": server.url}


def all_links(served: Served) -> list[dict[str, Any]]:
    """Return all links of a service."""
    links: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = served.api.get(LINKS, params={"limit": 500, **({"cursor": cursor} if cursor else {})}).json()
        links += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return links


def test_of_64_who_ask_two_processes_for_a_link_to_one_target_at_once_one_makes_it(
    engine: dict[str, str], make_served: MakeServed
) -> None:
    served = make_served(workers=2, settings=engine)
    served.start()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for nth in range(10):
            new = {"target": f"https://example.com/{nth}", "find_if_exists": True}
            answers = [one.result() for one in [pool.submit(served.api.post, LINKS, json=new) for _ in range(AT_ONCE)]]
            assert Counter(answer.status_code for answer in answers) == {201: 1, 200: AT_ONCE - 1}
            assert len({answer.json()["slug"] for answer in answers}) == 1
    assert len(all_links(served)) == 10


@pytest.mark.parametrize(
    "death",
    [{"DIE_AT": "add_links:1"}, {"DIE_AFTER": "add_links:1"}, {"DIE_AT": "answer:1"}, {"DIE_AFTER": "answer:1"}],
    ids=["before the link", "after the link", "before the answer is kept", "after the answer was kept"],
)
@pytest.mark.parametrize("chosen", [{}, {"slug": "mine"}], ids=["drawn slug", "chosen slug"])
def test_a_request_that_a_process_died_of_makes_one_link_when_it_is_repeated(
    engine: dict[str, str], make_served: MakeServed, death: dict[str, str], chosen: dict[str, str]
) -> None:
    body = {"target": "https://example.com/", **chosen}
    served, answer = repeated(make_served, engine, death, LINKS, body)
    assert answer.status_code == 201, answer.text
    (link,) = all_links(served)
    assert link["slug"] == answer.json()["slug"]
    assert link["slug"] == chosen.get("slug", link["slug"])


def test_a_bulk_that_a_process_died_of_half_way_makes_each_link_once(
    engine: dict[str, str], make_served: MakeServed
) -> None:
    targets = [f"https://example.com/{nth % 400}" for nth in range(600)]
    body = {"links": [{"target": target} for target in targets]}
    served, answer = repeated(make_served, engine, {"DIE_AFTER": "add_links:2"}, BULK, body)
    assert (answer.status_code, answer.json()["succeeded"]) == (200, 600)
    links = all_links(served)
    assert Counter(link["target"] for link in links) == Counter(targets)
    assert {link["slug"] for link in links} == {result["link"]["slug"] for result in answer.json()["results"]}


def test_a_deletion_of_many_that_a_process_died_of_half_way_says_of_each_that_it_is_deleted(
    engine: dict[str, str], make_served: MakeServed
) -> None:
    slugs = [f"s{nth}" for nth in range(600)]
    links = {"links": [{"target": "https://example.com/", "slug": slug} for slug in (*slugs, "kept")]}
    body = {"links": [{"slug": slug} for slug in (*slugs, "never")]}
    death = {"DIE_AFTER": "replace_links:2"}
    served, answer = repeated(make_served, engine, death, f"{BULK}/delete", body, first=(BULK, links))
    assert [result["status"] for result in answer.json()["results"]] == [204] * 600 + [404]
    assert [link["slug"] for link in all_links(served)] == ["kept"]


def repeated(
    make_served: MakeServed,
    engine: dict[str, str],
    death: dict[str, str],
    path: str,
    body: dict[str, Any],
    *,
    first: tuple[str, dict[str, Any]] | None = None,
) -> tuple[Served, httpx2.Response]:
    """Send a request that its process dies of, and again to another process a minute later; return that one.

    ``first`` is the path and body of a request that it answers before.
    """
    dying = make_served(command=DYING, settings={**engine, **death, "PYTHONPATH": str(ROOT)})
    dying.start()
    if first is not None:
        assert dying.api.post(first[0], json=first[1]).json()["failed"] == 0
    with pytest.raises(httpx2.TransportError):
        dying.api.post(path, json=body, headers={"idempotency-key": "mine"})
    assert dying.wait_for_end(within_s=10) == -signal.SIGKILL
    served = make_served(data_dir=dying.data_dir, settings=engine)
    served.start()
    served.api.headers["authorization"] = f"Bearer {dying.key}"
    headers = {"idempotency-key": "mine"}
    if death != {"DIE_AFTER": "answer:1"}:
        assert served.api.post(path, json=body, headers=headers).json()["code"] == "idempotency_in_progress"
        actor = served.api.get("/api/v1/auth/me").json()["actor"]
        asyncio.run(pass_a_minute(served, engine, f"{actor}@1:mine"))
    return served, served.api.post(path, json=body, headers=headers)


async def pass_a_minute(served: Served, engine: dict[str, str], key: str) -> None:
    """Do to the claim of an idempotency key what a minute does."""
    address = parse_address(engine["STORE_URL"]) if engine else None
    async with RedisStore(address) if address else SqliteStore(served.data_dir) as store:
        await store.lapse(key)
