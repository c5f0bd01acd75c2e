"""Installations whose backups are made, and the same command line as elsewhere."""

from tests.cli.conftest import ask, cli, installation
from tests.store.redis_servers import redis_server, session_redis_server

__all__ = ["ask", "cli", "installation", "redis_server", "session_redis_server"]
