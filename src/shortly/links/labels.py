"""Tags and folders: the names that a workspace's links are sorted by, and how many links each has."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

LabelKind = Literal["tag", "folder"]

MAX_LABELS = 200
"""Labels on one page."""
MOST_LOOKED_AT = 5_000
"""Names that one page compares with a search; what is behind them comes with the next page."""


class Label(Struct, frozen=True):
    """A tag or a folder that at least one link has."""

    name: str
    links: int
    """How many of the workspace's links have it, archived ones among them."""


class LabelQuery(Struct, frozen=True, kw_only=True):
    """Which labels of a workspace to list; they come by name, in the order of their code points."""

    kind: LabelKind
    workspace: int
    search: str = ""
    """Part of the name; case does not matter."""
    limit: int = 100
    after: str = ""
    """The name that the page begins behind."""


class LabelPage(Struct, frozen=True):
    """One page. With a search it may have fewer labels than fit, and none, though there are more behind it."""

    items: list[Label]
    next_after: str | None
    """The next page begins behind this name; None: there is none."""
