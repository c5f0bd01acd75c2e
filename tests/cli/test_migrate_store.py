"""``shortly migrate-store`` from the embedded store to a real Redis and back."""

import json
import time
from pathlib import Path

import pytest
from tests.cli.runs import Ask, Cli
from tests.store.redis_servers import RedisServer, redis_server, session_redis_server

from shortly.clicks.click import Click, encode_click
from shortly.clicks.journal import Journal
from shortly.settings import load_settings

__all__ = ["redis_server", "session_redis_server"]

pytestmark = pytest.mark.slow


def test_an_installation_moves_to_redis_and_back(
    ask: Ask, cli: Cli, installation: Path, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask("add", "https://example.com/1", "--slug", "one")
    ask("key", "create", "ci")
    here, there, back = f"sqlite://{installation}", redis_server.url, f"sqlite://{installation}-back"
    assert not ask("migrate-store", here, there)["final"]
    ask("add", "https://example.com/2", "--slug", "two")
    monkeypatch.setenv("NEW_STORE", there)
    secret = installation / "old-store"
    secret.write_text(f"{here}\n")
    answer = ask("migrate-store", f"file:{secret}", "env:NEW_STORE", "--final")
    assert answer["same"]
    assert {item["what"]: item["target"] for item in answer["items"]}["links"] == 2
    lines = cli("migrate-store", there, back, "--final").stdout.splitlines()
    kinds = ["links", "records", "clicks taken", "totals", "days of counts", "idempotency keys", "visits"]
    assert [line.split("\t")[0] for line in lines] == kinds
    assert all(line.endswith("\tyes") for line in lines)
    monkeypatch.setenv("STORE_URL", there)
    assert {item["slug"] for item in ask("list")["items"]} == {"one", "two"}


@pytest.mark.parametrize(
    ("source", "target", "sentence"),
    [
        ("sqlite:///nowhere/data", "redis://127.0.0.1:1", "no store in"),
        ("mysql://secret@host", "redis://127.0.0.1:1", "must be redis://"),
        ("redis://:secret@127.0.0.1:1/\x00", "redis://127.0.0.1:1", "must be redis://"),
        ("sqlite:", "redis://127.0.0.1:1", "sqlite:///absolute/folder"),
        ("sqlite://data", "redis://127.0.0.1:1", "sqlite:///absolute/folder"),
        ("redis://127.0.0.1:1", "redis://:secret@127.0.0.1:1/0", "the same store"),
        ("env:NOBODY_SET_THIS", "redis://127.0.0.1:1", "'NOBODY_SET_THIS' is not set"),
        ("file:/nowhere/url", "redis://127.0.0.1:1", "'/nowhere/url' cannot be read"),
    ],
)
def test_what_cannot_be_moved_is_refused(cli: Cli, source: str, target: str, sentence: str) -> None:
    result = cli("migrate-store", source, target, "--json")
    assert result.exit_code == 1
    assert sentence in json.loads(result.stdout)["detail"]
    assert "secret" not in result.stdout + result.stderr


def test_the_cut_over_waits_for_clicks_that_are_not_counted(ask: Ask, cli: Cli, installation: Path) -> None:
    ask("add", "https://example.com/1", "--slug", "one")
    click = Click(time.time_ns() // 10**6, 1, 0, False, bytes(8), "", "", "", "", "", "")
    journal_dir = load_settings().journal_dir
    places = f"sqlite://{installation}", f"sqlite://{installation}-new"
    with Journal(journal_dir, segment_bytes=1 << 20, max_bytes=8 << 20, sync_ms=1000) as journal:
        journal.append(encode_click(click))
        result = cli("migrate-store", *places, "--final")
        assert result.exit_code == 1
        assert "not counted yet" in result.stderr
        assert ask("migrate-store", *places)["same"]
