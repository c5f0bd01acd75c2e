"""Images of the next version, good and bad ones."""

from __future__ import annotations

import secrets

from tests.stack.engine import docker

GOOD = "LABEL next=yes"
DEAD = 'ENTRYPOINT ["false"]'
BLIND = "ENV TARGET_SCHEMES=ftp"
"""Healthy, but nobody can make a link."""
BARE = "USER root\nRUN sed -i /content-security-policy/d /etc/nginx/shortly/safe-headers.conf\nUSER 101:101"
"""Healthy, but pages come without what fences them in."""


class Forge:
    """Makes images out of the installation's own, and removes them."""

    def __init__(self, images: dict[str, str]) -> None:
        self._images = images
        self.made: list[str] = []

    def make(self, change: str, variable: str = "IMAGE") -> str:
        """Return the name of an image that has these lines of a Dockerfile more."""
        name = f"shortly-test-next:{secrets.token_hex(4)}"
        docker("build", "--tag", name, "-", stdin=f"FROM {self._images[variable]}\n{change}\n")
        self.made.append(name)
        return name

    def clear(self) -> None:
        """Remove them."""
        if self.made:
            docker("rmi", "--force", *self.made)


def id_of(image: str) -> str:
    """Return what an image's name means now."""
    return docker("image", "inspect", "--format", "{{.Id}}", image)
