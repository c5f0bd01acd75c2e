"""Where backups are kept: a folder, or a bucket of anything that speaks S3."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import obstore
import structlog
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from shortly.backup.archive import digest_of
from shortly.errors import BackupDamaged, BackupNotFound, BackupPlaceFailed, InvalidInput, ShortlyError

if TYPE_CHECKING:
    from shortly.settings import Settings

log = structlog.get_logger(__name__)

S3 = "s3"
RETRY = timedelta(seconds=30)


class Place:
    """Files by their names; a file is there whole, or not at all."""

    def __init__(self, store: LocalStore | S3Store, shown: str, folder: Path | None = None) -> None:
        """``shown`` is how people call the place, without secrets; ``folder`` where it is one."""
        self._store = store
        self._folder = folder
        self.shown = shown

    def put(self, name: str, file: Path) -> None:
        """Keep a copy of a file, durably."""
        with self._asking():
            obstore.put(self._store, name, file)
        if self._folder is not None:
            path = self._folder / name
            path.chmod(0o600)
            for kept in (path, self._folder):
                number = os.open(kept, os.O_RDONLY)
                os.fsync(number)
                os.close(number)

    def fetch(self, name: str, to: Path) -> None:
        """Write a file's contents to another place, or raise ``BackupNotFound``."""
        with self._asking(name):
            to.touch(mode=0o600)
            with to.open("wb") as file:
                for chunk in obstore.get(self._store, name).stream():
                    file.write(chunk)

    def read(self, name: str) -> bytes:
        """Return a small file's contents, or raise ``BackupNotFound``."""
        with self._asking(name):
            return bytes(obstore.get(self._store, name).bytes())

    def names(self) -> dict[str, int]:
        """Return the files' names with their ages' measure: when each was last written, in unix seconds."""
        with self._asking():
            return {
                meta["path"]: int(meta["last_modified"].timestamp())
                for page in obstore.list(self._store)
                for meta in page
                if "/" not in meta["path"]
            }

    def remove(self, name: str) -> None:
        """Remove a file; one that is gone already is no matter."""
        with suppress(BackupNotFound), self._asking(name):
            obstore.delete(self._store, name)

    @contextmanager
    def _asking(self, name: str = "") -> Iterator[None]:
        """Turn what goes wrong into our own words; ``name``: the file that may be missing, the place may not."""
        try:
            yield
        except (BaseError, OSError) as failure:
            if name and isinstance(failure, FileNotFoundError):
                raise BackupNotFound(name) from None
            log.error("backups cannot be reached", place=self.shown, error=type(failure).__name__, detail=str(failure))
            raise BackupPlaceFailed(self.shown) from failure


def place_of(url: str, settings: Settings, *, region: str | None = None) -> Place:
    """Return the place that a setting names: a folder's path, or ``s3://bucket/prefix``.

    Credentials that the settings do not have come from where AWS tools find them: ``AWS_*`` variables, or the role
    of the machine or the container.
    """
    if not url.startswith(f"{S3}:"):
        folder = Path(url)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Place(LocalStore(folder), str(folder), folder)
    parts = urlsplit(url)
    if not parts.netloc or parts.query or parts.fragment or "@" in parts.netloc:
        raise InvalidInput("A bucket is s3://bucket or s3://bucket/prefix.")
    secret = settings.backup_s3_secret_access_key
    endpoint = settings.backup_s3_endpoint
    named = {
        "region": region or settings.backup_s3_region,
        "endpoint": endpoint,
        "access_key_id": settings.backup_s3_access_key_id,
        "secret_access_key": secret.get_secret_value() if secret is not None else None,
    }
    store = S3Store(
        parts.netloc,
        prefix=parts.path.strip("/") or None,
        client_options={"allow_http": bool(endpoint and endpoint.startswith("http:"))},
        retry_config={"max_retries": 3, "retry_timeout": RETRY},
        **{name: value for name, value in named.items() if value is not None},  # type: ignore[arg-type]
    )
    return Place(store, url)


def fetch_whole(places: Sequence[Place], name: str, sha256: str, folder: Path) -> Path:
    """Return a file, fetched into a folder from the first place where it is whole, or raise why none has it."""
    last: ShortlyError = BackupDamaged()
    fetched = folder / name
    for place in places:
        try:
            place.fetch(name, fetched)
        except ShortlyError as failure:
            last = failure
            continue
        if digest_of(fetched) == sha256:
            return fetched
        last = BackupDamaged()
        log.warning("a file of a backup is damaged", name=name, place=place.shown)
    raise last
