"""The package around the code: the wheel that users get, the example settings, and what Git and Docker are told."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from shortly.settings import Settings, load_settings

ROOT = Path(__file__).parent.parent
UV = ROOT / "scripts" / "uv.sh"
EXAMPLES = [".env.development", ".env.production"]


def uv(*arguments: str | Path) -> str:
    """Run uv with what it would find in the environment of the test run left out."""
    return subprocess.run([UV, *arguments], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel as a release does: from the source archive."""
    folder = tmp_path_factory.mktemp("dist")
    uv("build", "--quiet", "--out-dir", folder, ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture
def installed(wheel: Path, tmp_path: Path) -> Path:
    """Install the wheel, with the locked versions of what it needs, into an environment of its own."""
    locked = tmp_path / "locked.txt"
    locked.write_text(uv("export", "--frozen", "--quiet", "--no-dev", "--no-emit-project", "--no-hashes"))
    venv = tmp_path / "venv"
    uv("venv", "--quiet", "--python", sys.executable, venv)
    uv("pip", "install", "--quiet", "--python", venv / "bin" / "python", "-c", locked, wheel)
    return venv / "bin"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def get(port: int, path: str) -> int:
    """Return the status of a GET, or 0 when nobody listens."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


@pytest.mark.slow
def test_the_wheel_holds_the_package_with_its_migrations_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    ours = {name for name in names if name.startswith("shortly/")}
    source = ROOT / "src"
    wanted = {
        str(path.relative_to(source))
        for path in (source / "shortly").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert ours == wanted
    assert {"shortly/py.typed", "shortly/ui/index.html", "shortly/ui/manifest.webmanifest"} < ours
    assert any(re.fullmatch(r"shortly/ui/assets/.+\.js\.br", name) for name in ours)
    assert any(name.endswith(".sql") for name in ours)
    assert all(name.startswith("shortly-") for name in set(names) - ours)
    assert any(name.endswith("licenses/LICENSE") for name in names)


@pytest.mark.slow
def test_the_installed_wheel_serves_and_stops_cleanly(installed: Path, tmp_path: Path) -> None:
    port = free_port()
    environment = {"PATH": os.defpath, "HOME": str(tmp_path), "PORT": str(port), "DATA_DIR": str(tmp_path / "data")}
    server = subprocess.Popen([installed / "shortly", "serve"], cwd=tmp_path, env=environment)
    try:
        deadline = time.monotonic() + 30
        while get(port, "/health") != 200:
            assert server.poll() is None, "the server stopped by itself"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.05)
        assert get(port, "/health/ready") == 200
        assert get(port, "/docs") == 200
        assert get(port, "/app/setup") == 200
        assert get(port, "/no-such-link") == 404
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0
    finally:
        server.kill()
        server.wait()


@pytest.mark.slow
def test_the_installer_of_the_host_kit_puts_everything_in_place_and_keeps_settings(wheel: Path, tmp_path: Path) -> None:
    command = [ROOT / "deploy" / "host" / "install.sh", wheel]
    environment = {**os.environ, "DESTDIR": str(tmp_path), "PYTHON": sys.executable}
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=300)
    settings = tmp_path / "etc" / "shortly" / "shortly.env"
    assert settings.stat().st_mode & 0o777 == 0o640
    settings.write_text("BASE_URL=https://kept.example\n")
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=300)
    assert settings.read_text() == "BASE_URL=https://kept.example\n"
    units = {path.name for path in (ROOT / "deploy" / "host" / "systemd").iterdir()}
    assert {path.name for path in (tmp_path / "etc" / "systemd" / "system").iterdir()} == units
    answer = subprocess.run([tmp_path / "opt/shortly/bin/shortly", "version"], check=True, capture_output=True)
    assert answer.stdout.strip()


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_names_every_setting_once_and_no_other(example: str) -> None:
    names = re.findall(r"^#?([A-Z0-9_]+)=", (ROOT / example).read_text(), re.MULTILINE)
    assert sorted(names) == sorted(name.upper() for name in Settings.model_fields)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_values_of_an_example_are_valid(example: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    values = dict(read_example(example, commented=False))
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.base_url == values["BASE_URL"]
    assert str(settings.data_dir) == values["DATA_DIR"]


def test_the_commented_lines_of_the_development_example_show_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    defaults = load_settings()
    for name, value in read_example(".env.development", commented=True):
        monkeypatch.setenv(name, value)
    assert load_settings() == defaults


def read_example(example: str, *, commented: bool) -> Iterator[tuple[str, str]]:
    for line in (ROOT / example).read_text().splitlines():
        if match := re.fullmatch(r"(#?)([A-Z0-9_]+)=(.*)", line):
            mark, name, value = match.groups()
            if bool(mark) is commented:
                yield name, value


def test_a_variable_that_is_set_wins_over_the_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "# a comment\nPORT=1\nBASE_URL=https://a.example/?x=$(touch pwned)\nbad line\nLAST=2"
    )
    answer = subprocess.run(
        [ROOT / "scripts" / "with-env.sh", "sh", "-c", 'echo "$PORT $BASE_URL $LAST"'],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PORT": "9"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert answer == "9 https://a.example/?x=$(touch pwned) 2\n"
    assert not (tmp_path / "pwned").exists()


def test_every_verb_of_the_makefile_is_explained() -> None:
    makefile = (ROOT / "Makefile").read_text()
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    explained = re.findall(r"^([a-z-]+):.*## \S", makefile, re.MULTILINE)
    assert sorted(phony.split()) == sorted(explained)
    assert {"setup", "run", "dev", "test", "lint", "types", "bench", "docs", "image", "up"} <= set(explained)


@pytest.mark.skipif(shutil.which("git") is None or not (ROOT / ".git").exists(), reason="not a Git checkout")
def test_git_keeps_data_secrets_and_environments_out() -> None:
    for path in (
        "data/links.db",
        ".env",
        ".venv/bin/python",
        ".make/uv",
        "web/node_modules/x",
        "src/shortly/ui/index.html",
    ):
        assert subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT).returncode == 0, path
