"""deploy/swarm on a swarm of one machine: served, updated under load, and back by itself when a new image is bad.

The last file of the folder, by its name: an engine that leaves a swarm forgets the names of containers in its other
networks, too, and the installation that the other tests share no longer finds its Redis.
"""

from __future__ import annotations

import json
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest
from tests.stack.engine import STACK, Stack, docker, run
from tests.stack.forge import BLIND, DEAD, GOOD, Forge, id_of
from tests.stack.visitors import visiting

pytestmark = STACK

SERVICES = {"nginx": 1, "frontend": 1, "backend": 2, "redis": 1, "certificates": 1, "backup": 1}
SECONDS = 20.0


class Swarm(Stack):
    """The stack of deploy/swarm, driven by its script; a port of this machine leads to it."""

    def __init__(self, name: str, **environment: str) -> None:
        super().__init__(name)
        self._port, tls = free_port(), free_port()
        self.environment = {
            "STACK": name, "BACKENDS": str(SERVICES["backend"]), "WATCHED": "4s",
            "HTTP_PORT": str(self._port), "HTTPS_PORT": str(tls), **environment,
        }  # fmt: skip

    def deploy(self, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the script."""
        return self.script("deploy/swarm/deploy", **environment)

    def ids(self, service: str) -> list[str]:
        """Return the running containers of a service."""
        label = f"label=com.docker.swarm.service.name={self.project}_{service}"
        return docker("ps", "--quiet", "--filter", label).split()

    def port(self, inner: int = 8080) -> int:
        """Return the port of this machine."""
        assert inner == 8080
        return self._port

    def make_key(self) -> str:
        """Return an API key."""
        return docker("exec", self.ids("backend")[0], "shortly", "key", "create", f"test-{time.time_ns()}")

    def down(self) -> None:
        """Remove it, its data included."""
        run("docker", "stack", "rm", self.project)
        deadline = time.monotonic() + 90
        while docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.stack.namespace={self.project}"):
            assert time.monotonic() < deadline, "the stack does not end"
            time.sleep(0.5)
        for kind in ("secret", "volume"):
            names = docker(kind, "ls", "--format", "{{.Name}}", "--filter", f"name={self.project}_").split()
            for name in names:
                run("docker", kind, "rm", name)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def swarm(images: dict[str, str]) -> Iterator[Swarm]:
    """Make this machine a swarm and deploy the stack; nothing of it is left."""
    was_one = docker("info", "--format", "{{.Swarm.LocalNodeState}}") == "active"
    if not was_one:
        docker("swarm", "init", "--advertise-addr", "127.0.0.1")
    swarm = Swarm(f"shortly-test-{secrets.token_hex(4)}", **images)
    try:
        done = swarm.deploy()
        assert done.returncode == 0, done.stdout + done.stderr
        yield swarm
    finally:
        swarm.down()
        if not was_one:
            docker("swarm", "leave", "--force")


@pytest.fixture(scope="module")
def forge(images: dict[str, str], swarm: Swarm) -> Iterator[Forge]:
    """Give a maker of images."""
    forge = Forge(images)
    yield forge
    swarm.down()
    forge.clear()


@pytest.fixture(scope="module")
def key(swarm: Swarm) -> str:
    """Return an API key."""
    return swarm.make_key()


@pytest.fixture
def slug(swarm: Swarm, key: str) -> str:
    """Return a link that nobody has followed yet."""
    slug = f"swarm-{secrets.token_hex(4)}"
    swarm.make_link(slug, key)
    return slug


def images_of(swarm: Swarm, service: str) -> set[str]:
    """Return what the running containers of a service were made of."""
    return {docker("inspect", "--format", "{{.Image}}", container) for container in swarm.ids(service)}


def test_links_are_made_and_followed(swarm: Swarm, key: str) -> None:
    made = swarm.ask("/api/v1/links", key=key, body={"target": "https://example.com/", "slug": "front"})
    assert made.status == 201, made.body
    assert made.json["short_url"] == "http://localhost/front"
    followed = swarm.ask("/front")
    assert (followed.status, followed.headers["location"]) == (302, "https://example.com/")
    assert b'<div id="root">' in swarm.ask("/app/").body
    assert swarm.ask("/metrics", key=key).status == 404


def test_backends_that_do_not_see_the_volume_of_backups_know_how_old_the_newest_is(swarm: Swarm, key: str) -> None:
    ask = (
        "import sys, urllib.request as u; r = u.Request('http://127.0.0.1:8000/metrics',"
        " headers={'Authorization': 'Bearer ' + sys.argv[1]}); print(u.urlopen(r, timeout=5).read().decode())"
    )
    for backend in swarm.ids("backend"):
        assert docker("exec", backend, "ls", "/backups") == ""
        newest, deadline = 0.0, time.monotonic() + 120
        while newest == 0:  # the first one is made without anybody asking, and looked for twice a minute
            assert time.monotonic() < deadline, docker("logs", swarm.ids("backup")[0])
            metrics = docker("exec", backend, "python", "-c", ask, key).splitlines()
            (line,) = [line for line in metrics if line.startswith("shortly_backup_newest_time_seconds ")]
            newest = float(line.split()[1])
            time.sleep(0.5)
        assert time.time() - newest < 600
    report = run(
        "docker", "exec", swarm.ids("backend")[0], "shortly", "healthcheck", "--url", "http://nginx:8080", "--json"
    )
    assert {check["name"]: check["state"] for check in json.loads(report.stdout)["checks"]}["backup"] == "ok"


def test_containers_have_the_rights_limits_and_networks_of_compose(swarm: Swarm) -> None:
    password = docker("exec", swarm.ids("redis")[0], "cat", "/run/secrets/redis_password")
    assert len(password) >= 32
    for service, replicas in SERVICES.items():
        containers = swarm.ids(service)
        assert len(containers) == replicas, service
        for container in containers:
            (inspected,) = json.loads(docker("inspect", container))
            host = inspected["HostConfig"]
            assert inspected["Config"]["User"] not in ("", "0", "root")
            assert host["ReadonlyRootfs"] is True
            assert host["CapDrop"] == ["ALL"]
            assert not host["CapAdd"]
            assert host["Memory"] > 0
            assert host["NanoCpus"] > 0
            assert host["PidsLimit"] > 0
            assert host["LogConfig"]["Config"] == {"max-file": "5", "max-size": "10m"}
            assert bool(host["PortBindings"]) is (service == "nginx")
            assert password not in json.dumps(inspected)
    (redis,) = json.loads(docker("inspect", swarm.ids("redis")[0]))
    (address,) = [network["IPAddress"] for network in redis["NetworkSettings"]["Networks"].values()]
    reach = "import socket, sys; socket.create_connection((sys.argv[1], 6379), 3); print('reached')"
    assert docker("exec", swarm.ids("backend")[0], "python", "-c", reach, address) == "reached"
    for service in ("nginx", "frontend"):
        attempt = run(
            "docker", "exec", swarm.ids(service)[0], "curl", "--silent", "--max-time", "3", f"telnet://{address}:6379"
        )
        assert attempt.returncode in (6, 7, 28), f"{service} reaches Redis: {attempt}"


def test_new_images_take_over_without_a_failed_request(swarm: Swarm, forge: Forge, key: str, slug: str) -> None:
    before = {*swarm.ids("backend"), *swarm.ids("frontend")}
    backend, frontend = forge.make(GOOD), forge.make(GOOD, "FRONTEND_IMAGE")
    swarm.environment |= {"IMAGE": backend, "FRONTEND_IMAGE": frontend}
    with (
        visiting(swarm.port(), f"/{slug}", a_second=50) as visits,
        visiting(swarm.port(), "/app/", a_second=10, wanted=200) as guests,
    ):
        done = swarm.deploy()
    assert done.returncode == 0, done.stderr
    assert visits.failures == guests.failures == []
    assert visits.redirected > 500
    assert images_of(swarm, "backend") == {id_of(backend)}
    assert images_of(swarm, "frontend") == {id_of(frontend)}
    assert not before & {*swarm.ids("backend"), *swarm.ids("frontend")}
    swarm.wait_until_counted(slug, key, visits.redirected, within_s=SECONDS)


@pytest.mark.parametrize(
    ("change", "told"),
    [(DEAD, "the new image does not get healthy"), (BLIND, "rolled back")],
    ids=["dead", "blind"],
)
def test_a_bad_image_goes_back_by_itself_without_a_failed_request(
    swarm: Swarm, forge: Forge, key: str, slug: str, change: str, told: str
) -> None:
    before = images_of(swarm, "backend"), images_of(swarm, "backup")
    with visiting(swarm.port(), f"/{slug}", a_second=50) as visits:
        done = swarm.deploy(IMAGE=forge.make(change))
    assert done.returncode == 1, done.stderr
    assert told in done.stderr
    assert visits.failures == []
    assert (images_of(swarm, "backend"), images_of(swarm, "backup")) == before
    assert len(swarm.ids("backend")) == SERVICES["backend"]
    swarm.wait_until_counted(slug, key, visits.redirected, within_s=SECONDS)
