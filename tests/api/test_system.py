"""How the installation does, and the settings in effect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.api.served import Served

from shortly import __version__
from shortly.api.services import JournalStatus
from shortly.errors import StoreUnavailable

SYSTEM = "/api/v1/system"


def test_the_system_says_how_it_does(served: Served) -> None:
    served.add("ab")
    status: dict[str, Any] = served.client.get(SYSTEM).json()
    assert status["version"] == __version__
    assert status["uptime_s"] >= 0
    assert status["store"]["kind"] == "sqlite"
    assert status["store"]["status"] == "ok"
    assert status["store"]["answers_in_ms"] > 0
    assert status["store"]["warnings"] == []
    assert 0 < status["disk"]["free_bytes"] < status["disk"]["total_bytes"]
    assert status["disk"]["database_bytes"] > 4_096
    assert status["journal"]["max_bytes"] == 1024 << 20
    assert status["backups"] == {"status": "not_set_up"}


def test_counts_and_sizes_are_those_of_the_node(served: Served) -> None:
    folder = served.settings.journal_dir / "1"
    folder.mkdir(parents=True)
    (folder / "00000000.seg").write_bytes(b"x" * 8_192)
    served.services.counters.add("clicks_dropped", 3)
    served.journal = JournalStatus(refusing=True, dropped=3)
    journal = served.client.get(SYSTEM).json()["journal"]
    assert journal["status"] == "refusing"
    assert journal["clicks_dropped"] == 3
    assert journal["bytes"] == 8_192


def test_a_store_that_does_not_answer_is_said_so(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away() -> None:
        raise StoreUnavailable

    monkeypatch.setattr(served.services.store, "ping", away)
    answer = served.client.get(SYSTEM)
    assert answer.status_code == 200
    assert answer.json()["store"] == {
        "kind": "sqlite",
        "status": "unavailable",
        "answers_in_ms": None,
        "warnings": [],
    }


def test_settings_are_listed_without_secrets(serve: Callable[..., Served]) -> None:
    served = serve(
        smtp_host="mail.example", mail_from="a@example.com", smtp_username="u", smtp_password="hush-hush-hush"
    )
    answer = served.client.get(f"{SYSTEM}/settings")
    values = {one["name"]: one["value"] for one in answer.json()["items"]}
    assert values["SMTP_HOST"] == "mail.example"
    assert values["SMTP_PASSWORD"] == "***"
    assert values["JWT_SECRET"] is None
    assert "hush-hush-hush" not in answer.text
