"""Redis servers for limits that several processes count together."""

from tests.store.redis_servers import (
    redis_cluster,
    redis_sentinels,
    redis_server,
    session_redis_cluster,
    session_redis_sentinels,
    session_redis_server,
)

__all__ = [
    "redis_cluster",
    "redis_sentinels",
    "redis_server",
    "session_redis_cluster",
    "session_redis_sentinels",
    "session_redis_server",
]
