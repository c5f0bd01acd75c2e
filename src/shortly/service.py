"""One process's HTTP service, wired together: the redirect in front, and everything else behind it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Protocol

import structlog

from shortly.front import Front
from shortly.later import Later
from shortly.redirect.redirect import Receive, Redirect, Scope, Send
from shortly.settings import Settings
from shortly.supervised import SUPERVISOR, leave_after
from shortly.wiring import slug_rules

if TYPE_CHECKING:
    from shortly.behind import Behind
    from shortly.drainer import Drainer

log = structlog.get_logger(__name__)


class Keeper(Protocol):
    """Work that goes on in a thread beside the service."""

    def start(self) -> None:
        """Begin."""

    def finish(self) -> None:
        """End."""


def build(settings: Settings, *, drainer: Drainer | None = None, keepers: Sequence[Keeper] = ()) -> Redirect:
    """Return one process's service; what it is not given, a ``drainer`` or ``keepers``, is somebody else's work.

    With a supervisor it redirects as soon as it can, and the rest follows; alone it begins when everything is there.
    """
    front = Front(settings)

    def make() -> AbstractAsyncContextManager[Behind]:
        from shortly.behind import put_together  # longer to import than everything else; redirects need none of it

        return put_together(front).opened()

    later = Later(make)

    @asynccontextmanager
    async def opened() -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            if drainer:
                stack.push_async_callback(asyncio.to_thread, drainer.finish)
            await stack.enter_async_context(front.opened())
            stack.push_async_callback(later.finish)
            if SUPERVISOR in os.environ:
                leave_after(later.end_streams)
                later.begin(give_up)
            else:
                later.begin()
                behind = await later.get()
                if drainer:
                    drainer.start()
                    await behind.begin()
            for keeper in keepers:
                keeper.start()
                stack.callback(keeper.finish)
            yield

    async def rest(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await live_through(opened(), receive, send)
        else:
            await later.rest(scope, receive, send)

    return Redirect(
        store=front.store,
        journal=front.journal,
        slugs=slug_rules(settings),
        addresses=front.addresses,
        visitors=front.visitors,
        counters=front.counters,
        rest=rest,
        domains=front.domains.by_header,
        country_header=settings.country_header or "",
        honour_dnt=settings.honour_dnt,
        wait_for_disk=settings.journal_sync_ms == 0,
        strict_transport=settings.strict_transport,
        shown=front.shown,
        preview=later.preview,
        lock=later,
    )


async def live_through(opened: AbstractAsyncContextManager[None], receive: Receive, send: Send) -> None:
    """Speak ASGI's lifespan protocol: open when the server starts, and close when it ends."""
    told = "startup"
    try:
        await receive()
        async with opened:
            await send({"type": "lifespan.startup.complete"})
            told = "shutdown"
            await receive()
    except BaseException as error:
        await send({"type": f"lifespan.{told}.failed", "message": str(error)})
        raise
    await send({"type": "lifespan.shutdown.complete"})


def give_up(error: BaseException) -> None:
    """End a worker that cannot do all of its work; the supervisor sees to what then."""
    log.critical("the API could not be put together", exc_info=error)
    signal.raise_signal(signal.SIGTERM)
