"""Statistics on the command line."""

import asyncio
import json
import time

import pytest
from tests.cli.runs import Ask, Cli

from shortly.api.stats import LinkStatsOut, StatsOut
from shortly.clicks.store import Batch
from shortly.clicks.visit import Visit
from shortly.settings import load_settings
from shortly.store import open_store


@pytest.fixture
def clicked(ask: Ask) -> None:
    """Give link a three clicks, one by a bot, and link b one."""
    for slug in ("a", "b"):
        ask("add", "https://example.com", "--slug", slug)

    async def fold() -> None:
        async with open_store(load_settings()) as store:
            ids = [link.id for slug in "ab" if (link := await store.get_link("", slug))]
            now = time.time_ns() // 1_000_000
            visits = [
                Visit(at_ms=now, link_id=ids[0], visitor=b"12345678", country="DE"),
                Visit(at_ms=now, link_id=ids[0], visitor=b"12345678"),
                Visit(at_ms=now, link_id=ids[0], bot="Crawler"),
                Visit(at_ms=now, link_id=ids[1], visitor=b"87654321", country="FR"),
            ]
            await store.fold([Batch(segment="s", start=0, end=4, visits=list(enumerate(visits, 1)))])

    asyncio.run(fold())


@pytest.mark.usefixtures("clicked")
def test_stats_have_the_api_s_names_and_the_link_s_numbers(ask: Ask) -> None:
    one = ask("stats", "a", "--period", "7d", "--by", "country", "--by", "bot")
    assert set(one) == set(LinkStatsOut.model_fields)
    assert (one["slug"], one["domain"], one["clicks"], one["humans"], one["bots"], one["visitors"]) == (
        "a",
        "s.example",
        3,
        2,
        1,
        1,
    )
    assert len(one["series"]) == 7
    assert one["series"][-1]["clicks"] == 3
    assert one["breakdowns"] == {
        "country": [{"value": "DE", "clicks": 1, "share": 0.5}],
        "bot": [{"value": "Crawler", "clicks": 1, "share": 1.0}],
    }
    assert one["unknown"] == {"country": 1, "bot": 0}
    LinkStatsOut.model_validate(one)
    assert ask("show", "a")["clicks"] == 3


@pytest.mark.usefixtures("clicked")
def test_without_a_link_the_stats_are_those_of_all(ask: Ask, cli: Cli) -> None:
    every = ask("stats", "--period", "24h", "--tz", "Europe/Berlin", "--step", "hour")
    assert set(every) == set(StatsOut.model_fields)
    assert (every["clicks"], every["tz"], len(every["series"])) == (4, "Europe/Berlin", 24)
    lines = cli("stats", "--period", "today", "--step", "day").stdout.splitlines()
    assert [line.split("\t")[1:] for line in lines] == [["4", "1", "2"]]


@pytest.mark.usefixtures("clicked")
@pytest.mark.parametrize(
    ("options", "code", "field"),
    [
        (("missing",), "link_not_found", None),
        (("a", "--tz", "Mars/Olympus"), "invalid_input", "tz"),
        (("a", "--tz", "../../etc/passwd"), "invalid_input", "tz"),
        (("a", "--period", "x" * 100_000), "invalid_input", "period"),
        (("a", "--step", "minute"), "invalid_input", "step"),
        (("a", "--since", "junk"), "invalid_input", "since"),
        (("a", "--since", "2001-01-01", "--until", "2099-01-01", "--step", "hour"), "range_too_large", "step"),
        (("a", "--by", "shoe size"), "invalid_input", "dimension"),
        (("a", "--limit", "0"), "invalid_input", "limit"),
    ],
)
def test_a_bad_question_is_refused(cli: Cli, options: tuple[str, ...], code: str, field: str | None) -> None:
    refused = cli("stats", *options, "--json")
    assert refused.exit_code == 1
    problem = json.loads(refused.stdout)
    assert (problem["code"], problem["field"]) == (code, field)
