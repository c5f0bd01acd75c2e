"""Is it up? ``/health`` for people, ``/health/live`` and ``/health/ready`` for those who start and stop processes."""

from __future__ import annotations

import asyncio
import time
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from shortly import __version__
from shortly.api.services import AllServices, Services
from shortly.errors import ShortlyError

DEADLINE_S = 2.0
"""How long the store may take to answer."""
KEPT_S = 1.0
"""How long its answer is good for: strangers may ask, and asking must not cost more than that."""


class Health(BaseModel):
    """How this process does."""

    status: Literal["ok", "failing"]
    version: str
    uptime_s: int
    store: Literal["ok", "unavailable"]
    journal: Literal["ok", "refusing"] = Field(description="refusing: clicks are dropped for want of room.")


class Alive(BaseModel):
    """The process turns."""

    status: Literal["ok"] = "ok"


class Pulse:
    """Asks the store whether it is there, once for all who want to know at the same time."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._answer = False
        self._good_until = 0.0

    async def beats(self, services: Services) -> bool:
        """Say whether the store could be read and written within the last second."""
        async with self._lock:
            if time.monotonic() >= self._good_until:
                try:
                    async with asyncio.timeout(DEADLINE_S):
                        await services.store.ping()
                    self._answer = True
                except (ShortlyError, TimeoutError):
                    self._answer = False
                self._good_until = time.monotonic() + KEPT_S
            return self._answer


def health_router() -> APIRouter:
    """Return the routes; those of one app share a ``Pulse``."""
    router = APIRouter(prefix="/health", tags=["operations"])
    pulse = Pulse()

    @router.get(
        "", operation_id="get_health", responses={503: {"model": Health, "description": "Something is failing."}}
    )
    async def get_health(services: AllServices, response: Response) -> Health:
        """Say how this process, its store and its journal do."""
        health = await check_health(services, pulse)
        response.status_code = 200 if health.status == "ok" else 503
        return health

    @router.get("/live", operation_id="get_liveness")
    async def get_liveness() -> Alive:
        """Say that the process turns; nothing else is looked at."""
        return Alive()

    @router.get(
        "/ready", operation_id="get_readiness", responses={503: {"model": Health, "description": "Send nobody here."}}
    )
    async def get_readiness(services: AllServices, response: Response) -> Health:
        """Say whether the store answers and the journal takes clicks."""
        return await get_health(services, response)

    return router


async def check_health(services: Services, pulse: Pulse) -> Health:
    """Return how this process does."""
    store_is_up = await pulse.beats(services)
    refusing = services.journal_status().refusing
    return Health(
        status="ok" if store_is_up and not refusing else "failing",
        version=__version__,
        uptime_s=int((services.clock() - services.started_at).total_seconds()),
        store="ok" if store_is_up else "unavailable",
        journal="refusing" if refusing else "ok",
    )
