"""People and workspaces on the command line."""

import json
from pathlib import Path

import pytest
from tests.cli.runs import Ask, Cli

from shortly.accounts.passwords import Passwords

PASSWORD = "an owl eats at night"


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash at the lowest costs."""
    cheap = {"time_cost": 1, "memory_cost": 8, "parallelism": 1}
    monkeypatch.setattr(Passwords.__init__, "__kwdefaults__", cheap)


def test_users_are_added_listed_changed_and_deleted(ask: Ask, cli: Cli) -> None:
    ada = ask("user", "add", "Ada@Example.com", "--name", "Ada", "--admin")
    assert (ada["email"], ada["admin"], ada["has_password"]) == ("Ada@example.com", True, False)
    ask("user", "add", "eve@example.com", "--workspace", "1", "--role", "editor")
    assert [user["email"] for user in ask("user", "list")["items"]] == ["Ada@example.com", "eve@example.com"]
    changed = ask("user", "edit", "EVE@example.com", "--email", "eva@example.com", "--locale", "de", "--admin")
    assert (changed["email"], changed["locale"], changed["admin"]) == ("eva@example.com", "de", True)
    assert ask("user", "disable", "ada@example.com")["enabled"] is False
    assert ask("user", "enable", "ada@example.com")["enabled"] is True
    assert cli("user", "rm", "ada@example.com").exit_code == 0
    refused = cli("user", "rm", "eva@example.com", "--json")
    assert (refused.exit_code, json.loads(refused.stdout)["code"]) == (1, "last_admin")
    assert cli("user", "disable", "nobody@example.com").exit_code == 1


def test_a_link_for_a_new_password_is_printed_and_used_once(ask: Ask, cli: Cli) -> None:
    ask("user", "add", "ada@example.com", "--admin")
    url = ask("user", "reset-link", "ADA@example.com")["url"]
    assert url.startswith("https://s.example/app/reset-password#token=")
    assert cli("user", "reset-link", "ada@example.com").stdout.startswith("https://s.example/")
    assert cli("user", "reset-link", "nobody@example.com").exit_code == 1
    assert ask("user", "forget-factors", "ada@example.com")["email"] == "ada@example.com"
    assert cli("user", "forget-factors", "nobody@example.com").exit_code == 1
    noted = [entry["action"] for entry in ask("audit", "--action", "password.reset_link_made")["items"]]
    assert noted == ["password.reset_link_made"] * 2 or noted == []


def test_a_password_comes_from_a_file_or_standard_input_and_is_shown_nowhere(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\nand more\n")
    first = cli("user", "add", "ada@example.com", "--password-file", str(file), "--json")
    second = cli("user", "add", "eve@example.com", "--password-file", "-", "--json", given=f"{PASSWORD}\r\n")
    for added in (first, second):
        assert json.loads(added.stdout)["has_password"] is True
        assert PASSWORD not in added.output


@pytest.mark.parametrize("given", [b"", b"short\n", b"\xff\xfe\n", b"x" * 5000])
def test_a_bad_password_makes_no_user(cli: Cli, ask: Ask, given: bytes) -> None:
    refused = cli("user", "add", "ada@example.com", "--password-file", "-", given=given)
    assert refused.exit_code == 1
    assert ask("user", "list")["items"] == []


def test_a_file_that_is_not_there_makes_no_user(cli: Cli, ask: Ask) -> None:
    assert cli("user", "add", "ada@example.com", "--password-file", "/nowhere").exit_code == 1
    assert ask("user", "list")["items"] == []


@pytest.mark.parametrize("email", ["", "ada", "a@b@c", "a\nb@example.com", "x" * 100_000, "\u202e@example.com"])
def test_what_is_no_address_is_refused(cli: Cli, ask: Ask, email: str) -> None:
    refused = cli("user", "add", email, "--json")
    assert (refused.exit_code, json.loads(refused.stdout)["field"]) == (1, "email")
    assert cli("user", "edit", email, "--name", "x").exit_code == 1
    assert ask("user", "list")["items"] == []


def test_workspaces_are_added_renamed_and_deleted(ask: Ask, cli: Cli) -> None:
    assert ask("workspace", "add", "Marketing")["id"] == 2
    assert ask("workspace", "rename", "2", "Sales")["name"] == "Sales"
    assert [one["name"] for one in ask("workspace", "list")["items"]] == ["Default", "Sales"]
    assert cli("workspace", "add", "SALES").exit_code == 1
    assert cli("workspace", "rm", "2").exit_code == 0
    assert cli("workspace", "rm", "1").exit_code == 1
    assert cli("workspace", "rename", "7", "x").exit_code == 1


def test_members_come_change_and_go(ask: Ask, cli: Cli) -> None:
    ask("user", "add", "ada@example.com")
    assert ask("workspace", "member", "add", "1", "ada@example.com", "viewer")["role"] == "viewer"
    assert ask("workspace", "member", "role", "1", "ADA@example.com", "admin")["role"] == "admin"
    (listed,) = ask("workspace", "member", "list", "1")["items"]
    assert (listed["email"], listed["role"]) == ("ada@example.com", "admin")
    assert cli("workspace", "member", "add", "1", "ada@example.com", "viewer").exit_code == 1
    assert cli("workspace", "member", "role", "1", "ada@example.com", "owner").exit_code == 1
    assert cli("workspace", "member", "rm", "1", "ada@example.com").exit_code == 0
    assert cli("workspace", "member", "list", "1").stdout == ""
    assert cli("workspace", "member", "list", "9").exit_code == 1


def test_what_is_done_is_in_the_audit_log(ask: Ask, cli: Cli) -> None:
    ask("user", "add", "ada@example.com", "--workspace", "1")
    log = cli("audit", "--json").output
    assert "user.created" in log
    assert '"cli"' in log
