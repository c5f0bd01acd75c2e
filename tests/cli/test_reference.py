"""The reference pages are what the code says."""

import subprocess
import sys
from pathlib import Path

import pytest

from shortly.cli.reference import PAGES, stale_pages, write_pages
from shortly.cli.reference.api_page import all_errors
from shortly.settings import Settings

FOLDER = Path(__file__).parents[2] / "docs" / "reference"


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return {name: page() for name, page in PAGES.items()}


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_current(pages: dict[str, str], name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == pages[name], "run 'make docs'"


def test_the_pages_leave_nothing_out(pages: dict[str, str]) -> None:
    assert all(f"| `{name.upper()}` |" in pages["settings.md"] for name in Settings.model_fields)
    commands = ("serve", "add", "list", "show", "edit", "rm", "stats", "key create", "key list", "key revoke", "doctor")
    assert all(f"`shortly {command}`" in pages["cli.md"] for command in commands)
    assert all(f"| `{kind.code}` |" in pages["api.md"] for kind in all_errors())
    assert "### `POST /api/v1/links`" in pages["api.md"]


def test_the_pages_tell_nothing_of_the_machine_they_were_written_on(pages: dict[str, str]) -> None:
    for page in pages.values():
        assert str(Path.home()) not in page
        assert str(FOLDER.parent) not in page


def test_a_page_that_was_touched_is_stale(tmp_path: Path) -> None:
    assert stale_pages(tmp_path) == list(PAGES)
    write_pages(tmp_path)
    assert stale_pages(tmp_path) == []
    (tmp_path / "cli.md").write_text("something else")
    command = [sys.executable, "-m", "shortly.cli.reference", "--check", str(tmp_path)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 1
    assert checked.stderr.splitlines() == [f"{tmp_path / 'cli.md'} is stale: run 'make docs'"]
