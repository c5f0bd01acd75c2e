"""New images under load: good ones take over, bad ones are refused or taken back, and no visitor notices."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from tests.stack.engine import STACK, Stack, docker
from tests.stack.forge import BARE, BLIND, DEAD, GOOD, Forge, id_of
from tests.stack.visitors import visiting

pytestmark = STACK

SECONDS = 20.0


@pytest.fixture(scope="module")
def forge(images: dict[str, str]) -> Iterator[Forge]:
    """Give a maker of images."""
    forge = Forge(images)
    yield forge
    forge.clear()


@pytest.fixture(scope="module")
def key(stack: Stack) -> str:
    """Return an API key."""
    return stack.make_key()


@pytest.fixture
def slug(stack: Stack, key: str) -> str:
    """Return a link that nobody has followed yet."""
    slug = f"update-{secrets.token_hex(4)}"
    stack.make_link(slug, key)
    return slug


def images_of(stack: Stack, service: str) -> set[str]:
    """Return what the running containers of a service were made of."""
    return {docker("inspect", "--format", "{{.Image}}", container) for container in stack.ids(service)}


def everything_of(stack: Stack) -> set[str]:
    """Return all containers, those that ended, too."""
    return set(
        docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={stack.project}").split()
    )


def test_new_images_take_over_without_a_failed_request(stack: Stack, forge: Forge, key: str, slug: str) -> None:
    before = {*stack.ids("backend"), *stack.ids("frontend")}
    backend, frontend = forge.make(GOOD), forge.make(GOOD, "FRONTEND_IMAGE")
    with (
        visiting(stack.port(), f"/{slug}", a_second=50) as visits,
        visiting(stack.port(), "/app/", a_second=10, wanted=200) as guests,
    ):
        done = stack.script("deploy/rolling-update", IMAGE=backend, FRONTEND_IMAGE=frontend)
    assert done.returncode == 0, done.stderr
    assert visits.failures == guests.failures == []
    assert visits.redirected > 500
    assert images_of(stack, "backend") == {id_of(backend)}
    assert images_of(stack, "frontend") == {id_of(frontend)}
    assert len(stack.ids("backend")) == 3
    assert not before & {*stack.ids("backend"), *stack.ids("frontend")}
    stack.wait_until_counted(slug, key, visits.redirected, within_s=SECONDS)
    keys = stack.ask("/api/v1/keys", key=key).json["items"]
    (own,) = [one for one in keys if one["name"].startswith("rolling-update-")]
    assert own["revoked_at"] is not None


@pytest.mark.parametrize("change", [DEAD, BLIND], ids=["dead", "blind"])
def test_a_bad_image_is_refused_before_a_visitor_meets_it(
    stack: Stack, forge: Forge, key: str, slug: str, change: str
) -> None:
    before = everything_of(stack)
    with visiting(stack.port(), f"/{slug}", a_second=50) as visits:
        done = stack.script("deploy/rolling-update", IMAGE=forge.make(change))
    assert done.returncode == 1
    assert "refused" in done.stderr
    assert visits.failures == []
    assert everything_of(stack) == before  # nothing is left of the trial either
    stack.wait_until_counted(slug, key, visits.redirected, within_s=SECONDS)


def test_what_turns_out_bad_behind_nginx_is_rolled_back_without_a_failed_request(
    stack: Stack, forge: Forge, key: str, slug: str
) -> None:
    stack.up("--no-recreate", "--scale", "backend=2", "backend")  # each takes its time, there and back
    before = images_of(stack, "backend"), images_of(stack, "frontend")
    with visiting(stack.port(), f"/{slug}", a_second=50) as visits:
        done = stack.script(
            "deploy/rolling-update",
            IMAGE=forge.make("LABEL next=again"),
            FRONTEND_IMAGE=forge.make(BARE, "FRONTEND_IMAGE"),
        )
    assert done.returncode == 1
    assert "content-security-policy" in done.stderr
    assert done.stderr.endswith("rolled back\n")
    assert visits.failures == []
    assert (images_of(stack, "backend"), images_of(stack, "frontend")) == before
    assert len(stack.ids("backend")) == 2
    stack.wait_until_counted(slug, key, visits.redirected, within_s=SECONDS)
