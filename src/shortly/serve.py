"""``shortly serve``: a supervisor, its HTTP workers, and the drain in a thread of the supervisor."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
import time

import structlog
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings

from shortly.accounts.passwords import Passwords
from shortly.accounts.registry import Registry
from shortly.accounts.secret import open_secret
from shortly.blocklists import BlocklistKeeper
from shortly.checker import LinkChecker
from shortly.counters import SERVING, Counters
from shortly.drainer import Drainer
from shortly.errors import StoreUnavailable
from shortly.first_start import begin
from shortly.logs import configure_logging
from shortly.settings import Settings
from shortly.store import open_store
from shortly.supervised import SUPERVISOR
from shortly.supervisor import Supervisor

log = structlog.get_logger(__name__)

MAX_CONNECTIONS = 16_384
"""Of one worker; the limit on open files may allow fewer."""
HEADER_TIMEOUT_MS = 10_000
BUFFER_BYTES = 16_384
"""Request line and headers."""
START_PATIENCE_S = 30.0
"""For how long a Redis that does not answer is tried again, before the start ends."""
START_PAUSE_S = 1.0
FINISH_S = 25
"""Time for requests in flight at the end; the drain has its own after that."""


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then finish requests in flight and drain the journal.

    Raises:
        ShortlyError: The store cannot be opened, or was written by a newer version.
        SystemExit: Workers ended by themselves, one after the other.
    """
    configure_logging(settings.log_level, settings.log_format)
    multiprocessing.set_start_method("spawn", force=True)  # a fork would inherit the drain's databases and locks
    asyncio.run(open_patiently(settings))
    os.environ[SUPERVISOR] = str(os.getpid())
    drainer = Drainer(settings)
    drainer.start()
    keeper = BlocklistKeeper(settings)
    keeper.start()
    checker = LinkChecker(settings)
    checker.start()
    connections = raise_file_limit()
    server = Supervisor(
        "shortly.worker:create_worker",
        factory=True,
        address=settings.host,
        port=settings.port,
        workers=settings.workers,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,  # "auto" never times out a connection that sends nothing
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_TIMEOUT_MS, max_buffer_size=BUFFER_BYTES),
        loop=Loops.uvloop,
        websockets=False,
        backlog=4096,
        backpressure=connections,
        workers_kill_timeout=FINISH_S,
        log_dictconfig={"version": 1, "disable_existing_loggers": False, "loggers": {}},
    )
    log.info("shortly is starting", base_url=settings.base_url, workers=settings.workers, data=str(settings.data_dir))
    try:
        with Counters(settings.counters_dir) as counters:
            server.on_end = lambda: counters.add("workers_restarted")
            counters.set(SERVING, 1)
            server.serve()
            counters.set(SERVING, 0)  # not where it gave up, and not where it was killed
    finally:
        checker.finish()
        keeper.finish()
        drainer.finish()
        log.info("shortly has stopped", folded=drainer.folded)


async def open_patiently(settings: Settings) -> None:
    """Do what ``open_once`` does; while Redis does not answer, which may be starting beside this, try it again."""
    until = time.monotonic() + START_PATIENCE_S
    while True:
        try:
            return await open_once(settings)
        except StoreUnavailable as away:
            patient = type(away) is StoreUnavailable and settings.redis_address is not None  # lost data stay lost
            if not patient or time.monotonic() >= until:
                raise
            log.warning("the store does not answer yet; it is tried again", for_s=round(until - time.monotonic()))
            await asyncio.sleep(START_PAUSE_S)


async def open_once(settings: Settings) -> None:
    """Bring the store up to date before workers open it, and fail here, once, if that cannot be done."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)  # where a node remembers what store it has met
    async with open_store(settings) as store:
        await store.ping()
        for warning in await store.warnings():
            log.warning("the store is not as safe as it could be", reason=warning)
        secret = open_secret(settings.secret_values, settings.data_dir)
        passwords = Passwords()
        try:
            await begin(settings, Registry(store), secret, passwords)
        finally:
            passwords.close()


def raise_file_limit() -> int:
    """Raise the limit on open files as far as it goes; return how many connections a worker may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + 1024
    limit = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    return max(64, min(MAX_CONNECTIONS, limit - 256))
