"""API keys on the command line."""

import json

import pytest
from tests.cli.runs import Ask, Cli

from shortly.accounts.keys import is_key


def test_a_new_key_is_alone_on_stdout_and_never_shown_again(cli: Cli) -> None:
    made = cli("key", "create", "reporting")
    secret = made.stdout.removesuffix("\n")
    assert made.exit_code == 0
    assert is_key(secret)
    assert secret not in made.stderr
    for options in ((), ("--json",)):
        assert secret not in cli("key", "list", *options).output


def test_keys_are_listed_with_their_beginnings(ask: Ask) -> None:
    made = ask("key", "create", "reporting")
    (listed,) = ask("key", "list")["items"]
    assert made.pop("key").startswith(listed["hint"])
    assert listed == made
    assert (listed["name"], listed["revoked_at"]) == ("reporting", None)


def test_a_key_is_revoked_by_its_name_or_its_id(ask: Ask, cli: Cli) -> None:
    first, second = ask("key", "create", "first"), ask("key", "create", "second")
    assert ask("key", "revoke", "first")["revoked_at"]
    assert cli("key", "revoke", str(second["id"])).exit_code == 0
    assert all(key["revoked_at"] for key in ask("key", "list")["items"])
    again = cli("key", "revoke", str(first["id"]), "--json")
    assert (again.exit_code, json.loads(again.stdout)["code"]) == (1, "key_not_found")


@pytest.mark.parametrize("name", ["", "  ", "a\0b", "a\nb", "x" * 100_000, "\u202e"])
def test_a_bad_name_makes_no_key(ask: Ask, cli: Cli, name: str) -> None:
    refused = cli("key", "create", name, "--json")
    assert refused.exit_code == 1
    assert json.loads(refused.stdout)["field"] == "name"
    assert cli("key", "revoke", name).exit_code == 1
    assert ask("key", "list")["items"] == []


def test_a_name_is_given_once(cli: Cli) -> None:
    cli("key", "create", "reporting")
    refused = cli("key", "create", "reporting")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr == "error: An API key named 'reporting' exists already.\n"
