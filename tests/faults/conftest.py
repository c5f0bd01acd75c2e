"""Services for the fault tests; whatever a test leaves running is killed after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.faults.served import Served

MakeServed = Callable[..., Served]


@pytest.fixture
def make_served(tmp_path: Path) -> Iterator[MakeServed]:
    """Return a maker of services, not yet started; takes the arguments of ``Served``."""
    with ExitStack() as made:
        number = 0

        def make(**arguments: object) -> Served:
            nonlocal number
            number += 1
            served = Served(tmp_path / f"service-{number}", **arguments)  # type: ignore[arg-type]
            made.callback(served.close)
            return served

        yield make


@pytest.fixture
def served(make_served: MakeServed) -> Served:
    """Start a service of two workers with the link ``abc``."""
    service = make_served(workers=2)
    service.start()
    service.make_link("abc")
    return service
