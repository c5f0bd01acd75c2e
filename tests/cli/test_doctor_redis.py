"""What the doctor finds where Redis keeps the data."""

import pytest
from tests.cli.runs import Ask, Cli
from tests.cli.test_doctor import examine
from tests.store.redis_servers import RedisServer, redis_server, session_redis_server, single_server

__all__ = ["redis_server", "session_redis_server"]

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def on_redis(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/8")
    monkeypatch.setenv("STORE_URL", redis_server.url)


def test_an_empty_redis_is_healthy_and_stays_empty(cli: Cli, redis_server: RedisServer) -> None:
    findings = examine(cli)
    assert {check["state"] for check in findings.values()} == {"ok"}
    assert findings["keys"]["message"] == "Are made at the first start."
    assert redis_server.command("DBSIZE") == 0


def test_a_healthy_redis_is_looked_at_and_no_databases_are(ask: Ask, cli: Cli, redis_server: RedisServer) -> None:
    ask("add", "https://example.com")
    findings = examine(cli)
    assert {check["state"] for check in findings.values()} == {"ok"}
    assert {"redis", "redis server", "keys", "index", "store", "clock", "journal"} <= set(findings)
    assert not {"sqlite", "links.db", "clicks.db"} & set(findings)
    assert str(redis_server.port) in findings["redis"]["message"]
    assert (redis_server.password or "") not in str(findings)


def test_servers_that_may_lose_data_are_found(ask: Ask, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with single_server("maxmemory 100mb\nmaxmemory-policy allkeys-lru\n") as server:
        monkeypatch.setenv("STORE_URL", server.url)
        ask("add", "https://example.com")
        lines = cli("doctor").stdout.splitlines()
    warnings = [line for line in lines if line.startswith("redis server\twarning")]
    assert len(warnings) == 2
    assert "appendonly" in warnings[0]
    assert "noeviction" in warnings[1]


def test_a_redis_that_is_away_is_a_problem(
    cli: Cli, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORE_URL", "redis://:wrong@127.0.0.1:1")
    finding = examine(cli, code=1)["redis"]
    assert finding["state"] == "problem"
    assert "wrong" not in str(finding)


def test_keys_of_a_newer_version_are_a_problem(ask: Ask, cli: Cli, redis_server: RedisServer) -> None:
    ask("add", "https://example.com")
    redis_server.command("HSET", "schema:{meta}", "version", 99)
    findings = examine(cli, code=1)
    assert findings["keys"]["state"] == "problem"
    assert "store" not in findings


def test_lists_that_are_behind_are_found(ask: Ask, cli: Cli, redis_server: RedisServer) -> None:
    ask("add", "https://example.com", "--slug", "late")
    (outbox,) = redis_server.command("KEYS", "o:*")
    ((_, fields),) = redis_server.command("XRANGE", outbox, "-", "+")
    redis_server.command("DEL", outbox, "x:{idx}:positions")
    redis_server.command("XADD", outbox, "1000-0", *(fields if isinstance(fields, list) else sum(fields.items(), ())))
    finding = examine(cli)["index"]
    assert finding["state"] == "warning"
    assert "behind for" in finding["message"]


def test_lists_that_are_wrong_are_repaired(ask: Ask, cli: Cli, redis_server: RedisServer) -> None:
    ask("add", "https://example.com", "--slug", "lost")
    redis_server.command("DEL", "x:{idx}:created_at")
    assert ask("list")["items"] == []
    assert "Mended: 1 links" in cli("doctor", "--repair").stdout
    assert [item["slug"] for item in ask("list")["items"]] == ["lost"]
    assert "all lists and slugs are right" in cli("doctor", "--repair").stdout
