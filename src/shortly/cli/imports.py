"""Links in files: CSV with a header line, or JSON with an object on each line."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any, BinaryIO, NamedTuple

import msgspec

from shortly.accounts.people import FIRST_WORKSPACE, MAX_WORKSPACES
from shortly.cells import original, parts_of
from shortly.cli.moments import parse_moment
from shortly.errors import InvalidInput
from shortly.links.importing import COLUMNS, TAKEN

FIELDS = (*COLUMNS, "workspace")
"""Columns that an export has."""
TAKEN_FIELDS = (*TAKEN, "workspace")
"""Columns that a CSV file may have, keys that a JSON object may have."""
MAX_LINE = 1 << 20
"""Characters of a record; a link with everything at its limit has a tenth of that."""
FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class Row(NamedTuple):
    """One link to be made, or why there is none."""

    line: int
    """Where the record ends in the file, counted from 1."""
    values: Mapping[str, Any] | InvalidInput


def read_rows(stream: BinaryIO) -> Iterator[Row]:
    """Yield the links of a file, which begins with ``{`` when it is JSON; a bad record does not end the reading.

    Raises:
        InvalidInput: The CSV header is not one.
    """
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
    try:
        first = ""
        skipped = 0
        for first in text:
            if first.strip():
                break
            skipped += 1
        lines = chain([first], text)
        if first.lstrip().startswith("{"):
            yield from _json_rows(lines, skipped)
        elif first.strip():
            yield from _csv_rows(lines, skipped)
    finally:
        text.detach()


def _json_rows(lines: Iterator[str], skipped: int) -> Iterator[Row]:
    for number, line in enumerate(lines, skipped + 1):
        if line.strip():
            yield Row(number, _checked(line, _json_values))


def _json_values(line: str) -> Mapping[str, Any]:
    try:
        values = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError):
        raise InvalidInput("The line is not a JSON object.") from None
    if not isinstance(values, dict):
        raise InvalidInput("The line is not a JSON object.")
    for name in ("slug", "domain"):
        if not isinstance(values.get(name), str | None):
            raise InvalidInput(f"The {name} must be text.", field=name)
    for name in ("valid_from", "expires_at"):
        if isinstance(values.get(name), str):
            values[name] = parse_moment(values[name], name)
    return values


def _csv_rows(lines: Iterator[str], skipped: int) -> Iterator[Row]:
    csv.field_size_limit(MAX_LINE)
    reader = csv.reader(lines)
    header = [name.strip().lower() for name in next(reader)]
    if unknown := [name for name in header if name not in TAKEN_FIELDS]:
        raise InvalidInput(
            f"The header names {unknown[0][:64]!r}; columns are {', '.join(TAKEN_FIELDS)}.", field=unknown[0][:64]
        )
    if "target" not in header or len(set(header)) < len(header):
        raise InvalidInput("The header must name the column 'target', and no column twice.", field="target")
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield Row(skipped + reader.line_num, InvalidInput(f"The record is longer than {MAX_LINE} characters."))
            continue
        if cells:
            yield Row(skipped + reader.line_num, _checked(cells, lambda cells: _csv_values(header, cells)))


def _csv_values(header: list[str], cells: list[str]) -> Mapping[str, Any]:
    if len(cells) > len(header):
        raise InvalidInput(f"The record has {len(cells)} cells, the header {len(header)}.")
    values: dict[str, Any] = {}
    for name, cell in zip(header, cells, strict=False):
        if cell := cell.strip():
            _refuse_undecodable(cell)
            values[name] = CELLS.get(name, _text)(name, original(cell))
    return values


def _checked(record: Any, values_of: Callable[[Any], Mapping[str, Any]]) -> Mapping[str, Any] | InvalidInput:
    try:
        if isinstance(record, str):
            if len(record) > MAX_LINE:
                raise InvalidInput(f"The record is longer than {MAX_LINE} characters.")
            _refuse_undecodable(record)
        values = values_of(record)
        if not isinstance(values.get("target"), str):
            raise InvalidInput("A target is needed.", field="target")
        _check_workspace(values.get("workspace"))
        return values
    except InvalidInput as refusal:
        return refusal


def _check_workspace(number: object) -> None:
    known = isinstance(number, int) and not isinstance(number, bool) and FIRST_WORKSPACE <= number <= MAX_WORKSPACES
    if number is not None and not known:
        raise InvalidInput(f"The workspace must be a number from 1 to {MAX_WORKSPACES}.", field="workspace")


def _refuse_undecodable(text: str) -> None:
    if any("\udc80" <= character <= "\udcff" for character in text):
        raise InvalidInput("The record is not valid UTF-8.")


def _text(_: str, cell: str) -> str:
    return cell


def _number(name: str, cell: str) -> int:
    if not cell.isascii() or not cell.isdecimal() or len(cell) > 18:
        raise InvalidInput(f"The {name.replace('_', ' ')} must be a whole number.", field=name)
    return int(cell)


def _flag(name: str, cell: str) -> bool:
    try:
        return FLAGS[cell.lower()]
    except KeyError:
        raise InvalidInput(f"The field {name!r} must be true or false.", field=name) from None


def _tags(_: str, cell: str) -> list[str]:
    return parts_of(cell)


def _moment(name: str, cell: str) -> Any:
    return parse_moment(cell, name)


CELLS: Mapping[str, Callable[[str, str], Any]] = {
    "tags": _tags,
    "valid_from": _moment,
    "expires_at": _moment,
    "max_clicks": _number,
    "status": _number,
    "cache_s": _number,
    "workspace": _number,
    "forward_query": _flag,
    "crawlable": _flag,
    "enabled": _flag,
    "archived": _flag,
    "has_password": _flag,
}
