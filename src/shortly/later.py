"""What stands behind the redirect, put together in a thread while redirects are served already.

It takes longer to load than all that a redirect needs. Requests for it that come too early wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from shortly.links.link import Redirection
from shortly.redirect.pages import Form
from shortly.redirect.redirect import ASGIApp, RawHeaders, Receive, Scope, Send

if TYPE_CHECKING:
    from shortly.behind import Behind


class Later:
    """Hands requests on to ``Behind``, and is the redirect's ``Lock``.

    Args:
        make: Puts it together, in a thread; entered and left on the event loop.
    """

    def __init__(self, make: Callable[[], AbstractAsyncContextManager[Behind]]) -> None:
        self._make = make
        self._made: asyncio.Future[Behind] | None = None
        self._behind: Behind | None = None
        self._task: asyncio.Task[None] | None = None
        self._enough = asyncio.Event()

    def begin(self, on_failure: Callable[[BaseException], None] | None = None) -> None:
        """Begin to put it together.

        Args:
            on_failure: Called if that fails, which every request for it then does, too.
        """
        made = self._made = asyncio.get_running_loop().create_future()

        def look(future: asyncio.Future[Behind]) -> None:
            error = None if future.cancelled() else future.exception()
            if error is not None and on_failure is not None:
                on_failure(error)

        made.add_done_callback(look)
        self._task = asyncio.create_task(self._keep(made))

    async def get(self) -> Behind:
        """Return it, as soon as it is there."""
        if self._made is None:
            raise RuntimeError("requests came before the service was opened")
        return await asyncio.shield(self._made)

    async def end_streams(self) -> None:
        """End the answers that have no end of their own."""
        await (await self.get()).live.close()

    async def finish(self) -> None:
        """Close what was opened with it."""
        self._enough.set()
        if self._task is not None:
            await self._task

    async def _keep(self, made: asyncio.Future[Behind]) -> None:
        """Hold it open until there is ``_enough``; what a task opens, the same one closes."""
        try:
            async with await asyncio.to_thread(self._make) as behind:
                self._behind = behind
                made.set_result(behind)
                await self._enough.wait()
        except Exception as error:
            if made.done():
                raise
            made.set_exception(error)

    async def rest(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the API answer a request."""
        behind = self._behind or await self.get()
        scope["state"] = {**scope.get("state", {}), "services": behind.services}
        await behind.api(scope, receive, send)

    async def preview(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the preview of a link answered."""
        preview: ASGIApp = (await self.get()).preview
        await preview(scope, receive, send)

    async def is_open(self, redirection: Redirection, headers: RawHeaders) -> bool:
        """See ``Lock``."""
        return await (await self.get()).lock.is_open(redirection, headers)

    async def answer(self, redirection: Redirection, scope: Scope, receive: Receive) -> Form:
        """See ``Lock``."""
        return await (await self.get()).lock.answer(redirection, scope, receive)
