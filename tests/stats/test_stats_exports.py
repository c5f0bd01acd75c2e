"""Exports: what another program reads back is what was counted, and no cell is a formula."""

import csv
import json
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest

from shortly.clicks.visit import Visit
from shortly.errors import InvalidInput
from shortly.stats.exports import Export
from shortly.stats.periods import PeriodQuery
from shortly.stats.service import StatsService

from .conftest import NOW, Fold

pytestmark = pytest.mark.anyio

NOW_MS = int(NOW.timestamp() * 1000)
CREATED = datetime(2026, 11, 1, tzinfo=UTC)
WEEK = PeriodQuery(period="7d", tz="Europe/Berlin")
HOSTILE = [
    "=cmd|' /C calc'!A0",
    "+1",
    "-1",
    "@SUM(A1)",
    "\tx",
    "\rx",
    "\n=1",
    "＝1",
    'a"b,c',
    "two\r\nlines",
    "plain",
    "ünïcödé 🙂",
]


async def read(export: Export) -> str:
    return "".join([chunk async for chunk in export.chunks])


async def read_csv(export: Export) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(await read(export), newline="")))


async def read_lines(export: Export) -> list[dict[str, object]]:
    return [json.loads(line) for line in (await read(export)).splitlines()]


def human(number: int = 0, **fields: Any) -> Visit:
    return Visit(at_ms=NOW_MS - number, link_id=1, visitor=b"visitor!", **fields)


async def test_a_series_is_exported_with_a_line_for_each_bucket(stats: StatsService, fold: Fold) -> None:
    await fold([human(), human(bot="GoogleBot")])
    export = await stats.export(1, CREATED, WEEK, table="series")
    assert export.media_type.startswith("text/csv")
    rows = await read_csv(export)
    assert len(rows) == 7
    assert rows[-1] == {"start": "2026-11-23T00:00:00+01:00", "clicks": "2", "bots": "1", "visitors": "1"}
    lines = await read_lines(await stats.export(1, CREATED, WEEK, table="series", form="jsonl"))
    assert lines[-1] == {"start": "2026-11-23T00:00:00+01:00", "clicks": 2, "bots": 1, "visitors": 1}


async def test_what_is_not_known_is_an_empty_cell_and_null(stats: StatsService) -> None:
    day = PeriodQuery(period="24h")
    assert (await read_csv(await stats.export(1, CREATED, day, table="series")))[0]["visitors"] == ""
    lines = await read_lines(await stats.export(1, CREATED, day, table="series", form="jsonl"))
    assert lines[0]["visitors"] is None


async def test_breakdowns_are_exported_with_what_is_unknown(stats: StatsService, fold: Fold) -> None:
    await fold([human(country="DE"), human(country="DE"), human(country="FR"), human()])
    rows = await read_csv(await stats.export(1, CREATED, WEEK, table="breakdowns", dimensions=["country"]))
    assert [tuple(row.values()) for row in rows] == [
        ("country", "DE", "2", "0.5"),
        ("country", "FR", "1", "0.25"),
        ("country", "(unknown)", "1", "0.25"),
    ]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
async def test_no_cell_of_a_csv_is_a_formula_and_json_is_as_it_was(stats: StatsService, fold: Fold, text: str) -> None:
    await fold([human(utm_source=text)])
    for table in ("visits", "breakdowns"):
        for row in await read_csv(await stats.export(1, CREATED, WEEK, table=table, dimensions=["utm_source"])):
            assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝")) for cell in row.values())
            assert text in row.values() or f"'{text}" in row.values()
        lines = await read_lines(
            await stats.export(1, CREATED, WEEK, table=table, form="jsonl", dimensions=["utm_source"])
        )
        assert text in lines[0].values()


async def test_csv_is_rfc_4180(stats: StatsService, fold: Fold) -> None:
    await fold([human(utm_term='say "hi", twice')])
    text = await read(await stats.export(1, CREATED, WEEK, table="breakdowns", dimensions=["utm_term"]))
    assert text == 'dimension,value,count,share\r\nutm_term,"say ""hi"", twice",1,1.0\r\n'


@pytest.mark.parametrize("form", ["csv", "jsonl"])
async def test_every_visit_is_exported_once_newest_first_without_its_visitor(
    stats: StatsService, fold: Fold, form: str
) -> None:
    await fold([human(number * 1000) for number in range(2_345)])
    export = await stats.export(1, CREATED, WEEK, table="visits", form=form)
    rows = await (read_csv(export) if form == "csv" else read_lines(export))
    assert len({str(row["at"]) for row in rows}) == 2_345
    assert rows[0]["at"] == "2026-11-23T13:34:00+01:00"
    assert not {"visitor", "private", "at_ms"}.intersection(rows[0])


async def test_an_export_of_no_visits_is_a_header_alone(stats: StatsService) -> None:
    assert (await read(await stats.export(1, CREATED, WEEK, table="visits"))).startswith("at,link_id,refused,bot,")
    assert await read(await stats.export(1, CREATED, WEEK, table="visits", form="jsonl")) == ""


@pytest.mark.parametrize(
    ("table", "form", "field"), [("clicks", "csv", "table"), ("series", "xlsx", "format"), ("", "csv", "table")]
)
async def test_unknown_tables_and_formats_are_refused_before_anything_is_sent(
    stats: StatsService, table: str, form: str, field: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await stats.export(1, CREATED, WEEK, table=table, form=form)
    assert refusal.value.field == field
