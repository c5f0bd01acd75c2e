"""Links that somebody should look at, before visitors tell: banned, broken, used up, just expired, about to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, get_args

from msgspec import Struct

from shortly.accounts.people import FIRST_WORKSPACE
from shortly.accounts.registry import MAX_PAGE
from shortly.links.checks import LinkCheck, LinkChecks
from shortly.links.link import Link

if TYPE_CHECKING:
    from shortly.links.store import LinkStore

Trouble = Literal["banned", "broken", "used_up", "expired", "expires_soon"]
"""Of several that a link has, the first counts. ``used_up``: nearly, too. All but ``broken`` are asked of a store."""
TROUBLES: tuple[Trouble, ...] = get_args(Trouble)
Reason = Literal["banned", "broken", "used_up", "nearly_used_up", "expired", "expires_soon"]

SOON = timedelta(days=7)
"""Before expiry, and after it: what is over for longer is no news."""
NEARLY = 10
"""A link is nearly used up when no more than one in so many of its clicks is left."""
MOST_LOOKED_AT = 2_000
"""Links that come into question for one trouble and are looked at."""
MAX_CONCERNS = 50
"""Of each trouble in one answer."""

Reach = Callable[[Link], bool]


class Concern(Struct, frozen=True, kw_only=True):
    """A link that somebody should look at."""

    link: Link
    trouble: Trouble
    taken: int | None = None
    """How many of its ``max_clicks`` are used up; None: they are not what is the matter."""
    check: LinkCheck | None = None
    """What is wrong with its target, where that is the matter."""

    @property
    def reason(self) -> Reason:
        """What to tell people."""
        if self.trouble == "used_up" and (self.taken or 0) < (self.link.max_clicks or 0):
            return "nearly_used_up"
        return self.trouble


class ConcernQuery(Struct, frozen=True, kw_only=True):
    """Which of them."""

    trouble: Trouble
    workspace: int = FIRST_WORKSPACE
    limit: int
    now: datetime


class ConcernPage(Struct, frozen=True):
    """The most pressing ones first."""

    items: list[Concern]
    complete: bool
    """Whether all links were looked at that came into question. There may be more than ``items`` in any case."""


class Attention(Struct, frozen=True):
    """What a workspace's people should look at."""

    items: list[Concern]
    """By trouble in the order of ``TROUBLES``, each link once."""
    more: list[Trouble]
    """Troubles that more links have than are told."""
    complete: bool
    """See ``ConcernPage``; of all troubles."""


def concerns_among(candidates: Iterable[tuple[Link, int]], query: ConcernQuery) -> list[Concern]:
    """Return those that are in the trouble, for a store that has found which come into question.

    Args:
        candidates: Links of any kind with the clicks that they have used up, in the order in which they are to come.
        query: What is asked for.
    """
    found = []
    for link, taken in candidates:
        if link.workspace == query.workspace and _has(link, taken, query):
            used = taken if query.trouble == "used_up" else None
            found.append(Concern(link=link, trouble=query.trouble, taken=used))
    if query.trouble == "used_up":
        found.sort(key=lambda concern: (concern.taken or 0) < (concern.link.max_clicks or 0))
    return found[: query.limit]


def span_of(query: ConcernQuery) -> tuple[datetime, datetime]:
    """Return between which moments links expire, the first one exclusive, that have expired or will soon."""
    if query.trouble == "expired":
        return query.now - SOON, query.now
    return query.now, query.now + SOON


def is_nearly_used_up(max_clicks: int | None, taken: int) -> bool:
    """Say whether a link has few of its clicks left or none; one for a single click is meant to be used up."""
    return max_clicks is not None and max_clicks > 1 and (max_clicks - taken) * NEARLY <= max_clicks


def _has(link: Link, taken: int, query: ConcernQuery) -> bool:
    if link.deleted_at is not None or link.archived:
        return False
    if query.trouble == "banned":
        return link.ban is not None
    if not link.enabled:
        return False
    if query.trouble == "used_up":
        return is_nearly_used_up(link.max_clicks, taken)
    since, until = span_of(query)
    return link.expires_at is not None and since < link.expires_at <= until


async def list_broken(checks: LinkChecks | None, query: ConcernQuery) -> ConcernPage:
    """Return links that are broken, those made last first; up to ``MOST_LOOKED_AT`` are looked at."""
    if checks is None:
        return ConcernPage([], complete=True)
    items: list[Concern] = []
    after, looked_at = None, 0
    while len(items) < query.limit and looked_at < MOST_LOOKED_AT:
        step = min(query.limit - len(items), MAX_PAGE)
        page, after = await checks.page_of_broken(query.workspace, after=after, limit=step, now=query.now)
        items += [Concern(link=link, trouble="broken", check=check) for link, check in page]
        looked_at += step
        if after is None:
            break
    return ConcernPage(items, after is None or len(items) == query.limit)


async def look_over(
    store: LinkStore,
    checks: LinkChecks | None,
    workspace: int,
    *,
    limit: int,
    reach: Reach,
    everything: bool,
    now: datetime,
) -> Attention:
    """Return what needs attention in a workspace, with a cost that its number of links has no part in.

    Args:
        store: Has the links.
        checks: Knows which are broken; None: nobody does.
        workspace: Whose.
        limit: Of each trouble, 1 to ``MAX_CONCERNS``.
        reach: Which links exist for whoever asks.
        everything: Whether these are all of the workspace, so that no more need to be looked at than are told.
        now: The present moment, aware.
    """
    items: list[Concern] = []
    more: list[Trouble] = []
    complete = True
    known: set[int] = set()
    for trouble in TROUBLES:
        asked = limit + len(known) + 1 if everything else MOST_LOOKED_AT
        query = ConcernQuery(trouble=trouble, workspace=workspace, limit=asked, now=now)
        page = await (list_broken(checks, query) if trouble == "broken" else store.list_concerns(query))
        found = [concern for concern in page.items if concern.link.id not in known and reach(concern.link)]
        complete = complete and page.complete
        if len(found) > limit:
            more.append(trouble)
        items += found[:limit]
        known.update(concern.link.id for concern in found)
    return Attention(items, more, complete)
