"""Domains on the command line."""

import json

from tests.cli.runs import Ask, Cli


def test_domains_are_added_listed_assigned_and_removed(ask: Ask, cli: Cli) -> None:
    team = ask("workspace", "add", "Team")["id"]
    assert ask("domain", "add", "Links.Example", "--workspace", str(team))["workspace_id"] == team
    assert [(one["host"], one["workspace_id"], one["configured"]) for one in ask("domain", "list")["items"]] == [
        ("s.example", None, True),
        ("go.example", None, True),
        ("links.example", team, False),
    ]
    refused = cli("add", "https://example.com", "--domain", "links.example", "--json")
    assert (refused.exit_code, json.loads(refused.stdout)["code"]) == (1, "unknown_domain")
    assert ask("domain", "assign", "links.example", "--all")["workspace_id"] is None
    made = cli("add", "https://example.com", "--slug", "ab", "--domain", "links.example")
    assert made.stdout == "https://links.example/ab\n", made.stderr
    assert json.loads(cli("domain", "rm", "links.example", "--json").stdout)["code"] == "domain_in_use"
    assert cli("rm", "https://links.example/ab", "--yes").exit_code == 0
    assert cli("domain", "rm", "links.example").stderr == "removed links.example\n"
    assert len(ask("domain", "list")["items"]) == 2


def test_it_has_to_be_said_to_whom_a_domain_goes(cli: Cli) -> None:
    for given in ((), ("--all", "--workspace", "1")):
        refused = cli("domain", "assign", "go.example", *given)
        assert (refused.exit_code, refused.stderr) == (1, "error: Give either --workspace ID or --all.\n")
    assert cli("domain", "add", "not a host").exit_code == 1
