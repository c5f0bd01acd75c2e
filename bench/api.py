"""A client of the API, on one connection that stays open."""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from pathlib import Path
from typing import Any, NamedTuple, Self

from bench.process import Failed
from shortly.accounts.access import OPERATOR
from shortly.settings import Settings, load_settings
from shortly.store import open_store
from shortly.wiring import key_service


class Answer(NamedTuple):
    """A good answer."""

    seconds: float
    """From sending the request to having the whole body."""
    body: Any


class Api:
    """Sends requests with an API key; whatever is not answered with 200 or 201 raises ``Failed``."""

    def __init__(self, port: int, key: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def request(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """Send one request and wait for its answer."""
        started = time.perf_counter()
        self._connection.request(method, f"/api/v1{path}", body, self._headers)
        response = self._connection.getresponse()
        content = response.read()
        seconds = time.perf_counter() - started
        if response.status not in (200, 201):
            raise Failed(f"{method} {path} was answered with {response.status}: {content[:500]!r}")
        return Answer(seconds, json.loads(content))


def new_key(data_dir: Path, *, store_url: str | None = None) -> str:
    """Return a new API key for the store of a data folder."""
    return asyncio.run(_new_key(load_settings({"data_dir": data_dir, "store_url": store_url})))


async def _new_key(settings: Settings) -> str:
    async with open_store(settings) as store:
        _, secret = await key_service(settings, store).create(OPERATOR, f"bench {time.time_ns()}", installation=True)
    return secret
