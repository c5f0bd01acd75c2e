"""The command ``shortly``: its commands, put together, and its outermost errors."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from shortly.cli import (
    abuse,
    audit,
    backup,
    blocked,
    doctor,
    domains,
    healthcheck,
    installation,
    keys,
    links,
    listing,
    migrate_store,
    secret,
    smoke,
    stats,
    transfer,
    users,
    workspaces,
)
from shortly.cli.exits import PIPE_CLOSED, REFUSED, USAGE, say, silence_stdout

app = typer.Typer(
    help="Shortly, a self-hosted link shortener. Every setting is an environment variable: see 'shortly settings'.",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help needs no Rich, which takes longer to import than all the rest
    pretty_exceptions_enable=False,  # they print the values of variables, secrets among them
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(installation.serve)
app.command()(links.add)
app.command("list")(listing.list_links)
app.command()(links.show)
app.command()(links.edit)
app.command()(links.rm)
app.command()(links.restore)
app.command()(transfer.export)
app.command("import")(transfer.import_links)
app.command()(blocked.blocked)
app.command()(abuse.ban)
app.command()(abuse.unban)
app.command()(abuse.reports)
app.command()(stats.stats)
app.add_typer(keys.keys, name="key")
app.add_typer(users.users, name="user")
app.add_typer(workspaces.workspaces, name="workspace")
app.add_typer(domains.domains, name="domain")
app.command()(audit.audit)
app.add_typer(secret.secret, name="secret")
app.command("settings")(installation.show_settings)
app.command()(doctor.doctor)
app.command()(healthcheck.healthcheck)
app.command()(smoke.smoke)
app.command()(installation.migrate)
app.add_typer(backup.backup, name="backup")
app.command("migrate-store")(migrate_store.migrate_store)
app.command()(installation.version)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a terminal that knows few letters
    for argument in arguments:
        if not argument.isprintable() and any("\udc80" <= character <= "\udcff" for character in argument):
            say(f"error: The argument {argument[:64]!r} is not valid UTF-8.")
            return USAGE
    try:
        app(arguments, prog_name="shortly")
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else REFUSED
    except Exception:
        import structlog

        structlog.get_logger(__name__).critical("the command failed unexpectedly", exc_info=True)
        say("error: Something went wrong inside; please report the lines above.")
        code = REFUSED
    else:
        code = 0
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        silence_stdout()
        return PIPE_CLOSED
    return code
