"""Changing the secret that is kept in ``DATA_DIR``: first a new value beside the old one, then without the old one."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shortly.accounts.secret import FILE, open_secret, read_values, write_draft
from shortly.accounts.sessions import LONGEST
from shortly.errors import SecretKept


def rotate(folder: Path) -> None:
    """Put a new value in front of the secret in a folder; what was signed with the old one goes on being accepted.

    Processes that run take no notice until they start anew.

    Raises:
        SecretKept: The last change is not over: the value before is still accepted, too.
        InvalidSettings: The folder holds no secret, or cannot be written.
    """
    open_secret(None, folder)  # a first one, where there is none
    with changing(folder) as path:
        values = read_values(path)
        if len(values) > 1:
            raise SecretKept("The last change is not over; 'shortly secret retire' ends it.")
        replace(path, (secrets.token_urlsafe(48), *values))


def retire(folder: Path, now: datetime, *, at_once: bool = False) -> None:
    """Let the old value of the secret go.

    Args:
        folder: ``DATA_DIR``.
        now: The present moment, aware.
        at_once: Even if sessions that were signed with it would end.

    Raises:
        SecretKept: There is no old value, or sessions may still be signed with it.
        InvalidSettings: The folder holds no secret, or cannot be written.
    """
    with changing(folder) as path:
        values = read_values(path)
        if len(values) == 1:
            raise SecretKept("There is no old value of the secret.")
        left = datetime.fromtimestamp(path.stat().st_mtime, UTC) + LONGEST - now
        if left > timedelta(0) and not at_once:
            raise SecretKept(
                f"Sessions may be signed with the old value for {left.days + 1} more days; --now ends them."
            )
        replace(path, values[:1])


@contextmanager
def changing(folder: Path) -> Iterator[Path]:
    """Keep others from changing the secret meanwhile, and give its path."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield folder / FILE
    finally:
        os.close(handle)


def replace(path: Path, values: tuple[str, ...]) -> None:
    """Write the values in one step: whoever reads finds either the old file or the new one."""
    with write_draft(path, values) as draft:
        os.replace(draft, path)
