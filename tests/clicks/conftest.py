"""Places to look networks up in."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.clicks.places import MUNICH, put_places

OSLO = {"country": "NO", "region": "Oslo", "city": "Oslo"}

PutPlaces = Callable[[Path, dict[str, Any]], None]


@pytest.fixture(name="put_places")
def places_put() -> PutPlaces:
    """Write a database of networks and their places."""
    return put_places


@pytest.fixture
def munich() -> dict[str, Any]:
    """A record in MaxMind's form."""
    return MUNICH


@pytest.fixture
def oslo() -> dict[str, Any]:
    """A record in IPinfo's form."""
    return OSLO
