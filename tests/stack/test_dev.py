"""compose.dev.yaml: a checkout is served as it is, and every change is seen at once."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from tests.stack.engine import ROOT, STACK, run

pytestmark = STACK

WITHIN_S = 90.0


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the checkout, so that a change is nobody else's."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in ("src", "web", "scripts", "deploy"):
        ignored = shutil.ignore_patterns("node_modules", "__pycache__", "ui")
        shutil.copytree(ROOT / name, copy / name, ignore=ignored, symlinks=True)
    for name in (
        "pyproject.toml",
        "uv.lock",
        "README.md",
        "LICENSE",
        "hatch_build.py",
        "compose.dev.yaml",
        ".dockerignore",
    ):
        shutil.copy(ROOT / name, copy / name)
    return copy


@pytest.fixture(scope="module")
def compose(checkout: Path) -> Iterator[Callable[..., str]]:
    """Start it, and give a way to ask Compose about it."""
    environment = {"API": "127.0.0.1:0", "PUBLISH": "127.0.0.1:0", "DEV_IMAGE": f"shortly-dev:{secrets.token_hex(4)}"}
    project = f"shortly-test-{secrets.token_hex(4)}"

    def ask(*arguments: str) -> str:
        files = ("--project-directory", str(checkout), "--file", str(checkout / "compose.dev.yaml"))
        done = run("docker", "compose", "--project-name", project, *files, *arguments, **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    try:
        ask("up", "--detach", "--wait", "--build")
        yield ask
    finally:
        ask("down", "--volumes", "--timeout", "10", "--rmi", "local")
        run("docker", "rmi", "--force", environment["DEV_IMAGE"])


def wait_for(url: str, text: str) -> None:
    """Wait until an address shows a text."""
    deadline = time.monotonic() + WITHIN_S
    seen = ""
    while text not in seen:
        assert time.monotonic() < deadline, seen[:500]
        time.sleep(0.3)
        try:
            with urlopen(url, timeout=5) as answer:
                seen = answer.read().decode()
        except OSError as failure:  # it starts anew
            seen = str(failure)


def test_the_app_and_the_api_are_served_from_the_checkout(compose: Callable[..., str]) -> None:
    address = compose("port", "frontend", "3000")
    wait_for(f"http://{address}/app/", '<div id="root">')
    wait_for(f"http://{address}/health", '"version":"0.')  # by way of Vite
    key = compose("exec", "--no-TTY", "backend", "/opt/venv/bin/shortly", "key", "create", "dev")
    assert key.startswith("sly_")


def test_a_change_of_the_backend_is_served_at_once(compose: Callable[..., str], checkout: Path) -> None:
    address = compose("port", "backend", "8000")
    wait_for(f"http://{address}/health", '"version":"0.')
    (checkout / "src" / "shortly" / "__init__.py").write_text('"""Shortly, changed."""\n\n__version__ = "9.9.9"\n')
    wait_for(f"http://{address}/health", '"version":"9.9.9"')
    wait_for(f"http://{compose('port', 'frontend', '3000')}/health", '"version":"9.9.9"')


def test_a_change_of_the_web_app_is_served_at_once(compose: Callable[..., str], checkout: Path) -> None:
    address = compose("port", "frontend", "3000")
    wait_for(f"http://{address}/src/main.ts", "watchForInstall")
    with (checkout / "web" / "src" / "main.ts").open("a") as source:
        source.write('\nconsole.info("changed just now");\n')
    wait_for(f"http://{address}/src/main.ts", "changed just now")
    assert "hmr update" in compose("logs", "frontend") or "page reload" in compose("logs", "frontend")
