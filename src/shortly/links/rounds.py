"""Going round all links and asking their targets, by one process of an installation at a time.

Where the round is, and who goes it, is one record: a process that is killed leaves it where it last stood, and another
one goes on from there. Targets that did not answer are asked again apart from the round, and sooner.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

import structlog
from msgspec import Struct
from msgspec.structs import replace

from shortly.accounts.registry import Noun, Registry, adding
from shortly.errors import InvalidCursor, NameTaken, RecordChanged
from shortly.links.checks import Finding, LinkCheck, LinkChecks, may_be_checked
from shortly.links.link import Link, LinkQuery

if TYPE_CHECKING:
    from shortly.links.store import LinkStore

log = structlog.get_logger("shortly.links")

ONLY = "only"
AT_ONCE = 4
"""Targets asked at the same time."""
LEASE = timedelta(minutes=10)
"""How long another process waits for one that says nothing; longer than a turn takes."""
LOOK_EVERY = timedelta(minutes=10)
"""How often all targets are gone through that did not answer, for those that are to be asked again."""
LOOKED_AT = 200
"""Of these in one turn."""
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
FEW_HOSTS = 5
"""When so many hosts are asked and none of them answers, the network of this machine is at fault, and not they."""


class Round(Noun, frozen=True, kw_only=True):
    """How far the round is."""

    KIND: ClassVar[str] = "link_check_round"

    holder: str = ""
    """The process that goes it."""
    until: datetime = LONG_AGO
    """Until when nobody else does."""
    started_at: datetime = LONG_AGO
    cursor: str | None = None
    """Where it goes on; None: it has just begun."""
    over: bool = True
    """Every link was come by."""
    looked_at: datetime = LONG_AGO
    """When all targets had been gone through that did not answer."""
    looked_until: int = 0
    """Id up to which they have been, this time."""

    def names(self) -> tuple[str, ...]:
        """Return the one name: there is one of it, or none yet."""
        return (ONLY,)


class Turn(Struct, frozen=True):
    """What was done in a turn."""

    asked: int = 0
    failed: int = 0
    broken: int = 0
    """Links that count as broken since this turn."""
    idle: bool = False
    """There was nothing to do, or somebody else does it."""
    cut_off: bool = False
    """No target could be reached, so that the next turn is to ask the same ones."""


class Rounds:
    """Asks the targets of links, turn by turn.

    Args:
        store: Where the links are.
        registry: Where it is kept how far the round is, and which targets do not answer.
        checks: Asks one target, and keeps what came of it.
        every: Time between two rounds.
        most: Targets asked in one turn; at least 1.
    """

    def __init__(
        self,
        store: LinkStore,
        registry: Registry,
        checks: LinkChecks,
        *,
        every: timedelta,
        most: int,
    ) -> None:
        self._store = store
        self._registry = registry
        self._checks = checks
        self._every = every
        self._most = most
        self._me = secrets.token_hex(8)

    async def turn(self) -> Turn:
        """Ask the next targets.

        Raises:
            StoreUnavailable, StorageFull: Nothing is lost but what this turn found.
        """
        now = self._registry.now()
        held = await self._hold(now)
        if held is None:
            return Turn(idle=True)
        again, held = await self._due_again(held, now)
        coming, held = await self._next(held, self._most - len(again), now)
        findings = await self._ask([*again, *coming])
        if is_cut_off(coming, findings[len(again) :]):
            return Turn(asked=len(findings), cut_off=True)
        broken = 0
        for link, finding in zip([*again, *coming], findings, strict=True):
            if finding.failed or link in again:
                broken += await self._note(link, finding)
        try:
            await self._registry.replace(held, held, durable=False)
        except RecordChanged:  # this turn took so long that another process goes on
            log.info("another process checks links now")
        return Turn(len(findings), sum(finding.failed for finding in findings), broken)

    async def _hold(self, now: datetime) -> Round | None:
        """Return the round, kept from others for a while; None: it is another's, or nothing is due."""
        state = await self._registry.find(Round, ONLY)
        try:
            if state is None:
                state = self._registry.fresh(Round())
                await self._registry.write(adding(state))
            if state.holder != self._me and state.until > now:
                return None
            if state.over and now - state.started_at >= self._every:
                state = replace(state, started_at=now, cursor=None, over=False)
            elif state.over and not state.looked_until and now - state.looked_at < LOOK_EVERY:
                return None
            held = replace(state, holder=self._me, until=now + LEASE)
            return await self._registry.replace(state, held, durable=False)
        except (NameTaken, RecordChanged):
            return None

    async def _due_again(self, held: Round, now: datetime) -> tuple[list[Link], Round]:
        """Return links whose targets did not answer and are to be asked again, at most half of a turn's while there
        are others, and the round behind them; what is kept of links that are gone or lead elsewhere is removed."""
        if not held.looked_until and now - held.looked_at < LOOK_EVERY:
            return [], held
        most = self._most if held.over else max(1, self._most // 2)
        checks = await self._registry.page(LinkCheck, after=held.looked_until, limit=LOOKED_AT)
        links = await self._store.get_links([check.id for check in checks])
        due: list[Link] = []
        until = held.looked_until
        for check in checks:
            link = links.get(check.id)
            if link is None or not check.is_about(link) or not may_be_checked(link, now):
                await self._forget(check)
            elif check.is_due(now):
                if len(due) == most:
                    return due, replace(held, looked_until=until)
                due.append(link)
            until = check.id
        if len(checks) == LOOKED_AT:
            return due, replace(held, looked_until=until)
        return due, replace(held, looked_until=0, looked_at=now)

    async def _forget(self, check: LinkCheck) -> None:
        try:
            await self._registry.remove(check)
        except RecordChanged:  # somebody has just asked
            return

    async def _next(self, held: Round, most: int, now: datetime) -> tuple[list[Link], Round]:
        """Return the next links to be asked, and the round behind them."""
        if held.over or most < 1:
            return [], held
        query = LinkQuery(descending=False, limit=most, cursor=held.cursor, now=now)
        try:
            page = await self._store.list_links(query)
        except InvalidCursor:  # of the store that the installation was moved from
            page = await self._store.list_links(replace(query, cursor=None))
        over = page.next_cursor is None
        links = [link for link in page.items if may_be_checked(link, now)]
        fresh = [link for link in links if await self._checks.known(link) is None]  # the others are asked apart
        return fresh, replace(held, cursor=page.next_cursor, over=over)

    async def _ask(self, links: Sequence[Link]) -> list[Finding]:
        room = asyncio.Semaphore(AT_ONCE)

        async def ask(link: Link) -> Finding:
            async with room:
                return await self._checks.ask(link)

        return list(await asyncio.gather(*map(ask, links)))

    async def _note(self, link: Link, finding: Finding) -> bool:
        """Keep what came of it, and say whether the link counts as broken just now."""
        check = await self._checks.note(link, finding)
        if check is None or not check.newly_broken:
            return False
        log.info("a link is broken", link=link.id, said=check.said, status=check.status)
        return True


def is_cut_off(links: Sequence[Link], findings: Sequence[Finding]) -> bool:
    """Say whether targets on so many hosts gave no answer at all that it must be this machine that reaches nothing."""
    if any(finding.status is not None for finding in findings):
        return False
    hosts = {urlsplit(link.target).netloc for link, finding in zip(links, findings, strict=True) if finding.failed}
    return len(hosts) >= FEW_HOSTS
