"""Asking targets of links whether there is anything, without reading it, and no host more than once a second."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Literal

from shortly import __version__
from shortly.errors import OutboundFailed, OutboundRefused
from shortly.links.checks import Finding, finding_of
from shortly.outbound.client import Limits, Outbound
from shortly.outbound.resolver import Resolve, resolve
from shortly.outbound.rules import OutboundRules

BETWEEN_S = 1.0
"""Between two requests to the same host."""
MAX_HOSTS = 1_000
"""Remembered at a time; those whose turn has come are forgotten first."""
AT_ONCE = 8
LIMITS = Limits(max_bytes=0, deadline_s=10, redirects=10)
Method = Literal["HEAD", "GET"]
USELESS = frozenset({"unknown_name", "certificate"})
"""What another request would not change."""


class Targets:
    """Asks targets, a few at a time.

    Args:
        base_url: The installation's, by which those who are asked learn who asks.
        rules: Which servers may be asked.
        resolver: Turns names into addresses.
        between_s: Seconds between two requests to the same host.
        limits: What one request may take, without waiting for its turn.
    """

    def __init__(
        self,
        base_url: str,
        rules: OutboundRules,
        *,
        resolver: Resolve = resolve,
        between_s: float = BETWEEN_S,
        limits: Limits = LIMITS,
    ) -> None:
        self._pace = Pace(between_s)
        self._limits = limits
        self._room = asyncio.Semaphore(AT_ONCE)  # who waits for room outside of a request loses none of its time
        self._outbound = Outbound(
            rules,
            resolver=resolver,
            at_once=AT_ONCE,
            user_agent=f"Shortly/{__version__} (link check; +{base_url})",
            turn=self._pace.turn,
        )

    async def ask(self, target: str) -> Finding:
        """Ask a target by HEAD, and by GET where that does not say that there is something; many servers refuse HEAD,
        and some are silent."""
        async with self._room:
            finding = await self._ask("HEAD", target)
            refused = finding.status is not None and finding.status >= 400
            if refused or (finding.failed and finding.said not in USELESS):
                finding = await self._ask("GET", target)
            return finding

    async def _ask(self, method: Method, target: str) -> Finding:
        try:
            return finding_of(await self._outbound.status_of(method, target, limits=self._limits))
        except OutboundRefused:
            return Finding("not_asked")
        except OutboundFailed as failure:
            return Finding(failure.why)


class Pace:
    """Says when a host may be asked.

    Args:
        between_s: Seconds between two requests to the same host.
    """

    def __init__(self, between_s: float) -> None:
        self._between_s = between_s
        self._free_at: dict[str, float] = {}

    async def turn(self, host: str) -> None:
        """Wait until the host may be asked, after those who waited before."""
        now = asyncio.get_running_loop().time()
        at = max(now, self._free_at.get(host, now))
        if len(self._free_at) >= MAX_HOSTS:
            self._free_at = dict(later(self._free_at.items(), now))
        self._free_at[host] = at + self._between_s
        if at > now:
            await asyncio.sleep(at - now)


def later(moments: Iterable[tuple[str, float]], now: float) -> Iterable[tuple[str, float]]:
    """Return those that are still to come."""
    return ((host, moment) for host, moment in moments if moment > now)
