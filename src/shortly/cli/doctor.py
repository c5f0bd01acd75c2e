"""``doctor``: looks at the whole installation, and says what to do."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from shortly.cli import options
from shortly.cli.exits import REFUSED, refusals
from shortly.cli.output import Column, print_json, print_table
from shortly.cli.session import read_settings
from shortly.errors import ShortlyError

if TYPE_CHECKING:
    from shortly.cli.checks import Check
    from shortly.settings import Settings
    from shortly.store import Store

Repair = Annotated[
    bool,
    typer.Option(
        "--repair", help="Compare all links with the lists and slugs that lead to them, and mend what differs."
    ),
]

BeginAnew = Annotated[
    bool,
    typer.Option(
        "--begin-anew",
        help="Redis has lost data, and there is no backup to restore: go on with what is there, be it nothing.",
    ),
]


def doctor(
    repair: Repair = False,
    begin_anew: BeginAnew = False,
    as_json: options.AsJson = False,
) -> None:
    """Check store, journal, disk, clock and proxy settings, and say what to do; ends with 1 when there is a problem."""
    with refusals(as_json):
        settings = read_settings()
        if begin_anew:
            asyncio.run(accept_loss(settings))
        found = asyncio.run(examine(settings, repair=repair))
        healthy = all(check.state != "problem" for check in found)
        if as_json:
            print_json({"healthy": healthy, "checks": found})
        else:
            print_checks(found)
        if not healthy:
            raise typer.Exit(REFUSED)


async def examine(settings: Settings, *, repair: bool = False) -> list[Check]:
    """Return every finding; what cannot be looked at is a problem of its own and does not end the examination."""
    from shortly.cli import checks, vitals

    found: list[Check] = []
    looks: list[Callable[[Settings], Iterator[Check]]] = [checks.check_settings, checks.check_folder]
    if settings.redis_address is None:
        looks += [checks.check_sqlite, checks.check_schema]
    looks += [checks.check_drops, vitals.check_changes, vitals.check_place]
    for look in looks:
        with findings(found, look.__name__):
            found.extend(look(settings))
    made = await is_made(settings, found)
    if made and not any(check.state == "problem" or "migrate" in check.advice for check in found if is_schema(check)):
        await examine_store(settings, found, repair=repair)
    return found


async def accept_loss(settings: Settings) -> None:
    """Take what Redis has for all that there is.

    Raises:
        InvalidInput: The data are not in Redis, or none are lost.
        StoreUnavailable: The servers do not answer.
    """
    from shortly.errors import InvalidInput
    from shortly.store.redis.installation import accept_loss as accept

    if settings.redis_address is None:
        raise InvalidInput("--begin-anew is for data in Redis; without STORE_URL they are in DATA_DIR.")
    if not await accept(settings.redis_address, settings.data_dir, case_insensitive=settings.case_insensitive_slugs):
        raise InvalidInput("Nothing is lost: the store has the data that this node knows.")


async def is_made(settings: Settings, found: list[Check]) -> bool:
    """Return whether there is a store to open, which opening would make; look at the servers where Redis has it."""
    if settings.redis_address is None:
        return (settings.data_dir / "links.db").exists()
    from shortly.cli.redis_checks import check_redis

    with findings(found, "check_redis"):
        async for check in check_redis(settings, settings.redis_address):
            found.append(check)  # what came before a failure stays
    return any(check.name == "index" for check in found)


async def examine_store(settings: Settings, found: list[Check], *, repair: bool) -> None:
    """Open the store and look into it."""
    from shortly.cli import checks
    from shortly.store import open_store

    with findings(found, "check_store"):
        async with open_store(settings) as store:
            looks: list[Callable[[Settings, Store], AsyncIterator[Check]]] = [checks.check_store, checks.check_journal]
            if repair:
                looks.append(checks.repair_store)
            for look_into in looks:
                with findings(found, look_into.__name__):
                    found.extend([check async for check in look_into(settings, store)])


def is_schema(check: Check) -> bool:
    """Return whether a finding is about the form of what is stored."""
    return ".db" in check.name or check.name == "keys"


@contextmanager
def findings(found: list[Check], look: str) -> Iterator[None]:
    """Let a look that fails be a finding of its own."""
    import apsw

    try:
        yield
    except (ShortlyError, OSError, apsw.Error) as failure:
        found.append(failed(look, failure))


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
