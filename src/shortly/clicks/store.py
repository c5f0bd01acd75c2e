"""What clicks need of a store: to be folded exactly once, and read back as counts.

Hours and days are whole numbers since the unix epoch, UTC (``at_ms // 3_600_000``, ``at_ms // 86_400_000``).
Ids that are not positive stand for the sums over all links of a workspace (see ``every_link``), kept as a link is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from shortly.accounts.people import FIRST_WORKSPACE
from shortly.clicks.visit import Tally, Visit

EVERY_LINK = 0
"""The sum over all links of the first workspace."""


TOP_DAYS = 8
"""How many days' most clicked links are kept, the present one and the next one among them."""
TOP_KEPT = 32
"""Of each day and workspace, at least."""


def every_link(workspace: int) -> int:
    """Return what stands in place of a link id for the sum over all links of a workspace: 0, -1, -2 and so on."""
    if workspace < FIRST_WORKSPACE:
        raise ValueError(f"there is no workspace {workspace}")
    return EVERY_LINK + FIRST_WORKSPACE - workspace


def workspace_of(sum_id: int) -> int:
    """Return the workspace that a sum is of; the inverse of ``every_link``."""
    return EVERY_LINK + FIRST_WORKSPACE - sum_id


def is_sum(link_id: int) -> bool:
    """Return whether an id stands for a sum, and not for a link."""
    return link_id <= EVERY_LINK


class Batch(Struct, frozen=True, kw_only=True):
    """Visits read from one journal segment between two positions, in journal order."""

    segment: str
    """Name of the segment, unique for ever."""
    start: int
    """Byte position of the first visit's record."""
    end: int
    """Byte position after the last one's."""
    visits: Sequence[tuple[int, Visit]]
    """Each visit with the byte position after its record, rising; positions between belong to nobody."""


class Total(Struct, frozen=True, array_like=True):
    """A link's clicks (bots among them) since it was made, and how many were bots."""

    clicks: int = 0
    bots: int = 0


def sum_of(totals: Iterable[Total]) -> Total:
    """Return totals together."""
    clicks = bots = 0
    for total in totals:
        clicks += total.clicks
        bots += total.bots
    return Total(clicks, bots)


class TopDay(Struct, frozen=True):
    """The links of a workspace that people clicked most on one day."""

    clicks: dict[int, int]
    """Link id -> human clicks, all that are known."""
    below: int
    """What no link that is missing here had more of; 0: all links with human clicks are known."""


class VisitPage(Struct, frozen=True):
    """Raw visits, newest first."""

    items: list[Visit]
    next_cursor: str | None


class FoldStore(Protocol):
    """The drain's side."""

    async def positions(self) -> Mapping[str, int]:
        """Return how far each segment has been folded; a segment that is missing here starts at 0."""

    async def fold(self, batches: Sequence[Batch]) -> None:
        """Add the visits to all counts and move the positions to the batches' ends, all or nothing.

        What lies at or before a segment's stored position is skipped, so folding a batch again changes nothing.
        Durable when it returns.
        """

    async def forget_segments(self, segments: Sequence[str]) -> None:
        """Drop the positions of segments whose files are gone."""

    async def prune(self, *, now_ms: int, visits_before_ms: int, gone_links: Sequence[int]) -> None:
        """Delete raw visits older than ``visits_before_ms``, visitor hashes and salts of days that are over
        (yesterday's are kept, for late segments), and everything about the ``gone_links``; in small steps."""


class ClickStore(FoldStore, Protocol):
    """The readers' side. No call's cost grows with the number of clicks, only with that of hours or days asked for."""

    async def salt(self, day: int) -> bytes:
        """Return the 16 random bytes that key visitor hashes on this day; made at the first call, the same for all
        processes, thrown away when the day is over."""

    async def totals(self, link_ids: Sequence[int]) -> dict[int, Total]:
        """Return the all-time totals of links; one without clicks is missing."""

    async def hours(self, link_id: int, since_hour: int, until_hour: int) -> dict[int, Total]:
        """Return the clicks of each hour that had any; ``until_hour`` is exclusive."""

    async def clicks_between(self, link_id: int, since_hour: int, until_hour: int) -> Total:
        """Return the sum of what ``hours`` returns."""

    async def moments(self, sum_id: int, since_moment: int, until_moment: int) -> dict[int, Total]:
        """Return the clicks on all links of a workspace in each moment (``at_ms // MOMENT_MS``) that had any, of the
        last hours; ``until_moment`` is exclusive. Older ones are missing."""

    async def top_days(self, sum_id: int, since_day: int, until_day: int) -> dict[int, TopDay]:
        """Return the most clicked links of each day that has any; ``until_day`` is exclusive. Known for the last
        ``TOP_DAYS``; the ``TOP_KEPT`` first ones of a day are right, at least. Links that are gone are among them."""

    async def days_of(self, link_ids: Sequence[int], since_day: int, until_day: int) -> dict[int, Total]:
        """Return the clicks of each of these links in the days together; one without any is missing."""

    async def visitors(self, link_id: int, since_day: int, until_day: int) -> dict[int, int]:
        """Return the unique human visitors of each day that had any; ``until_day`` is exclusive."""

    async def tally(self, link_id: int, since_hour: int, until_hour: int) -> Tally:
        """Return the sums over the hours, ``until_hour`` exclusive; at most ``MAX_VALUES`` values and ``OTHER`` in
        each dimension of each hour or whole day were kept apart."""

    async def visits(
        self, link_id: int, *, since_ms: int, until_ms: int, limit: int, cursor: str | None = None
    ) -> VisitPage:
        """Return raw visits that are still kept, newest first; ``until_ms`` is exclusive.

        Raises:
            InvalidCursor: The cursor is not one that this list gave.
        """
