"""The drill of docs/backups.md in containers: back up, lose every volume but that of backups, restore, compare all."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.stack.engine import STACK, Stack, run
from tests.stack.holdings import PERSON, everything, fill, sign_in

pytestmark = STACK

LOST = ("data", "redis", "secrets", "certificates", "challenges")


@pytest.fixture(scope="module")
def drilled(images: dict[str, str]) -> Iterator[Stack]:
    """Give an installation of its own."""
    stack = Stack(f"shortly-test-{secrets.token_hex(4)}", **images)
    try:
        stack.up()
        yield stack
    finally:
        stack.down()


def backups(stack: Stack) -> list[dict[str, Any]]:
    """Return what the container of backups lists."""
    listed = stack.compose("exec", "--no-TTY", "backup", "shortly", "backup", "list", "--json")
    found: list[dict[str, Any]] = json.loads(listed)["items"]
    return found


def test_everything_is_back_after_all_volumes_were_lost(drilled: Stack) -> None:
    stack = drilled
    deadline = time.monotonic() + 90
    while not backups(stack):  # nobody asked for this one
        assert time.monotonic() < deadline, stack.compose("logs", "backup")
        time.sleep(1)

    key = stack.make_key()
    fill(stack, key)
    session = sign_in(stack)
    before = everything(stack, key)
    assert before["clicks"] == {"plain": 7, "limited": 3, "other": 0}

    stack.compose("exec", "--no-TTY", "backup", "shortly", "backup", "create")
    assert len(backups(stack)) == 2
    stack.compose("down", "--timeout", "20")
    for volume in LOST:
        assert run("docker", "volume", "rm", f"{stack.project}_{volume}").returncode == 0

    began = time.monotonic()
    stack.compose("run", "--rm", "--no-TTY", "backup", "restore", "latest")
    restored = time.monotonic()
    stack.up()
    assert stack.ask("/plain", method="HEAD").status == 302
    print(f"\nthe drill: {restored - began:.0f} s to restore, {time.monotonic() - began:.0f} s to the first redirect")
    assert everything(stack, key) == before  # by the same key
    again = stack.ask("/api/v1/auth/me", headers={"Cookie": session})  # what sessions are signed with is back, too
    assert (again.status, again.json["user"]["email"]) == (200, PERSON["email"])
    assert [stack.ask("/limited").status for _ in range(3)] == [302, 302, 410]  # three of five were taken before
    stack.wait_until_counted("limited", key, 5, within_s=20)


def test_the_healthcheck_sees_the_backups(drilled: Stack) -> None:
    command = ["docker", "compose", "exec", "--no-TTY", "backend", "shortly", "healthcheck", "--json"]
    report = json.loads(drilled.script(*command, "--url", "http://nginx:8080").stdout)
    assert {check["name"]: check["state"] for check in report["checks"]}["backup"] == "ok"


def test_a_restore_into_an_installation_that_is_not_empty_is_refused(drilled: Stack) -> None:
    refused = drilled.script("docker", "compose", "run", "--rm", "--no-TTY", "backup", "restore", "latest")
    assert refused.returncode != 0
    assert "stop it everywhere" in refused.stderr
    drilled.compose("stop", "backend", "backup")
    refused = drilled.script("docker", "compose", "run", "--rm", "--no-TTY", "backup", "restore", "latest")
    assert refused.returncode != 0
    assert "Traceback" not in refused.stderr


def test_a_damaged_backup_is_refused(drilled: Stack) -> None:
    name = json.loads(drilled.compose("run", "--rm", "--no-TTY", "backup", "list", "--json"))["items"][0]["name"]
    damage = f"f=open('/backups/{name}', 'r+b'); f.seek(2000); f.write(b'damage')"
    drilled.compose("run", "--rm", "--no-TTY", "--entrypoint", "python", "backup", "-c", damage)
    refused = drilled.script("docker", "compose", "run", "--rm", "--no-TTY", "backup", "verify", name)
    assert refused.returncode != 0
    assert "Traceback" not in refused.stderr
