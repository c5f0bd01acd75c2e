"""The pipelines: nothing lives in their files alone, and their scripts do what they say."""

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CI = ROOT / "deploy" / "ci"
PIPELINES = [ROOT / "Jenkinsfile", *sorted((ROOT / ".github" / "workflows").glob("*.yml"))]
ASSIGNED = re.compile(r'[A-Z_]+=(?:"[^"]*"|\S*)')


def lines_of(pipeline: Path) -> list[str]:
    """Return the shell lines of a pipeline."""
    text = pipeline.read_text()
    if pipeline.name == "Jenkinsfile":
        return re.findall(r"\bsh '([^']+)'", text)
    return re.findall(r"^\s*(?:- )?run: (.+)$", text, re.MULTILINE)


def run(script: str, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [CI / script, *arguments],
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("pipeline", PIPELINES, ids=lambda pipeline: pipeline.name)
def test_each_shell_line_of_a_pipeline_is_a_script_of_ours(pipeline: Path) -> None:
    lines = lines_of(pipeline)
    assert lines
    steps = re.findall(r"^\s*(?:sh\b|(?:- )?run:)", pipeline.read_text(), re.MULTILINE)
    assert len(lines) == len(steps), "a step of another form"
    for line in lines:
        words = [word for word in line.split() if not ASSIGNED.fullmatch(word)]
        program = next(word for word in words if word != "sudo" and not word.startswith("--"))
        assert os.access(ROOT / program, os.X_OK), line
        assert not set("|;&<>`").intersection(line), line
        assert "${{" not in line, "what others wrote becomes part of a script"


def test_each_script_is_used_by_a_pipeline_or_by_another_script() -> None:
    used = "".join(path.read_text() for path in (*PIPELINES, *CI.glob("*.sh")))
    for script in CI.glob("*.sh"):
        assert re.search(rf"(?:deploy/ci|\$here)/{re.escape(script.name)}", used.replace(script.read_text(), "")), (
            script
        )


def test_each_dockerfile_is_an_image() -> None:
    lines = run("images.sh").stdout.splitlines()
    assert sorted(line.split()[1] for line in lines) == sorted(
        str(path.relative_to(ROOT)) for path in (ROOT / "deploy" / "docker").glob("*Dockerfile")
    )
    assert "backend" in {line.split()[0] for line in lines}
    assert all(re.fullmatch(r"[a-z]+", line.split()[0]) for line in lines)


def test_both_images_build_the_web_app_by_the_same_steps_so_that_it_is_built_once() -> None:
    def steps(name: str) -> list[str]:
        text = (ROOT / "deploy" / "docker" / name).read_text()
        stage = text.split("FROM ${NODE_IMAGE} AS ")[1].split("\nFROM ")[0]
        return [line for line in stage.splitlines()[1:] if line and not line.startswith("#")]

    assert steps("backend.Dockerfile") == steps("frontend.Dockerfile")
    assert steps("backend.Dockerfile")[-1] == "RUN npm run build"


def test_everything_that_is_compiled_comes_for_both_architectures() -> None:
    packages = {package["name"]: package for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]}
    (python,) = re.findall(
        r"PYTHON_IMAGE=python:(\d)\.(\d+)-", (ROOT / "deploy" / "docker" / "backend.Dockerfile").read_text()
    )
    tags = re.compile(rf"-(cp{''.join(python)}-|cp3\d+-abi3|py3-none)\S*manylinux")
    wanted, compiled = ["shortly"], set()
    for name in wanted:  # grows meanwhile
        wanted += [one["name"] for one in packages[name].get("dependencies", ()) if one["name"] not in wanted]
        wheels = [wheel["url"].rpartition("/")[2] for wheel in packages[name].get("wheels", ())]
        if name != "shortly" and not any(wheel.endswith("none-any.whl") for wheel in wheels):
            compiled.add(name)
            for architecture in ("x86_64", "aarch64"):
                assert any(architecture in wheel and tags.search(wheel) for wheel in wheels), (name, architecture)
    assert {"apsw", "granian"} <= compiled


def test_what_is_compiled_of_the_web_app_comes_for_both_architectures() -> None:
    packages = json.loads((ROOT / "web" / "package-lock.json").read_text())["packages"]
    names = {name for name, package in packages.items() if "x64" in package.get("cpu", ()) and "linux" in package["os"]}
    assert {"node_modules/@rolldown/binding-linux-x64-gnu"} <= names
    for name in names:
        twin = packages[name.replace("x64", "arm64")]
        assert (twin["cpu"], twin["os"], twin["version"]) == (["arm64"], ["linux"], packages[name]["version"])
    assert not [name for name, package in packages.items() if package.get("hasInstallScript")], "compiles or downloads"


@pytest.mark.parametrize("file", sorted((ROOT / "deploy" / "docker").glob("*Dockerfile")), ids=lambda file: file.name)
def test_no_step_of_an_image_is_for_one_architecture(file: Path) -> None:
    named = re.compile(r"amd64|arm64|x86|aarch64|TARGETARCH|TARGETPLATFORM|--platform|uname|dpkg --print|@sha256", re.I)
    assert not named.findall(file.read_text())
    assert "curl " not in file.read_text(), "downloads a program"


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Return a checkout where ``old:1`` and ``web:1`` serve; docker and the rolling update only note what is asked."""
    (tmp_path / "bin").mkdir()
    docker = tmp_path / "bin" / "docker"
    docker.write_text('#!/bin/sh\nfor last; do :; done\n[ "$1" != inspect ] || exec cat "$last"\necho "$last"\n')
    update = tmp_path / "srv" / "deploy" / "rolling-update"
    update.parent.mkdir(parents=True)
    update.write_text(
        '#!/bin/sh\n[ "$IMAGE" != broken:1 ] || exit 1\necho "$IMAGE" >backend\necho "$FRONTEND_IMAGE" >frontend\n'
    )
    for program in (docker, update):
        program.chmod(0o755)
    (tmp_path / "srv" / "backend").write_text("old:1\n")
    (tmp_path / "srv" / "frontend").write_text("web:1\n")
    (tmp_path / "srv" / ".env").write_text("DOMAIN=s.example\nIMAGE=old:1\n")
    return tmp_path


def deploy(machine: Path, script: str, *arguments: str) -> int:
    path = f"{machine / 'bin'}:{os.environ['PATH']}"
    return run(script, *arguments, DEPLOY_DIR=str(machine / "srv"), PATH=path).returncode


def serving(machine: Path) -> list[str]:
    """Return the images of backend and frontend."""
    return [(machine / "srv" / service).read_text().strip() for service in ("backend", "frontend")]


def test_deployments_can_be_taken_back_one_after_the_other(machine: Path) -> None:
    assert deploy(machine, "deploy.sh", "new:2", "web:2") == 0
    assert deploy(machine, "deploy.sh", "new:3", "web:3") == 0
    assert serving(machine) == ["new:3", "web:3"]
    assert deploy(machine, "rollback.sh") == 0
    assert serving(machine) == ["new:2", "web:2"]
    assert deploy(machine, "rollback.sh") == 0
    assert serving(machine) == ["old:1", "web:1"]
    assert deploy(machine, "rollback.sh") == 1  # there is nothing before that
    assert serving(machine) == ["old:1", "web:1"]


def test_a_deployment_of_the_backend_alone_leaves_the_frontend(machine: Path) -> None:
    assert deploy(machine, "deploy.sh", "new:2") == 0
    assert serving(machine) == ["new:2", "web:1"]


def test_what_was_deployed_is_what_the_next_start_takes(machine: Path) -> None:
    assert deploy(machine, "deploy.sh", "new:2", "web:2") == 0
    env = (machine / "srv" / ".env").read_text()
    assert env == "DOMAIN=s.example\nIMAGE=new:2\nFRONTEND_IMAGE=web:2\n"


def test_a_deployment_that_fails_does_not_change_what_a_rollback_brings_back(machine: Path) -> None:
    assert deploy(machine, "deploy.sh", "new:2", "web:2") == 0
    assert deploy(machine, "deploy.sh", "broken:1", "web:3") != 0
    assert deploy(machine, "rollback.sh") == 0
    assert serving(machine) == ["old:1", "web:1"]


@pytest.mark.parametrize("image", ["", "-v", "a b", "$(touch pwned)", "a;reboot", "a\nb"])
def test_what_is_no_image_is_not_deployed(machine: Path, image: str) -> None:
    assert deploy(machine, "deploy.sh", image) == 2
    assert deploy(machine, "deploy.sh", "new:2", image) == 2
    assert serving(machine) == ["old:1", "web:1"]


@pytest.mark.parametrize("version", ["", "latest", "v1", "1.2.3; reboot", "99.98.97"])
def test_a_version_without_changes_is_not_published(version: str) -> None:
    answer = run("publish.sh", VERSION=version, REGISTRY="registry.invalid/")
    assert answer.returncode in (1, 2)
    assert answer.stderr.startswith("publish: ")


@pytest.mark.parametrize(
    ("store", "verbs"),
    [("sqlite", {"lint", "types", "web-test", "test-fast", "test-slow"}), ("redis", {"test-redis"})],
)
def test_the_tests_of_a_store_are_verbs_that_everybody_has(tmp_path: Path, store: str, verbs: set[str]) -> None:
    make = tmp_path / "make"
    make.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/asked\n')
    make.chmod(0o755)
    python = "/usr/bin/python3.14"
    assert run("test.sh", store, PATH=f"{tmp_path}:{os.environ['PATH']}", PYTHON=python).returncode == 0
    first, second = (tmp_path / "asked").read_text().splitlines()
    assert first == f"setup PYTHON={python}"
    assert set(second.split()) == verbs
    assert verbs <= set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_the_tests_of_no_store_are_refused() -> None:
    assert run("test.sh", "postgres").returncode == 2
