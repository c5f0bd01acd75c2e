"""How the installation does, and the settings in effect."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.api.served import Served

from shortly import __version__
from shortly.api.services import JournalStatus
from shortly.backup.following.status import FOLDER, Followed, tell
from shortly.backup.service import backups_of
from shortly.errors import StoreUnavailable

SYSTEM = "/api/v1/system"
NO_BACKUPS = {
    "status": "none",
    "count": 0,
    "bytes": 0,
    "newest_at": None,
    "newest_bytes": 0,
    "encrypted": False,
    "changes": "none",
    "changes_until": None,
}


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
    assert status["backups"] == NO_BACKUPS


def test_backups_are_told_of_and_when_the_newest_is_late(served: Served) -> None:
    backups = backups_of(served.settings)
    made = asyncio.run(backups.create(datetime.now(UTC) - timedelta(hours=27)))
    status = served.client.get(SYSTEM).json()["backups"]
    assert status == {
        "status": "late",
        "count": 1,
        "bytes": made.bytes,
        "newest_at": made.created_at.isoformat().replace("+00:00", "Z"),
        "newest_bytes": made.bytes,
        "encrypted": False,
        "changes": "none",
        "changes_until": None,
    }
    newest = asyncio.run(backups.create(datetime.now(UTC)))
    status = served.client.get(SYSTEM).json()["backups"]
    assert status["status"] == "ok"
    assert status["count"] == 2
    assert status["bytes"] == made.bytes + newest.bytes


@pytest.mark.parametrize(("minutes_ago", "state"), [(1, "kept"), (11, "late")])
def test_changes_that_are_kept_are_told_of_and_when_that_is_late(served: Served, minutes_ago: int, state: str) -> None:
    until = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=minutes_ago)
    (served.settings.data_dir / FOLDER).mkdir()
    tell(served.settings.data_dir, Followed(running=True, kept_until=until, base_at=until))
    told = served.client.get(SYSTEM).json()["backups"]
    assert told == {**NO_BACKUPS, "changes": state, "changes_until": until.isoformat().replace("+00:00", "Z")}
    metrics = served.client.get("/metrics").text
    (line,) = [line for line in metrics.splitlines() if line.startswith("shortly_changes_kept_until_time_seconds ")]
    assert float(line.split()[1]) == until.timestamp()


def test_metrics_tell_of_a_follower_that_has_kept_nothing_yet(served: Served) -> None:
    (served.settings.data_dir / FOLDER).mkdir()
    tell(served.settings.data_dir, Followed(running=True, kept_until=None, base_at=None))
    assert "\nshortly_changes_kept_until_time_seconds 0.0\n" in served.client.get("/metrics").text


def test_metrics_are_silent_about_changes_that_nobody_keeps(served: Served) -> None:
    assert "shortly_changes" not in served.client.get("/metrics").text


def test_looking_for_backups_makes_no_folder(served: Served) -> None:
    served.client.get(SYSTEM)
    assert not Path(served.settings.backup_place).exists()


def test_a_place_of_backups_that_does_not_answer_is_said_so(serve: Callable[..., Served]) -> None:
    served = serve(backup_to="s3://backups", backup_s3_endpoint="http://127.0.0.1:9", backup_s3_region="eu-central-1")
    assert served.client.get(SYSTEM).json()["backups"] == {**NO_BACKUPS, "status": "unreadable"}


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
