"""How a command ends: its exit codes, and refusals as one sentence."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from shortly.errors import ShortlyError

REFUSED = 1
"""Shortly refused, or something failed; the sentence is on stderr."""
USAGE = 2
"""The command line itself is wrong."""
ATTENTION = 3
"""Nothing failed, but something is to be done, such as a pending migration."""
INTERRUPTED = 130
PIPE_CLOSED = 141
"""Who read the output went away; silent, as for any Unix tool."""


@contextmanager
def refusals(as_json: bool) -> Iterator[None]:
    """End the command with one sentence when it is refused, never with a traceback.

    With ``as_json`` a problem object {code, detail, field} goes to stdout too.
    """
    try:
        yield
        sys.stdout.flush()
    except ShortlyError as refusal:
        report(refusal, as_json=as_json)
        raise typer.Exit(REFUSED) from None
    except BrokenPipeError:
        silence_stdout()
        raise typer.Exit(PIPE_CLOSED) from None
    except OSError as failure:
        name = f"{os.fsdecode(failure.filename)!r}: " if isinstance(failure.filename, str | bytes) else ""
        say(f"error: {name}{failure.strerror or 'the system refused'}.")
        raise typer.Exit(REFUSED) from None


def report(refusal: ShortlyError, *, as_json: bool) -> None:
    """Print a refusal's sentence, and with ``as_json`` the problem object."""
    say(f"error: {refusal}")
    if as_json:
        from shortly.cli.output import print_json, problem

        print_json(problem(refusal))


def say(message: str) -> None:
    """Print a message for people on stderr, in one line whatever it contains."""
    print("".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in message), file=sys.stderr)


def silence_stdout() -> None:
    """Keep the interpreter from complaining about the closed pipe when it flushes at the end."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)
