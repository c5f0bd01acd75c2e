"""Links whose targets came onto a blocklist later."""

from pathlib import Path

import pytest
from tests.cli.runs import Ask, Cli

from shortly.blocklists import BlocklistKeeper
from shortly.settings import load_settings


def test_links_whose_targets_are_blocked_by_now_are_listed(
    cli: Cli, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask("add", "https://evil.example/", "--slug", "ab")
    ask("add", "https://example.com/", "--slug", "cd", "--fallback-target", "https://www.evil.example/")
    ask("add", "https://example.com/", "--slug", "ef")
    ask("add", "https://evil.example/", "--slug", "gh", "--archived")
    assert ask("blocked")["items"] == []
    (tmp_path / "list").write_text("evil.example\n")
    monkeypatch.setenv("BLOCKLIST_FILES", str(tmp_path / "list"))
    BlocklistKeeper(load_settings()).refresh()
    assert [link["slug"] for link in ask("blocked")["items"]] == ["ab", "cd", "gh"]
    refused = cli("add", "https://evil.example/")
    assert refused.exit_code == 1
    assert "No link may lead to the host 'evil.example'." in refused.stderr


def test_a_look_alike_host_is_warned_of(cli: Cli) -> None:
    made = cli("add", "https://аррӏе.com/")
    assert made.exit_code == 0
    assert "xn--80ak6aa92e.com" in made.stderr
    assert made.stdout.count("\n") == 1
