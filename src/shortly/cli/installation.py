"""``serve``, ``settings``, ``migrate`` and ``version``: the installation itself."""

from __future__ import annotations

import platform
from typing import Annotated

import typer
from msgspec import structs

import shortly
from shortly.cli import options
from shortly.cli.exits import ATTENTION, refusals, say
from shortly.cli.output import Column, print_json, print_table
from shortly.cli.session import read_settings

DATABASES = {"links": "links.db", "clicks": "clicks.db"}


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on, instead of HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on, instead of PORT.")] = None,
    workers: Annotated[int | None, typer.Option(help="HTTP worker processes, instead of WORKERS.")] = None,
) -> None:
    """Serve short links, the API and the web interface until SIGTERM."""
    with refusals(as_json=False):
        from shortly.settings import load_settings

        settings = load_settings(options.given(host=host, port=port, workers=workers))
        from shortly.serve import serve as serve_until_stopped

        serve_until_stopped(settings)


def show_settings(as_json: options.AsJson = False) -> None:
    """Show the settings in effect and where each came from; secrets are masked."""
    with refusals(as_json):
        from shortly.effective_settings import effective

        records = [structs.asdict(one) for one in effective(read_settings())]
        if as_json:
            print_json({"items": records})
        else:
            columns = (Column("setting"), Column("value", wide=True), Column("from"))
            print_table(columns, [tuple(record.values()) for record in records])


def migrate(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; end with 3 when something is pending.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Bring the databases up to this version's schema, each after a backup; serve does so by itself."""
    with refusals(as_json):
        from shortly.errors import InvalidSettings, StoreTooNew
        from shortly.store.sqlite.migrate import migrate as bring_up_to_date
        from shortly.store.sqlite.migrate import schema_version

        settings = read_settings()
        if settings.redis_address is not None:
            raise InvalidSettings("Redis is brought up to date at every start; 'shortly doctor' looks at it.")
        paths = {name: settings.data_dir / file for name, file in DATABASES.items()}
        before = {name: schema_version(path, name) for name, path in paths.items()}
        for name, (current, newest) in before.items():
            if current > newest:
                raise StoreTooNew(name, current, newest)
        if not check:
            settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name, path in paths.items():
                bring_up_to_date(path, name)
        pending = any(current < newest for current, newest in before.values())
        records = [
            {"database": name, "schema": current if check else newest, "was": current, "newest": newest}
            for name, (current, newest) in before.items()
        ]
        if as_json:
            print_json({"items": records, "pending": pending and check})
        else:
            columns = (Column("database"), Column("schema", numeric=True), Column("was", numeric=True))
            print_table((*columns, Column("newest", numeric=True)), [tuple(record.values()) for record in records])
        if pending and check:
            say("Migrations are pending: run 'shortly migrate'.")
            raise typer.Exit(ATTENTION)
        say("up to date" if not pending else "brought up to date")


def version(as_json: options.AsJson = False) -> None:
    """Show the version."""
    with refusals(as_json):
        if not as_json:
            print(shortly.__version__)
            return
        import apsw

        print_json(
            {"version": shortly.__version__, "python": platform.python_version(), "sqlite": apsw.sqlite_lib_version()}
        )
