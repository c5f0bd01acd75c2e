"""docs/security.md: every requirement is there once, and every test and setting that it names exists."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from shortly.settings import Settings

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ROW = re.compile(r"\| (\d+\.\d+\.\d+) \| ([12]) \| ([^|]+) \| (tested|design|setting|operator|n/a|open) \| ([^|]+) \|")
CASE = re.compile(r"(tests/[a-z0-9_/]+\.py)(?:::(\w+))?")
SETTING = re.compile(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\b")
NOT_SETTINGS = {"DATA_DIR", "NAME_FILE", "LIMIT_"}
ASVS = {
    "1.1": 2,
    "1.2": 9,
    "1.3": 11,
    "1.4": 3,
    "1.5": 2,
    "2.1": 3,
    "2.2": 3,
    "2.3": 4,
    "2.4": 1,
    "3.2": 2,
    "3.3": 4,
    "3.4": 6,
    "3.5": 5,
    "3.7": 2,
    "4.1": 3,
    "4.2": 1,
    "4.3": 2,
    "4.4": 4,
    "5.1": 1,
    "5.2": 3,
    "5.3": 2,
    "5.4": 3,
    "6.1": 3,
    "6.2": 12,
    "6.3": 4,
    "6.4": 4,
    "6.5": 5,
    "6.6": 3,
    "6.8": 4,
    "7.1": 3,
    "7.2": 4,
    "7.3": 2,
    "7.4": 5,
    "7.5": 2,
    "7.6": 2,
    "8.1": 2,
    "8.2": 3,
    "8.3": 1,
    "8.4": 1,
    "9.1": 3,
    "9.2": 4,
    "10.1": 2,
    "10.2": 2,
    "10.3": 4,
    "10.4": 11,
    "10.5": 5,
    "10.6": 2,
    "10.7": 3,
    "11.1": 2,
    "11.2": 3,
    "11.3": 3,
    "11.4": 4,
    "11.5": 1,
    "11.6": 1,
    "12.1": 3,
    "12.2": 2,
    "12.3": 4,
    "13.1": 1,
    "13.2": 5,
    "13.3": 2,
    "13.4": 5,
    "14.1": 2,
    "14.2": 4,
    "14.3": 3,
    "15.1": 3,
    "15.2": 3,
    "15.3": 7,
    "16.1": 1,
    "16.2": 5,
    "16.3": 4,
    "16.4": 3,
    "16.5": 3,
    "17.1": 1,
    "17.2": 4,
    "17.3": 2,
}
"""Section -> how many requirements it has on levels 1 and 2; in ASVS 5.0.0 they come first, numbered without gaps."""
LINES = [line for line in PAGE.splitlines() if re.match(r"\| \d", line)]
ROWS = [found.groups() for line in LINES if (found := ROW.fullmatch(line))]


@cache
def cases_in(path: str) -> set[str]:
    """Return the names of the tests of one file."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {function.name for function in functions if function.name.startswith("test_")}


def test_every_line_has_its_form() -> None:
    assert len(ROWS) == len(LINES)


def test_every_requirement_of_levels_1_and_2_is_there_once_and_in_order() -> None:
    expected = [f"{section}.{number}" for section, count in ASVS.items() for number in range(1, count + 1)]
    assert [row[0] for row in ROWS] == expected
    assert len(expected) == 253


def test_the_counts_are_those_of_the_lines() -> None:
    for state in ("tested", "design", "setting", "operator", "n/a", "open"):
        (told,) = re.findall(rf"^\| {state} \| [^|]+ \| (\d+) \|$", PAGE, re.MULTILINE)
        assert int(told) == sum(row[3] == state for row in ROWS), state


@pytest.mark.parametrize("path", sorted({path for path, _ in CASE.findall(PAGE)}))
def test_every_test_that_is_named_exists(path: str) -> None:
    named = {name for of, name in CASE.findall(PAGE) if of == path and name}
    assert named <= cases_in(path)


def test_what_is_said_to_be_tested_names_a_test() -> None:
    assert not [row[0] for row in ROWS if row[3] == "tested" and "tests/" not in row[4]]


def test_what_is_said_to_be_a_setting_names_one_and_all_named_exist() -> None:
    known = {name.upper() for name in Settings.model_fields}
    assert not [row[0] for row in ROWS if row[3] == "setting" and "_FILE" not in row[4] and not SETTING.search(row[4])]
    assert set(SETTING.findall(PAGE)) - NOT_SETTINGS <= known


def test_whoever_reads_about_security_is_led_there() -> None:
    assert "(docs/security.md)" in (ROOT / "SECURITY.md").read_text(encoding="utf-8")
