"""Links on the command line: made, shown, changed and deleted."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.cli.runs import Ask, Cli

from shortly.api.link_bodies import LinkOut


def test_add_prints_the_short_url_alone(cli: Cli) -> None:
    named = cli("add", "https://example.com/a", "--slug", "spring")
    assert (named.exit_code, named.stdout, named.stderr) == (0, "https://s.example/spring\n", "")
    drawn = cli("add", "https://example.com/a")
    assert drawn.exit_code == 0
    assert len(drawn.stdout.removeprefix("https://s.example/").strip()) == 7


def test_every_field_can_be_given_and_comes_back_under_the_api_s_names(ask: Ask) -> None:
    given = {
        "slug": "all",
        "domain": "go.example",
        "title": "Ein Titel",
        "notes": "two\nlines",
        "folder": "spring",
        "valid-from": "2026-01-01",
        "expires-at": "2199-12-31T18:00+01:00",
        "max-clicks": "7",
        "fallback-target": "https://example.com/gone",
        "status": "308",
        "cache-s": "60",
        "referrer-policy": "no-referrer",
    }
    options = [part for name, value in given.items() for part in (f"--{name}", value)]
    link = ask(
        "add",
        "https://example.com/b",
        *options,
        *("--tag", "x", "--tag", "a", "--forward-query", "--crawlable", "--disabled", "--archived"),
    )
    assert list(link) == list(LinkOut.model_fields)
    assert {name: link[name] for name in ("short_url", "domain", "tags", "title", "notes", "folder", "status")} == {
        "short_url": "https://go.example/all",
        "domain": "go.example",
        "tags": ["a", "x"],
        "title": "Ein Titel",
        "notes": "two\nlines",
        "folder": "spring",
        "status": 308,
    }
    assert (link["valid_from"], link["expires_at"]) == ("2026-01-01T00:00:00Z", "2199-12-31T17:00:00Z")
    assert (link["max_clicks"], link["cache_s"], link["referrer_policy"]) == (7, 60, "no-referrer")
    assert (link["forward_query"], link["crawlable"], link["enabled"], link["archived"]) == (True, True, False, True)
    assert (link["owner"], link["clicks"], link["state"]) == ("", 0, "archived")
    assert ask("show", "all", "--domain", "go.example") == link
    assert ask("show", "https://go.example/all") == link


def test_a_link_is_made_in_the_workspace_that_is_named(ask: Ask, cli: Cli) -> None:
    ask("workspace", "add", "Team")
    assert ask("add", "https://example.com/a", "--slug", "one")["workspace"] == 1
    assert ask("add", "https://example.com/a", "--slug", "two", "--workspace", "2")["workspace"] == 2
    found = ask("add", "https://example.com/a", "--find-if-exists", "--workspace", "2")
    assert found["slug"] == "two"
    assert ask("show", "two")["workspace"] == 2
    options: list[tuple[str, ...]] = [(), *(("--workspace", number) for number in "123")]
    listed = [{link["slug"] for link in ask("list", *some)["items"]} for some in options]
    assert listed == [{"one", "two"}, {"one"}, {"two"}, set()]
    for wrong in ("0", "65536", "-1", "x"):
        assert cli("add", "https://example.com/a", "--workspace", wrong).exit_code == 2
        assert cli("stats", "--workspace", wrong).exit_code == 2
    assert ask("stats", "--workspace", "2")["clicks"] == 0


def test_a_workspace_that_is_not_there_gets_no_links(ask: Ask, cli: Cli) -> None:
    refused = cli("add", "https://example.com", "--workspace", "7", "--json")
    assert (refused.exit_code, json.loads(refused.stdout)["code"]) == (1, "workspace_not_found")
    assert refused.stderr == "error: There is no workspace '7'.\n"
    assert cli("add", "https://example.com", "--find-if-exists", "--workspace", "7").exit_code == 1
    assert cli("stats", "--workspace", "7").exit_code == 1
    assert ask("list")["items"] == []


def test_a_plain_link_can_be_found_again_instead_of_made_twice(cli: Cli) -> None:
    first = cli("add", "https://example.com/once").stdout
    assert cli("add", "https://EXAMPLE.com/once", "--find-if-exists").stdout == first
    assert cli("add", "https://example.com/once").stdout != first
    assert cli("add", "https://example.com/other", "--find-if-exists").exit_code == 0
    assert cli("add", "https://example.com/once", "--find-if-exists", "--title", "x").exit_code == 2


def test_moments_can_be_told_from_now(ask: Ask) -> None:
    link = ask("add", "https://example.com", "--expires-at", "+2d")
    left = datetime.fromisoformat(link["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=1, hours=23) < left <= timedelta(days=2)


def test_edit_changes_what_is_given_and_empties_what_is_cleared(ask: Ask, cli: Cli) -> None:
    ask("add", "https://example.com/a", "--slug", "a", "--title", "old", "--tag", "x", "--max-clicks", "3")
    changed = ask(
        "edit", "a", "--target", "https://example.com/b", "--title", "new", "--clear", "tags", "--clear", "max-clicks"
    )
    assert (changed["target"], changed["title"]) == ("https://example.com/b", "new")
    assert (changed["tags"], changed["max_clicks"], changed["version"]) == ([], None, 2)
    renamed = ask("edit", "a", "--slug", "b")
    assert (renamed["slug"], renamed["aliases"]) == ("b", ["a"])
    assert ask("show", "a") == renamed
    shown = cli("show", "b").stdout.splitlines()
    assert "title\tnew" in shown
    assert "aliases\ta" in shown


def test_edit_with_an_old_version_changes_nothing(ask: Ask, cli: Cli) -> None:
    ask("add", "https://example.com/a", "--slug", "a")
    ask("edit", "a", "--title", "first", "--if-version", "1")
    late = cli("edit", "a", "--title", "second", "--if-version", "1", "--json")
    assert late.exit_code == 1
    assert json.loads(late.stdout)["code"] == "link_changed"
    assert ask("show", "a")["title"] == "first"


def test_rm_deletes_each_and_tells_of_those_that_are_not_there(ask: Ask, cli: Cli) -> None:
    for slug in ("a", "b"):
        ask("add", "https://example.com", "--slug", slug)
    result = cli("rm", "a", "missing", "https://s.example/b", "--yes", "--json")
    assert result.exit_code == 1
    assert [(item["slug"], item["deleted"]) for item in json.loads(result.stdout)] == [
        ("a", True),
        ("missing", False),
        ("https://s.example/b", True),
    ]
    assert json.loads(result.stdout)[1]["error"]["code"] == "link_not_found"
    assert "error: There is no link 'missing'." in result.stderr
    assert ask("list")["items"] == []


def test_rm_without_a_terminal_needs_yes(ask: Ask, cli: Cli) -> None:
    ask("add", "https://example.com", "--slug", "a")
    refused = cli("rm", "a", given="y\n")
    assert refused.exit_code == 2
    assert "--yes" in refused.stderr
    assert ask("show", "a")["slug"] == "a"


@pytest.mark.parametrize(
    ("arguments", "code", "field"),
    [
        (("add", "example.com"), "invalid_target", "target"),
        (("add", "javascript:alert(1)"), "invalid_target", "target"),
        (("add", ""), "invalid_target", "target"),
        (("add", "https://s.example/loop"), "invalid_target", "target"),
        (("add", "https://example.com/\r\nX-Evil: 1"), "invalid_target", "target"),
        (("add", "https://example.com/\0"), "invalid_target", "target"),
        (("add", "https://example.com/" + "x" * 1_000_000), "invalid_target", "target"),
        (("add", "https://example.com", "--slug", "api"), "reserved_slug", "slug"),
        (("add", "https://example.com", "--slug", "a/../b"), "invalid_slug", "slug"),
        (("add", "https://example.com", "--slug", "a\0b"), "invalid_slug", "slug"),
        (("add", "https://example.com", "--slug", "x" * 100_000), "invalid_slug", "slug"),
        (("add", "https://example.com", "--domain", "other.example"), "unknown_domain", "domain"),
        (("add", "https://example.com", "--title", "a\x1b[2Jb"), "invalid_input", "title"),
        (("add", "https://example.com", "--title", "x" * 1_000_000), "invalid_input", "title"),
        (("add", "https://example.com", "--max-clicks", "0"), "invalid_input", "max_clicks"),
        (("add", "https://example.com", "--max-clicks", "9" * 100), "invalid_input", "max_clicks"),
        (("add", "https://example.com", "--status", "200"), "invalid_input", "status"),
        (("add", "https://example.com", "--expires-at", "tomorrow"), "invalid_input", "expires_at"),
        (("add", "https://example.com", "--expires-at", "+999999w"), "invalid_input", "expires_at"),
        (("add", "https://example.com", "--expires-at", "0001-01-01T00:00+23:59"), "invalid_input", "expires_at"),
        (("add", "https://example.com", "--expires-at", "2026-12-31\n"), "invalid_input", "expires_at"),
        (("add", "https://example.com", *("--tag", "x") * 51), "invalid_input", "tags"),
        (("show", "missing"), "link_not_found", None),
        (("show", "\0"), "link_not_found", None),
        (("show", "x" * 1_000_000), "link_not_found", None),
        (("show", "https://elsewhere.example/a"), "unknown_domain", "domain"),
        (("show", "http://[::1/a"), "invalid_input", "slug"),
        (("edit", "missing", "--title", "x"), "link_not_found", None),
        (("edit", "missing"), "invalid_input", None),
        (("edit", "missing", "--clear", "target"), "invalid_input", "target"),
        (("edit", "missing", "--clear", "x" * 100_000), "invalid_input", "x" * 64),
        (("edit", "missing", "--clear", "title", "--title", "x"), "invalid_input", "title"),
        (("list", "--limit", "0"), "invalid_input", "limit"),
        (("list", "--limit", "-5"), "invalid_input", "limit"),
        (("list", "--limit", "9" * 1000), "invalid_input", "limit"),
        (("list", "--sort", "target"), "invalid_input", "sort"),
        (("list", "--cursor", "junk"), "invalid_cursor", "cursor"),
        (("list", "--search", "x" * 10_000), "invalid_input", "search"),
        (("list", "--domain", "other.example"), "unknown_domain", "domain"),
        (("list", "--created-since", "junk"), "invalid_input", "created_since"),
    ],
)
def test_bad_input_is_refused_with_one_sentence(
    ask: Ask, cli: Cli, arguments: tuple[str, ...], code: str, field: str | None
) -> None:
    result = cli(*arguments, "--json")
    assert result.exit_code == 1
    problem = json.loads(result.stdout)
    assert (problem["code"], problem["field"]) == (code, field)
    (sentence,) = result.stderr.splitlines()
    assert sentence == f"error: {problem['detail']}"
    assert len(sentence) < 1000
    assert sentence.isprintable()
    assert ask("list")["items"] == []


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nonsense",),
        ("add",),
        ("add", "https://example.com", "https://example.org"),
        ("add", "https://example.com", "--max-clicks", "many"),
        ("add", "https://example.com", "--max-clicks", "9" * 5000),
        ("add", "https://example.com", "--nonsense"),
        ("add", "https://example.com", "--from", "file.csv"),
        ("list", "--state", "asleep"),
        ("show",),
        ("rm",),
        ("edit", "a", "--if-version", "one"),
        ("key",),
        ("key", "create"),
    ],
)
def test_a_wrong_command_line_ends_with_2(cli: Cli, arguments: tuple[str, ...]) -> None:
    result = cli(*arguments)
    assert result.exit_code == 2
    assert "Usage: " in result.stdout + result.stderr


def test_a_password_is_read_from_a_file_and_never_shown(ask: Ask, cli: Cli, tmp_path: Path) -> None:
    words = tmp_path / "words"
    words.write_text("ten brown owls\n")
    made = ask("add", "https://example.com/", "--slug", "ab", "--password-file", str(words))
    assert made["has_password"] is True
    assert ask("edit", "ab", "--password-file", "-", given="nine white owls\n")["has_password"] is True
    shown = cli("show", "ab").stdout
    assert "argon2" not in shown
    assert "owls" not in shown
    assert ask("edit", "ab", "--clear", "password")["has_password"] is False
    prompted = cli("edit", "ab", "--password-prompt", given="ten brown owls\nten brown owls\n")
    assert prompted.exit_code == 0
    assert "owls" not in prompted.stdout + prompted.stderr
    refused = cli("edit", "ab", "--password-file", "-", given="short\n")
    assert (refused.exit_code, refused.stderr) == (1, "error: The password must be text of 8 to 256 characters.\n")
    both = cli("add", "https://example.com/", "--password-file", str(words), "--password-prompt")
    assert both.exit_code == 1
    told = [entry["details"].get("password") for entry in ask("audit", "--subject", "link:/ab")["items"]]
    assert told == ["set", "removed", "set", "set"]


def test_a_link_that_is_there_does_not_stand_in_for_a_protected_one(cli: Cli, tmp_path: Path) -> None:
    words = tmp_path / "words"
    words.write_text("ten brown owls\n")
    result = cli("add", "https://example.com/", "--find-if-exists", "--password-file", str(words))
    assert result.exit_code == 2
