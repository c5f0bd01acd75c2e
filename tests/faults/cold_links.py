"""Links that nobody has opened yet, so that a redirect has to ask Redis for each, and what is promised about them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.faults.probe import Seen
from tests.faults.served import Served

DEADLINE_S = 0.25
"""For reading a link that is not remembered."""
SLACK_S = 0.75
"""What a busy machine adds to a deadline."""
AT_ONCE = 100


def make_cold_links(served: Served, count: int) -> None:
    """Make the links ``cold0``, ``cold1`` and so on."""
    for first in range(0, count, AT_ONCE):
        links = [
            {"target": "https://example.com/cold", "slug": f"cold{number}"}
            for number in range(first, min(first + AT_ONCE, count))
        ]
        answer = served.api.post("/api/v1/bulk/links", json={"links": links})
        assert answer.status_code < 300, answer.text


def cold_paths(count: int) -> Iterator[str]:
    """Yield the address of one after the other."""
    return (f"/cold{number}" for number in range(count))


def check_refusals(away: Sequence[Seen]) -> None:
    """Hold what is promised to those who ask while Redis is away: 503 within the deadline, and when to come again."""
    assert len(away) > 5, "the trouble was not looked at"
    assert {seen.status for seen in away} == {503}
    assert all(seen.retry_after for seen in away)
    slowest_s = max(seen.took_s for seen in away)
    assert slowest_s < DEADLINE_S + SLACK_S
    print(f"{len(away)} cold links refused, the slowest in {slowest_s:.2f} s")
