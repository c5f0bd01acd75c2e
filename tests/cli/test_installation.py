"""Settings, migrations and the version on the command line."""

import json
from pathlib import Path

import pytest
from tests.cli.runs import Ask, Cli

import shortly
from shortly.settings import Settings
from shortly.store.sqlite.connection import connect


def test_settings_show_what_is_in_effect_and_where_it_came_from(
    ask: Ask, cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "port").write_text("9000\n")
    monkeypatch.setenv("PORT_FILE", str(tmp_path / "port"))
    monkeypatch.setenv("WORKERS", "2")
    items = {item["name"]: item for item in ask("settings")["items"]}
    assert set(items) == {name.upper() for name in Settings.model_fields}
    assert items["PORT"] == {"name": "PORT", "value": 9000, "source": "file"}
    assert items["WORKERS"] == {"name": "WORKERS", "value": 2, "source": "variable"}
    assert items["LOG_LEVEL"] == {"name": "LOG_LEVEL", "value": "info", "source": "default"}
    assert items["EXTRA_DOMAINS"]["value"] == ["go.example"]
    assert "PORT\t9000\tfile" in cli("settings").stdout.splitlines()


def test_settings_never_show_a_secret(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOT_REDIRECT", "https://me:canary-1@example.com/?sly_canarycanarycanarycanary2")
    for options in ((), ("--json",)):
        shown = cli("settings", *options)
        assert shown.exit_code == 0
        assert "canary" not in shown.output
        assert "example.com" in shown.stdout


@pytest.mark.parametrize("command", [("settings",), ("list",), ("serve",), ("doctor",), ("migrate",), ("key", "list")])
def test_a_bad_setting_stops_every_command_with_one_sentence(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("PORT", "eighty")
    result = cli(*command)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: PORT: ")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(("option", "value"), [("--port", "0"), ("--port", "9" * 100), ("--workers", "-1")])
def test_serve_checks_its_options_like_settings(cli: Cli, option: str, value: str) -> None:
    result = cli("serve", option, value)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {option[2:].upper()}: ")


def test_migrate_tells_what_is_pending_and_brings_it_up_to_date(ask: Ask, cli: Cli, installation: Path) -> None:
    pending = cli("migrate", "--check", "--json")
    assert pending.exit_code == 3
    assert json.loads(pending.stdout)["pending"]
    assert not installation.exists()
    done = ask("migrate")
    assert [(item["database"], item["was"]) for item in done["items"]] == [("links", 0), ("clicks", 0)]
    assert all(item["schema"] == item["newest"] > 0 for item in done["items"])
    checked = cli("migrate", "--check")
    assert (checked.exit_code, checked.stderr) == (0, "up to date\n")


def test_migrate_refuses_a_database_of_a_newer_version(ask: Ask, cli: Cli, installation: Path) -> None:
    ask("migrate")
    connection = connect(installation / "links.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    for command in (("migrate",), ("migrate", "--check"), ("list",)):
        refused = cli(*command)
        assert refused.exit_code == 1
        assert refused.stderr.startswith("error: The links database is at schema 99, ")


def test_the_version_is_the_package_s(ask: Ask, cli: Cli) -> None:
    assert cli("version").stdout == f"{shortly.__version__}\n"
    assert ask("version")["version"] == shortly.__version__
