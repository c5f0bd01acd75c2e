"""Whether targets still answer: what an answer means, and what is kept of targets that do not.

A link whose target answers leaves no trace here. One whose target does not has a record under its own id, which the
store keeps apart from the link: neither its version nor what redirects read of it changes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, ClassVar, Literal

from msgspec import Struct

from shortly.accounts.registry import MAX_PAGE, Noun, Registry, adding, replacing, until_settled
from shortly.errors import NoAnswer
from shortly.links.link import Link

if TYPE_CHECKING:
    from shortly.links.store import LinkStore

Said = Literal["answers", "bad_status", NoAnswer, "not_asked"]
"""What came of asking a target. bad_status: its answer says that there is nothing; led_on: it redirects without end;
not_asked: it is none that may be asked from here."""
FAILURES = frozenset({"bad_status", "unknown_name", "too_slow", "certificate", "no_answer"})
"""Redirects without end are none: many servers send those round in circles who bring no cookies."""
GONE = frozenset({404, 410})
"""Statuses below 500 that say that there is nothing; others, such as 403 or 429, refuse whoever asks, and not all."""

BROKEN_AFTER = 3
"""Failures in a row."""
APART = timedelta(hours=1)
"""Failures that come sooner after another one count as the same."""
RECHECK = timedelta(hours=24)
"""How often the target of a broken link is asked."""
KEPT = timedelta(days=30)
"""What nobody has asked about for so long is forgotten."""


class Finding(Struct, frozen=True):
    """What came of asking a target once."""

    said: Said
    status: int | None = None
    """The HTTP status, if it answered."""

    @property
    def failed(self) -> bool:
        """Whether visitors would find nothing there."""
        return self.said in FAILURES


Ask = Callable[[str], Awaitable[Finding]]
"""Asks a target; never raises because of what it does."""


class LinkCheck(Noun, frozen=True, kw_only=True):
    """That the target of a link did not answer; its id is the link's."""

    KIND: ClassVar[str] = "link_check"

    workspace: int
    target: str
    """``mark_of`` the target that was asked."""
    said: Said
    status: int | None = None
    failures: int = 1
    """In a row, each ``APART`` from the one before."""
    since: datetime
    """The first of them."""
    counted_at: datetime
    """The last of them."""
    at: datetime
    """When the target was asked last."""

    @property
    def broken(self) -> bool:
        """Whether the link counts as broken."""
        return self.failures >= BROKEN_AFTER

    @property
    def newly_broken(self) -> bool:
        """Whether it does so since the target was asked last."""
        return self.failures == BROKEN_AFTER and self.counted_at == self.at

    def is_about(self, link: Link) -> bool:
        """Say whether the link still leads to what was asked."""
        return self.target == mark_of(link.target)

    def is_due(self, now: datetime) -> bool:
        """Say whether the target is to be asked again."""
        return now - self.at >= (RECHECK if self.broken else APART)

    def groups(self) -> tuple[str, ...]:
        """Return the broken links of the workspace, if it is one of them."""
        return (broken_of(self.workspace),) if self.broken else ()

    def expiry(self) -> datetime:
        """Return when it is forgotten."""
        return self.at + KEPT


def broken_of(workspace: int) -> str:
    """Return the group of a workspace's broken links."""
    return f"broken:{workspace}"


def mark_of(target: str) -> str:
    """Return a short text that another target does not have."""
    return blake2b(target.encode(), digest_size=8).hexdigest()


def finding_of(status: int) -> Finding:
    """Return what a status says."""
    return Finding("bad_status" if status in GONE or status >= 500 else "answers", status)


def may_be_checked(link: Link, now: datetime) -> bool:
    """Say whether a link leads visitors to its target, which is one that could be asked."""
    over = link.expires_at is not None and link.expires_at <= now
    at_rest = link.archived or not link.enabled or link.ban is not None or link.deleted_at is not None
    return not (over or at_rest) and link.target.startswith(("http://", "https://"))


class LinkChecks:
    """Asks targets one by one, and knows which links are broken.

    Args:
        store: Where the links are.
        registry: Where it is kept which targets do not answer.
        ask: Asks a target.
    """

    def __init__(self, store: LinkStore, registry: Registry, ask: Ask) -> None:
        self._store = store
        self._registry = registry
        self._ask = ask

    async def known(self, link: Link) -> LinkCheck | None:
        """Return what is known to be wrong with a link's target; None: nothing."""
        check = await self._registry.get(LinkCheck, link.id)
        return check if check is not None and check.is_about(link) else None

    async def check(self, link: Link) -> tuple[Finding, LinkCheck | None]:
        """Ask a link's target now, and return what came of it, and what is known to be wrong from now on."""
        finding = await self.ask(link)
        return finding, await self.note(link, finding)

    async def ask(self, link: Link) -> Finding:
        """Ask a link's target without keeping what comes of it."""
        return await self._ask(link.target)

    async def note(self, link: Link, finding: Finding) -> LinkCheck | None:
        """Keep what came of asking the link's target, as far as it has to be kept, and return it."""
        registry = self._registry

        async def attempt() -> LinkCheck | None:
            old = await registry.get(LinkCheck, link.id)
            if not finding.failed:
                if old is not None:
                    await registry.remove(old)
                return None
            new = after(old if old is not None and old.is_about(link) else None, link, finding, registry.now())
            if old is None:
                await registry.write(adding(registry.fresh(new)))
            else:
                await registry.write(replacing(old, new))
            return new

        return await until_settled(attempt)

    async def page_of_broken(
        self, workspace: int, *, after: int | None, limit: int, now: datetime
    ) -> tuple[list[tuple[Link, LinkCheck]], int | None]:
        """Return a page of a workspace's broken links, those made last first.

        Args:
            workspace: Whose.
            after: Id of the link at which the page before ended.
            limit: How many records are looked at, 1 to ``MAX_PAGE``; links that are off, over or mended are left out.
            now: The present moment, aware.

        Returns:
            The links, and what the next page begins after; None: this was the last one.
        """
        checks = await self._registry.page(
            LinkCheck, broken_of(workspace), after=after, limit=min(limit, MAX_PAGE), descending=True
        )
        links = await self._store.get_links([check.id for check in checks])
        found = [
            (link, check)
            for check in checks
            if (link := links.get(check.id)) is not None
            and link.workspace == workspace
            and check.is_about(link)
            and may_be_checked(link, now)
        ]
        return found, checks[-1].id if len(checks) == min(limit, MAX_PAGE) else None


def after(old: LinkCheck | None, link: Link, finding: Finding, now: datetime) -> LinkCheck:
    """Return what is kept after a failure; ``old`` is what was kept before, of the same target."""
    counts = old is None or now - old.counted_at >= APART
    return LinkCheck(
        id=link.id,
        workspace=link.workspace,
        target=mark_of(link.target),
        said=finding.said,
        status=finding.status,
        failures=(old.failures if old else 0) + counts,
        since=old.since if old else now,
        counted_at=now if old is None or counts else old.counted_at,
        at=now,
    )
