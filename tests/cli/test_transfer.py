"""Links out of an installation as a file, and into another one: on either store, everything comes back as it was."""

from __future__ import annotations

import csv
import json
import os
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from tests.cli.runs import Ask, Cli, Execute
from tests.store.redis_servers import single_server

FIELDS = (
    "slug",
    "target",
    "domain",
    "title",
    "notes",
    "tags",
    "folder",
    "owner",
    "workspace",
    "valid_from",
    "expires_at",
    "max_clicks",
    "fallback_target",
    "status",
    "forward_query",
    "crawlable",
    "enabled",
    "archived",
    "cache_s",
    "referrer_policy",
)
HARD: list[dict[str, Any]] = [
    {"target": "https://example.com/?a=1,2&b=%22", "slug": "plain"},
    {"target": "https://example.com/", "slug": "formula", "title": "=1+1", "notes": 'a\n\'=2\n"b"', "folder": "@x"},
    {"target": "https://example.com/", "slug": "quoted", "title": "'=1", "tags": ["a,b", 'c"d', "ü", "-e"]},
    {
        "target": "https://example.com/",
        "slug": "all",
        "domain": "go.example",
        "valid_from": "2026-01-31T08:00:00.125+00:00",
        "expires_at": "2199-01-01T00:00:00+00:00",
        "max_clicks": 7,
        "fallback_target": "https://example.org/",
        "status": 307,
        "forward_query": True,
        "crawlable": True,
        "enabled": False,
        "cache_s": 0,
        "referrer_policy": "no-referrer",
    },
    {"target": "https://example.com/", "slug": "old", "archived": True, "workspace": 3},
]


@pytest.fixture(params=["sqlite", pytest.param("redis", marks=pytest.mark.slow)])
def anew(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what makes the installation another, empty one."""
    if request.param == "redis":
        with single_server() as server, single_server() as other:
            monkeypatch.setenv("STORE_URL", server.url)
            yield lambda: monkeypatch.setenv("STORE_URL", other.url)
    else:
        yield lambda: monkeypatch.setenv("DATA_DIR", str(tmp_path / "other"))


def all_links(ask: Ask) -> list[dict[str, Any]]:
    """Return all links, but for what belongs to one installation."""
    found = [*ask("list", "--all")["items"], *ask("list", "--all", "--state", "archived")["items"]]
    return sorted(({name: link[name] for name in FIELDS} for link in found), key=lambda link: str(link["slug"]))


def add_workspaces(ask: Ask) -> None:
    """Make those with the numbers 2 and 3."""
    for name in ("Two", "Three"):
        ask("workspace", "add", name)


@pytest.mark.parametrize("form", ["csv", "json"])
def test_an_export_comes_back_as_it_was(anew: Any, ask: Ask, cli: Cli, tmp_path: Path, form: str) -> None:
    add_workspaces(ask)
    assert cli("import", "-", given="\n".join(map(json.dumps, HARD))).exit_code == 0
    before = all_links(ask)
    assert len(before) == len(HARD)
    result = cli("export", "--format", form)
    assert (result.exit_code, result.stderr) == (0, "5 links\n")
    file = tmp_path / "links"
    file.write_bytes(result.stdout_bytes)
    anew()
    assert all_links(ask) == []
    add_workspaces(ask)
    result = cli("import", str(file))
    assert (result.exit_code, result.stderr) == (0, "5 created, 0 overwritten, 0 exists, 0 refused\n")
    assert all_links(ask) == before
    assert cli("import", str(file)).stderr == "0 created, 0 overwritten, 5 exists, 0 refused\n"
    assert all_links(ask) == before


def test_an_export_has_what_fits_over_several_pages(anew: Any, cli: Cli) -> None:
    rows: list[dict[str, Any]] = [
        {"target": "https://example.com/", "slug": f"s{n}", "tags": ["odd"] if n % 2 else []} for n in range(1_300)
    ]
    rows += [{**rows[1], "slug": "kept", "archived": True}]
    assert cli("import", "-", given="\n".join(map(json.dumps, rows))).exit_code == 0
    every = list(csv.DictReader(StringIO(cli("export").stdout)))
    assert [row["slug"] for row in every] == [str(row["slug"]) for row in rows]
    assert every[-1]["archived"] == "true"
    lines = cli("export", "--format", "json", "--tag", "odd", "--state", "active").stdout.splitlines()
    assert [json.loads(line)["slug"] for line in lines] == [f"s{n}" for n in range(1, 1_300, 2)]


def test_a_link_with_a_password_is_not_open_where_it_comes_to(anew: Any, ask: Ask, cli: Cli, tmp_path: Path) -> None:
    rows = [
        {"target": "https://example.com/", "slug": "locked", "password": "ten brown owls"},
        {"target": "https://example.com/", "slug": "open"},
    ]
    assert cli("import", "-", given="\n".join(map(json.dumps, rows))).exit_code == 0
    file = tmp_path / "links.csv"
    file.write_bytes(cli("export").stdout_bytes)
    assert b"argon2" not in file.read_bytes()
    assert cli("import", str(file)).stderr == "0 created, 0 overwritten, 2 exists, 0 refused\n"
    anew()
    for command in ("import", "add --from"):
        result = cli(*command.split(), str(file))
        assert result.exit_code == 1
        assert "line 2: This link had a password, which no export contains" in result.stderr
    assert [link["slug"] for link in all_links(ask)] == ["open"]
    table = list(csv.DictReader(StringIO(file.read_text())))
    table[0]["password"] = "nine white owls"
    with file.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, [*table[1], "password"])
        writer.writeheader()
        writer.writerows(table)
    assert cli("import", str(file)).stderr == "1 created, 0 overwritten, 1 exists, 0 refused\n"
    assert ask("show", "locked")["has_password"] is True


def test_a_file_without_links_is_a_header(cli: Cli) -> None:
    assert cli("export").stdout.startswith("target,slug,domain,")
    assert cli("export", "--format", "json").stdout == ""


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--format", "xml"), 2),
        (("--state", "gone"), 2),
        (("--workspace", "0"), 2),
        (("--domain", "no.example"), 1),
        (("--created-since", "soon"), 1),
        (("--search", "x" * 300), 1),
        (("--tag", "a\0b"), 0),
    ],
)
def test_a_bad_filter_is_one_sentence_and_no_file(cli: Cli, options: tuple[str, ...], code: int) -> None:
    result = cli("export", *options)
    assert result.exit_code == code
    if code:
        assert result.stdout == ""
        assert "rror" in result.stderr


def test_what_is_there_already_is_treated_as_asked(ask: Ask, cli: Cli) -> None:
    add_workspaces(ask)
    ask("add", "https://example.com/", "--slug", "ab", "--title", "old")
    ask("add", "https://example.com/", "--slug", "theirs", "--workspace", "2")
    given = '{"target": "https://example.org/", "slug": "ab", "title": "new"}'
    for options, outcome, title in (
        ((), "exists", "old"),
        (("--existing", "refuse"), "refused", "old"),
        (("--existing", "overwrite", "--dry-run"), "overwritten", "old"),
        (("--existing", "overwrite"), "overwritten", "new"),
    ):
        result = cli("import", "-", "--json", *options, given=given)
        assert json.loads(result.stdout)["outcome"] == outcome
        assert result.exit_code == (outcome == "refused")
        assert ask("show", "ab")["title"] == title
    given = '{"target": "https://example.org/", "slug": "theirs"}'
    result = cli("import", "-", "--existing", "overwrite", given=given)
    assert (result.exit_code, ask("show", "theirs")["target"]) == (1, "https://example.com/"), "of another workspace"


def test_a_dry_run_names_what_is_wrong_and_changes_nothing(ask: Ask, cli: Cli) -> None:
    rows = [
        b'{"target": "https://example.com/", "slug": "new"}',
        b'{"target": "javascript:1", "slug": "bad"}',
        b'{"slug": "x"}',
        b'{"target": ["x"]}',
        b'{"target": "https://example.com/", "tags": 7}',
        b"nonsense",
        b'{"target": "https://example.com/\xff"}',
    ]
    result = cli("import", "-", "--dry-run", "--json", given=b"\n".join(rows))
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [answer["outcome"] for answer in answers] == ["created"] + ["refused"] * 6
    assert [answer["line"] for answer in answers] == list(range(1, 8))
    assert answers[0]["short_url"] is None
    assert result.exit_code == 1
    assert result.stderr == "1 created, 0 overwritten, 0 exists, 6 refused; nothing was changed\n"
    assert ask("list")["items"] == []


def test_links_and_changes_are_noted(ask: Ask, cli: Cli) -> None:
    add_workspaces(ask)
    given = '{"target": "https://example.org/", "slug": "ab", "workspace": 2}'
    cli("import", "-", given=given)
    cli("import", "-", "--existing", "overwrite", given=given)
    entries = ask("audit", "--workspace", "2")["items"]
    assert [(entry["action"], entry["actor"]) for entry in entries] == [("link.edited", "cli"), ("link.created", "cli")]


def test_files_are_utf_8_whatever_the_terminal_speaks(ask: Ask, execute: Execute) -> None:
    ask("add", "https://example.com/", "--slug", "ab", "--title", "ü→😀")
    result = execute("export", env={**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"})
    assert result.returncode == 0, result.stderr
    assert "ü→😀" in result.stdout.decode()
    assert result.stderr == b"1 links\n"
