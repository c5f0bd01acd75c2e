"""From a build to what serves: pushed to a real registry, published, deployed by real SSH, proved, and taken back."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.stack.engine import ROOT, STACK, Stack, docker, run
from tests.stack.machine import Machine, machine
from tests.stack.registry import PASSWORD, USER, Registry, registry

pytestmark = STACK

VERSION = "1.2.3"
NAMES = ("backend", "certificates", "frontend")


@pytest.fixture(scope="module")
def docker_config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder where docker keeps who is signed in, with the plugins that it has."""
    folder = tmp_path_factory.mktemp("docker")
    plugins = Path(os.environ.get("DOCKER_CONFIG", Path.home() / ".docker")) / "cli-plugins"
    if plugins.exists():
        (folder / "cli-plugins").symlink_to(plugins)
    return folder


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Give a registry."""
    with registry(tmp_path_factory.mktemp("registry")) as started:
        yield started


@pytest.fixture(scope="module")
def pipeline(there: Registry, docker_config: Path) -> dict[str, str]:
    """Return the variables that a pipeline has for its scripts."""
    return {
        "REGISTRY": there.prefix,
        "REGISTRY_USER": USER,
        "REGISTRY_TOKEN": PASSWORD,
        "VERSION": f"v{VERSION}",
        "DOCKER_CONFIG": str(docker_config),
    }


@pytest.fixture(scope="module")
def pushed(there: Registry, pipeline: dict[str, str]) -> Iterator[dict[str, str]]:
    """Build and push as the pipelines do; the images' ids by their names. This machine forgets the images' tags."""
    done = run("deploy/ci/build.sh", **pipeline, ARCH="amd64", PUSH="1")
    assert done.returncode == 0, done.stdout + done.stderr
    images = {name: f"{there.prefix}{name}:{VERSION}-amd64" for name in NAMES}
    ids = {name: docker("image", "inspect", "--format", "{{.Id}}", image) for name, image in images.items()}
    docker("rmi", "--no-prune", *images.values())
    yield ids
    left = docker("images", "--quiet", "--filter", f"reference={there.prefix}*").split()
    if left:
        docker("rmi", "--force", *set(left))


@pytest.fixture(scope="module")
def published(
    there: Registry, pipeline: dict[str, str], pushed: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Publish the release, with an image of no more than a file for arm64; return the folder that it is done in, where
    `told` is what GitHub's program was told, and `output` what its workflow is."""
    context = tmp_path_factory.mktemp("arm64")
    (context / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    for name in NAMES:
        image = f"{there.prefix}{name}:{VERSION}-arm64"
        docker("build", "--platform", "linux/arm64", "--tag", image, str(context), DOCKER_BUILDKIT="1")
        docker("push", "--quiet", image, **pipeline)
    checkout = tmp_path_factory.mktemp("release")
    for folder in ("deploy", "dist", "scripts"):
        shutil.copytree(ROOT / folder, checkout / folder)
    (checkout / ".make").mkdir()
    (checkout / ".make" / "uv").symlink_to(ROOT / ".make" / "uv")  # what `make setup` fetched
    (checkout / "CHANGELOG.md").write_text(f"# Changelog\n\n## [{VERSION}]\n\n- Owls.\n\n## [1.2.2]\n\n- Mice.\n")
    (checkout / "bin").mkdir()
    gh = checkout / "bin" / "gh"  # all of GitHub that is not here
    gh.write_text('#!/bin/sh\nprintf "%s\\n" "$@" >told\n')
    gh.chmod(0o755)
    path = f"{checkout / 'bin'}:{os.environ['PATH']}"
    output = str(checkout / "output")
    done = run(checkout / "deploy" / "ci" / "publish.sh", **pipeline, PATH=path, GITHUB_OUTPUT=output)
    assert done.returncode == 0, done.stdout + done.stderr
    return checkout


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory, docker_config: Path) -> Iterator[Machine]:
    """Give a machine that is reached by SSH."""
    with machine(tmp_path_factory.mktemp("ssh"), docker_config) as started:
        yield started


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder on that machine where compose.yaml lies; nothing but its .env says what the installation is."""
    folder = tmp_path_factory.mktemp("srv")
    folder.chmod(0o755)
    shutil.copytree(ROOT / "deploy", folder / "deploy")
    shutil.copy(ROOT / "compose.yaml", folder)
    return folder


@pytest.fixture(scope="module")
def installation(images: dict[str, str], checkout: Path) -> Iterator[Stack]:
    """Give what runs there: one backend, of the images before."""
    stack = Stack(f"shortly-test-{secrets.token_hex(4)}", COMPOSE_FILE=str(checkout / "compose.yaml"))
    settings = {**stack.environment, **images}
    del settings["COMPOSE_FILE"]
    (checkout / ".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    try:
        stack.up("nginx")
        yield stack
    finally:
        stack.down()


def test_who_has_no_password_pushes_nothing(there: Registry, pipeline: dict[str, str], tmp_path: Path) -> None:
    assert there.status("/v2/", password="") == 401
    refused = run(
        "deploy/ci/registry-login.sh", **{**pipeline, "REGISTRY_TOKEN": "wrong", "DOCKER_CONFIG": str(tmp_path)}
    )
    assert refused.returncode != 0
    assert "unauthorized" in refused.stderr.lower()
    assert there.host not in "".join(file.read_text() for file in tmp_path.glob("*.json"))


def test_a_build_is_pushed_under_its_version_and_architecture(there: Registry, pushed: dict[str, str]) -> None:
    for name, known in pushed.items():
        assert there.manifest(name, f"{VERSION}-amd64")["config"]["digest"] == known


def test_a_release_has_one_tag_for_both_architectures(there: Registry, published: Path) -> None:
    for name in NAMES:
        listed = there.manifest(name, VERSION)["manifests"]
        assert {one["platform"]["architecture"] for one in listed} == {"amd64", "arm64"}
        assert f"{name}={there.digest(name, VERSION)}" in (published / "output").read_text().splitlines()
    told = (published / "told").read_text().splitlines()
    assert told[:3] == ["release", "create", f"v{VERSION}"]
    assert "- Owls." in told
    assert "- Mice." not in told
    assert [line for line in told if line.endswith(".whl")]


def test_a_release_tells_what_is_inside_of_its_images(published: Path) -> None:
    inside = {
        name: json.loads((published / "dist" / f"shortly-{name}-{VERSION}-amd64.spdx.json").read_text())["packages"]
        for name in NAMES
    }
    named = {name: {package["name"] for package in packages} for name, packages in inside.items()}
    assert {"shortly", "granian", "apsw", "libc6"} <= named["backend"]
    assert "certbot" in named["certificates"]
    assert "nginx" in " ".join(named["frontend"])
    told = (published / "told").read_text()
    assert all(
        f"dist/shortly-{name}-{VERSION}-{arch}.spdx.json" in told for name in NAMES for arch in ("amd64", "arm64")
    )


def test_a_stranger_does_not_deploy(production: Machine, installation: Stack, checkout: Path) -> None:
    refused = run(
        "deploy/ci/deploy.sh", "new:1", DEPLOY_TO="production", DEPLOY_DIR=str(checkout),
        DEPLOY_SSH_CONFIG=str(production.stranger),
    )  # fmt: skip
    assert refused.returncode == 255
    assert "Permission denied" in refused.stderr
    assert not (checkout / ".previous-images").exists()


def test_a_release_is_deployed_by_ssh_proved_and_taken_back(
    there: Registry, production: Machine, installation: Stack, checkout: Path, published: Path,
    pushed: dict[str, str], images: dict[str, str],
) -> None:  # fmt: skip
    way = {"DEPLOY_TO": "production", "DEPLOY_DIR": str(checkout), "DEPLOY_SSH_CONFIG": str(production.pipeline)}

    def serving() -> list[str]:
        inspect = ("inspect", "--format", "{{.Config.Image}} {{.Image}}")
        return [
            docker(*inspect, container)
            for service in ("backend", "frontend")
            for container in installation.ids(service)
        ]

    before = serving()
    release = [f"{there.prefix}{name}:{VERSION}" for name in ("backend", "frontend")]
    deployed = run("deploy/ci/deploy.sh", *release, **way)
    assert deployed.returncode == 0, deployed.stderr
    assert serving() == [
        f"{image} {pushed[name]}" for image, name in zip(release, ("backend", "frontend"), strict=True)
    ]
    assert f"IMAGE={release[0]}\nFRONTEND_IMAGE={release[1]}\n" in (checkout / ".env").read_text()

    address = f"http://127.0.0.1:{installation.port()}"
    proved = run("deploy/ci/verify.sh", address, SHORTLY_KEY=installation.make_key())
    assert proved.returncode == 0, proved.stdout + proved.stderr

    back = run("deploy/ci/rollback.sh", **way)
    assert back.returncode == 0, back.stderr
    assert serving() == before
    assert images["IMAGE"] in (checkout / ".env").read_text()
    again = run("deploy/ci/rollback.sh", **way)
    assert again.returncode == 1
    assert "nothing was deployed before" in again.stderr
    assert serving() == before
