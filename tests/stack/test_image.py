"""The container image, built and run for real: read-only, without capabilities, as a user of its own."""

import json
import re
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection

import pytest
from tests.stack.engine import ROOT, STACK, docker, run

pytestmark = STACK


VERSION = "1.2.3"


@pytest.fixture(scope="module")
def built() -> Iterator[dict[str, str]]:
    """Build all images, and the wheel, by the script of the pipelines; return the images' names by what they are."""
    registry = f"shortly-test-{secrets.token_hex(4)}-"
    images = {name: f"{registry}{name}:{VERSION}" for name in ("backend", "frontend", "certificates")}
    done = run("deploy/ci/build.sh", REGISTRY=registry, VERSION=f"v{VERSION}")
    assert done.returncode == 0, done.stdout + done.stderr
    yield images
    docker("rmi", "--force", *images.values())


@pytest.fixture(scope="module")
def image(built: dict[str, str]) -> str:
    """Return the backend's."""
    return built["backend"]


class Container:
    """One running container, driven from outside as an operator does."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.port = int(docker("port", name, "8000/tcp").splitlines()[0].rpartition(":")[2])

    def wait_until_healthy(self) -> None:
        """Wait for the image's own health check."""
        deadline = time.monotonic() + 60
        while (state := docker("inspect", "-f", "{{.State.Health.Status}}", self.name)) != "healthy":
            running = docker("inspect", "-f", "{{.State.Running}}", self.name) == "true"
            assert running, f"stopped by itself: {docker('logs', self.name)}"
            assert time.monotonic() < deadline, f"{state}: {docker('logs', self.name)}"
            time.sleep(0.2)

    def run(self, *command: str) -> str:
        """Run a command inside."""
        return docker("exec", self.name, *command)

    def ask(self, method: str, path: str, key: str = "", body: object = None) -> tuple[int, dict[str, str], bytes]:
        """Send one request and return status, headers (names in lower case) and body."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, content

    def stop(self) -> int:
        """Stop it as an orchestrator does, by SIGTERM, and return its exit code."""
        docker("stop", "--time", "30", self.name)
        return int(docker("inspect", "-f", "{{.State.ExitCode}}", self.name))


@pytest.fixture
def start(image: str) -> Iterator[Callable[[], Container]]:
    """Return a function that starts containers, hardened and on the same volume; all of it goes away afterwards."""
    volume = f"shortly-test-{secrets.token_hex(4)}"
    started: list[str] = []

    def begin() -> Container:
        name = f"{volume}-{len(started)}"
        started.append(name)
        hardening = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
        docker("run", "--detach", "--name", name, *hardening, "-v", f"{volume}:/data", "-p", "127.0.0.1::8000", image)
        container = Container(name)
        container.wait_until_healthy()
        return container

    yield begin
    for name in started:
        subprocess.run(["docker", "rm", "--force", name], capture_output=True)
    subprocess.run(["docker", "volume", "rm", "--force", volume], capture_output=True)


def test_the_image_shortens_counts_stops_cleanly_and_remembers(start: Callable[[], Container]) -> None:
    first = start()
    key = first.run("shortly", "key", "create", "test")
    assert re.fullmatch(r"\S+", key)
    status, headers, body = first.ask("POST", "/api/v1/links", key, {"target": "https://example.com/", "slug": "abc"})
    assert status == 201, body
    assert headers["location"].endswith("/api/v1/links/abc")
    status, headers, _ = first.ask("GET", "/abc")
    assert (status, headers["location"]) == (302, "https://example.com/")
    assert first.stop() == 0
    assert "Traceback" not in docker("logs", first.name)

    second = start()
    status, headers, _ = second.ask("GET", "/abc")
    assert (status, headers["location"]) == (302, "https://example.com/")
    deadline = time.monotonic() + 30
    while json.loads(second.ask("GET", "/api/v1/links/abc", key)[2])["clicks"] < 2:
        assert time.monotonic() < deadline, "the clicks of both runs are not counted"
        time.sleep(0.1)
    assert second.stop() == 0


def test_the_container_has_no_privileges_and_can_write_nowhere_but_to_its_data(start: Callable[[], Container]) -> None:
    container = start()
    status = container.run("cat", "/proc/1/status")
    assert re.search(r"^Uid:\t10001\t10001\t10001\t10001$", status, re.MULTILINE)
    assert re.search(r"^CapEff:\t0+$", status, re.MULTILINE)
    assert re.search(r"^NoNewPrivs:\t1$", status, re.MULTILINE)
    attempt = (
        "touch /data/x && rm /data/x; touch /opt/venv/x /etc/x /x; find / -xdev -perm -4000 -user 0 -path '*shortly*'"
    )
    refused = subprocess.run(["docker", "exec", container.name, "sh", "-c", attempt], capture_output=True, text=True)
    assert refused.stderr.count("Read-only file system") == 3
    assert "/data" not in refused.stderr


def test_a_bad_setting_stops_the_container_with_one_sentence(image: str) -> None:
    run = ["docker", "run", "--rm", "-e", "WORKERS=none", image]
    refused = subprocess.run(run, capture_output=True, text=True, timeout=60)
    assert refused.returncode != 0
    assert "WORKERS" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_the_pipelines_script_leaves_a_wheel_and_images_that_say_what_they_are(built: dict[str, str]) -> None:
    (wheel,) = (ROOT / "dist").glob("*.whl")
    assert wheel.stat().st_size > 1_000_000
    revision = run("git", "rev-parse", "HEAD").stdout.strip() or "unknown"
    for image in built.values():
        labels = json.loads(docker("image", "inspect", "--format", "{{json .Config.Labels}}", image))
        assert labels["org.opencontainers.image.version"] == VERSION
        assert labels["org.opencontainers.image.revision"] == revision
        assert labels["org.opencontainers.image.licenses"] == "MIT"
        assert labels["org.opencontainers.image.base.name"]


def test_the_images_are_as_small_as_the_documentation_says(built: dict[str, str]) -> None:
    figures = (ROOT / "docs" / "deployment.md").read_text().partition("## Figures")[2]
    for name, image in built.items():
        stated = int(re.findall(rf"\b{name} (\d+) MB", figures)[0])
        size = int(docker("image", "inspect", "--format", "{{.Size}}", image)) / 10**6
        assert size <= stated * 1.03, f"{name}: {size:.0f} MB, and docs/deployment.md says {stated}"


def test_the_image_holds_no_tests_tools_or_secrets(image: str) -> None:
    found = docker(
        "run",
        "--rm",
        "--entrypoint",
        "sh",
        image,
        "-c",
        "ls -a / /data; pip list --path /opt/venv/lib/python3*/site-packages",
    )
    for unwanted in ("pytest", "mypy", "ruff", "hypothesis", ".env", "Makefile", "nodejs"):
        assert unwanted not in found


def test_compose_brings_the_service_up_and_starts_it_again_when_it_ends(image: str) -> None:
    project = f"shortly-test-{secrets.token_hex(4)}"
    environment = {
        "COMPOSE_FILE": "compose.single.yaml",
        "COMPOSE_PROJECT_NAME": project,
        "IMAGE": image,
        "PUBLISH": "127.0.0.1:0",
    }

    def compose(*arguments: str) -> str:
        return docker("compose", *arguments, **environment)

    try:
        compose("up", "--detach", "--wait", "--no-build")
        container = Container(compose("ps", "--quiet", "backend"))
        key = container.run("shortly", "key", "create", "test")
        assert container.ask("POST", "/api/v1/links", key, {"target": "https://example.com/", "slug": "a"})[0] == 201
        inspected = json.loads(docker("inspect", container.name))[0]["HostConfig"]
        assert inspected["ReadonlyRootfs"] is True
        assert inspected["CapDrop"] == ["ALL"]
        assert inspected["Memory"] == 512 * 1024 * 1024
        assert inspected["LogConfig"]["Config"] == {"max-file": "5", "max-size": "10m"}
        container.run("python", "-c", "import os, signal; os.kill(1, signal.SIGTERM)")
        deadline = time.monotonic() + 60
        while int(docker("inspect", "-f", "{{.RestartCount}}", container.name)) == 0:
            assert time.monotonic() < deadline, "the container was not started again"
            time.sleep(0.2)
        container.wait_until_healthy()
        container = Container(container.name)
        assert container.ask("GET", "/a")[0] == 302
    finally:
        compose("down", "--volumes", "--timeout", "30")
