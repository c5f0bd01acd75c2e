"""A registry of images that asks who pushes: the real one, on a port of this machine."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.faults.served import free_port
from tests.stack.daemon import listening, need
from tests.stack.engine import run

USER, PASSWORD = "pusher", "an owl carries images"
KINDS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
CONFIGURATION = """
version: 0.1
log: {{level: warn}}
storage: {{filesystem: {{rootdirectory: {folder}/images}}}}
http: {{addr: 127.0.0.1:{port}, secret: of-this-test}}
auth: {{htpasswd: {{realm: images, path: {folder}/htpasswd}}}}
"""


class Registry:
    """Where images are pushed to, on the loopback."""

    def __init__(self, port: int) -> None:
        self.host = f"localhost:{port}"
        self.prefix = f"{self.host}/team/shortly-"
        """What the names of images begin with: ``REGISTRY`` of deploy/ci."""

    def status(self, path: str, *, password: str = PASSWORD) -> int:
        """Return how the registry answers; with an empty password to nobody in particular."""
        return self._ask(path, password, "")[0]

    def manifest(self, name: str, tag: str) -> dict[str, Any]:
        """Return what a tag means: of several architectures the list of them."""
        told: dict[str, Any] = json.loads(self._manifest(name, tag))
        return told

    def digest(self, name: str, tag: str) -> str:
        """Return the digest of what a tag means."""
        return f"sha256:{sha256(self._manifest(name, tag)).hexdigest()}"

    def _manifest(self, name: str, tag: str) -> bytes:
        status, body = self._ask(f"/v2/team/shortly-{name}/manifests/{tag}", PASSWORD, ", ".join(KINDS))
        assert status == 200, body
        return body

    def _ask(self, path: str, password: str, accept: str) -> tuple[int, bytes]:
        connection = HTTPConnection(self.host, timeout=10)
        headers = {"Accept": accept} if accept else {}
        if password:
            headers["Authorization"] = "Basic " + b64encode(f"{USER}:{password}".encode()).decode()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, body


@contextmanager
def registry(folder: Path) -> Iterator[Registry]:
    """Run a registry that keeps its images in the folder, and knows one user."""
    need("docker-registry", "htpasswd")
    hashed = run("htpasswd", "-nbB", USER, PASSWORD)
    assert hashed.returncode == 0, hashed.stderr
    (folder / "htpasswd").write_text(hashed.stdout)
    port = free_port()
    (folder / "registry.yml").write_text(CONFIGURATION.format(folder=folder, port=port))
    with listening(port, folder / "registry.log", "docker-registry", "serve", folder / "registry.yml"):
        yield Registry(port)
