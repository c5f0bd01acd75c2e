"""The container engine, and the installation of compose.yaml on it, driven as an operator does."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import time
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parent.parent.parent
NEEDED = "SHORTLY_NEED_ENGINE"
"""Set where an engine is known to be there: then its absence is a failure and not a reason to skip."""


def docker(*arguments: str | Path, stdin: str | None = None, **environment: str) -> str:
    """Run docker and return what it printed; its own complaint fails the test."""
    done = run("docker", *arguments, stdin=stdin, **environment)
    assert done.returncode == 0, f"docker {arguments}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def run(*command: str | Path, stdin: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the checkout and return how it went."""
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, input=stdin, capture_output=True, text=True, timeout=900
    )


def engine_answers() -> bool:
    """Say whether there is an engine, and Compose."""
    if shutil.which("docker") is None:
        return False
    commands = (["docker", "info"], ["docker", "compose", "version"])
    return all(subprocess.run(command, capture_output=True).returncode == 0 for command in commands)


STACK = [
    pytest.mark.stack,
    pytest.mark.skipif(
        NEEDED not in os.environ and not engine_answers(),
        reason="no container engine with Compose answers here: images and stack were NOT built or tried",
    ),
]
"""What marks a module of this folder."""


class Answer(NamedTuple):
    """One answer; names of headers in lower case, repeated ones a line each."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


class Stack:
    """One installation; ports are drawn, so that several may stand side by side.

    Args:
        project: Its name; it is part of all names of containers, networks and volumes.
        environment: Variables of compose.yaml.
    """

    def __init__(self, project: str, **environment: str) -> None:
        self.project = project
        self.environment = {
            "COMPOSE_PROJECT_NAME": project,
            "HTTP_PORT": "127.0.0.1:0",
            "HTTPS_PORT": "127.0.0.1:0",
            **environment,
        }

    def compose(self, *arguments: str) -> str:
        """Run ``docker compose`` for this installation."""
        return docker("compose", *arguments, **self.environment)

    def up(self, *arguments: str) -> None:
        """Start it, or what is missing of it, and wait until all is healthy; what did not get so says why."""
        done = self.script("docker", "compose", "up", "--detach", "--wait", "--no-build", *arguments)
        if done.returncode != 0:
            logs = self.script("docker", "compose", "logs", "--no-color", "--tail", "30").stdout
            pytest.fail(f"{done.stderr}\n{logs}")

    def script(self, *command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a script of the repository for this installation."""
        return run(*command, **{**self.environment, **environment})

    def ids(self, service: str) -> list[str]:
        """Return the running containers of a service."""
        return self.compose("ps", "--quiet", "--status", "running", service).split()

    def port(self, inner: int = 8080) -> int:
        """Return the port on this machine that leads to a port of nginx."""
        return int(docker("port", self.ids("nginx")[0], f"{inner}/tcp").splitlines()[0].rpartition(":")[2])

    def make_key(self) -> str:
        """Return an API key."""
        return self.compose("exec", "--no-TTY", "backend", "shortly", "key", "create", f"test-{time.time_ns()}")

    def ask(
        self,
        path: str,
        *,
        key: str = "",
        body: object = None,
        method: str = "",
        tls: ssl.SSLContext | None = None,
        host: str = "localhost",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send one request through nginx; with ``tls`` by HTTPS."""
        if tls is not None:
            connection: HTTPConnection = HTTPSConnection("127.0.0.1", self.port(8443), timeout=20, context=tls)
        else:
            connection = HTTPConnection("127.0.0.1", self.port(), timeout=20)
        sent = {"Content-Type": "application/json", "Host": host, **(headers or {})}
        if key:
            sent["Authorization"] = f"Bearer {key}"
        content = None if body is None else json.dumps(body)
        connection.request(method or ("GET" if body is None else "POST"), path, content, sent)
        answer = connection.getresponse()
        received = answer.read()
        connection.close()
        told: dict[str, list[str]] = {}
        for name, value in answer.getheaders():
            told.setdefault(name.lower(), []).append(value)
        return Answer(answer.status, {name: "\n".join(values) for name, values in told.items()}, received)

    def clicks_of(self, slug: str, key: str) -> int:
        """Return how many clicks of a link are counted."""
        clicks: int = self.ask(f"/api/v1/links/{slug}", key=key).json["clicks"]
        return clicks

    def make_link(self, slug: str, key: str) -> None:
        """Make a link that every backend knows by heart, and that has no click."""
        made = self.ask("/api/v1/links", key=key, body={"target": "https://example.com/", "slug": slug})
        assert made.status == 201, made.body
        deadline, good = time.monotonic() + 60, 0
        while good < 12:
            good = good + 1 if self.ask(f"/{slug}", method="HEAD").status == 302 else 0
            assert time.monotonic() < deadline, "a backend does not get to know the link"

    def wait_until_counted(self, slug: str, key: str, visits: int, *, within_s: float) -> None:
        """Wait until a link has exactly so many clicks, and see that it stays so."""
        deadline = time.monotonic() + within_s
        while (clicks := self.clicks_of(slug, key)) != visits:
            assert clicks < visits, f"{clicks} clicks of {visits} visits"
            assert time.monotonic() < deadline, f"{clicks} clicks of {visits} visits after {within_s} s"
            time.sleep(0.2)
        time.sleep(2)
        assert self.clicks_of(slug, key) == visits

    def down(self) -> None:
        """Remove it, its data included."""
        run("docker", "compose", "down", "--volumes", "--timeout", "20", "--remove-orphans", **self.environment)
