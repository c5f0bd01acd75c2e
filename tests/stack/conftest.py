"""Images are built once for all tests of this folder, as ``docker compose build`` builds them."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator

import pytest
from tests.stack.engine import Stack, docker

TAG = secrets.token_hex(4)
BUILT = os.environ.get("SHORTLY_TEST_TAG", "")
IMAGES = {
    "IMAGE": "shortly",
    "FRONTEND_IMAGE": "shortly-frontend",
    "CERTIFICATES_IMAGE": "shortly-certificates",
}


@pytest.fixture(scope="session")
def images() -> Iterator[dict[str, str]]:
    """Build all images; the variables of compose.yaml that name them.

    ``SHORTLY_TEST_TAG=local`` takes those of this tag that are there, as they are.
    """
    if BUILT:
        yield {name: f"{image}:{BUILT}" for name, image in IMAGES.items()}
        return
    names = {name: f"{image}:test-{TAG}" for name, image in IMAGES.items()}
    docker("compose", "build", **names)
    yield names
    docker("rmi", "--force", *names.values())


@pytest.fixture(scope="session")
def stack(images: dict[str, str]) -> Iterator[Stack]:
    """Three backends behind nginx, over HTTP, begun at the same moment on empty volumes."""
    # Many sign-ins come from one address here.
    stack = Stack(f"shortly-test-{secrets.token_hex(4)}", **images, CONNECTIONS_PER_ADDRESS="2000")
    try:
        stack.up("--scale", "backend=3")
        yield stack
    finally:
        stack.down()
