"""What ``healthcheck`` and ``doctor`` say about changes that should be kept."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.cli.runs import Ask, Cli

from shortly.backup.following.status import FILE, FOLDER, Followed, tell
from shortly.cli.vitals import check_changes
from shortly.settings import load_settings


@pytest.mark.parametrize(
    ("running", "minutes", "refusal", "state", "words"),
    [
        (True, 0, None, "ok", "Each change is kept"),
        (False, 0, None, "ok", "Each change is kept"),
        (True, 11, None, "problem", "not being kept"),
        (True, None, "storage_full", "problem", "nothing is kept yet (storage_full)"),
        (False, 11, None, "problem", "Nobody keeps"),
    ],
)
def test_a_follower_that_is_behind_or_gone_is_a_problem(
    installation: Path, running: bool, minutes: int | None, refusal: str | None, state: str, words: str
) -> None:
    now = datetime.now(UTC)
    (installation / FOLDER).mkdir(parents=True)
    kept_until = None if minutes is None else now - timedelta(minutes=minutes)
    base_at = None if minutes is None else now
    tell(installation, Followed(running=running, kept_until=kept_until, base_at=base_at, refusal=refusal))
    (check,) = check_changes(load_settings())
    assert check.state == state
    assert words in check.message


def test_it_is_silent_where_nobody_follows_or_wants_to_know(
    installation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert list(check_changes(load_settings())) == []
    (installation / FOLDER).mkdir(parents=True)
    (installation / FOLDER / FILE).write_bytes(b"junk")
    assert list(check_changes(load_settings())) == []
    tell(installation, Followed(running=False, kept_until=None, base_at=None))
    assert len(list(check_changes(load_settings()))) == 1
    monkeypatch.setenv("ALERT_FOLLOW_MINUTES", "0")
    assert list(check_changes(load_settings())) == []


def test_doctor_tells_of_it(ask: Ask, cli: Cli, installation: Path) -> None:
    ask("add", "https://example.com/1")
    (installation / FOLDER).mkdir()
    now = datetime.now(UTC)
    tell(installation, Followed(running=False, kept_until=now - timedelta(days=1), base_at=now))
    result = cli("doctor", "--json")
    assert result.exit_code == 1
    (check,) = [check for check in json.loads(result.stdout)["checks"] if check["name"] == "changes"]
    assert check["state"] == "problem"
