"""Fixtures for the command line: an installation for each test, commands in this process, and the real executable."""

import json
import logging
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from tests.cli.runs import EXECUTABLE, Ask, Cli, Execute
from typer.testing import CliRunner, Result

from shortly.cli.main import app
from shortly.settings import Settings


@pytest.fixture(autouse=True)
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the test a fresh installation on s.example; logging is as before afterwards."""
    names = {*Settings.model_fields, *(f"{name}_file" for name in Settings.model_fields)}
    for variable in list(os.environ):
        if variable.lower() in names:
            monkeypatch.delenv(variable)
    folder = tmp_path / "data"
    monkeypatch.setenv("DATA_DIR", str(folder))
    monkeypatch.setenv("BASE_URL", "https://s.example")
    monkeypatch.setenv("EXTRA_DOMAINS", "go.example")
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield folder
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


@pytest.fixture
def cli() -> Cli:
    """Run a command in this process; it must not fail unexpectedly."""

    def run(*arguments: str, given: str | bytes | None = None) -> Result:
        result = CliRunner().invoke(app, list(arguments), input=given)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert "Traceback" not in result.stderr
        return result

    return run


@pytest.fixture
def ask(cli: Cli) -> Ask:
    """Run a command that must succeed, with --json, and return what it answered."""

    def run(*arguments: str, given: str | bytes | None = None) -> Any:
        result = cli(*arguments, "--json", given=given)
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    return run


@pytest.fixture
def execute() -> Execute:
    """Run the real executable."""

    def run(*arguments: str | bytes, given: bytes = b"", **options: Any) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            [EXECUTABLE, *arguments], input=given, capture_output=True, timeout=60, check=False, **options
        )

    return run
