"""What the doctor finds, and what it advises."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from tests.cli.runs import Ask, Cli

from shortly.clicks.click import Click, encode_click
from shortly.clicks.journal import Journal
from shortly.counters import Counters
from shortly.settings import load_settings
from shortly.store.sqlite.connection import connect

Findings = dict[str, dict[str, Any]]


def examine(cli: Cli, *, code: int = 0) -> Findings:
    result = cli("doctor", "--json")
    assert result.exit_code == code, result.stdout
    answer = json.loads(result.stdout)
    assert answer["healthy"] == (code == 0)
    assert all(check["advice"] for check in answer["checks"] if check["state"] != "ok")
    return {check["name"]: check for check in answer["checks"]}


@pytest.fixture(autouse=True)
def behind_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/8")


def test_a_fresh_installation_is_healthy_and_stays_unmade(cli: Cli, installation: Path) -> None:
    findings = examine(cli)
    assert {check["state"] for check in findings.values()} == {"ok"}
    assert not installation.exists()


def test_a_running_installation_is_healthy(ask: Ask, cli: Cli) -> None:
    ask("add", "https://example.com")
    findings = examine(cli)
    assert {check["state"] for check in findings.values()} == {"ok"}
    assert {"store", "clock", "journal", "drain", "disk", "fallocate", "sqlite", "links.db", "clicks.db"} <= set(
        findings
    )
    lines = cli("doctor").stdout.splitlines()
    assert [line.split("\t")[:2] for line in lines] == [[name, "ok"] for name in findings]


@pytest.mark.parametrize(
    ("variables", "name", "state"),
    [
        ({"TRUSTED_PROXIES": ""}, "proxies", "warning"),
        ({"TRUSTED_PROXIES": "0.0.0.0/0"}, "proxies", "problem"),
        (
            {"TRUSTED_PROXIES": "", "COUNTRY_HEADER": "CF-IPCountry", "BASE_URL": "http://localhost:8000"},
            "proxies",
            "warning",
        ),
        ({"BASE_URL": "http://localhost:8000", "PORT": "9000"}, "address", "warning"),
        ({"GEOIP_PATH": "/nowhere/geo.mmdb"}, "geoip", "problem"),
        ({"DATA_DIR": "/dev/null/data"}, "folder", "problem"),
        ({"DATA_DIR": "/dev/null"}, "folder", "problem"),
        ({"JOURNAL_MAX_MB": "1000000000"}, "disk", "warning"),
    ],
)
def test_settings_that_cannot_be_right_are_found(
    ask: Ask, cli: Cli, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], name: str, state: str
) -> None:
    ask("migrate")
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    assert examine(cli, code=int(state == "problem"))[name]["state"] == state


def test_a_folder_that_others_can_read_is_found(ask: Ask, cli: Cli, installation: Path) -> None:
    ask("migrate")
    installation.chmod(0o755)
    assert "chmod" in examine(cli)["folder"]["advice"]


def test_a_database_of_a_newer_version_is_a_problem(ask: Ask, cli: Cli, installation: Path) -> None:
    ask("migrate")
    connection = connect(installation / "links.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    assert examine(cli, code=1)["links.db"]["state"] == "problem"


def test_a_database_that_is_none_is_a_problem(ask: Ask, cli: Cli, installation: Path) -> None:
    ask("migrate")
    (installation / "links.db").write_bytes(b"not a database" * 1000)
    for leftover in ("links.db-wal", "links.db-shm"):
        (installation / leftover).unlink(missing_ok=True)
    finding = examine(cli, code=1)["schema"]
    assert finding["state"] == "problem"
    assert "damaged" in finding["message"]


def test_clicks_that_nobody_drains_are_found(ask: Ask, cli: Cli) -> None:
    ask("add", "https://example.com", "--slug", "a")
    settings = load_settings()
    at_ms = (time.time_ns() - 120 * 10**9) // 10**6
    click = Click(at_ms, 1, 0, False, bytes(8), "", "", "", "", "", "")
    with Journal(settings.journal_dir, segment_bytes=1 << 20, max_bytes=8 << 20, sync_ms=1000) as journal:
        journal.append(encode_click(click))
        alive = examine(cli)
        assert alive["journal"]["state"] == "warning"
        assert "the oldest for 12" in alive["journal"]["message"]
        assert "stale journals" not in alive
    dead = examine(cli)
    assert dead["stale journals"]["state"] == "warning"
    assert "shortly serve" in dead["journal"]["advice"]


def test_dropped_clicks_are_found(ask: Ask, cli: Cli) -> None:
    ask("migrate")
    with Counters(load_settings().counters_dir) as counters:
        counters.add("clicks_dropped", 7)
    finding = examine(cli)["lost clicks"]
    assert finding["state"] == "warning"
    assert finding["message"].startswith("7 clicks")


def test_a_clock_that_is_behind_is_found(ask: Ask, cli: Cli, installation: Path) -> None:
    ask("add", "https://example.com")
    connection = connect(installation / "links.db")
    connection.execute("UPDATE links SET created_at = created_at + 86400000")
    connection.close()
    assert "clock" in examine(cli, code=1)["clock"]["message"]


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_that_cannot_be_written_is_a_problem(ask: Ask, cli: Cli, installation: Path) -> None:
    ask("migrate")
    installation.chmod(0o500)
    try:
        assert examine(cli, code=1)["folder"]["state"] == "problem"
    finally:
        installation.chmod(0o700)
