"""Shortly as it runs: a supervisor, its workers, a port and a data folder, all of them real."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
from tests.faults.processes import MARK, command_of, family_of, kill, kill_family, wait_until

from shortly.clicks.segment import SUFFIX
from shortly.store.sqlite import SqliteStore

SHORTLY = str(Path(sys.executable).with_name("shortly"))
TARGET = "https://example.com/"
STOP_S = 30.0
"""Container platforms send SIGKILL after that."""
SETTLED_S = 1.5
"""How long a count must stand still while nothing waits in the journal; the lag is reported twice a second."""


class Served:
    """One service: started, killed and started again on the same port and data folder.

    Args:
        folder: Empty; holds the log, and the data unless ``data_dir`` says otherwise.
        workers: HTTP processes.
        data_dir: Of another service on the same data.
        command: What serves, instead of ``shortly serve``; ``{port}`` stands for the port.
        settings: Further variables.
    """

    def __init__(
        self,
        folder: Path,
        *,
        workers: int = 1,
        data_dir: Path | None = None,
        command: Sequence[str] = (SHORTLY, "serve"),
        settings: Mapping[str, str] | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.data_dir = data_dir or folder / "data"
        self.log = folder / "log"
        self.port = free_port()
        self.workers_wanted = workers
        self._mark = secrets.token_hex(8)
        self._command = [part.replace("{port}", str(self.port)) for part in command]
        self._environment = {
            **{name: value for name, value in os.environ.items() if name.upper() not in ("LOG_LEVEL", "PORT", "HOST")},
            "DATA_DIR": str(self.data_dir),
            "BASE_URL": f"http://localhost:{self.port}",
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "LINK_CHECK_DAYS": "0",  # targets of examples are nobody's
            "WORKERS": str(workers),
            "LOG_FORMAT": "json",
            **(settings or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._key = ""
        self.api = httpx2.Client(
            base_url=f"http://127.0.0.1:{self.port}",
            timeout=10.0,
            trust_env=False,
            limits=httpx2.Limits(max_keepalive_connections=0),  # none to a worker that was killed meanwhile
        )

    def close(self) -> None:
        """Kill what is left of it."""
        self.api.close()
        kill_family(self._mark)
        if self._process is not None:
            self._process.wait(10)

    # --- its processes -------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start it and wait until all workers serve."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Start it."""
        self.api.headers["authorization"] = f"Bearer {self.key}"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env={**self._environment, MARK: self._mark},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a process group of its own, for Ctrl-C
            )

    def wait_until_ready(self) -> None:
        """Return when as many workers serve as are wanted."""
        wait_until(self._all_serve, within_s=20, what=f"{self.workers_wanted} workers serve", details=self.tail)

    @property
    def supervisor(self) -> int:
        """The process that was started."""
        assert self._process is not None
        return self._process.pid

    def processes(self) -> list[int]:
        """Return all processes that serve, oldest first: the supervisor, then the workers."""
        return [pid for pid in family_of(self._mark) if "resource_tracker" not in command_of(pid)]

    def workers(self) -> list[int]:
        """Return the workers, oldest first."""
        return [pid for pid in self.processes() if pid != self.supervisor]

    def kill_all(self) -> None:
        """End all of them at once, by SIGKILL."""
        assert self._process is not None
        for pid in self.processes():
            kill(pid)
        kill_family(self._mark)
        self._process.wait(10)

    def wait_for_end(self, *, within_s: float) -> int:
        """Return the exit code; ``AssertionError`` when it, or a worker, lives on."""
        assert self._process is not None
        try:
            code = self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {within_s} s\n{self.tail()}") from None
        wait_until(lambda: not self.processes(), within_s=1, what="no process is left behind", details=self.tail)
        return code

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end, and return the exit code."""
        kill(self.supervisor, number)
        return self.wait_for_end(within_s=STOP_S)

    def command_line(self, *arguments: str, stdin: str = "") -> subprocess.Popen[str]:
        """Start another ``shortly`` command on the same data."""
        process = subprocess.Popen(
            [SHORTLY, *arguments],
            env={**self._environment, MARK: self._mark},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        process.stdin.write(stdin)
        process.stdin.close()
        process.stdin = None
        return process

    # --- its doors -----------------------------------------------------------------------------------------------

    @property
    def key(self) -> str:
        """An API key, made through the command line at first use."""
        if not self._key:
            out, errors = self.command_line("key", "create", self._mark).communicate(timeout=30)
            self._key = out.strip()
            assert self._key, errors
        return self._key

    def forget_key(self) -> None:
        """Make another API key at the next use: the store has lost the one that was made."""
        self._key = ""

    def url(self, slug: str) -> str:
        """Return a link's address."""
        return f"http://127.0.0.1:{self.port}/{slug}"

    def post_link(self, slug: str, target: str = TARGET, **fields: Any) -> httpx2.Response:
        """Ask for a new link."""
        return self.api.post("/api/v1/links", json={"target": target, "slug": slug, **fields})

    def make_link(self, slug: str, **fields: Any) -> None:
        """Make a link."""
        answer = self.post_link(slug, **fields)
        assert answer.status_code == 201, answer.text

    def metrics(self) -> dict[str, float]:
        """Return every sample of ``/metrics`` under its name, labels included."""
        answer = self.api.get("/metrics")
        assert answer.status_code == 200, answer.text
        lines = [line.rpartition(" ") for line in answer.text.splitlines() if line and not line.startswith("#")]
        return {name: float(value) for name, _, value in lines}

    def clicks(self, slug: str) -> int:
        """Return what the API says about a link's clicks right now."""
        answer = self.api.get(f"/api/v1/links/{slug}")
        assert answer.status_code == 200, answer.text
        return int(answer.json()["clicks"])

    def counted(self, slug: str, *, at_least: int) -> int:
        """Return a link's clicks once they are ``at_least`` so many and nothing waits in the journal any more."""
        wait_until(lambda: self.clicks(slug) >= at_least, within_s=30, what=f"{at_least} clicks of {slug}", every_s=0.1)
        last = -1
        still = 0

        def stands_still() -> bool:
            nonlocal last, still
            clicks = self.clicks(slug)
            still = still + 1 if clicks == last and self.metrics()["shortly_drain_lag_seconds"] == 0 else 0
            last = clicks
            return still * 0.1 >= SETTLED_S

        wait_until(stands_still, within_s=30, what=f"the clicks of {slug} stand still", every_s=0.1)
        return last

    def tail(self) -> str:
        """Return the end of the log."""
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""

    def told(self) -> list[str]:
        """Return the events that were logged."""
        lines = self.log.read_text().splitlines()
        return [json.loads(line)["event"] for line in lines if line.startswith("{") and line.endswith("}")]

    def _all_serve(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"it ended with {self._process.returncode}\n{self.tail()}"
        try:
            ready = self.api.get("/health/ready").status_code == 200
            return ready and self.metrics()["shortly_workers_running"] >= self.workers_wanted
        except httpx2.TransportError:
            return False


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on, outside of those that clients are given."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def stored_clicks(data_dir: Path, slug: str) -> int:
    """Return a link's clicks straight from the store of a service that has ended."""

    async def read() -> int:
        async with SqliteStore(data_dir) as store:
            link = await store.get_link("", slug)
            assert link is not None
            totals = await store.totals([link.id])
            return totals[link.id].clicks if link.id in totals else 0

    return asyncio.run(read())


def segments(data_dir: Path) -> list[Path]:
    """Return the journal's files."""
    return sorted((data_dir / "journal").rglob(f"*{SUFFIX}"))
