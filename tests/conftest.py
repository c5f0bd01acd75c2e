"""Fixtures for all tests."""

import hypothesis
import pytest

hypothesis.settings.register_profile("shortly", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("shortly")  # a busy machine is no bug; what takes how long is the benchmark's business


@pytest.fixture
def anyio_backend() -> str:
    """Run async tests on asyncio."""
    return "asyncio"
