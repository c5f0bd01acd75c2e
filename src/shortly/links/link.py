"""A link, what the redirect needs of it, and the pages that lists of links come in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct, structs

from shortly.accounts.people import FIRST_WORKSPACE

RedirectStatus = Literal[301, 302, 307, 308]
ReferrerPolicy = Literal[
    "",
    "no-referrer",
    "no-referrer-when-downgrade",
    "origin",
    "origin-when-cross-origin",
    "same-origin",
    "strict-origin",
    "strict-origin-when-cross-origin",
    "unsafe-url",
]
LinkState = Literal["active", "scheduled", "expired", "exhausted", "disabled", "banned", "archived"]
SortField = Literal["created_at", "updated_at", "clicks", "slug", "title"]


class Condition(Struct, frozen=True, kw_only=True):
    """One test of a redirect rule: ``value`` compared by ``operator`` with what ``subject`` is for this request."""

    subject: str
    operator: str
    value: str


class Rule(Struct, frozen=True, kw_only=True):
    """A redirect rule: the target for requests that meet its conditions."""

    target: str
    match: Literal["all", "any"] = "all"
    conditions: tuple[Condition, ...] = ()


class Variant(Struct, frozen=True, kw_only=True):
    """One of several targets among which visitors are split by weight."""

    name: str
    target: str
    weight: int = 1


BanStatus = Literal[410, 451]


class Ban(Struct, frozen=True, kw_only=True):
    """That a link must lead nobody anywhere, whatever else it says."""

    status: BanStatus
    """What visitors get: 410 gone, 451 for legal reasons."""
    reason: str
    at: datetime
    by: str
    """Who decided so, such as ``user:7``."""


class Link(Struct, frozen=True, kw_only=True):
    """A short link. ``id`` is 0 until the store has given it one; ids are positive, below 2**63, never reused."""

    id: int = 0
    domain: str = ""
    """Host (and port, where not the scheme's own) that the slug lives on; empty: the host of ``BASE_URL``."""
    slug: str
    target: str
    """Normalised: see ``normalise_target``."""
    title: str = ""
    notes: str = ""
    tags: tuple[str, ...] = ()
    """Sorted, without repeats."""
    folder: str = ""
    owner: str = ""
    """Who made it, such as ``key:3``; empty: the command line."""
    workspace: int = FIRST_WORKSPACE
    """Whose it is, 1 to ``MAX_WORKSPACES``; fixed when it is made. Slugs are one space for all of them."""
    created_at: datetime
    updated_at: datetime
    version: int = 1
    """Goes up by one with every edit."""
    valid_from: datetime | None = None
    expires_at: datetime | None = None
    """Exclusive: at this moment the link is expired."""
    max_clicks: int | None = None
    fallback_target: str | None = None
    """Where an expired, exhausted or disabled link leads instead of the 410 page."""
    status: RedirectStatus = 302
    forward_query: bool = False
    crawlable: bool = False
    enabled: bool = True
    archived: bool = False
    """Out of the way in lists; goes on redirecting."""
    cache_s: int | None = None
    """Seconds that browsers may keep the redirect; None: never. Clicks that a browser keeps are not counted."""
    referrer_policy: ReferrerPolicy = ""
    password_hash: str | None = None
    """Argon2id; a link with one never redirects without the password."""
    rules: tuple[Rule, ...] = ()
    variants: tuple[Variant, ...] = ()
    aliases: tuple[str, ...] = ()
    """Earlier slugs that lead here still; sorted."""
    ban: Ban | None = None
    """No edit of the link's own people changes it."""
    deleted_at: datetime | None = None
    """A deleted link is kept for a while, so that it can be restored; it is in no list and leads nowhere (410)."""

    @property
    def has_password(self) -> bool:
        """Whether visitors are asked for one."""
        return self.password_hash is not None


def successor_of(stored: Link, new: Link, key: Callable[[str], str]) -> Link:
    """Return what is stored in the place of a link: ``new``, but for what no edit changes, and with one more alias
    after a change of the slug.

    Args:
        stored: The link as it is.
        new: What an edit makes of it.
        key: A slug -> what it is told apart from others by.
    """
    aliases = stored.aliases
    if key(new.slug) != key(stored.slug):
        aliases = tuple(sorted({stored.slug, *(alias for alias in aliases if key(alias) != key(new.slug))}))
    return structs.replace(
        new,
        id=stored.id,
        domain=stored.domain,
        owner=stored.owner,
        workspace=stored.workspace,
        created_at=stored.created_at,
        version=stored.version + 1,
        aliases=aliases,
    )


def state_of(link: Link, clicks: int, now: datetime) -> LinkState:
    """Return what visitors of a link meet; of several reasons against a redirect the most lasting one.

    Args:
        link: The link.
        clicks: How many it has had.
        now: The moment to judge at, aware.
    """
    if link.archived:
        return "archived"
    if link.ban is not None:
        return "banned"
    if not link.enabled:
        return "disabled"
    if link.expires_at is not None and link.expires_at <= now:
        return "expired"
    if link.max_clicks is not None and link.max_clicks <= clicks:
        return "exhausted"
    if link.valid_from is not None and link.valid_from > now:
        return "scheduled"
    return "active"


class Redirection(Struct, kw_only=True, eq=False, gc=False):
    """What the redirect needs of a link, as small and as ready as can be; remembered by the stores' link caches.

    Times are unix milliseconds, UTC. The collector of cyclic garbage does not see these objects, of which a process
    remembers many thousands (it would walk over all of them again and again): nothing in them may refer back to them.
    """

    link_id: int
    workspace: int = FIRST_WORKSPACE
    domain: str
    slug: str
    target: str
    status: int = 302
    valid_from_ms: int | None = None
    expires_ms: int | None = None
    max_clicks: int | None = None
    fallback_target: str | None = None
    forward_query: bool = False
    crawlable: bool = False
    enabled: bool = True
    cache_s: int | None = None
    referrer_policy: str = ""
    password_hash: str | None = None
    rules: tuple[Rule, ...] = ()
    variants: tuple[Variant, ...] = ()
    ban: int | None = None
    """Status of the answer to a banned link."""
    asked: bool = False
    """Belongs to the cache: whether it was asked for lately."""
    prepared: Any = None
    """Belongs to the redirect: the answer it made of this redirection the last time, so that the next costs nothing."""


class LinkQuery(Struct, frozen=True, kw_only=True):
    """Which links to list, in which order; every filter narrows, None and empty ones do not."""

    search: str = ""
    """Substring of slug, target, title, notes or a tag; case does not matter."""
    tags: tuple[str, ...] = ()
    """All of them."""
    folder: str | None = None
    domain: str | None = None
    owner: str | None = None
    workspace: int | None = None
    state: LinkState | None = None
    """None: all but archived links."""
    created_since: datetime | None = None
    created_until: datetime | None = None
    """Exclusive."""
    sort: SortField = "created_at"
    descending: bool = True
    limit: int = 50
    cursor: str | None = None
    now: datetime
    """The moment that ``state`` is judged at."""


class LinkPage(Struct, frozen=True):
    """One keyset page: links that come or go elsewhere never make another one appear twice or not at all.

    It may have fewer links than were asked for, even none, and a cursor all the same: where filters leave out nearly
    all links, the search goes on with the next page.
    """

    items: list[Link]
    next_cursor: str | None
