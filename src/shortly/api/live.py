"""The last hour of clicks as a stream of server-sent events, which begins again where it broke off."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, ConfigDict, Field

from shortly.api.access import needs
from shortly.api.authentication import identify
from shortly.api.link_bodies import MAX_DOMAIN
from shortly.api.problems import problems
from shortly.api.services import AllServices, Caller, Stats
from shortly.errors import LinkNotFound, ShortlyError, StoreUnavailable, TooManyStreams, UnknownDomain
from shortly.links.link import Link
from shortly.links.slug import MAX_LENGTH
from shortly.stats.guarded import GuardedStats
from shortly.stats.live import Live

router = APIRouter(prefix="/api/v1", tags=["statistics"], dependencies=[needs("stats:read")])

CHECK_S = 1.0
"""How long a stream goes on telling at most after its session or key has ended; a check is two or three point reads."""
RETRY_MS = 2_000
MAX_ID = 64


class LiveQuery(BaseModel):
    """Of which clicks."""

    model_config = ConfigDict(extra="forbid")

    slug: str | None = Field(None, max_length=MAX_LENGTH, description="Of one link; of all of the workspace if absent.")
    domain: str | None = Field(None, max_length=MAX_DOMAIN, description="Host that the slug lives on.")
    follow: bool = Field(True, description="false: one event with what is known now, and the end.")


class LiveOut(BaseModel):
    """The data of the events `hour` (all there is of the last hour) and `news` (what changed since the last event)."""

    until: int = Field(description="The moment that it is: unix seconds / 10. The hour ends with it.")
    complete: bool = Field(
        description="false: the link had so many visits that only the newest 1,000 of them are counted here."
    )
    moments: list[tuple[int, int, int]] = Field(
        description="Moment (ten seconds each), clicks, and how many of them were bots'; absolute numbers."
    )


async def place_of(services: AllServices, caller: Caller) -> AsyncIterator[None]:
    """Hold one of the caller's streams while the answer goes on."""
    with services.live.place(caller.actor):
        yield


async def link_of(query: Annotated[LiveQuery, Query()], stats: Stats) -> Link | None:
    """Return the link to watch; None: all."""
    link = None if query.slug is None else await stats.link(query.slug, domain=query.domain)
    stats.counted_as(link)  # refuses here, where it can still be told
    return link


@router.get(
    "/live",
    operation_id="watch_live",
    response_class=EventSourceResponse,
    responses=problems(LinkNotFound, UnknownDomain, TooManyStreams),
    dependencies=[Depends(place_of)],
)
async def watch_live(
    request: Request,
    services: AllServices,
    stats: Stats,
    query: Annotated[LiveQuery, Query()],
    link: Annotated[Link | None, Depends(link_of)],
    last_event_id: Annotated[str, Header(max_length=MAX_ID, description="Goes on after this event.")] = "",
) -> AsyncIterator[LiveOut]:
    """Watch the clicks of the last hour, and those that come.

    The first event is `hour`, or `news` where `Last-Event-ID` says what is known already. The numbers are absolute:
    what is told twice counts once. Of one link, visits that are not kept (`HONOUR_DNT`) are missing. The stream ends
    with the session or the key; where it breaks off for other reasons, ask again with the last event's id.
    """
    yield ServerSentEvent(retry=RETRY_MS)  # type: ignore[misc]  # FastAPI sends these as they are
    checked = time.monotonic()
    async with aclosing(services.live.watch(stats.counted_as(link), last_event_id)) as watching:
        async for live in watching:
            if time.monotonic() - checked >= CHECK_S:
                if not await may_go_on(request, services, link):
                    return
                checked = time.monotonic()
            if live is not None:
                yield event_of(live)  # type: ignore[misc]
                if not query.follow:
                    return


def event_of(live: Live) -> ServerSentEvent:
    """Return news as they go out."""
    data = LiveOut.model_construct(until=live.until, complete=live.complete, moments=live.moments)
    return ServerSentEvent(event="hour" if live.whole else "news", id=live.id, data=data)


async def may_go_on(request: Request, services: AllServices, link: Link | None) -> bool:
    """Say whether whoever watches might begin to do so now."""
    scope: dict[str, Any] = {**request.scope, "state": {**request.scope["state"]}}
    try:
        await identify(scope, noting=False)
        stats = GuardedStats(services.stats, services.links, scope["state"]["caller"])
        if stats.counted_as(link) != GuardedStats(services.stats, services.links, request.state.caller).counted_as(
            link
        ):
            return False
        if link is not None:
            await stats.link(link.slug, domain=link.domain)
    except StoreUnavailable:
        return True
    except ShortlyError:
        return False
    return True
