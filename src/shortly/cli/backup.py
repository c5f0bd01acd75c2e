"""``backup``: copies of everything, made, listed, proved, restored and pruned."""

from __future__ import annotations

import asyncio
import signal
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from shortly.cli import options
from shortly.cli.exits import refusals, report, say
from shortly.cli.migrate_store import watched
from shortly.cli.moments import parse_moment
from shortly.cli.output import Column, print_json, print_table
from shortly.cli.session import plain_interrupts, read_settings
from shortly.errors import InvalidInput, ShortlyError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shortly.backup.archive import Card, Manifest
    from shortly.backup.following.moments import Span
    from shortly.backup.service import Backups
    from shortly.settings import Settings

backup = typer.Typer(no_args_is_help=True, help="Backups: one file each, from which any store can be restored.")

RETRY_S = 300.0
LOOK_S = 60.0

Name = Annotated[str, typer.Argument(help="A backup's name, or latest.")]
At = Annotated[
    str | None,
    typer.Option(help="Instead of a backup: a moment that 'follow' kept, such as 2026-11-29T14:05:00Z, or latest."),
]
Identity = Annotated[
    Path | None, typer.Option(exists=True, dir_okay=False, help="File with the age secret key, for an encrypted one.")
]


@backup.command()
def create(as_json: options.AsJson = False) -> None:
    """Make a backup now, while Shortly goes on serving, and print its name."""
    with working(as_json) as (settings, backups), watched() as told:
        card = asyncio.run(backups.create(datetime.now(UTC), told))
        print_json(msgspec.to_builtins(card)) if as_json else print(card.name)
        say(f"Made in {' and '.join(backups.where)}.")
        say_if_lost(settings)


@backup.command("list")
def list_backups(as_json: options.AsJson = False) -> None:
    """List the backups, newest first, and the moments in between that can be restored."""
    from shortly.backup.following.moments import moments_of

    with working(as_json) as (settings, backups):
        cards, spans = backups.cards(), moments_of(settings).spans()
        say_if_lost(settings, or_refuse=not cards)
        if as_json:
            print_json({"items": msgspec.to_builtins(cards), "moments": msgspec.to_builtins(spans)})
            return
        print_cards(cards)
        if spans:
            print()
            print_spans(spans)
        if not cards:
            say("There are no backups yet: 'shortly backup create' makes one.")


@backup.command()
def verify(name: Name = "latest", at: At = None, identity: Identity = None, as_json: options.AsJson = False) -> None:
    """Prove that a backup, or all that leads to a moment, is whole: checksums, each page of the databases."""
    with working(as_json) as (settings, backups):
        if at is not None:
            verify_at(settings, moment_of(at), identity, as_json)
            return
        manifest = backups.verify(name, identity)
        if as_json:
            print_json({"whole": True, "contents": msgspec.to_builtins(manifest)})
        elif manifest is not None:
            print_manifest(manifest)
        say("The backup is whole." if manifest else "The file is whole; its contents can be proved with --identity.")
        say_if_lost(settings)


@backup.command()
def restore(
    name: Annotated[str | None, typer.Argument(help="A backup's name, or latest.")] = None,
    at: At = None,
    identity: Identity = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Move the databases in DATA_DIR aside; Redis must be empty anyway.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Put everything back as it was; Shortly must be stopped everywhere."""
    from shortly.backup.following.moments import moments_of
    from shortly.backup.restoring import restore_moment

    with working(as_json) as (settings, backups), watched() as told:
        if (name is None) == (at is None):
            raise InvalidInput("Name a backup, such as latest, or a moment by --at.")
        refuse_running(settings)
        if name is None:
            if settings.redis_address is not None:
                refuse_clicks_of_others(settings)
            moments, moment = moments_of(settings), moment_of(at or "")
            reached = asyncio.run(
                restore_moment(moments, moment, settings, identity=identity, replace=replace, told=told)
            )
            asyncio.run(backups.leave_word())
            print_json({"changed_at": reached}) if as_json else print(reached.isoformat())
            say("Restored as it was then, when something changed for the last time before that moment. Start Shortly.")
            return
        card = backups.find(name)
        if settings.redis_address is not None or card.origin != "sqlite":
            refuse_clicks_of_others(settings)
        manifest = asyncio.run(backups.restore(card.name, identity=identity, replace=replace, told=told))
        asyncio.run(backups.leave_word())
        print_json(msgspec.to_builtins(manifest)) if as_json else print_manifest(manifest)
        say("Restored. Start Shortly; what was there before lies in DATA_DIR/before-restore-*, if anything was.")


@backup.command()
def prune(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would go.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Remove the backups that BACKUP_KEEP_* do not keep, and changes by BACKUP_FOLLOW_KEEP_DAYS; print the backups."""
    from shortly.backup.following.moments import moments_of
    from shortly.backup.service import rule_of

    with working(as_json) as (settings, backups):
        now = datetime.now(UTC)
        gone = backups.prune(rule_of(settings), now, dry_run=dry_run)
        if gone and not dry_run:
            asyncio.run(backups.leave_word())
        files = moments_of(settings).prune(now, keep_days=settings.backup_follow_keep_days, dry_run=dry_run)
        if as_json:
            print_json({"items": msgspec.to_builtins(gone), "files_of_changes": len(files)})
            return
        print_cards(gone)
        say(f"And {len(files)} files of changes." if files else "No files of changes.")


@backup.command()
def adopt(as_json: options.AsJson = False) -> None:
    """Take the folder of backups as it is now for the right one, after those that were there are gone for good."""
    from shortly.backup.mark import adopt as take

    with working(as_json) as (settings, backups):
        take(settings)
        asyncio.run(backups.leave_word())
        if as_json:
            print_json({"items": msgspec.to_builtins(backups.cards())})
        say(f"{backups.where[0]} is where backups lie from now on.")


@backup.command()
def run(every_hours: Annotated[float, typer.Option(min=0.1, max=8760, help="Hours between two.")] = 24) -> None:
    """Make a backup whenever the newest one is that old, prune, and go on until stopped; for a container of its own."""
    from shortly.backup.service import rule_of

    with working(as_json=False) as (settings, backups):
        said: list[Card] | None = None
        while True:
            try:
                newest = next(iter(backups.cards()), None)
                now = datetime.now(UTC)
                if newest is None or (now - newest.created_at).total_seconds() >= every_hours * 3600:
                    print(asyncio.run(backups.create(now)).name, flush=True)
                    backups.prune(rule_of(settings), now)
                cards = backups.cards()
                if cards != said and asyncio.run(backups.leave_word()):
                    said = cards
                pause = LOOK_S
            except ShortlyError as failure:
                report(failure, as_json=False)
                pause = RETRY_S
            time.sleep(pause)


@backup.command()
def follow() -> None:
    """Keep each change of the databases in DATA_DIR until stopped, for 'restore --at'; for a process of its own."""
    from shortly.backup.following.follower import Follower
    from shortly.backup.following.moments import followed_places

    with refusals(as_json=False), told_to_stop() as stop:
        settings = read_settings()
        Follower(settings, followed_places(settings), stop).run()


@contextmanager
def told_to_stop() -> Iterator[Event]:
    """Give an event that SIGTERM and Ctrl-C set, so that what is under way is finished."""
    stop = Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def working(as_json: bool) -> Iterator[tuple[Settings, Backups]]:
    """Give the settings and the backups that they name; refusals end the command."""
    with refusals(as_json), plain_interrupts():
        from shortly.backup.service import backups_of

        settings = read_settings()
        yield settings, backups_of(settings)


def say_if_lost(settings: Settings, *, or_refuse: bool = False) -> None:
    """Say that backups are not where they were put, or end with it."""
    from shortly.backup.mark import refuse_lost

    try:
        refuse_lost(settings)
    except ShortlyError as refusal:
        if or_refuse:
            raise
        say(f"warning: {refusal}")


def moment_of(text: str) -> datetime | None:
    """Return the moment that an option names, None for the latest one; or raise ``InvalidInput``."""
    return None if text == "latest" else parse_moment(text, "at")


def verify_at(settings: Settings, at: datetime | None, identity: Path | None, as_json: bool) -> None:
    """Prove a moment, and tell of it."""
    from shortly.backup.following.moments import moments_of
    from shortly.backup.restoring import verify_moment

    reached, counts = verify_moment(moments_of(settings), at, settings, identity)
    if as_json:
        print_json({"whole": True, "changed_at": reached, "contents": counts})
    elif counts is not None:
        print_table([Column("what"), Column("value")], [("changed", reached), *counts.items()])
    say("The moment can be restored." if counts else "The files are whole; what they hold is proved with --identity.")


def refuse_running(settings: Settings) -> None:
    """Refuse while Shortly runs here, or is followed."""
    from shortly.backup.following.follower import LOCK as FOLLOWING
    from shortly.backup.following.status import FOLDER
    from shortly.clicks.drain import LOCK
    from shortly.clicks.journal import is_locked

    if is_locked(settings.data_dir / FOLDER / FOLLOWING):
        raise InvalidInput("'shortly backup follow' is running here; stop it before a backup is restored.")
    if is_locked(settings.journal_dir / LOCK):
        raise InvalidInput("Shortly is running here; stop it everywhere before a backup is restored.")


def refuse_clicks_of_others(settings: Settings) -> None:
    """Refuse while the journal has clicks: links get new ids, so these would be counted for other links."""
    from shortly.cli.checks import undrained
    from shortly.clicks.journal import worker_folders

    for folder in worker_folders(settings.journal_dir):
        if any(undrained(segment, 0)[0] for segment in folder.segments):
            raise InvalidInput(
                f"The journal {str(settings.journal_dir)!r} has clicks of the links that were here before; "
                "move it away first."
            )


def print_cards(cards: list[Card]) -> None:
    """Print backups as a table."""
    columns = (
        Column("name", wide=True),
        Column("made"),
        Column("bytes", numeric=True),
        Column("links", numeric=True),
        Column("clicks", numeric=True),
        Column("encrypted"),
    )
    rows: list[tuple[Any, ...]] = [
        (card.name, card.created_at, card.bytes, card.counts.get("links"), card.counts.get("clicks"), card.encrypted)
        for card in cards
    ]
    print_table(columns, rows)


def print_spans(spans: list[Span]) -> None:
    """Print from when to when each moment is kept."""
    columns = (
        Column("each moment from"),
        Column("to"),
        Column("files", numeric=True),
        Column("encrypted"),
        Column("whole"),
    )
    print_table(columns, [(span.since, span.until, span.files, span.encrypted, span.whole) for span in spans])


def print_manifest(manifest: Manifest) -> None:
    """Print what a backup holds."""
    rows = [("made", manifest.created_at), ("by Shortly", manifest.shortly), *manifest.counts.items()]
    print_table([Column("what"), Column("value")], rows)
