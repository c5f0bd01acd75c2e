"""The drill of docs/backups.md, "Any moment", in containers: a mishap, a lost volume, and the moment before is back."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from moto.server import ThreadedMotoServer
from tests.stack.engine import STACK, Stack, docker, run
from tests.stack.holdings import LINKS, PERSON, everything, fill, sign_in

pytestmark = STACK

BUCKET = "s3://changes/prod"
BATCHES = 5
BATCH = 1000
KEPT = "shortly_changes_kept_until_time_seconds"


class Single(Stack):
    """The one container of compose.single.yaml, and the one that follows it."""

    def port(self, inner: int = 8000) -> int:
        """Return the port on this machine that leads to the backend."""
        return int(docker("port", self.ids("backend")[0], f"{inner}/tcp").splitlines()[0].rpartition(":")[2])

    def kept_until(self, key: str) -> float:
        """Return until when all changes are kept, in unix seconds, as Prometheus is told; 0: none are yet."""
        metrics = self.ask("/metrics", key=key).body.decode()
        found = [line.split()[1] for line in metrics.splitlines() if line.startswith(f"{KEPT} ")]
        return float(found[0]) if found else 0.0

    def wait_until_kept(self, at: datetime, key: str) -> None:
        """Wait until everything before a moment is kept."""
        deadline = time.monotonic() + 120
        while self.kept_until(key) <= at.timestamp():
            assert time.monotonic() < deadline, self.compose("logs", "follow")
            time.sleep(0.5)


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """Serve S3 where containers reach it, with a bucket; return its address as they know it."""
    gateway = docker("network", "inspect", "-f", "{{(index .IPAM.Config 0).Gateway}}", "bridge")
    server = ThreadedMotoServer(ip_address=gateway, port=0)
    server.start()
    _, port = server.get_host_and_port()
    httpx2.post(f"http://{gateway}:{port}/moto-api/reset", timeout=60).raise_for_status()
    httpx2.put(f"http://{gateway}:{port}/{BUCKET.split('/')[2]}", timeout=60).raise_for_status()
    yield f"http://host.docker.internal:{port}"
    server.stop()


@pytest.fixture(scope="module")
def followed(images: dict[str, str], bucket: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Single]:
    """Give an installation whose changes go into a bucket; what a .env would say comes from a file beside."""
    said = {
        "BACKUP_TO": BUCKET,
        "BACKUP_S3_ENDPOINT": bucket,
        "BACKUP_S3_REGION": "eu-central-1",
        "BACKUP_S3_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "BACKUP_S3_SECRET_ACCESS_KEY": "a-secret-that-no-line-shows",
        "BACKUP_FOLLOW_SHIP_S": "2",
    }
    service: dict[str, Any] = {"environment": said, "extra_hosts": ["host.docker.internal:host-gateway"]}
    override = tmp_path_factory.mktemp("compose") / "compose.yaml"
    override.write_text(json.dumps({"services": {"backend": service, "follow": service}}))  # YAML, too
    stack = Single(
        f"shortly-test-{secrets.token_hex(4)}",
        **images,
        COMPOSE_FILE=os.pathsep.join(("compose.single.yaml", str(override))),
        COMPOSE_PROFILES="point-in-time",
        PUBLISH="127.0.0.1:0",
    )
    try:
        stack.up()
        yield stack
    finally:
        stack.down()


def make_many(stack: Stack, key: str) -> None:
    """Make links of which nobody knows the names, so that a restore has something to do."""
    for batch in range(BATCHES):
        links = [{"target": f"https://example.com/{batch}/{number}"} for number in range(BATCH)]
        made = stack.ask("/api/v1/bulk/links", key=key, body={"links": links})
        assert made.status == 200, made.body


def lose(stack: Stack) -> None:
    """Lose the machine: no container ends orderly, and no volume is left."""
    stack.compose("kill")
    stack.compose("down")
    assert run("docker", "volume", "rm", f"{stack.project}_data").returncode == 0


def test_the_moment_before_a_mishap_is_back_after_the_volume_was_lost(followed: Single) -> None:
    stack = followed
    key = stack.make_key()
    make_many(stack, key)
    fill(stack, key)
    session = sign_in(stack)
    before = everything(stack, key)
    assert before["clicks"] == {"plain": 7, "limited": 3, "other": 0}
    assert len(before["exported"]) == BATCHES * BATCH + len(LINKS)
    time.sleep(2)  # moments are a second apart
    at = datetime.now(UTC)

    assert stack.ask("/api/v1/links/plain", key=key, method="DELETE").status == 204
    assert (
        stack.ask("/api/v1/links/other", key=key, method="PATCH", body={"target": "https://wrong.example/"}).status
        == 200
    )
    assert stack.ask("/limited").status == 302
    stack.wait_until_counted("limited", key, 4, within_s=20)
    stack.wait_until_kept(datetime.now(UTC), key)
    lose(stack)

    began = time.monotonic()
    command = ("run", "--rm", "--no-TTY", "backend", "backup", "restore", "--at", at.isoformat(), "--json")
    told = json.loads(stack.compose(*command))
    restored = time.monotonic()
    assert datetime.fromisoformat(told["changed_at"]) < at
    stack.up()
    assert stack.ask("/plain", method="HEAD").status == 302
    print(f"\nthe drill: {restored - began:.0f} s to restore, {time.monotonic() - began:.0f} s to the first redirect")

    assert everything(stack, key) == before  # by the same key
    again = stack.ask("/api/v1/auth/me", headers={"Cookie": session})
    assert (again.status, again.json["user"]["email"]) == (200, PERSON["email"])
    stack.wait_until_kept(datetime.now(UTC), key)  # it is followed on


def test_who_follows_has_no_rights_and_can_write_nowhere_but_to_the_data(followed: Single) -> None:
    (container,) = followed.ids("follow")
    (inspected,) = json.loads(docker("inspect", container))
    host = inspected["HostConfig"]
    assert inspected["Config"]["User"] not in ("", "0", "root")
    assert (host["ReadonlyRootfs"], host["CapDrop"], host["PidsLimit"]) == (True, ["ALL"], 64)
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert "Read-only file system" in run("docker", "exec", container, "touch", "/opt/x").stderr


def test_a_moment_is_not_restored_while_somebody_serves_or_follows(followed: Single) -> None:
    command = ["run", "--rm", "--no-TTY", "backend", "backup", "restore", "--at", "latest", "--replace"]
    for service, sentence in (("follow", "is running here; stop it"), ("backend", "Shortly is running here")):
        refused = followed.script("docker", "compose", *command)
        assert refused.returncode != 0
        assert sentence in refused.stderr, refused.stderr
        followed.compose("stop", service)
