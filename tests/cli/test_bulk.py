"""Links from files: every record gets its answer, and a bad one is never in the way of its neighbours."""

import csv
import json
import re
from pathlib import Path

import pytest
from tests.cli.runs import Ask, Cli

from shortly.cells import harmless
from shortly.cli.imports import FIELDS
from shortly.links.importing import COLUMNS, TAKEN

CSV = """\
target,slug,title,tags,expires_at,max_clicks,enabled
https://example.com/1,one,"Eins, zwei","a, b",2199-01-01,5,no
https://example.com/2,two,,,,,
"""


def test_a_csv_file_makes_a_link_of_each_record(ask: Ask, cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "links.csv"
    file.write_text(CSV, encoding="utf-8-sig")
    result = cli("add", "--from", str(file))
    assert (result.exit_code, result.stdout) == (0, "https://s.example/one\nhttps://s.example/two\n")
    assert result.stderr == "2 made, 0 refused\n"
    link = ask("show", "one")
    assert (link["title"], link["tags"], link["max_clicks"], link["enabled"]) == ("Eins, zwei", ["a", "b"], 5, False)
    assert link["expires_at"] == "2199-01-01T00:00:00Z"


def test_what_an_export_writes_for_spreadsheets_comes_back_as_it_was(ask: Ask, cli: Cli, tmp_path: Path) -> None:
    titles = ["=1+1", "+49", "-5", "@home", "'quoted'", "'=1", "''-1", "plain"]
    file = tmp_path / "links.csv"
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["target", "slug", "title"])
        writer.writerows([["https://example.com/", f"s{nth}", harmless(title)] for nth, title in enumerate(titles)])
    assert "'=1+1" in file.read_text()
    assert cli("add", "--from", str(file)).exit_code == 0
    assert [ask("show", f"s{nth}")["title"] for nth in range(len(titles))] == titles


def test_command_line_and_web_app_take_the_columns_of_an_export() -> None:
    assert (*COLUMNS, "workspace") == FIELDS
    source = (Path(__file__).parents[2] / "web/src/features/transfer/rows.ts").read_text()
    listed = source.partition("export const FIELDS = [")[2].partition("]")[0]
    assert tuple(re.findall(r'"(\w+)"', listed)) == TAKEN


def test_json_lines_make_a_link_of_each_object(ask: Ask, cli: Cli) -> None:
    lines = '\n{"target": "https://example.com/1", "slug": "one", "tags": ["x"], "expires_at": "2199-01-01"}\n\n'
    result = cli("add", "--from", "-", "--json", given=lines)
    assert result.exit_code == 0
    (answer,) = map(json.loads, result.stdout.splitlines())
    assert (answer["line"], answer["error"]) == (2, None)
    assert answer["link"] == ask("show", "one")


def test_records_say_their_workspace_or_get_the_one_that_is_named(cli: Cli, ask: Ask, tmp_path: Path) -> None:
    for name in ("Two", "Three"):
        ask("workspace", "add", name)
    file = tmp_path / "links.csv"
    records = ("a,", "b,3", "c,65536", "d,0", "e,x", "f,2")
    file.write_text("\n".join(["target,slug,workspace", *(f"https://example.com,{record}" for record in records)]))
    result = cli("add", "--from", str(file), "--workspace", "2")
    assert result.stdout.splitlines() == ["https://s.example/a", "https://s.example/b", "https://s.example/f"]
    assert [ask("show", slug)["workspace"] for slug in "abf"] == [2, 3, 2]
    assert result.stderr.count("workspace") == 3
    given = [json.dumps({"target": "https://example.com", "workspace": number}) for number in (3, None, "7", True, 0)]
    result = cli("add", "--from", "-", "--json", given="\n".join(given))
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [answer["link"] and answer["link"]["workspace"] for answer in answers] == [3, 1, None, None, None]
    assert {answer["error"]["field"] for answer in answers[2:]} == {"workspace"}


@pytest.mark.parametrize("command", [("add", "--from"), ("import",)])
def test_records_for_a_workspace_that_is_not_there_are_refused_alone(ask: Ask, cli: Cli, command: list[str]) -> None:
    given = "target,slug,workspace\nhttps://example.com,a,7\nhttps://example.com,b,\nhttps://example.com,c,7\n"
    result = cli(*command, "-", given=given)
    assert result.exit_code == 1
    assert [line for line in result.stderr.splitlines() if line.startswith("line ")] == [
        "line 2: There is no workspace '7'.",
        "line 4: There is no workspace '7'.",
    ]
    assert [link["slug"] for link in ask("list")["items"]] == ["b"]


def test_bad_records_are_named_and_their_neighbours_stored(ask: Ask, cli: Cli) -> None:
    lines = [
        b'{"target": "https://example.com/1", "slug": "ok1"}',
        b"nonsense",
        b'{"target": "javascript:alert(1)"}',
        b'{"target": "https://example.com/\xff"}',
        b'{"target": "https://example.com/\\u0000"}',
        b'{"target": "https://example.com/\\ud800"}',
        b'["https://example.com"]',
        b'{"target": null}',
        b'{"target": 7, "slug": {}}',
        b'{"target": "https://example.com", "slug": 7}',
        b'{"target": "https://example.com", "domain": 7}',
        b'{"target": "https://example.com", "owner": "key:1"}',
        b'{"target": "https://example.com", "id": 1}',
        b'{"target": "https://example.com", "expires_at": "soon"}',
        b'{"target": "https://example.com", "expires_at": 4}',
        b'{"target": "https://example.com", "tags": ' + json.dumps(["x"] * 100_000).encode() + b"}",
        b'{"target": "https://example.com/' + b"x" * 2_000_000 + b'"}',
        b"[" * 100_000,
        b'{"target": "https://example.com", "a": ' + b"[" * 100_000,
        b'{"target": "https://example.com/2", "slug": "ok1"}',
        b'{"target": "https://example.com/2", "slug": "ok2"}',
    ]
    result = cli("add", "--from", "-", "--json", given=b"\n".join(lines))
    assert result.exit_code == 1
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [answer["line"] for answer in answers] == list(range(1, len(lines) + 1))
    assert [answer["line"] for answer in answers if answer["error"] is None] == [1, len(lines)]
    assert answers[-2]["error"]["code"] == "slug_taken"
    assert all(len(answer["error"]["detail"]) < 1000 for answer in answers if answer["error"])
    assert result.stderr == f"2 made, {len(lines) - 2} refused\n"
    assert len(ask("list")["items"]) == 2


def test_bad_csv_records_are_named_with_their_lines(cli: Cli) -> None:
    records = (
        b"slug,target,max_clicks,crawlable\n"
        b"a,https://example.com/1,,\n"
        b'b,"https://example.com/\n2",,\n'
        b"c,https://example.com/3,many,\n"
        b"d,https://example.com/3,,perhaps\n"
        b"e,https://example.com/3,,,,surplus\n"
        b"f,https://example.com/\xff,,\n"
        b"g\0,https://example.com/\0,,\n"
        b"h\n"
        b"i," + b"x" * 2_000_000 + b",,\n"
        b"j,https://example.com/4,,yes\n"
    )
    result = cli("add", "--from", "-", given=records)
    assert result.exit_code == 1
    assert result.stdout == "https://s.example/a\nhttps://s.example/j\n"
    complaints = result.stderr.splitlines()
    assert [line.partition(":")[0] for line in complaints[:-1]] == [f"line {n}" for n in (4, 5, 6, 7, 8, 9, 10, 11)]
    assert complaints[-1] == "2 made, 8 refused"


@pytest.mark.parametrize(
    "content",
    [b"url,slug\nx,y\n", b"target,target\nx,y\n", b"\xff\xfet\0a\0", b"slug\na\n", b"https://example.com\n", b"[1]\n"],
)
def test_a_file_without_a_proper_header_is_refused_as_a_whole(ask: Ask, cli: Cli, content: bytes) -> None:
    result = cli("add", "--from", "-", given=content)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "error: The header " in result.stderr
    assert ask("list")["items"] == []


def test_an_empty_file_makes_nothing(cli: Cli) -> None:
    result = cli("add", "--from", "-", given=b"\n \n")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "0 made, 0 refused\n")


@pytest.mark.parametrize("name", ["missing.csv", "."])
def test_a_file_that_cannot_be_read_is_one_sentence(cli: Cli, tmp_path: Path, name: str) -> None:
    result = cli("add", "--from", str(tmp_path / name))
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].startswith("error: ")
