"""``doctor``: looks at the whole installation, and says what to do."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import typer

from shortly.cli import options
from shortly.cli.exits import REFUSED, refusals
from shortly.cli.output import Column, print_json, print_table
from shortly.cli.session import read_settings
from shortly.errors import ShortlyError

if TYPE_CHECKING:
    from shortly.cli.checks import Check
    from shortly.settings import Settings


def doctor(as_json: options.AsJson = False) -> None:
    """Check store, journal, disk, clock and proxy settings, and say what to do; ends with 1 when there is a problem."""
    with refusals(as_json):
        found = asyncio.run(examine(read_settings()))
        healthy = all(check.state != "problem" for check in found)
        if as_json:
            print_json({"healthy": healthy, "checks": found})
        else:
            print_checks(found)
        if not healthy:
            raise typer.Exit(REFUSED)


async def examine(settings: Settings) -> list[Check]:
    """Return every finding; what cannot be looked at is a problem of its own and does not end the examination."""
    import apsw

    from shortly.cli import checks
    from shortly.store import open_store

    failures = (ShortlyError, OSError, apsw.Error)
    found: list[Check] = []
    for look in (
        checks.check_settings,
        checks.check_sqlite,
        checks.check_folder,
        checks.check_schema,
        checks.check_drops,
    ):
        try:
            found.extend(look(settings))
        except failures as failure:
            found.append(failed(look.__name__, failure))
    made = (settings.data_dir / "links.db").exists()
    if not made or any(check.state == "problem" or "migrate" in check.advice for check in found if ".db" in check.name):
        return found  # opening the store would make it, or change its schema
    try:
        async with open_store(settings) as store:
            for look_into in (checks.check_store, checks.check_journal):
                try:
                    found.extend([check async for check in look_into(settings, store)])
                except failures as failure:
                    found.append(failed(look_into.__name__, failure))
    except failures as failure:
        found.append(failed("check_store", failure))
    return found


def failed(look: str, failure: Exception) -> Check:
    """Return the finding that something could not be looked at."""
    from shortly.cli.checks import Check

    message = failure.strerror if isinstance(failure, OSError) else str(failure)
    return Check(
        look.removeprefix("check_"),
        "problem",
        message or "The system refused.",
        "If a file is damaged, stop Shortly and restore it from a backup.",
    )


def print_checks(checks: list[Check]) -> None:
    """Print the findings, what to do below each; in a pipe it is the fourth column."""
    rows: list[tuple[str, ...]] = []
    for check in checks:
        if not sys.stdout.isatty():
            rows.append((check.name, check.state, check.message, check.advice))
            continue
        rows.append((check.name, check.state, check.message))
        if check.advice:
            rows.append(("", "", f"-> {check.advice}"))
    print_table((Column("check"), Column("state"), Column("finding", wide=True)), rows, folded=True)
