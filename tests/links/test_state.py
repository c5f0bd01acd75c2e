"""What visitors of a link meet, in one word."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shortly.links.link import Ban, Link, state_of

NOW = datetime(2026, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
BAN = Ban(status=410, reason="", at=NOW, by="cli")


@pytest.mark.parametrize(
    ("fields", "clicks", "state"),
    [
        ({}, 5, "active"),
        ({"valid_from": NOW, "expires_at": NOW + HOUR, "max_clicks": 6}, 5, "active"),
        ({"valid_from": NOW + HOUR}, 0, "scheduled"),
        ({"expires_at": NOW}, 0, "expired"),
        ({"max_clicks": 5}, 5, "exhausted"),
        ({"max_clicks": 5, "expires_at": NOW - HOUR}, 5, "expired"),
        ({"max_clicks": 5, "valid_from": NOW + HOUR}, 5, "exhausted"),
        ({"enabled": False, "expires_at": NOW - HOUR}, 0, "disabled"),
        ({"enabled": False, "ban": BAN}, 0, "banned"),
        ({"archived": True, "enabled": False, "ban": BAN}, 0, "archived"),
    ],
)
def test_the_most_lasting_reason_counts(fields: dict[str, Any], clicks: int, state: str) -> None:
    link = Link(slug="a", target="https://example.com/", created_at=NOW, updated_at=NOW, **fields)
    assert state_of(link, clicks, NOW) == state
