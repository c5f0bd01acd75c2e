"""A running API for each test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.api.served import Served, settings_in


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Run an API with other settings than the usual ones."""
    with ExitStack() as opened:

        def open_one(**values: Any) -> Served:
            return opened.enter_context(Served(settings_in(tmp_path, **values)).open())

        yield open_one


@pytest.fixture
def served(serve: Callable[..., Served]) -> Served:
    """Run an API with the usual settings."""
    return serve()


@pytest.fixture
def client(served: Served) -> TestClient:
    """Talk to it with a valid key."""
    return served.client


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Run an API for all tests of a module that leave no trace."""
    with Served(settings_in(tmp_path_factory.mktemp("shared"), max_body_mb=1)).open() as opened:
        yield opened
