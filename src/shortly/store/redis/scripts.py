"""Lua scripts, each one atomic step on the keys of one slot."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha1
from importlib.resources import files
from typing import Self

Argument = bytes | str | int
Command = tuple[Argument | float, ...]


class Script:
    """A script of this package, read when it is made; servers get its text once and are then told its hash only."""

    __slots__ = ("name", "sha", "text")

    def __init__(self, *names: str) -> None:
        """Join ``scripts/<name>.lua`` of all names in order, so that the first ones can hold shared functions."""
        folder = files("shortly.store.redis") / "scripts"
        self._set(names[-1], "\n".join((folder / f"{name}.lua").read_text(encoding="utf-8") for name in names))

    @classmethod
    def of_text(cls, name: str, text: str) -> Self:
        """Return a script that is no file."""
        script = cls.__new__(cls)
        script._set(name, text)
        return script

    def _set(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.sha = sha1(text.encode(), usedforsecurity=False).hexdigest()

    def command(self, keys: Sequence[str], args: Sequence[Argument]) -> Command:
        """Return the command that runs it."""
        return ("EVALSHA", self.sha, len(keys), *keys, *args)
