"""Somebody who makes one link after the other, and remembers which were acknowledged."""

from __future__ import annotations

import httpx2
from tests.faults.alongside import Alongside
from tests.faults.processes import wait_until
from tests.faults.served import Served


class Writer(Alongside):
    """Makes links until left."""

    def __init__(self, served: Served) -> None:
        super().__init__("writer")
        self.acknowledged: list[str] = []
        self.refused = 0
        """Answers of 503."""
        self._served = served

    def wait_for(self, links: int, *, within_s: float) -> None:
        """Return when this many more links were made."""
        wanted = len(self.acknowledged) + links
        wait_until(
            lambda: len(self.acknowledged) >= wanted,
            within_s=within_s,
            what="links are made",
            details=self._served.tail,
        )

    def check(self) -> None:
        """Every acknowledged link is there."""
        for slug in self.acknowledged:
            answer = self._served.api.get(f"/api/v1/links/{slug}")
            assert answer.status_code == 200, f"{slug} was acknowledged and lost: {answer.text}"
            assert answer.json()["target"] == f"https://example.com/{slug.removeprefix('made')}"
        print(f"{len(self.acknowledged)} links acknowledged and kept, {self.refused} refused")

    def work(self) -> None:
        """Make links."""
        with httpx2.Client(
            base_url=f"http://127.0.0.1:{self._served.port}",
            headers={"authorization": f"Bearer {self._served.key}"},
            timeout=10.0,
            trust_env=False,
        ) as client:
            number = 0
            while not self.pause(0.005):
                number += 1
                slug = f"made{number}"
                answer = client.post("/api/v1/links", json={"target": f"https://example.com/{number}", "slug": slug})
                assert answer.status_code in (201, 503), answer.text
                if answer.status_code == 201:
                    self.acknowledged.append(slug)
                else:
                    self.refused += 1
