"""Names to addresses, in threads of their own: a slow name server holds up nothing else, and no exit."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Host and port -> addresses, at least one; or ``OSError``."""

AT_ONCE = 16
_free = threading.BoundedSemaphore(AT_ONCE)
"""Threads of this process that may wait for name servers; they end by themselves, long after who asked gave up."""


async def resolve(host: str, port: int) -> list[str]:
    """Ask the system's resolver for all addresses of a name, or raise ``OSError``."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[list[str]] = loop.create_future()
    if not _free.acquire(blocking=False):
        raise OSError("too many names are being resolved")

    def ask() -> None:
        addresses: list[str] = []
        failure: OSError | None = None
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        except OSError as error:
            failure = error
        except (UnicodeError, ValueError):  # a name that no name server could know
            failure = OSError("not a host name")
        finally:
            _free.release()
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(tell, addresses, failure)

    def tell(addresses: list[str], failure: OSError | None) -> None:
        if answered.done():
            return
        if failure is not None:
            answered.set_exception(failure)
        else:
            answered.set_result(addresses)

    threading.Thread(target=ask, name="resolver", daemon=True).start()
    return await answered
