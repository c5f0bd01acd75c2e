"""Where rate limits count: in this process's memory, or in the store's Redis for all processes and replicas."""

from __future__ import annotations

import time
from typing import Any

from limits.aio.storage import RedisClusterStorage, RedisSentinelStorage, RedisStorage, Storage

from shortly.redis_address import Address

MAX_COUNTS = 50_000
"""Counts that one ``MemoryCounts`` keeps, about 200 bytes each; then the oldest are forgotten."""
SWEPT_AT_ONCE = 2
PREFIX = "limit"
"""Of the keys in Redis: ``limit:LIMITER/<door>/<hash>/<limit>``."""
REDIS_TIMEOUT_S = 0.25
MAX_CONNECTIONS = 16


class MemoryCounts(Storage):
    """Counts of one process, in bounded memory and bounded time.

    The package's own memory storage looks at every count it has at each hit, so that a stranger with many addresses
    makes all hits slow; this one looks at a few.
    """

    STORAGE_SCHEME = None

    def __init__(self, max_counts: int = MAX_COUNTS) -> None:
        super().__init__()
        self._max_counts = max_counts
        self._counts: dict[str, tuple[int, float]] = {}

    @property
    def base_exceptions(self) -> type[Exception]:
        """Return what it may raise: nothing that is expected."""
        return ValueError

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count, and return the count; the first one starts the window of ``expiry`` seconds."""
        now = time.time()
        count, until = self._counts.get(key, (0, 0.0))
        if until <= now:
            self._make_room(now)
            self._counts.pop(key, None)
            count, until = 0, now + expiry
        self._counts[key] = count + amount, until
        return count + amount

    def _make_room(self, now: float) -> None:
        """Forget the oldest counts that are over, and one that is not when there are too many."""
        for _ in range(SWEPT_AT_ONCE):
            oldest = next(iter(self._counts), None)
            if oldest is None or (self._counts[oldest][1] > now and len(self._counts) < self._max_counts):
                return
            del self._counts[oldest]

    async def get(self, key: str) -> int:
        """Return the count in the present window."""
        count, until = self._counts.get(key, (0, 0.0))
        return count if until > time.time() else 0

    async def get_expiry(self, key: str) -> float:
        """Return when the present window ends, in unix seconds."""
        return self._counts.get(key, (0, 0.0))[1] or time.time()

    async def check(self) -> bool:
        """Return True: memory is always there."""
        return True

    async def reset(self) -> int:
        """Forget all counts and return how many there were."""
        count = len(self._counts)
        self._counts.clear()
        return count

    async def clear(self, key: str) -> None:
        """Forget one count."""
        self._counts.pop(key, None)


def redis_counts(address: Address) -> RedisStorage:
    """Return counts in the store's Redis, by a client of their own; it connects when it is first asked.

    Credentials are handed over as options: nothing secret is in the URI.
    """
    hosts = ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in address.hosts)
    tls: dict[str, Any] = {}
    if address.tls is not None:
        files = {"ssl_ca_certs": address.tls.ca, "ssl_certfile": address.tls.cert, "ssl_keyfile": address.tls.key}
        tls = {"ssl": True, **{name: file for name, file in files.items() if file is not None}}
    waiting: dict[str, Any] = {"socket_timeout": REDIS_TIMEOUT_S, "socket_connect_timeout": REDIS_TIMEOUT_S}
    options: dict[str, Any] = {
        "implementation": "redispy",
        "key_prefix": PREFIX,
        "username": address.username,
        "password": address.password,
        "max_connections": MAX_CONNECTIONS,
        **waiting,
        **tls,
    }
    if address.kind == "cluster":
        return RedisClusterStorage(f"redis+cluster://{hosts}", **options)
    if address.kind == "sentinel":
        sentinels = {"username": address.sentinel_username, "password": address.sentinel_password, **waiting, **tls}
        return RedisSentinelStorage(
            f"redis+sentinel://{hosts}/{address.service}",
            use_replicas=False,
            sentinel_kwargs=sentinels,
            db=address.db,
            **options,
        )
    if address.path is not None:
        return RedisStorage("redis://", unix_socket_path=address.path, db=address.db, **options)
    host, port = address.hosts[0]
    return RedisStorage("redis://", host=host, port=port, db=address.db, **options)
