"""What the API is handed: every service of this process, made by ``app`` and shared by all requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal, Protocol

from fastapi import Depends, Request

from shortly.abuse.rates import RateLimits
from shortly.accounts import access
from shortly.accounts.audit import Audit
from shortly.accounts.entrance import Entrance
from shortly.accounts.invitations import InvitationService
from shortly.accounts.keys import KeyService
from shortly.accounts.oidc import Oidc
from shortly.accounts.sessions import From, SignedIn
from shortly.accounts.store import IdempotencyStore
from shortly.accounts.trusted_header import TrustedHeader
from shortly.accounts.users import PeopleService
from shortly.accounts.workspaces import WorkspaceService
from shortly.api.cookies import DeviceCookie, SessionCookie
from shortly.branding.branding import BrandingService
from shortly.clicks.store import ClickStore
from shortly.errors import SessionNeeded
from shortly.links.attempt import Attempt
from shortly.links.checks import LinkChecks
from shortly.links.domain_service import DomainService
from shortly.links.guarded import GuardedLinks
from shortly.links.service import LinkService
from shortly.redirect.pages import Shown
from shortly.redirect.visitor import Addresses
from shortly.settings import Settings
from shortly.stats.guarded import GuardedStats

if TYPE_CHECKING:
    from shortly.stats.live import LiveService
    from shortly.stats.service import StatsService


@dataclass(frozen=True, slots=True)
class JournalStatus:
    """How the click journal of this process does."""

    refusing: bool
    """The last click was dropped for want of room."""
    dropped: int
    """Clicks dropped since the start."""


@dataclass(frozen=True, slots=True)
class BackupsKnown:
    """What there is of backups, in the first place where they are kept."""

    status: Literal["ok", "late", "none", "unreadable"]
    """late: the newest is older than ``ALERT_BACKUP_HOURS``; unreadable: their place does not answer."""
    count: int = 0
    bytes: int = 0
    """All of them together."""
    newest_at: datetime | None = None
    newest_bytes: int = 0
    encrypted: bool = False
    """The newest one."""
    changes: Literal["kept", "late", "none"] = "none"
    """How 'shortly backup follow' does; late: behind by more than ``ALERT_FOLLOW_MINUTES``."""
    changes_until: datetime | None = None
    """Every change before is kept."""


class ApiStore(ClickStore, IdempotencyStore, Protocol):
    """What the API itself needs of the store, beside what the services need."""

    async def ping(self) -> None:
        """Raise ``StoreUnavailable`` unless the store can be read and written right now."""

    async def warnings(self) -> list[str]:
        """Return a sentence for each thing about the engine that may lose data."""


class Counting(Protocol):
    """This process's share of the node's counters."""

    def add(self, name: str, amount: int = 1) -> None:
        """Add to a counter; see ``shortly.counters`` for the names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything that requests are answered with; the lifespan hands it over as ``{"services": Services(...)}``."""

    settings: Settings
    store: ApiStore
    links: LinkService
    """All of them; routes ask for ``Links``."""
    checks: LinkChecks
    stats: StatsService
    """All of them; routes ask for ``Stats``."""
    live: LiveService
    keys: KeyService
    audit: Audit
    branding: BrandingService
    shown: Shown
    """The public pages, in the present branding."""
    people: PeopleService
    workspaces: WorkspaceService
    invitations: InvitationService
    domains: DomainService
    limits: RateLimits
    entrance: Entrance
    oidc: Oidc | None
    trusted_header: TrustedHeader | None
    addresses: Addresses
    """How clients' addresses are found behind proxies."""
    counters: Counting
    read_counters: Callable[[], Mapping[str, int]]
    """Sums over all processes of this node."""
    journal_status: Callable[[], JournalStatus]
    backups_known: Callable[[], Awaitable[BackupsKnown]]
    started_at: datetime
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    @property
    def cookie(self) -> SessionCookie:
        """What holds sessions' tokens in browsers."""
        return SessionCookie(secure=self.settings.has_https)

    @property
    def device_cookie(self) -> DeviceCookie:
        """What says in browsers with whose account they came in before."""
        return DeviceCookie(secure=self.settings.has_https)


async def services_of(request: Request) -> Services:
    """Return the services, for a route that asks for them."""
    services: Services = request.state.services
    return services


async def caller_of(request: Request) -> access.Caller:
    """Return whom the request comes from, as ``Authentication`` found it."""
    caller: access.Caller = request.state.caller
    return caller


async def perhaps_signed_in(request: Request) -> SignedIn | None:
    """Return the person who is signed in, or None when it is a key that asks."""
    signed_in: SignedIn | None = getattr(request.state, "signed_in", None)
    return signed_in


async def signed_in_of(request: Request) -> SignedIn:
    """Return the person who is signed in; raise ``SessionNeeded`` when it is a key that asks."""
    signed_in = await perhaps_signed_in(request)
    if signed_in is None:
        raise SessionNeeded
    return signed_in


async def from_of(request: Request) -> From:
    """Return where the request comes from, as ``Authentication`` found it."""
    facts: From = request.state.facts
    return facts


AllServices = Annotated[Services, Depends(services_of)]
Caller = Annotated[access.Caller, Depends(caller_of)]


async def links_of(request: Request, services: AllServices, caller: Caller) -> GuardedLinks:
    """Return the links that the caller may work with."""
    attempt: Attempt | None = getattr(request.state, "attempt", None)  # as ``Idempotency`` left it
    return GuardedLinks(services.links, caller, services.audit, attempt)


async def stats_of(services: AllServices, caller: Caller) -> GuardedStats:
    """Return the statistics that the caller may read."""
    return GuardedStats(services.stats, services.links, caller)


Links = Annotated[GuardedLinks, Depends(links_of)]
Stats = Annotated[GuardedStats, Depends(stats_of)]
Person = Annotated[SignedIn, Depends(signed_in_of)]
PerhapsPerson = Annotated[SignedIn | None, Depends(perhaps_signed_in)]
Facts = Annotated[From, Depends(from_of)]
