"""Rate limits: how often somebody may do what, counted by the strategies of the ``limits`` package.

Windows are fixed and begin with the first request in them, so whoever is refused stays so until a known moment, which
is remembered: a refusal costs a look into a dictionary, and no question to Redis.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from hashlib import blake2b
from ipaddress import IPv6Address
from typing import TYPE_CHECKING, Literal, Protocol

import structlog
from limits import RateLimitItem, parse_many
from limits.aio.strategies import FixedWindowRateLimiter
from msgspec import Struct

from shortly.abuse.counts import MemoryCounts
from shortly.errors import RateLimited

if TYPE_CHECKING:
    from limits.aio.storage import RedisStorage

log = structlog.get_logger(__name__)

Door = Literal[
    "sign_in",
    "account",
    "strangers",
    "recovery",
    "create",
    "anonymous",
    "report",
    "page",
    "qr",
    "unlock",
    "unlock_link",
    "unlock_crowd",
    "check",
]
"""What is limited; the setting of each is ``LIMIT_`` and its name."""
MAX_REFUSED = 50_000
"""Refusals remembered by each process."""
TOLD_EVERY_S = 60.0
ASK_DEADLINE_S = 0.25
PAUSE_S = 1.0
"""How long Redis is left alone after it did not answer."""


class Standing(Struct, frozen=True):
    """How somebody stands at a door."""

    limit: int
    remaining: int
    resets_at: float
    """When the window ends, in unix seconds."""
    refused: bool

    def reset_s(self) -> int:
        """Return how many whole seconds that is from now; at least 1."""
        return max(1, int(self.resets_at - time.time() + 0.999))


class Counting(Protocol):
    """This process's share of the node's counters."""

    def add(self, name: str, amount: int = 1) -> None:
        """Add to a counter."""


class RateLimits:
    """The limits of one process.

    Args:
        rules: Door -> limits in the package's notation, such as ``10/minute`` or ``10/minute;100/hour``; "": none.
        shared: Counts of all processes and replicas; None: this process counts alone.
        hidden: Makes what is written to ``shared`` of a client's network or an account, which must not be found there.
        counters: Where refusals are counted.
    """

    def __init__(
        self,
        rules: Mapping[Door, str],
        *,
        shared: RedisStorage | None = None,
        hidden: Callable[[str], str] = lambda who: blake2b(who.encode(), digest_size=16).hexdigest(),
        counters: Counting | None = None,
    ) -> None:
        self._rules: dict[Door, tuple[RateLimitItem, ...]] = {
            door: tuple(parse_many(rule)) for door, rule in rules.items() if rule
        }
        self._alone = {door: FixedWindowRateLimiter(MemoryCounts()) for door in self._rules}
        self._storage = shared
        self._shared = FixedWindowRateLimiter(shared) if shared is not None else None
        self._failures: tuple[type[Exception], ...] = (OSError, TimeoutError)
        if shared is not None:
            self._failures += failures_of(shared)
        self._hidden = hidden
        self._counters = counters
        self._refused: dict[tuple[Door, str], Standing] = {}
        self._untold: dict[Door, int] = {}
        self._shared_again_at = 0.0
        self._trouble = False

    async def close(self) -> None:
        """Close the connections to Redis."""
        if self._storage is not None:
            await self._storage.bridge.storage.aclose()  # type: ignore[attr-defined]  # all bridges have one

    async def count(self, door: Door, who: str) -> Standing | None:
        """Count a try at a door and return how ``who`` stands then; None where nothing is limited."""
        return await self._stand(door, who, counts=True)

    async def look(self, door: Door, who: str) -> Standing | None:
        """Return how ``who`` stands at a door, ``refused`` if another try would be, without counting or noting one."""
        return await self._stand(door, who, counts=False)

    async def take(self, door: Door, who: str) -> None:
        """Count a try at a door, or raise ``RateLimited`` when ``who`` has had all of them."""
        standing = await self.count(door, who)
        if standing is not None and standing.refused:
            raise RateLimited(standing.reset_s())

    # --- inside --------------------------------------------------------------------------------------------------

    async def _stand(self, door: Door, who: str, *, counts: bool) -> Standing | None:
        rules = self._rules.get(door)
        if rules is None:
            return None
        known = self._refused.get((door, who))
        if known is not None:
            if known.resets_at > time.time():
                if counts:
                    self._note_refusal(door)
                return known
            del self._refused[door, who]
        standing = await self._ask(door, rules, who, counts=counts)
        if standing.refused:
            if len(self._refused) >= MAX_REFUSED:
                self._refused.clear()  # they are counted still: each costs one more question
            self._refused[door, who] = standing
            if counts:
                self._note_refusal(door)
        return standing

    async def _ask(self, door: Door, rules: tuple[RateLimitItem, ...], who: str, *, counts: bool) -> Standing:
        if self._shared is not None and time.monotonic() >= self._shared_again_at:
            try:
                async with asyncio.timeout(ASK_DEADLINE_S):
                    standing = await _hit(self._shared, rules, door, self._hidden(who), counts=counts)
            except self._failures as error:
                self._shared_again_at = time.monotonic() + PAUSE_S
                if not self._trouble:
                    log.warning(
                        "rate limits are counted by each process alone: Redis is away", error=type(error).__name__
                    )
                self._trouble = True
            else:
                if self._trouble:
                    log.info("rate limits are counted in Redis again")
                self._trouble = False
                return standing
        return await _hit(self._alone[door], rules, door, who, counts=counts)

    def _note_refusal(self, door: Door) -> None:
        """Count a refusal; the log gets one line for the first, and one a minute for all that follow."""
        if self._counters is not None:
            self._counters.add("rate_limited")
        if door in self._untold:
            self._untold[door] += 1
            return
        self._untold[door] = 0
        log.warning("a rate limit was reached", limit=door)
        asyncio.get_running_loop().call_later(TOLD_EVERY_S, self._tell, door)

    def _tell(self, door: Door) -> None:
        refused = self._untold.pop(door)
        if refused:
            log.warning("requests were refused by a rate limit", limit=door, refused=refused, seconds=TOLD_EVERY_S)


def failures_of(storage: RedisStorage) -> tuple[type[Exception], ...]:
    """Return what the storage's client raises when Redis does not answer as it should."""
    failures = storage.base_exceptions
    return failures if isinstance(failures, tuple) else (failures,)


async def _hit(
    limiter: FixedWindowRateLimiter, rules: tuple[RateLimitItem, ...], door: Door, who: str, *, counts: bool
) -> Standing:
    """Count in each rule's window, or only look into it, until one refuses, and return the tightest standing."""
    ask = limiter.hit if counts else limiter.test
    tightest: Standing | None = None
    for rule in rules:
        passed = await ask(rule, door, who)
        stats = await limiter.get_window_stats(rule, door, who)
        standing = Standing(rule.amount, stats.remaining, stats.reset_time, not passed)
        if tightest is None or not passed or standing.remaining < tightest.remaining:
            tightest = standing
        if not passed:
            break
    assert tightest is not None  # noqa: S101  # a parsed rule has at least one item
    return tightest


def network_of(address: str) -> str:
    """Return whose tries are counted together: an IPv4 address by itself, an IPv6 address with its /64."""
    if ":" not in address:
        return address
    try:
        parsed = IPv6Address(address.partition("%")[0])
    except ValueError:
        return ""
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) >> 64 << 64))
