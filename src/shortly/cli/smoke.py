"""``smoke``: asks an installation from outside whether it does what it is for, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shortly.cli import options
from shortly.cli.exits import INTERRUPTED, REFUSED, refusals
from shortly.cli.output import Column, print_json, print_table
from shortly.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shortly.cli.journey import Step

Url = Annotated[str, typer.Argument(metavar="URL", help="Where the installation answers, such as https://s.example.")]
Authority = Annotated[
    Path | None,
    typer.Option("--ca", exists=True, dir_okay=False, help="PEM file of the only authority that is trusted."),
]
Insists = Annotated[
    bool, typer.Option("--hsts/--no-hsts", help="Whether an https address must tell browsers to insist on https.")
]


def smoke(url: Url, ca: Authority = None, hsts: Insists = True, as_json: options.AsJson = False) -> None:
    """Make a link, follow it, see it counted and delete it, through the front door; ends with 1 when a step fails.

    SHORTLY_KEY (or the file that SHORTLY_KEY_FILE names) holds an API key that may make and delete links.
    """
    from shortly.logs import configure_logging

    configure_logging("warning", "console")
    with refusals(as_json):
        key, tls = read_key(), None if ca is None else trusting(ca)
        try:
            steps = asyncio.run(go(url, key, tls, hsts=hsts))
        except asyncio.CancelledError:  # by SIGTERM; the link is gone
            raise typer.Exit(INTERRUPTED) from None
        passed = all(step.passed for step in steps)
        print_json({"passed": passed, "steps": steps}) if as_json else print_steps(steps)
        if not passed:
            raise typer.Exit(REFUSED)


async def go(url: str, key: str, tls: ssl.SSLContext | None, *, hsts: bool) -> list[Step]:
    """Take every step; SIGTERM stops it as Ctrl-C does, after the link was deleted."""
    from shortly.cli.journey import Journey
    from shortly.outbound.client import Outbound
    from shortly.outbound.rules import OutboundRules

    rules = OutboundRules(ports=None, private=True)  # who types the address is the operator
    rules.check_url(url)
    journey = Journey(Outbound(rules, tls=tls), url.rstrip("/"), key, hsts=hsts)
    task = asyncio.create_task(journey.take())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


def read_key() -> str:
    """Return the API key that the environment brings, or raise ``InvalidInput``."""
    key = os.environ.get("SHORTLY_KEY", "")
    file = os.environ.get("SHORTLY_KEY_FILE")
    if not key and file:
        key = Path(file).read_text(encoding="utf-8", errors="replace")
    key = key.strip()
    if not key or not key.isascii() or not key.isprintable():
        raise InvalidInput("SHORTLY_KEY must hold an API key; 'shortly key create smoke' makes one.")
    return key


def trusting(file: Path) -> ssl.SSLContext:
    """Return how certificates are verified when one authority is trusted alone, or raise ``InvalidInput``."""
    try:
        return ssl.create_default_context(cafile=file)
    except ssl.SSLError:
        raise InvalidInput(f"{str(file)[:255]!r} holds no certificate.", field="ca") from None


def print_steps(steps: Sequence[Step]) -> None:
    """Print what each step found."""
    columns = (Column("step"), Column("state"), Column("ms", numeric=True), Column("finding", wide=True))
    rows = [(step.name, "ok" if step.passed else "failed", step.ms, step.message) for step in steps]
    print_table(columns, rows, folded=True)
