"""Bans and reports at the command line."""

import asyncio

import pytest
from tests.cli.runs import Ask, Cli

from shortly.abuse.reports import Report
from shortly.accounts.registry import Registry
from shortly.settings import load_settings
from shortly.store import open_store


def test_a_link_is_banned_and_let_go_again(cli: Cli, ask: Ask) -> None:
    ask("add", "https://example.com/", "--slug", "ab")
    banned = ask("ban", "https://s.example/ab", "--status", "451", "--reason", "court order")
    assert (banned["state"], banned["ban"]["status"], banned["ban"]["by"]) == ("banned", 451, "cli")
    assert [link["slug"] for link in ask("list", "--state", "banned")["items"]] == ["ab"]
    assert cli("ban", "ab", "--status", "404").exit_code == 1
    assert cli("ban", "nothing").exit_code == 1
    assert ask("unban", "ab")["ban"] is None
    assert cli("unban", "ab").exit_code == 0


@pytest.mark.parametrize(("state", "count"), [("open", 1), ("acted", 0), ("all", 1)])
def test_reports_are_listed_by_state(ask: Ask, state: str, count: int) -> None:
    async def report() -> None:
        async with open_store(load_settings()) as store:
            registry = Registry(store)
            told = Report(
                workspace_id=2,
                domain="go.example",
                slug="ab",
                target="https://evil.example/",
                reason="spam",
                created_at=registry.now(),
            )
            await registry.add(told)

    asyncio.run(report())
    found = ask("reports", "--state", state)["items"]
    assert [(one["short_url"], one["reason"]) for one in found] == [("https://go.example/ab", "spam")] * count


def test_a_state_that_reports_never_have_is_refused(cli: Cli) -> None:
    assert cli("reports", "--state", "lost").exit_code == 1
