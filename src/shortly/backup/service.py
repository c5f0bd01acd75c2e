"""Making, listing, proving, restoring and pruning backups."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import structlog

from shortly import __version__
from shortly.backup import archive, snapshot
from shortly.backup.archive import FORMAT, LINKS, SECRET, Card, Manifest, Origin
from shortly.backup.mark import leave_mark, refuse_lost
from shortly.backup.noted import leave_word
from shortly.backup.places import Place, fetch_whole, place_of
from shortly.backup.restoring import put_back, refuse_databases, working_folder
from shortly.backup.retention import Rule, kept
from shortly.errors import BackupNotFound, InvalidInput, ShortlyError
from shortly.store.migration.move import Told

if TYPE_CHECKING:
    from shortly.settings import Settings

log = structlog.get_logger(__name__)

ENDING, ENCRYPTED, CARD = ".tar.gz", ".age", ".json"
PREFIX = "shortly-"
UNFINISHED_H = 24
"""Hours after which an archive without its card is taken for one that will never be finished."""


class Backups:
    """The backups of one installation, in one place or, as copies, in two.

    Args:
        settings: The installation's.
        places: Where they are kept, the first one first.
    """

    def __init__(self, settings: Settings, places: Sequence[Place]) -> None:
        self._settings = settings
        self._places = places

    @property
    def where(self) -> list[str]:
        """Return how people call the places."""
        return [place.shown for place in self._places]

    async def create(self, now: datetime, told: Told = lambda *_: None) -> Card:
        """Copy everything that is kept into a new backup, prove it, and put it into each place.

        Raises:
            BackupIncomplete, BackupPlaceFailed, StoreUnavailable, StorageFull, InvalidInput: There is no new backup,
                or it is in the first place only.
        """
        with working_folder(self._settings) as folder:
            origin = await self._copy(folder, told)
            snapshot.prove(folder)
            counts = snapshot.counts_of(folder)
            manifest = Manifest(
                format=FORMAT,
                created_at=now,
                shortly=__version__,
                origin=origin,
                schemas=snapshot.schemas_of(folder),
                counts=counts,
                files=archive.describe(folder),
            )
            name = f"{PREFIX}{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}{ENDING}"
            whole = folder / name
            archive.pack(folder, manifest, whole)
            recipients = self._settings.backup_encrypt_to
            if recipients:
                plain, name = whole, name + ENCRYPTED
                whole = folder / name
                archive.encrypt(plain, whole, recipients)
                plain.unlink()
            card = Card(
                name=name,
                created_at=now,
                bytes=whole.stat().st_size,
                sha256=archive.digest_of(whole),
                encrypted=bool(recipients),
                origin=origin,
                shortly=__version__,
                counts=counts,
            )
            beside = folder / (name + CARD)
            beside.write_bytes(msgspec.json.encode(card))
            for place in self._places:
                place.put(name, whole)
                place.put(name + CARD, beside)
                log.info("backup made", name=name, bytes=card.bytes, place=place.shown)
        try:
            leave_mark(self._settings)
            refuse_lost(self._settings)
        except (ShortlyError, OSError) as failure:  # the new one is good all the same
            log.warning("something is wrong with where backups lie", detail=str(failure))
        await self.leave_word()
        return card

    async def leave_word(self) -> bool:
        """Say in the store what there is, for who cannot see the first place; return whether the store took it.

        What there is stays as it is if not: whoever makes the next backup says so again.
        """
        try:
            await leave_word(self._settings, self.cards())
        except (ShortlyError, OSError) as failure:
            log.warning("nobody else knows of the backups: the store does not take word of them", detail=str(failure))
            return False
        return True

    async def _copy(self, folder: Path, told: Told) -> Origin:
        settings = self._settings
        address = settings.redis_address
        if address is not None:
            await snapshot.copy_redis(address, folder, settings, told)
        else:
            if not (settings.data_dir / LINKS).exists():
                raise InvalidInput(f"There is nothing to back up in {str(settings.data_dir)!r}.")
            snapshot.copy_sqlite(settings.data_dir, folder)
        secret = settings.data_dir / SECRET
        if settings.secret_values is None and secret.exists():  # second factors are sealed with it
            archive.copy_private(secret, folder / SECRET)
        return "redis" if address is not None else "sqlite"

    def cards(self) -> list[Card]:
        """Return the finished backups of the first place, newest first; cards that cannot be read are told of."""
        place = self._places[0]
        found = []
        for name in place.names():
            if name.startswith(PREFIX) and name.endswith(CARD):
                with suppress(BackupNotFound):  # pruned a moment ago
                    try:
                        found.append(msgspec.json.decode(place.read(name), type=Card))
                    except (msgspec.DecodeError, ValueError):
                        log.warning("a backup's card cannot be read", name=name, place=place.shown)
        return sorted(found, key=lambda card: (card.created_at, card.name), reverse=True)

    def find(self, name: str) -> Card:
        """Return a backup by its name, ``latest`` being the newest, or raise ``BackupNotFound`` or ``BackupsLost``."""
        for card in self.cards():
            if name in (card.name, "latest"):
                return card
        refuse_lost(self._settings)
        raise BackupNotFound(name[:128])

    def verify(self, name: str, identity: Path | None = None) -> Manifest | None:
        """Prove that a backup is what was made: the archive's checksum, then every file inside and every database page.

        Returns:
            What it holds; None when it is encrypted and no key was given, so that only the archive could be proved.

        Raises:
            BackupDamaged, BackupNeedsKey, BackupNotFound, BackupPlaceFailed: It cannot be relied on, or not be read.
        """
        card = self.find(name)
        with working_folder(self._settings) as folder:
            fetched = fetch_whole(self._places, card.name, card.sha256, folder)
            if card.encrypted and identity is None:
                return None
            return self._open(fetched, card, folder, identity)

    async def restore(
        self,
        name: str,
        *,
        identity: Path | None = None,
        replace: bool = False,
        told: Told = lambda *_: None,
    ) -> Manifest:
        """Put everything back; Shortly must be stopped everywhere. What was there before is moved aside, not deleted.

        Args:
            name: See ``find``.
            identity: File with the age secret key, for an encrypted one.
            replace: Go ahead although ``DATA_DIR`` has databases; Redis has to be empty in any case.
            told: See ``Move``.

        Raises:
            InvalidInput: Something is there already.
            BackupDamaged, BackupNeedsKey, BackupNotFound, BackupPlaceFailed, StoreTooNew: Nothing was changed.
            BackupIncomplete: What is in Redis now is not all that the backup holds.
        """
        settings = self._settings
        card = self.find(name)
        refuse_databases(settings, replace=replace)
        with working_folder(settings) as folder:
            manifest = self._open(fetch_whole(self._places, card.name, card.sha256, folder), card, folder, identity)
            await put_back(folder / "contents", settings, told)
        log.info("backup restored", name=card.name, links=manifest.counts.get("links"))
        return manifest

    def prune(self, rule: Rule, now: datetime, *, dry_run: bool = False) -> list[Card]:
        """Remove from all places what the rule does not keep, and return it; and archives that were never finished."""
        cards = self.cards()
        keep = kept([card.created_at for card in cards], rule)
        gone = [card for card in cards if card.created_at not in keep]
        if dry_run:
            return gone
        finished = {card.name for card in cards}
        for place in self._places:
            names = place.names()
            for card in gone:
                for name in (card.name + CARD, card.name):  # the card first: without it nobody takes it for a backup
                    if name in names:
                        place.remove(name)
            oldest = (now - timedelta(hours=UNFINISHED_H)).timestamp()
            for name, written_at in names.items():
                is_archive = name.startswith(PREFIX) and name.endswith((ENDING, ENDING + ENCRYPTED))
                if is_archive and name not in finished and name + CARD not in names and written_at < oldest:
                    place.remove(name)
        return gone

    # --- inside --------------------------------------------------------------------------------------------------

    def _open(self, fetched: Path, card: Card, folder: Path, identity: Path | None) -> Manifest:
        """Return what an archive holds, with its files in ``contents``, all of them proved."""
        plain = fetched
        if card.encrypted:
            plain = folder / "plain"
            archive.decrypt(fetched, plain, identity)
        contents = folder / "contents"
        contents.mkdir(mode=0o700)
        manifest = archive.unpack(plain, contents)
        snapshot.prove(contents)
        return manifest


def backups_of(settings: Settings) -> Backups:
    """Return the backups that the settings name."""
    places = [place_of(settings.backup_place, settings)]
    if settings.backup_copy_to is not None:
        places.append(place_of(settings.backup_copy_to, settings, region=settings.backup_copy_region))
    return Backups(settings, places)


def rule_of(settings: Settings) -> Rule:
    """Return which backups the settings keep."""
    return Rule(settings.backup_keep_daily, settings.backup_keep_weekly, settings.backup_keep_monthly)
