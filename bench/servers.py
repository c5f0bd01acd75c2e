"""The three servers: Shortly as its users start it, the bare application, and nginx."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Self

from bench.bare import TARGET
from bench.process import ROOT, Failed, Process
from bench.wrk import Load, load
from shortly.clicks.store import EVERY_LINK
from shortly.counters import read_counters
from shortly.settings import Settings, load_settings
from shortly.store import open_store

SHORTLY = ROOT / ".venv" / "bin" / "shortly"
READY_S = 60
DRAINED_S = 300


class Server:
    """A server on a free port of its own; stopped when its ``with`` block is left."""

    def __init__(self, process: Process, port: int) -> None:
        self.process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.answered = 0
        """302 that clients of this benchmark received."""
        self.may_miss = 0
        """Requests that may have been under way when a client left."""
        self._asked = 0
        """Of the paths in a file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stop()

    def wait(self, path: str) -> None:
        """Wait for the first 302."""
        deadline = time.monotonic() + READY_S
        while status_of(self.port, path) != 302:
            self.process.check()
            if time.monotonic() > deadline:
                raise Failed(f"{self.url}{path} did not answer 302 within {READY_S} s")
            time.sleep(0.002)
        self.answered += 1

    def load(
        self,
        path: str,
        *,
        core: int,
        seconds: float,
        connections: int = 64,
        headers: Mapping[str, str] | None = None,
        paths: Path | None = None,
    ) -> Load:
        """Have wrk ask for a path, or for those in a file, from where it was left the last time."""
        got = load(
            self.url + path,
            core=core,
            seconds=seconds,
            connections=connections,
            headers=headers,
            paths=paths,
            skip=self._asked,
        )
        if paths is not None:
            self._asked += got.requests
        self.process.check()
        self.answered += got.requests - got.bad_status
        self.may_miss += connections
        return got


def status_of(port: int, path: str) -> int:
    """Return the status of a GET, 0 when nobody answers."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, HTTPException):
        return 0
    finally:
        connection.close()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Shortly(Server):
    """``shortly serve`` with one worker on a data folder; everything else is as by default.

    Args:
        data_dir: The data folder; nobody else has its databases open.
        core: For all of its processes.
        drain_core: Where the supervisor, whose thread the drain is, moves as soon as its worker runs.
        path: A short link, with which it shows that it works.
        settings: Environment variables that are not as by default.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        core: int,
        drain_core: int | None = None,
        path: str = "/bench",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        port = free_port()
        self.data_dir = data_dir
        self._settings = settings or {}
        environment = {"DATA_DIR": str(data_dir), "PORT": str(port), "WORKERS": "1", "LOG_FORMAT": "json"}
        environment["LINK_CHECK_DAYS"] = "0"  # targets are nobody's, and asking them is not what is measured
        environment |= self._settings
        process = Process([SHORTLY, "serve"], core=core, environment=environment, log=data_dir / "shortly.log")
        super().__init__(process, port)
        try:
            self.wait(path)
            if drain_core is not None:
                process.move(drain_core)
        except BaseException:
            process.stop()
            raise

    def wait_until_drained(self) -> float:
        """Wait until every click that was answered is in the store; return how many seconds that took."""
        started = time.monotonic()
        while True:
            counted = self.counters()
            if counted["answered"] == counted["written"] == counted["folded"]:
                return time.monotonic() - started
            if time.monotonic() - started > DRAINED_S:
                raise Failed(f"clicks were not folded within {DRAINED_S} s: {counted}")
            self.process.check()
            time.sleep(0.1)

    def counters(self) -> dict[str, int]:
        """Return how many clicks were answered, written down, folded and dropped."""
        counters = read_counters(self.data_dir / "counters")
        return {
            "answered": counters["redirects_302"],
            **{name: counters[f"clicks_{name}"] for name in ("written", "folded", "dropped")},
        }

    def clicks_in_store(self) -> int:
        """Stop the server, and return how many clicks its statistics have."""
        self.process.stop()
        return clicks_in_store(load_settings({"data_dir": self.data_dir, **self._settings}))


def clicks_in_store(settings: Settings) -> int:
    """Return how many clicks the statistics of a store have that no server uses."""
    return asyncio.run(_clicks(settings))


async def _clicks(settings: Settings) -> int:
    async with open_store(settings) as store:
        hours = await store.hours(EVERY_LINK, 0, 1 << 40)
    return sum(total.clicks for total in hours.values())


class Bare(Server):
    """The bare application on the same server with the same options."""

    def __init__(self, folder: Path, *, core: int) -> None:
        port = free_port()
        command = [sys.executable, "-m", "bench.bare_server", str(port)]
        super().__init__(Process(command, core=core, environment={}, log=folder / "bare.log"), port)
        try:
            self.wait("/")
        except BaseException:
            self.process.stop()
            raise


class Nginx(Server):
    """nginx with one worker that answers everything with a 302."""

    def __init__(self, folder: Path, *, core: int) -> None:
        port = free_port()
        config = folder / "nginx.conf"
        config.write_text(NGINX.format(folder=folder, port=port, target=TARGET), encoding="utf-8")
        command = ["nginx", "-p", str(folder), "-c", str(config), "-e", str(folder / "nginx.log")]
        search = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
        process = Process(command, core=core, environment={"PATH": search}, log=folder / "nginx.log")
        super().__init__(process, port)
        try:
            self.wait("/")
        except BaseException:
            process.stop()
            raise


NGINX = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        return 302 {target};
    }}
}}
"""
