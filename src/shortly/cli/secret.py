"""``secret rotate`` and ``secret retire``: the secret that signs sessions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from shortly.cli import options
from shortly.cli.exits import refusals, say
from shortly.cli.output import print_json
from shortly.cli.session import read_settings
from shortly.errors import SecretKept

if TYPE_CHECKING:
    from pathlib import Path

secret = typer.Typer(no_args_is_help=True, help="The secret that signs sessions, where it is kept in DATA_DIR.")


@secret.command()
def rotate(as_json: options.AsJson = False) -> None:
    """Put a new secret in front; sessions signed with the old one go on."""
    from shortly.accounts.rotation import rotate

    with refusals(as_json):
        rotate(kept_in())
        if as_json:
            print_json({"values": 2})
        say("Restart Shortly now: it signs with the new secret then. 'shortly secret retire' is due in 90 days.")


@secret.command()
def retire(
    at_once: Annotated[
        bool, typer.Option("--now", help="Before its time; who signed in before the change has to do so again.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Let the old secret go, 90 days after the new one came."""
    from shortly.accounts.rotation import retire

    with refusals(as_json):
        retire(kept_in(), datetime.now(UTC), at_once=at_once)
        if as_json:
            print_json({"values": 1})
        say("Restart Shortly: it does not accept the old secret any more then.")


def kept_in() -> Path:
    """Return the folder of the secret, if it is kept there at all."""
    settings = read_settings()
    if settings.secret_values is not None:
        raise SecretKept("JWT_SECRET is set; it is changed where it is set, as docs/operations.md tells.")
    return settings.data_dir
