"""Lists of links on the command line: filtered, sorted, page by page or all at once."""

import json

import pytest
from tests.cli.runs import Ask, Cli


@pytest.fixture
def garden(ask: Ask) -> None:
    for slug, title, tags, folder in (
        ("rose", "Rose", ("red", "thorns"), "bed"),
        ("tulip", "Tulpe", ("red",), "bed"),
        ("fern", "Farn", (), "shade"),
    ):
        options = [part for tag in tags for part in ("--tag", tag)]
        ask("add", f"https://example.com/{slug}", "--slug", slug, "--title", title, "--folder", folder, *options)
    ask("add", "https://example.com/moss", "--slug", "moss", "--domain", "go.example", "--archived")


def slugs(page: dict[str, list[dict[str, str]]]) -> list[str]:
    return [link["slug"] for link in page["items"]]


@pytest.mark.usefixtures("garden")
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), ["fern", "tulip", "rose"]),
        (("--sort", "slug"), ["fern", "rose", "tulip"]),
        (("--sort", "-title"), ["tulip", "rose", "fern"]),
        (("--search", "tulp"), ["tulip"]),
        (("--tag", "red"), ["tulip", "rose"]),
        (("--tag", "red", "--tag", "thorns"), ["rose"]),
        (("--folder", "shade"), ["fern"]),
        (("--state", "archived"), ["moss"]),
        (("--state", "archived", "--domain", "go.example"), ["moss"]),
        (("--domain", "go.example"), []),
        (("--owner", "key:1"), []),
        (("--created-since", "-1h"), ["fern", "tulip", "rose"]),
        (("--created-until", "-1h"), []),
        (("--created-since", "+1h"), []),
    ],
)
def test_filters_and_sorts_are_those_of_the_api(ask: Ask, options: tuple[str, ...], expected: list[str]) -> None:
    assert slugs(ask("list", *options)) == expected


@pytest.mark.usefixtures("garden")
def test_pages_follow_one_another(ask: Ask) -> None:
    first = ask("list", "--limit", "2", "--sort", "slug")
    second = ask("list", "--limit", "2", "--sort", "slug", "--cursor", first["next_cursor"])
    assert (slugs(first), slugs(second), second["next_cursor"]) == (["fern", "rose"], ["tulip"], None)


@pytest.mark.usefixtures("garden")
def test_in_a_pipe_each_link_is_a_line_of_tab_separated_fields(cli: Cli) -> None:
    lines = cli("list", "--sort", "slug").stdout.splitlines()
    assert [line.split("\t")[:3] for line in lines] == [
        [f"https://s.example/{slug}", f"https://example.com/{slug}", "0"] for slug in ("fern", "rose", "tulip")
    ]
    assert lines[1].split("\t")[4:] == ["Rose", "red,thorns"]


def test_all_pages_come_at_once(ask: Ask, cli: Cli) -> None:
    records = "".join(f'{{"target": "https://example.com/{n}", "slug": "s{n}"}}\n' for n in range(1001))
    assert cli("add", "--from", "-", given=records).exit_code == 0
    everything = ask("list", "--all")
    assert len({link["slug"] for link in everything["items"]}) == 1001
    assert everything["next_cursor"] is None
    assert len(cli("list", "--all").stdout.splitlines()) == 1001
    assert len(cli("list", "--limit", "500").stdout.splitlines()) == 500


def test_an_empty_list_is_still_json(ask: Ask, cli: Cli) -> None:
    assert ask("list") == ask("list", "--all") == {"items": [], "next_cursor": None}
    assert cli("list").stdout == ""
    assert json.loads(cli("key", "list", "--json").stdout) == {"items": []}
