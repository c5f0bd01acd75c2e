"""Word of the backups that is left in the store, for processes that cannot see the folder where they lie.

Whoever makes backups may be another container, on another machine. Each time something becomes of them, one record says
what there is now; it is not proof, so where the folder can be seen its own files count.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from shortly.accounts.registry import Noun, Registry, adding, until_settled
from shortly.backup.archive import LINKS
from shortly.backup.mark import is_ours
from shortly.backup.places import S3
from shortly.errors import NameTaken, RecordChanged
from shortly.store.opening import open_place

if TYPE_CHECKING:
    from shortly.backup.archive import Card
    from shortly.settings import Settings

ONLY = "only"


class NotedBackups(Noun, frozen=True, kw_only=True):
    """What there was in the first place of backups when somebody who sees it left word."""

    KIND: ClassVar[str] = "backups"

    count: int = 0
    bytes: int = 0
    """All of them together."""
    newest_at: datetime | None = None
    newest_bytes: int = 0
    encrypted: bool = False
    """The newest one."""

    def names(self) -> tuple[str, ...]:
        """Return the one name: there is one of it, or none yet."""
        return (ONLY,)


def noted_of(cards: Sequence[Card]) -> NotedBackups:
    """Return what is to be said of backups, newest first."""
    if not cards:
        return NotedBackups()
    newest = cards[0]
    return NotedBackups(
        count=len(cards),
        bytes=sum(card.bytes for card in cards),
        newest_at=newest.created_at,
        newest_bytes=newest.bytes,
        encrypted=newest.encrypted,
    )


async def leave_word(settings: Settings, cards: Sequence[Card]) -> None:
    """Say in the store what there is; errors as in ``RecordStore.write_records``."""
    async with open_place(settings.redis_address or settings.data_dir, settings) as store:
        registry = Registry(store)

        async def attempt() -> None:
            old = await registry.find(NotedBackups, ONLY)
            if old is not None:
                await registry.replace(old, noted_of(cards))
                return
            try:
                await registry.write(adding(registry.fresh(noted_of(cards))))
            except NameTaken:
                raise RecordChanged(NotedBackups.KIND) from None

        await until_settled(attempt)


async def word_of(registry: Registry) -> NotedBackups | None:
    """Return what was said last; None: nobody ever made a backup."""
    noted = await registry.find(NotedBackups, ONLY)
    return noted if noted is not None and noted.count else None


async def ask_store(settings: Settings) -> NotedBackups | None:
    """Return the same where no store is open yet, and make none."""
    if settings.redis_address is None and not (settings.data_dir / LINKS).exists():
        return None
    async with open_place(settings.redis_address or settings.data_dir, settings) as store:
        return await word_of(Registry(store))


def may_be_elsewhere(settings: Settings) -> bool:
    """Say whether backups may lie in a folder that only other nodes see: one of that name, outside of DATA_DIR."""
    return settings.backup_to is not None and not settings.backup_to.startswith(f"{S3}:") and not is_ours(settings)
