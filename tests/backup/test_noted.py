"""Who cannot see the folder of backups is told of them by the store, on both engines, before and after a restore."""

import asyncio
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
import time_machine
from tests.backup.holdings import wipe
from tests.cli.runs import Ask, Cli
from tests.store.redis_servers import RedisServer

from shortly.accounts.registry import Registry
from shortly.api.services import BackupsKnown
from shortly.backup.known import KnownBackups
from shortly.settings import load_settings
from shortly.store import open_store

pytestmark = pytest.mark.slow


@pytest.fixture(params=["sqlite", "redis"])
def place(
    installation: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Path:
    """Return the folder that those see who make backups; the installation has a link."""
    if request.param == "redis":
        server: RedisServer = request.getfixturevalue("redis_server")
        monkeypatch.setenv("STORE_URL", server.url)
    monkeypatch.setenv("JWT_SECRET", "x" * 40)
    folder = tmp_path / "place"
    monkeypatch.setenv("BACKUP_TO", str(folder))
    request.getfixturevalue("ask")("add", "https://example.com/1", "--slug", "one")
    return folder


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """Return the folder that another machine has under the same name."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


def known(backup_to: str) -> BackupsKnown:
    """Return what a process knows that serves where the place is another one."""

    async def look() -> BackupsKnown:
        settings = load_settings()
        async with open_store(settings) as store:
            seen = settings.model_copy(update={"backup_to": backup_to})
            return await KnownBackups(seen, Registry(store)).look()

    return asyncio.run(look())


def health(cli: Cli) -> dict[str, Any]:
    """Return what the health check says of backups."""
    checks = json.loads(cli("healthcheck", "--url", "http://127.0.0.1:9", "--json").stdout)["checks"]
    (found,) = [check for check in checks if check["name"].startswith("backup")]
    return dict(found)


def test_before_the_first_backup_nobody_tells_of_one(place: Path, elsewhere: Path) -> None:
    assert known(str(elsewhere)).status == "none"
    assert known(str(place)).status == "none"


def test_the_store_tells_what_the_folder_would(
    ask: Ask, cli: Cli, place: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with time_machine.travel(datetime.now(UTC) - timedelta(hours=30)):
        ask("backup", "create")
    assert known(str(elsewhere)).status == "late"
    ask("backup", "create")
    seen = known(str(place))
    assert (seen.status, seen.count) == ("ok", 2)
    assert known(str(elsewhere)) == seen
    monkeypatch.setenv("BACKUP_TO", str(elsewhere))
    assert health(cli)["state"] == "ok"


def test_what_is_pruned_is_told_of_no_more(ask: Ask, place: Path, elsewhere: Path) -> None:
    for hours in (2, 1):
        with time_machine.travel(datetime.now(UTC).replace(hour=12) - timedelta(hours=hours)):
            ask("backup", "create")
    assert known(str(elsewhere)).count == 2
    ask("backup", "prune", "--dry-run")
    assert known(str(elsewhere)).count == 2
    ask("backup", "prune")
    assert known(str(elsewhere)) == known(str(place))
    assert known(str(elsewhere)).count == 1


def test_a_restored_store_tells_of_the_backup_that_it_came_from(
    ask: Ask, installation: Path, place: Path, elsewhere: Path, request: pytest.FixtureRequest
) -> None:
    ask("backup", "create")
    card = ask("backup", "create")  # in it, the store tells of the first one alone
    if load_settings().redis_address is not None:
        with redis.Redis.from_url(request.getfixturevalue("redis_server").url) as client:
            client.flushall()
    wipe(installation)
    ask("backup", "restore", "latest")
    told = known(str(elsewhere))
    assert (told.status, told.count) == ("ok", 2)
    assert told.newest_at == datetime.fromisoformat(card["created_at"])


def test_the_folders_own_files_count_where_it_can_be_seen(ask: Ask, place: Path) -> None:
    ask("backup", "create")
    first = ask("backup", "create")
    (place / f"{first['name']}.json").unlink()  # taken away by hand: the store still tells of two
    assert known(str(place)).count == 1


def test_an_empty_folder_in_data_dir_is_believed(
    ask: Ask, cli: Cli, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask("backup", "create")
    monkeypatch.delenv("BACKUP_TO")
    assert health(cli)["message"] == "There is no backup."


def test_a_store_that_does_not_take_word_of_a_backup_fails_none(
    ask: Ask, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise OSError("away")

    monkeypatch.setattr("shortly.backup.service.leave_word", away)
    assert ask("backup", "create")["counts"]["links"] == 1
    assert len(ask("backup", "list")["items"]) == 1


def test_a_folder_that_was_lost_whole_is_told_of_at_once_until_it_is_back(ask: Ask, cli: Cli, place: Path) -> None:
    ask("backup", "create")
    assert health(cli)["state"] == "ok"
    mounted = place.rename(place.with_name("the disk"))
    for _ in range(2):  # the first look makes the folder anew
        assert known(str(place)).status == "none", "the store's word is not taken for what should be seen here"
        found = health(cli)
        assert found["state"] == "problem"
        assert "its disk is not mounted" in found["message"]
    checks = json.loads(cli("doctor", "--json").stdout)["checks"]
    assert [check["state"] for check in checks if check["name"] == "backup"] == ["problem"]
    for command in (("list",), ("verify",), ("restore", "latest")):
        refused = cli("backup", *command, "--json")
        assert refused.exit_code == 1
        assert json.loads(refused.stdout)["code"] == "backups_lost"

    newer = cli("backup", "create")
    assert newer.exit_code == 0
    assert "warning: The backups that were put into" in newer.stderr
    assert health(cli)["state"] == "problem", "a newer one does not bring the others back"
    listed = cli("backup", "list")
    assert listed.exit_code == 0
    assert newer.stdout.strip() in listed.stdout
    assert "warning: The backups that were put into" in listed.stderr

    for file in place.iterdir():
        file.unlink()
    place.rmdir()
    mounted.rename(place)
    assert health(cli)["state"] == "ok"
    assert len(ask("backup", "list")["items"]) == 1
    assert cli("backup", "verify").stderr == "The backup is whole.\n"


def test_a_folder_that_is_gone_for_good_is_given_up(ask: Ask, cli: Cli, place: Path) -> None:
    ask("backup", "create")
    shutil.rmtree(place)
    assert health(cli)["state"] == "problem"
    assert ask("backup", "adopt")["items"] == []
    assert health(cli)["message"] == "There is no backup."
    ask("backup", "create")
    assert health(cli)["state"] == "ok"


@pytest.mark.parametrize("junk", [b"", b"\xff\xfe\0", b"x" * 1_000_000])
def test_a_mark_that_is_junk_is_another_folder_s(ask: Ask, cli: Cli, place: Path, junk: bytes) -> None:
    ask("backup", "create")
    (place / ".shortly-backups").write_bytes(junk)
    found = health(cli)
    assert found["state"] == "problem"
    assert "its disk is not mounted" in found["message"]
    assert cli("backup", "create").exit_code == 0
    ask("backup", "adopt")
    assert health(cli)["state"] == "ok"


def test_all_backups_taken_away_by_hand_are_no_lost_folder(ask: Ask, cli: Cli, place: Path) -> None:
    ask("backup", "create")
    for file in place.glob("shortly-*"):
        file.unlink()
    assert health(cli)["message"] == "There is no backup."
    assert ask("backup", "list")["items"] == []


def test_another_folder_by_the_settings_is_no_lost_one(
    ask: Ask, cli: Cli, place: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask("backup", "create")
    monkeypatch.setenv("BACKUP_TO", str(elsewhere))
    ask("backup", "create")
    assert health(cli)["state"] == "ok"
    assert cli("backup", "list").stderr == ""


def test_a_container_that_shares_the_data_and_has_no_such_folder_takes_the_stores_word(
    ask: Ask, cli: Cli, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask("backup", "create")
    place.rename(place.with_name("seen by another container"))
    place.mkdir()
    monkeypatch.setattr("shortly.backup.mark.this_host", lambda: "another")
    assert health(cli)["state"] == "ok"
    told = known(str(place))
    assert (told.status, told.count) == ("ok", 1)
