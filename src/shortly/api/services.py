"""What the API is handed: every service of this process, made by ``app`` and shared by all requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Protocol

from fastapi import Depends, Request

from shortly.abuse.rates import RateLimits
from shortly.accounts.keys import KeyService
from shortly.accounts.store import ApiKey, IdempotencyStore
from shortly.clicks.store import ClickStore
from shortly.links.service import LinkService
from shortly.settings import Settings

if TYPE_CHECKING:
    from shortly.stats.service import StatsService


@dataclass(frozen=True, slots=True)
class JournalStatus:
    """How the click journal of this process does."""

    refusing: bool
    """The last click was dropped for want of room."""
    dropped: int
    """Clicks dropped since the start."""


class ApiStore(ClickStore, IdempotencyStore, Protocol):
    """What the API itself needs of the store, beside what the services need."""

    async def ping(self) -> None:
        """Raise ``StoreUnavailable`` unless the store can be read and written right now."""


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
    stats: StatsService
    keys: KeyService
    limits: RateLimits
    counters: Counting
    read_counters: Callable[[], Mapping[str, int]]
    """Sums over all processes of this node."""
    journal_status: Callable[[], JournalStatus]
    started_at: datetime
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


async def services_of(request: Request) -> Services:
    """Return the services, for a route that asks for them."""
    services: Services = request.state.services
    return services


async def caller_of(request: Request) -> ApiKey:
    """Return the key that the request came with, as ``Authentication`` found it."""
    key: ApiKey = request.state.caller
    return key


AllServices = Annotated[Services, Depends(services_of)]
Caller = Annotated[ApiKey, Depends(caller_of)]
