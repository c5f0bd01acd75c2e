"""Installations whose backups are made, and the same command line as elsewhere."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from moto.server import ThreadedMotoServer
from tests.backup.holdings import fill
from tests.cli.conftest import ask, cli, installation
from tests.cli.runs import Ask
from tests.store.redis_servers import redis_server, session_redis_server

__all__ = ["ask", "cli", "installation", "redis_server", "session_redis_server"]


@pytest.fixture
def busy(ask: Ask) -> dict[str, Any]:
    """Fill the installation: links of all kinds, a key, people, clicks; return what commands tell of it."""
    return fill(ask)


@pytest.fixture
def buckets(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve S3 with two buckets; the settings name both."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    for name, value in {
        "BACKUP_S3_ENDPOINT": endpoint,
        "BACKUP_S3_REGION": "eu-central-1",
        "BACKUP_S3_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "BACKUP_S3_SECRET_ACCESS_KEY": "a-secret-that-no-line-shows",
        "BACKUP_TO": "s3://first-bucket/shortly/prod",
        "BACKUP_COPY_TO": "s3://second-bucket",
        "BACKUP_COPY_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    httpx2.post(f"{endpoint}/moto-api/reset", timeout=60).raise_for_status()  # servers before it left what they had
    for bucket in ("first-bucket", "second-bucket"):
        httpx2.put(f"{endpoint}/{bucket}", timeout=60).raise_for_status()
    yield endpoint
    server.stop()
