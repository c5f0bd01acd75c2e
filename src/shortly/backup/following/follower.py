"""The process that keeps every change: it looks at the databases once a second, and ships what it found.

A chain of files begins with a base, which holds all pages, and goes on with those that changed. The chain that was
added to before a restart is gone on with where that is certain; otherwise, and once every BACKUP_FOLLOW_BASE_HOURS, a
new one begins. Nothing that serves visitors waits for this process, and it may die at any time.
"""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from shortly.backup.archive import CLICKS, LINKS
from shortly.backup.following.chain import Chain, State, forget, recall
from shortly.backup.following.moments import Moments, moment
from shortly.backup.following.pages import FollowedDatabase, Look
from shortly.backup.following.parts import Changed
from shortly.backup.following.status import FOLDER, Followed, tell
from shortly.backup.places import Place
from shortly.errors import BackupPlaceFailed, InvalidInput, ShortlyError, StorageFull, StoreUnavailable
from shortly.store.sqlite.connection import NO_ROOM

if TYPE_CHECKING:
    from shortly.settings import Settings

log = structlog.get_logger(__name__)

LOCK = "lock"
PRUNE_EVERY_S = 3600.0
MAX_WAITING_BYTES = 256 << 20
"""Of files that no place takes; beyond that they are thrown away, and a new chain begins when one does again."""
MAX_PAGES = 1 << 15
"""Changed pages of one look that are held in memory; where there are more, a new chain is cheaper."""
NICENESS = 15
"""Where cores are short, visitors come first."""


class ChainEnds(Exception):
    """The chain cannot be gone on with; the next one begins."""


class Follower:
    """Follows the databases of a data folder until told to stop; one process at a time does.

    Args:
        settings: The installation's.
        places: Where changes are kept, all of them.
        stop: Set by who wants it to end.
        now: Returns the present moment, aware.
    """

    def __init__(
        self,
        settings: Settings,
        places: Sequence[Place],
        stop: threading.Event,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._places = places
        self._stop = stop
        self._now = now
        self._folder = settings.data_dir / FOLDER
        self._databases: list[FollowedDatabase] = []
        self._chain: Chain | None = None
        self._pruned_at = -math.inf
        self._looked_ms = 0
        self._kept_until_ms = 0
        self._refusal: str | None = None

    def run(self) -> None:
        """Follow until told to stop; whatever goes wrong meanwhile is told of, and tried again.

        Raises:
            InvalidInput: There is nothing that could be followed, or somebody follows it already.
        """
        if self._settings.redis_address is not None:
            raise InvalidInput("Only the databases in DATA_DIR can be followed; Redis keeps its own changes (AOF).")
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(self._folder / LOCK):
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
            while not self._stop.is_set():
                try:
                    self._follow_opened()
                except ChainEnds as end:
                    forget(self._folder)
                    log.info("a new chain of changes begins", reason=str(end))
                except (ShortlyError, OSError) as failure:
                    self._refuse(failure)
                    self._stop.wait(self._settings.backup_follow_ship_s)
            self._tell(running=False)

    def _follow_opened(self) -> None:
        """Open the databases, as soon as they are there, and follow them until something is wrong."""
        data_dir = self._settings.data_dir
        while not all((data_dir / name).exists() for name in (CLICKS, LINKS)):
            if self._stop.wait(self._settings.backup_follow_step_s):
                return
        with ExitStack() as opened:
            self._databases = []
            for name in (CLICKS, LINKS):  # counts first, as in a backup: no link without its counts
                database = FollowedDatabase(data_dir / name)
                opened.callback(database.close)
                self._databases.append(database)
            state = recall(self._folder, Moments(self._places).parts())
            chain = self._begin() if state is None else self._go_on(state)
            while not self._stop.is_set():
                self._chain = chain
                self._follow(chain)
                if not self._stop.is_set():  # it is long enough
                    chain = self._begin()

    def _begin(self) -> Chain:
        """Begin a chain by a base, which is kept when this returns."""
        now = self._now()
        name = f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        for database in self._databases:
            database.forget()
        with self._looks() as looks:
            at_ms = milliseconds(self._now())
            chain = Chain(self._folder, State(name=name, base_ms=at_ms), self._places, self._settings)
            chain.add(at_ms, [(changed_of(look), look.changed()) for look in looks])
        self._looked_ms = at_ms
        chain.ship()
        self._note_kept(chain, brought=True)
        log.info("a base is kept", chain=name)
        return chain

    def _go_on(self, state: State) -> Chain:
        """Go on with the chain of the process before: what has changed since is found by comparing."""
        for database in self._databases:
            database.know(state.digests.get(database.name, b""))
        self._looked_ms = self._kept_until_ms = state.last_ms
        log.info("a chain of changes is gone on with", chain=state.name)
        return Chain(self._folder, state, self._places, self._settings)

    def _follow(self, chain: Chain) -> None:
        """Add to the chain until it is time for the next one, or to stop."""
        settings = self._settings
        ship_at = time.monotonic() + settings.backup_follow_ship_s
        due_ms = chain.base_ms + settings.backup_follow_base_hours * 3_600_000
        while not self._stop.wait(settings.backup_follow_step_s):
            self._look(chain)
            due = self._looked_ms >= due_ms
            if due or time.monotonic() >= ship_at:
                self._ship(chain)
                self._prune()
                ship_at = time.monotonic() + settings.backup_follow_ship_s
            if due and chain.whole:
                return
        self._look(chain)  # what came until the end
        self._ship(chain)

    def _look(self, chain: Chain) -> None:
        """Write down what has changed."""
        with self._looks() as looks:
            at_ms = max(milliseconds(self._now()), self._looked_ms + 1)  # also where the clock was set back
            found = []
            for look in looks:
                pages = []
                for page in look.changed():
                    pages.append(page)
                    if len(pages) > MAX_PAGES:
                        raise ChainEnds("so much has changed that a base is cheaper")
                found.append((changed_of(look), pages))
        self._looked_ms = at_ms
        if any(pages for _, pages in found):
            chain.add(at_ms, found)

    @contextmanager
    def _looks(self) -> Iterator[list[Look]]:
        """Hold all databases as they are."""
        with ExitStack() as held:
            yield [held.enter_context(database.look()) for database in self._databases]

    def _ship(self, chain: Chain) -> None:
        """Bring what was added to where it is kept; what cannot be waits.

        Raises:
            ChainEnds: Too much waits.
        """
        try:
            brought = chain.ship()
        except BackupPlaceFailed as failure:
            self._refuse(failure)
            if chain.waiting_bytes > MAX_WAITING_BYTES:
                raise ChainEnds("too much waits for a place that does not take it") from failure
        else:
            self._note_kept(chain, brought=brought)

    def _prune(self) -> None:
        """Remove what is too old, once in a while."""
        if time.monotonic() - self._pruned_at < PRUNE_EVERY_S:
            return
        self._pruned_at = time.monotonic()
        with contextlib.suppress(BackupPlaceFailed):  # logged where it happened
            gone = Moments(self._places).prune(self._now(), keep_days=self._settings.backup_follow_keep_days)
            log.info("old changes are removed", files=len(gone))

    # --- what it tells ------------------------------------------------------------------------------------------------

    def _note_kept(self, chain: Chain, *, brought: bool) -> None:
        """Everything up to the last look is kept."""
        self._refusal = None
        self._kept_until_ms = self._looked_ms
        if brought:
            chain.remember({database.name: database.digests.tobytes() for database in self._databases})
        self._chain = chain
        self._tell()

    def _refuse(self, failure: ShortlyError | OSError) -> None:
        """Tell why it does not go on."""
        if isinstance(failure, OSError):
            log.error("changes cannot be written down", detail=str(failure))
            failure = StorageFull() if failure.errno in NO_ROOM else StoreUnavailable()
        if self._refusal != failure.code:
            log.error("changes are not kept", reason=str(failure))
        self._refusal = failure.code
        self._tell()

    def _tell(self, *, running: bool = True) -> None:
        kept, chain = self._kept_until_ms, self._chain
        followed = Followed(
            running=running,
            kept_until=moment(kept) if kept else None,
            base_at=moment(chain.base_ms) if chain is not None else None,
            compared=sum(database.compared for database in self._databases),
            refusal=self._refusal,
        )
        with contextlib.suppress(OSError):  # whoever reads it sees that it is old
            tell(self._settings.data_dir, followed)


def changed_of(look: Look) -> Changed:
    """Return what precedes a database's pages."""
    return Changed(look.database.name, look.database.page_bytes, look.pages)


def milliseconds(at: datetime) -> int:
    """Return unix milliseconds, rounded up: a moment has nothing in it that came after it."""
    return math.ceil(at.timestamp() * 1000)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock that ends with the process.

    Raises:
        InvalidInput: Another process holds it.
    """
    file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InvalidInput("The databases in this DATA_DIR are followed already.") from None
        yield
    finally:
        os.close(file)
