"""The drill of docs/backups.md in containers: back up, lose every volume but that of backups, restore, compare all."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.stack.engine import STACK, Stack, run

pytestmark = STACK

LOST = ("data", "redis", "secrets", "certificates", "challenges")
LINKS: list[dict[str, Any]] = [
    {"slug": "plain", "target": "https://example.com/plain", "title": "Zürich", "tags": ["a", "b"]},
    {"slug": "limited", "target": "https://example.com/limited", "max_clicks": 5, "notes": "first\nsecond"},
    {"slug": "other", "target": "https://example.com/other", "folder": "spring", "status": 307},
]
CLICKS = {"plain": 7, "limited": 3}
PERSON = {"email": "ada@example.com", "password": "an owl eats at night"}


@pytest.fixture(scope="module")
def drilled(images: dict[str, str]) -> Iterator[Stack]:
    """Give an installation of its own."""
    stack = Stack(f"shortly-test-{secrets.token_hex(4)}", **images)
    try:
        stack.up()
        yield stack
    finally:
        stack.down()


def everything(stack: Stack, key: str) -> dict[str, Any]:
    """Return each link with all its fields, its statistics, keys and people."""
    links = stack.ask("/api/v1/links?limit=100", key=key).json["items"]
    return {
        "links": links,
        "clicks": {link["slug"]: link["clicks"] for link in links},
        "stats": {link["slug"]: stack.ask(f"/api/v1/links/{link['slug']}/stats", key=key).json for link in links},
        "keys": [
            {name: value for name, value in each.items() if name != "last_used_at"}
            for each in stack.ask("/api/v1/keys", key=key).json["items"]
        ],
        "people": json.loads(stack.compose("exec", "--no-TTY", "backend", "shortly", "user", "list", "--json")),
    }


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
    person = stack.script(
        "docker", "compose", "exec", "--no-TTY", "backend", "sh", "-c",
        f"echo {PERSON['password']} | shortly user add {PERSON['email']} --admin --password-file -",
    )  # fmt: skip
    assert person.returncode == 0, person.stderr
    for link in LINKS:
        made = stack.ask("/api/v1/links", key=key, body=link)
        assert made.status == 201, made.body
    for slug, clicks in CLICKS.items():
        for _ in range(clicks):
            assert stack.ask(f"/{slug}").status == 302
        stack.wait_until_counted(slug, key, clicks, within_s=20)
    told = stack.ask("/api/v1/auth/sign-in", body=PERSON).headers["set-cookie"]
    session = "; ".join(line.partition(";")[0] for line in told.splitlines())
    before = everything(stack, key)
    assert before["clicks"] == {"plain": 7, "limited": 3, "other": 0}

    stack.compose("exec", "--no-TTY", "backup", "shortly", "backup", "create")
    assert len(backups(stack)) == 2
    stack.compose("down", "--timeout", "20")
    for volume in LOST:
        assert run("docker", "volume", "rm", f"{stack.project}_{volume}").returncode == 0

    stack.compose("run", "--rm", "--no-TTY", "backup", "restore", "latest")
    stack.up()
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
