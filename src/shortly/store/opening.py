"""Stores by their URLs: those of Redis, and ``sqlite:`` with the path of a data folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from shortly.errors import InvalidInput
from shortly.redis_address import Address, Tls, parse_address
from shortly.store import Store

if TYPE_CHECKING:
    from shortly.settings import Settings

SQLITE = "sqlite:"

Place = Path | Address
"""Where one installation's data are: a data folder, or Redis."""


def identity_of(place: Place) -> str:
    """Return the same text for two URLs that lead to the same data, as far as the URLs can tell; no credentials."""
    return f"{SQLITE}{place.resolve()}" if isinstance(place, Path) else f"{place}/{place.db}"


def place_of(url: str, settings: Settings) -> Place:
    """Return what a URL names: ``sqlite:///absolute/folder``, ``sqlite:relative/folder``, or any ``STORE_URL``.

    A URL of the servers that the settings name gets their user name, password and TLS files where it has none.

    Raises:
        InvalidInput: It is no such URL; the message repeats nothing of it.
    """
    if url.lower().startswith(SQLITE):
        rest = url[len(SQLITE) :]
        path = unquote(rest.removeprefix("//"))
        if not path or (rest.startswith("//") and not path.startswith("/")) or not path.isprintable():
            raise InvalidInput("A SQLite store is sqlite:///absolute/folder or sqlite:relative/folder.")
        return Path(path)
    try:
        address = parse_address(url)
    except ValueError as refusal:
        raise InvalidInput(f"The store's URL {refusal}; or sqlite:///path/to/data_dir.") from None
    known = settings.redis_address
    if known is not None and (known.kind, known.hosts, known.path) == (address.kind, address.hosts, address.path):
        username = None if address.password else known.username
        address = address.with_defaults(username=username, password=known.password, tls=known.tls or Tls())
    return address


def open_place(place: Place, settings: Settings) -> Store:
    """Return the store that is there, not yet opened, without memory; other settings as ``open_store`` takes them."""
    if isinstance(place, Path):
        from shortly.store.sqlite import SqliteStore

        return SqliteStore(place, cache_links=0, case_insensitive=settings.case_insensitive_slugs)
    from shortly.store.redis import RedisStore

    return RedisStore(
        place,
        cache_links=0,
        case_insensitive=settings.case_insensitive_slugs,
        wait_replicas=settings.redis_wait_replicas,
        wait_ms=settings.redis_wait_ms,
        wait_fsync=settings.redis_wait_fsync,
    )
