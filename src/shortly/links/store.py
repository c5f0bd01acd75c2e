"""What links need of a store. Each step is atomic for one link only, so that a store may spread links over servers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from shortly.accounts.people import FIRST_WORKSPACE
from shortly.errors import LinkChanged, LinkNotFound, SlugTaken
from shortly.links.attention import ConcernPage, ConcernQuery
from shortly.links.labels import LabelPage, LabelQuery
from shortly.links.link import Link, LinkPage, LinkQuery, Redirection


class RedirectionStore(Protocol):
    """The two reads of the redirect's way, and the one write that a click limit needs."""

    def remembered(self, domain: str, slug: str) -> Redirection | None:
        """Return what memory holds of this slug if that is known to be current, else None; never waits.

        SQLite: current means that no process has committed an edit to it. Redis: no invalidation has arrived.
        """

    async def get_redirection(self, domain: str, slug: str) -> Redirection | None:
        """Return the redirection of a slug or alias, or None when no link has it; one point read.

        Raises:
            StoreUnavailable: The store did not answer in time; whether the link exists is not known.
        """

    async def take_click(self, link_id: int, domain: str, slug: str, max_clicks: int) -> bool:
        """Use up one of a link's ``max_clicks``; False when they are used up. Atomic among all processes."""


class Wanted(NamedTuple):
    """A link to be added unless there is one that does as well."""

    link: Link
    does: Callable[[Link], bool]
    """Says whether the link that is there already does; called in any thread, and looks at nothing else."""


class Got(NamedTuple):
    """The link that somebody wanted."""

    link: Link
    is_new: bool
    """It was added, and not there already."""


class LinkStore(RedirectionStore, Protocol):
    """Links, read and written by ``LinkService``.

    The plural writes do each of their steps by itself: one that fails leaves its neighbours alone, and its place in
    the answer holds the error instead of the link. All of them are durable when the call returns.
    A write that finds no room raises ``StorageFull``, one that gets no answer ``StoreUnavailable``.
    """

    async def add_links(self, links: Sequence[Link]) -> list[Link | SlugTaken]:
        """Add links whose ``id`` is 0; each comes back with its id, or as ``SlugTaken``."""

    async def find_or_add_links(self, wanted: Sequence[Wanted]) -> list[Got | SlugTaken]:
        """Give links to targets, each the one that ``find_link`` finds if that does, else a new one.

        Of all calls for one target, domain, owner and workspace, in whichever process, one looks and adds at a time:
        two never both add. Two of the same call are looked at one after the other, too.
        """

    async def get_link(self, domain: str, slug: str) -> Link | None:
        """Return the link that has this slug or alias, or None; one point read, never from memory."""

    async def get_links(self, link_ids: Sequence[int]) -> dict[int, Link]:
        """Return links by their ids, deleted ones that can be restored among them; one that is gone is missing."""

    async def replace_links(
        self, edits: Sequence[tuple[Link, Link]]
    ) -> list[Link | LinkChanged | LinkNotFound | SlugTaken]:
        """Replace links, each given as it was read and as it shall be; compared by ``version``.

        The stored link gets the old version plus one. A new slug is taken in the same domain, and the old one
        stays as an alias; taking back one of the link's own aliases is allowed. Fields ``id``, ``domain``,
        ``owner``, ``workspace``, ``created_at``, ``version`` and ``aliases`` of the new link are not looked at.
        """

    async def delete_links(self, links: Sequence[Link]) -> list[LinkChanged | LinkNotFound | None]:
        """Delete links and free their slugs and aliases; compared by ``version``, 0 meaning any."""

    async def list_links(self, query: LinkQuery) -> LinkPage:
        """Return one page of links.

        Raises:
            InvalidCursor: The cursor is not one that this list gave, or it gave it for another sort.
        """

    async def list_labels(self, query: LabelQuery) -> LabelPage:
        """Return one page of the tags, or of the folders, that links of a workspace have; counts are exact."""

    async def list_concerns(self, query: ConcernQuery) -> ConcernPage:
        """Return links of a workspace that are in one kind of trouble, neither archived nor, but for banned ones,
        disabled: those that expire next, that expired last, or that were made last.

        Of those that come into question ``MOST_LOOKED_AT`` are looked at.
        """

    async def find_link(self, domain: str, target: str, owner: str, workspace: int = FIRST_WORKSPACE) -> Link | None:
        """Return the owner's oldest plain link of the workspace to exactly this target, or None.

        Plain: enabled, not archived, without dates, limit or password.
        """
