"""Three backends under load, and something dies: no visitor notices, and every visit is counted once."""

from __future__ import annotations

import json
import secrets
import time

import pytest
from tests.stack.engine import STACK, Stack, docker
from tests.stack.visitors import visiting

pytestmark = STACK

SECONDS = 20.0
"""Within which the clicks of a backend that is gone are counted by the others."""


@pytest.fixture(scope="module")
def key(stack: Stack) -> str:
    """Return an API key."""
    return stack.make_key()


@pytest.fixture
def slug(stack: Stack, key: str) -> str:
    """Return a link that nobody has followed yet."""
    slug = f"outage-{secrets.token_hex(4)}"
    stack.make_link(slug, key)
    return slug


def bring_back(stack: Stack, *services: str) -> None:
    """Have everything run again as before."""
    stack.up("--no-recreate", "--scale", "backend=3", *services)


def test_a_killed_backend_fails_no_request_and_its_clicks_are_counted_by_the_others(
    stack: Stack, key: str, slug: str
) -> None:
    killed = stack.ids("backend")[0]
    with visiting(stack.port(), f"/{slug}") as visits:
        time.sleep(4)
        docker("kill", killed)
        time.sleep(6)
    assert visits.failures == []
    assert visits.redirected > 500
    stack.wait_until_counted(slug, key, visits.redirected, within_s=SECONDS)
    assert len(stack.ids("backend")) == 2
    command = ("docker", "compose", "exec", "--no-TTY", "backend", "shortly", "healthcheck", "--json")
    report = json.loads(stack.script(*command, "--url", "http://nginx:8080").stdout)
    (told,) = [check for check in report["checks"] if check["name"] == "restarts"]
    assert told["state"] == "problem"
    assert "the whole service ended" in told["message"]
    bring_back(stack, "backend")


def test_redis_killed_and_started_again_fails_no_request_and_loses_no_click(stack: Stack, key: str, slug: str) -> None:
    (redis,) = stack.ids("redis")
    with visiting(stack.port(), f"/{slug}") as visits:
        time.sleep(3)
        docker("kill", redis)
        time.sleep(8)  # nginx has no retry for this: the backends know the link by heart
        docker("start", redis)
        time.sleep(6)
    assert visits.failures == []
    assert visits.redirected > 1000
    stack.wait_until_counted(slug, key, visits.redirected, within_s=SECONDS)


def test_the_journal_of_a_backend_that_died_while_redis_was_away_is_counted_by_the_others(
    stack: Stack, key: str, slug: str
) -> None:
    (redis,) = stack.ids("redis")
    killed = stack.ids("backend")[-1]
    with visiting(stack.port(), f"/{slug}") as visits:
        time.sleep(3)
        docker("kill", redis)
        time.sleep(4)  # clicks gather in the journals of all three
        docker("kill", killed)
        docker("rm", killed)  # nobody will start it again
        time.sleep(3)
        docker("start", redis)
        time.sleep(2)
    assert visits.failures == []
    stack.wait_until_counted(slug, key, visits.redirected, within_s=SECONDS)
    left = stack.compose("exec", "--no-TTY", "backend", "sh", "-c", "ls -d /data/journal/*/").split()
    assert len(left) == 2, left  # those of the two that live; the dead one's is cleared away
    bring_back(stack, "backend")
    for path in ("/health/ready", f"/{slug}"):
        assert stack.ask(path).status in (200, 302)
