"""The page about the command line, from the commands themselves."""

from __future__ import annotations

from typer import Context
from typer.cli import get_docs_for_click
from typer.main import get_command

from shortly.cli import exits
from shortly.cli.main import app
from shortly.cli.reference.tables import GENERATED, table

INTRODUCTION = """\
Data goes to stdout, messages go to stderr. Every command that prints data has `--json`, with the API's names; a refusal
then prints the object `{code, detail, field}` too. On a terminal there are tables; in a pipe there are lines with
tab-separated values and no heading. Commands work beside a running server, which sees every change at once."""
EXIT_CODES = (
    (0, "Done."),
    (exits.REFUSED, "Refused, or failed: the sentence is on stderr. Of `doctor`: there is a problem."),
    (exits.USAGE, "The command line is wrong."),
    (exits.ATTENTION, "Nothing failed, but something is to be done: `migrate --check` found migrations."),
    (exits.INTERRUPTED, "Interrupted (Ctrl-C)."),
    (exits.PIPE_CLOSED, "Who read the output went away, as in `shortly list | head`."),
)


def cli_page() -> str:
    """Return the page."""
    command = get_command(app)
    commands = get_docs_for_click(obj=command, ctx=Context(command), name="shortly", title="Command line")
    codes = table(("Code", "Meaning"), ((str(number), meaning) for number, meaning in EXIT_CODES))
    title, _, rest = commands.strip().partition("\n")
    return f"{GENERATED}\n\n{title}\n\n{INTRODUCTION}\n\n## Exit codes\n\n{codes}\n\n## `shortly`\n{rest}\n"
