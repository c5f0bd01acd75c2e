"""Links out of files and into them."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from tests.api.served import Served

IMPORTS = "/api/v1/imports"
EXPORTS = "/api/v1/exports/links"


def imported(served: Served, *rows: Any, **fields: Any) -> list[dict[str, Any]]:
    answer = served.client.post(IMPORTS, json={"rows": list(rows), **fields})
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


def row(slug: str | None = None, target: str = "https://example.com/", **fields: Any) -> dict[str, Any]:
    return {"target": target, **({} if slug is None else {"slug": slug}), **fields}


def test_a_dry_run_says_what_would_happen_and_changes_nothing(served: Served) -> None:
    served.add("there", title="old")
    rows = [row("new"), row("there", title="x"), row("new"), row("a b"), {"slug": "x"}, row("y", "javascript:1"), 7]
    found = imported(served, *rows, dry_run=True)
    assert [one["outcome"] for one in found] == ["created", "exists", "exists"] + ["refused"] * 4
    assert [one["error"]["code"] for one in found[3:5]] == ["invalid_slug", "invalid_input"]
    assert served.slugs() == ["there"]
    assert imported(served, row("there", max_clicks=-1), existing="overwrite", dry_run=True)[0]["outcome"] == "refused"
    assert imported(served, row("there"), existing="overwrite", dry_run=True)[0]["outcome"] == "overwritten"
    assert served.client.get("/api/v1/links/there").json()["title"] == "old"


@pytest.mark.parametrize(
    ("existing", "outcome", "title"), [("skip", "exists", "old"), ("overwrite", "overwritten", "new")]
)
def test_what_is_there_already_is_treated_as_asked(served: Served, existing: str, outcome: str, title: str) -> None:
    served.add("ab", title="old")
    assert imported(served, row("ab", title="new"), existing=existing)[0]["outcome"] == outcome
    assert served.client.get("/api/v1/links/ab").json()["title"] == title


def test_what_is_there_already_can_be_refused(served: Served) -> None:
    served.add("ab")
    (one,) = imported(served, row("ab"), existing="refuse")
    assert (one["outcome"], one["error"]["code"]) == ("refused", "slug_taken")


def test_the_same_rows_twice_change_nothing_the_second_time(served: Served) -> None:
    rows = [row("ab"), row(None, "https://example.com/a"), row(None, "https://example.com/b", tags=["x"])]
    assert [one["outcome"] for one in imported(served, *rows)] == ["created"] * 3
    before = sorted(served.slugs())
    again = imported(served, *rows)
    assert [one["outcome"] for one in again] == ["exists"] * 3
    assert sorted(served.slugs()) == before
    assert all(one["short_url"] for one in again)


def test_too_many_rows_at_once_are_refused(served: Served) -> None:
    answer = served.client.post(IMPORTS, json={"rows": [row()] * 501})
    assert answer.status_code == 422
    assert served.client.post(IMPORTS, json={"rows": []}).status_code == 422


def test_an_export_holds_everything_and_comes_back_as_it_was(served: Served) -> None:
    fields: dict[str, Any] = {"title": 'a, "b"', "tags": ["x", "y"], "max_clicks": 7, "notes": "ü\nc"}
    served.add("ab", **fields)
    served.add("off", archived=True)
    rows = list(csv.DictReader(io.StringIO(served.client.get(EXPORTS).text)))
    assert [one["slug"] for one in rows] == ["ab", "off"]
    assert (rows[0]["title"], rows[0]["tags"], rows[0]["max_clicks"]) == ('a, "b"', "x,y", "7")
    lines = served.client.get(EXPORTS, params={"format": "json"}).text.splitlines()
    served.client.post("/api/v1/bulk/links/delete", json={"links": [{"slug": "ab"}, {"slug": "off"}]})
    assert [one["outcome"] for one in imported(served, *map(json.loads, lines))] == ["created"] * 2
    link = served.client.get("/api/v1/links/ab").json()
    assert {name: link[name] for name in fields} == fields
    assert served.client.get("/api/v1/links/off").json()["archived"] is True


def test_an_export_of_a_filter_has_what_fits_over_several_pages(served: Served) -> None:
    rows = [row(f"s{number}", tags=["x"] if number % 2 else []) for number in range(1_200)]
    for start in range(0, len(rows), 400):
        imported(served, *rows[start : start + 400])
    text = served.client.get(EXPORTS, params={"tag": "x"}).text
    assert sorted(one["slug"] for one in csv.DictReader(io.StringIO(text))) == sorted(
        f"s{n}" for n in range(1, 1_200, 2)
    )


@pytest.mark.parametrize("title", ["=1+1", "+1", "-1", "@SUM(A1)", "＝1+1", "＠SUM(A1)", "=cmd|' /C calc'!A0"])
def test_no_cell_is_a_formula(served: Served, title: str) -> None:
    served.add("ab", title=title)
    (one,) = csv.DictReader(io.StringIO(served.client.get(EXPORTS).text))
    assert one["title"] == f"'{title}"


def test_a_bad_filter_is_refused_before_the_file_begins(served: Served) -> None:
    assert served.client.get(EXPORTS, params={"domain": "no.example"}).status_code == 422
    assert served.client.get(EXPORTS, params={"format": "xml"}).status_code == 422
