"""A redis-server of the benchmark's own, with the settings that docs/redis.md asks for."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any, Self

import redis

from bench.process import Failed, Process
from bench.servers import free_port

START_S = 300
"""Time to read a million links from the disk, on a slow one."""
REWRITE_S = 300


class RedisServer:
    """``redis-server`` on a free port of the loopback; what it keeps lies in a folder, where the next one finds it."""

    def __init__(self, folder: Path, *, core: int) -> None:
        self._port = free_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"
        options = {
            "port": self._port,
            "bind": "127.0.0.1",
            "dir": folder,
            "appendonly": "yes",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
            "save": "",
        }
        command = ["redis-server", *(part for name, value in options.items() for part in (f"--{name}", str(value)))]
        self.process = Process(command, core=core, environment={}, log=folder / "redis.log")
        self._client = redis.Redis(port=self._port, socket_timeout=60)
        try:
            self._wait()
        except BaseException:
            self.process.stop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self.process.stop()

    def _wait(self) -> None:
        """Wait until it has read what the folder holds."""
        deadline = time.monotonic() + START_S
        while True:
            self.process.check()
            try:
                self._client.ping()
            except (redis.ConnectionError, redis.BusyLoadingError):
                if time.monotonic() > deadline:
                    raise Failed(f"redis-server was not ready within {START_S} s") from None
                time.sleep(0.02)
            else:
                return

    def info(self, section: str) -> dict[str, Any]:
        """Return a section of what the server says about itself."""
        answer: dict[str, Any] = self._client.info(section)
        return answer

    def used_memory(self) -> int:
        """Return the bytes that the server has allocated."""
        return int(self.info("memory")["used_memory"])

    def cpu_s(self) -> float:
        """Return the processor time that the server has used, without that of its children."""
        used = self.info("cpu")
        return float(used["used_cpu_user"]) + float(used["used_cpu_sys"])

    def version(self) -> str:
        """Return such as ``redis 7.0.15``."""
        server = self.info("server")
        return f"{server.get('server_name', 'redis')} {server.get('valkey_version', server['redis_version'])}"

    def compact(self) -> None:
        """Write the whole of it anew, so that the next start reads as little as possible."""
        deadline = time.monotonic() + REWRITE_S
        while self._is_rewriting():
            self._pause(deadline)
        self._client.bgrewriteaof()
        while self._is_rewriting():
            self._pause(deadline)

    def _is_rewriting(self) -> bool:
        state = self.info("persistence")
        return bool(state["aof_rewrite_in_progress"] or state["aof_rewrite_scheduled"])

    def _pause(self, deadline: float) -> None:
        if time.monotonic() > deadline:
            raise Failed(f"redis-server did not write its file anew within {REWRITE_S} s")
        time.sleep(0.1)

    def benchmark(self, key: str, *, requests: int, connections: int, core: int) -> float:
        """Have redis-benchmark ask for one key from a core; return the answers a second."""
        command = ["taskset", "-c", str(core), "redis-benchmark", "-p", str(self._port), "--csv"]
        command += ["-n", str(requests), "-c", str(connections), "GET", key]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        try:
            return float(done.stdout.strip().rpartition("\n")[2].split(",")[1].strip('"'))
        except (IndexError, ValueError):
            raise Failed(f"redis-benchmark failed: {done.stdout.strip()} {done.stderr.strip()}") from None
