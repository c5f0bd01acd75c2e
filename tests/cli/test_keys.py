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


def test_the_key_that_is_made_without_more_words_may_do_everything(ask: Ask) -> None:
    made = ask("key", "create", "all")
    assert (made["scopes"], made["installation"], made["only_own"]) == (["admin"], True, False)
    assert ask("key", "create", "bounded", "--scope", "admin")["installation"] is False
    assert ask("key", "create", "also", "--scope", "admin", "--installation")["installation"] is True


def test_a_restricted_key_says_what_it_is_restricted_to(ask: Ask, cli: Cli) -> None:
    made = ask("key", "create", "shop", "--domain", "go.example", "--tag", "shop", "--own", "--expires", "+30d")
    assert made["scopes"] == ["links:write", "stats:read"]
    assert (made["only_domain"], made["only_tag"], made["only_own"]) == ("go.example", "shop", True)
    assert made["expires_at"] is not None
    assert ask("key", "create", "home", "--domain", "s.example")["only_domain"] == ""
    for options in (
        ("--tag", "shop", "--scope", "admin"),
        ("--scope", "everything"),
        ("--domain", "other.example"),
        ("--expires", "-1d"),
        ("--expires", "soon"),
        ("--scope", "links:read", "--installation"),
        ("--workspace", "2"),
    ):
        refused = cli("key", "create", "bad", *options)
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert refused.stderr.startswith("error: ")
    assert cli("key", "create", "bad", "--workspace", "0").exit_code == 2


def test_a_rotated_key_is_alone_on_stdout(cli: Cli, ask: Ask) -> None:
    old = cli("key", "create", "reporting").stdout.strip()
    rotated = cli("key", "rotate", "reporting", "--overlap-h", "24")
    new = rotated.stdout.removesuffix("\n")
    assert is_key(new)
    assert new != old
    assert ask("key", "list")["items"][0]["hint"] == new[:8]
    assert cli("key", "rotate", "nothing").exit_code == 1
    assert cli("key", "rotate", "reporting", "--overlap-h", "25").exit_code == 2


def test_the_audit_log_tells_what_was_done_to_keys(cli: Cli, ask: Ask) -> None:
    cli("key", "create", "reporting")
    cli("key", "rotate", "reporting")
    cli("key", "revoke", "reporting")
    items = ask("audit")["items"]
    assert [item["action"] for item in items] == ["key.revoked", "key.rotated", "key.created"]
    assert {item["actor"] for item in items} == {"cli"}
    assert [item["action"] for item in ask("audit", "--action", "key.created", "--since", "-1h")["items"]] == [
        "key.created"
    ]
    assert ask("audit", "--until", "-1h")["items"] == []
    assert ask("audit", "--workspace", "7")["items"] == []
    exported = cli("audit", "--export").stdout.splitlines()
    assert [json.loads(line)["action"] for line in exported] == ["key.created", "key.rotated", "key.revoked"]
    shown = cli("audit", "--limit", "1")
    assert shown.stdout.count("\n") == 1
    assert "There are more" in shown.stderr
    assert cli("audit", "--since", "yesterday").exit_code == 1
