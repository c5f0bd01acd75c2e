"""Fixtures for all tests."""

import sys
import traceback

import hypothesis
import pytest

hypothesis.settings.register_profile("shortly", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("shortly")  # a busy machine is no bug; what takes how long is the benchmark's business

if sys.version_info < (3, 12):
    # Its ``traceback`` parses source in order to draw carets. When a finaliser is reported while pytest parses a module
    # (Hypothesis imports some in mid-test), both parsers share one count of their depth, and the outer one ends in
    # "AST constructor recursion depth mismatch" (python/cpython#106905). Without carets there is no second parser.
    traceback._extract_caret_anchors_from_line_segment = lambda _: None  # type: ignore[attr-defined]


@pytest.fixture
def anyio_backend() -> str:
    """Run async tests on asyncio."""
    return "asyncio"
