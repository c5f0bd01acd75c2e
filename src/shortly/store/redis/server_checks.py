"""What about the servers puts data at risk."""

from __future__ import annotations

from shortly.store.redis.client import Client
from shortly.store.redis.wire import Refusal

OLDEST = (7, 0)


async def server_warnings(client: Client) -> list[str]:
    """Return a sentence for each thing about the primaries that can lose data; none when all is well.

    A server that keeps INFO to itself is not complained about, nor one without an append-only file that keeps CONFIG
    to itself: it is a hosted one, whose owner looks after that.

    Raises:
        StoreUnavailable: One of them does not answer.
    """
    reports = [_fields(reply) for _, reply in await client.ask_each("INFO") if not isinstance(reply, Refusal)]
    warnings = []
    versions = sorted(report["redis_version"] for report in reports if _is_too_old(report))
    if versions:
        warnings.append(f"The Redis server is version {versions[0]}; Shortly needs Redis 7.0, or Valkey.")
    if any(report.get("aof_enabled") == "0" for report in reports):
        configs = await client.ask_each("CONFIG", "GET", "appendonly")
        if not any(isinstance(reply, Refusal) for _, reply in configs):
            warnings.append(
                "The Redis server keeps no append-only file, so its restart loses links and clicks; "
                "set appendonly yes there."
            )
    policies = sorted(report["maxmemory_policy"] for report in reports if _evicts(report))
    if policies:
        warnings.append(
            f"The Redis server throws data away when its memory is full (maxmemory-policy {policies[0]}); "
            "set it to noeviction there."
        )
    return warnings


def _fields(info: bytes) -> dict[str, str]:
    lines = info.decode("utf-8", "replace").splitlines()
    return dict(line.partition(":")[::2] for line in lines if ":" in line)


def _is_too_old(report: dict[str, str]) -> bool:
    version = report.get("redis_version", "").split(".")[:2]
    return len(version) == 2 and all(part.isdecimal() for part in version) and tuple(map(int, version)) < OLDEST


def _evicts(report: dict[str, str]) -> bool:
    limited = report.get("maxmemory", "0") != "0"  # without a limit nothing is thrown away
    return limited and report.get("maxmemory_policy", "noeviction") != "noeviction"
