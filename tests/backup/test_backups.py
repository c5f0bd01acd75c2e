"""Backup, wipe, restore: everything is back, on both engines; what is damaged or was never finished is refused."""

import hashlib
import json
import os
import tarfile
import time
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import obstore
import pyrage  # type: ignore[import-untyped]
import pytest
import redis
import time_machine
from tests.backup.holdings import bucket, click, everything, id_of, wipe
from tests.cli.runs import Ask, Cli
from tests.store.redis_servers import RedisServer

from shortly.backup.archive import CLICKS, LINKS
from shortly.clicks.click import Click, encode_click
from shortly.clicks.journal import Journal
from shortly.drainer import Drainer
from shortly.settings import load_settings

pytestmark = pytest.mark.slow


def archive_of(installation: Path) -> Path:
    """Return the only archive."""
    (found,) = [path for path in (installation / "backups").iterdir() if path.suffix != ".json"]
    return found


# --- there and back ------------------------------------------------------------------------------------------


def test_after_a_wipe_every_link_and_count_is_back(
    ask: Ask, cli: Cli, installation: Path, busy: dict[str, Any]
) -> None:
    assert len(busy["links"]) == 3
    assert {link["slug"]: link["clicks"] for link in busy["links"]} == {"renamed": 7, "limited": 3, "other": 0}
    secret = (installation / "jwt_secret").read_bytes() if (installation / "jwt_secret").exists() else None
    card = ask("backup", "create")
    assert card["counts"]["links"] == 3
    assert card["counts"]["clicks"] == 10
    wipe(installation)
    assert cli("backup", "verify").exit_code == 0
    held = ask("backup", "restore", "latest")
    assert held["counts"] == card["counts"]
    assert everything(ask) == busy
    if secret is not None:
        assert (installation / "jwt_secret").read_bytes() == secret
    assert [path.name for path in installation.glob(".backup-*")] == []
    assert (installation / LINKS).stat().st_mode & 0o777 == 0o600
    click("renamed", times=1)  # it goes on counting
    assert ask("show", "renamed")["clicks"] == 8


def test_clicks_that_were_not_counted_yet_are_counted_once_after_a_restore(
    ask: Ask, installation: Path, busy: dict[str, Any]
) -> None:
    settings = load_settings()
    with Journal(settings.journal_dir, segment_bytes=1 << 20, max_bytes=8 << 20, sync_ms=1000) as journal:
        click_ = Click(time.time_ns() // 10**6, id_of("renamed"), 0, False, bytes(8), "", "", "Mozilla/5.0", "", "", "")
        journal.append(encode_click(click_))
    ask("backup", "create")
    ask("backup", "restore", "latest", "--replace")
    for _ in range(2):
        drainer = Drainer(settings)
        drainer.start()
        drainer.finish()
        assert ask("show", "renamed")["clicks"] == 8


def test_clicks_of_a_link_that_the_backup_does_not_know_are_not_counted_for_another(
    ask: Ask, installation: Path
) -> None:
    ask("add", "https://example.com/1", "--slug", "one")
    ask("backup", "create")
    ask("add", "https://example.com/2", "--slug", "lost")
    settings = load_settings()
    with Journal(settings.journal_dir, segment_bytes=1 << 20, max_bytes=8 << 20, sync_ms=1000) as journal:
        for slug in ("one", "lost"):
            at_ms = time.time_ns() // 10**6
            journal.append(encode_click(Click(at_ms, id_of(slug), 0, False, bytes(8), "", "", "Mozilla", "", "", "")))
    ask("backup", "restore", "latest", "--replace")
    ask("add", "https://example.com/3", "--slug", "new")
    drainer = Drainer(settings)
    drainer.start()
    drainer.finish()
    assert {link["slug"]: link["clicks"] for link in ask("list")["items"]} == {"one": 1, "new": 0}


def test_what_was_there_is_moved_aside_and_only_when_asked(ask: Ask, cli: Cli, installation: Path) -> None:
    ask("add", "https://example.com/1", "--slug", "one")
    ask("backup", "create")
    ask("add", "https://example.com/2", "--slug", "two")
    refused = cli("backup", "restore", "latest", "--json")
    assert refused.exit_code == 1
    assert "--replace" in json.loads(refused.stdout)["detail"]
    assert len(ask("list")["items"]) == 2
    ask("backup", "restore", "latest", "--replace")
    assert [link["slug"] for link in ask("list")["items"]] == ["one"]
    (aside,) = installation.glob("before-restore-*")
    assert (aside / LINKS).exists()
    assert (aside / CLICKS).exists()


@pytest.mark.parametrize("back_to", ["redis", "sqlite"])
def test_what_redis_keeps_is_back_in_an_empty_redis_or_the_embedded_store(
    ask: Ask,
    cli: Cli,
    installation: Path,
    redis_server: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
    back_to: str,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setenv("STORE_URL", redis_server.url)
    monkeypatch.setenv("JWT_SECRET", "x" * 40)
    busy = request.getfixturevalue("busy")
    card = ask("backup", "create")
    assert (card["origin"], card["counts"]["clicks"]) == ("redis", 10)
    refused = cli("backup", "restore", "latest", "--json")
    assert refused.exit_code == 1
    assert "not empty" in json.loads(refused.stdout)["detail"]
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
    wipe(installation)
    if back_to == "sqlite":
        monkeypatch.delenv("STORE_URL")
    ask("backup", "restore", "latest")
    assert everything(ask) == busy


# --- encrypted -----------------------------------------------------------------------------------------------


def test_an_encrypted_backup_needs_its_key(
    ask: Ask, cli: Cli, installation: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask("add", "https://example.com/a-secret-plan", "--slug", "one")
    mine, theirs = (pyrage.x25519.Identity.generate() for _ in range(2))
    (tmp_path / "mine").write_text(f"# made for a test\n{mine}\n")
    (tmp_path / "theirs").write_text(f"{theirs}\n")
    (tmp_path / "junk").write_text("nothing\n")
    monkeypatch.setenv("BACKUP_ENCRYPT_TO", str(mine.to_public()))
    assert ask("backup", "create")["encrypted"]
    whole = archive_of(installation).read_bytes()
    assert whole.startswith(b"age-encryption.org/v1")
    assert b"a-secret-plan" not in whole
    assert ask("backup", "verify")["contents"] is None
    assert ask("backup", "verify", "--identity", str(tmp_path / "mine"))["contents"]["counts"]["links"] == 1
    wipe(installation)
    for identity, code in (("theirs", "backup_needs_key"), ("junk", "invalid_input"), (None, "backup_needs_key")):
        key = [] if identity is None else ["--identity", str(tmp_path / identity)]
        result = cli("backup", "restore", "latest", *key, "--json")
        assert (result.exit_code, json.loads(result.stdout)["code"]) == (1, code)
    assert not (installation / LINKS).exists()
    ask("backup", "restore", "latest", "--identity", str(tmp_path / "mine"))
    assert [link["slug"] for link in ask("list")["items"]] == ["one"]


# --- damaged -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "junk", "gone"])
def test_a_damaged_backup_is_refused_and_changes_nothing(ask: Ask, cli: Cli, installation: Path, damage: str) -> None:
    ask("add", "https://example.com/1", "--slug", "one")
    ask("backup", "create")
    path = archive_of(installation)
    whole = path.read_bytes()
    path.unlink()
    if damage != "gone":
        flipped = bytearray(whole)
        flipped[len(whole) // 2] ^= 1
        path.write_bytes({"cut": whole[:-100], "flipped": bytes(flipped), "empty": b"", "junk": b"x" * 999}[damage])
    before = (installation / LINKS).stat().st_mtime_ns
    for command in (["verify"], ["restore", "latest", "--replace"]):
        result = cli("backup", *command, "--json")
        assert result.exit_code == 1
        assert json.loads(result.stdout)["code"] == ("backup_not_found" if damage == "gone" else "backup_damaged")
    assert (installation / LINKS).stat().st_mtime_ns == before
    assert not list(installation.glob("before-restore-*"))


@pytest.mark.parametrize("trick", ["../outside", "/etc/passwd", "link", "manifest lies", "no manifest", "too new"])
def test_an_archive_that_somebody_made_writes_nowhere(ask: Ask, cli: Cli, installation: Path, trick: str) -> None:
    ask("add", "https://example.com/1", "--slug", "one")
    card = ask("backup", "create")
    path = archive_of(installation)
    with tarfile.open(path) as tar:
        members = [(member, tar.extractfile(member)) for member in tar.getmembers()]
        contents = [(member, file.read() if file else b"") for member, file in members]
    with tarfile.open(path, "w:gz") as tar:
        for member, data in contents:
            if trick in ("../outside", "/etc/passwd") and member.name == LINKS:
                member.name = trick
            if trick == "link" and member.name == LINKS:
                member.type, member.linkname, member.size = tarfile.SYMTYPE, "/etc/passwd", 0
            if trick == "manifest lies" and member.name == LINKS:
                data = data[:-1] + b"!"
            if member.name == "manifest.json" and trick == "no manifest":
                continue
            if member.name == "manifest.json" and trick == "too new":
                data = json.dumps({**json.loads(data), "format": 99}).encode()
                member.size = len(data)
            tar.addfile(member, BytesIO(data) if member.isreg() else None)
    beside = path.with_name(f"{path.name}.json")
    whole = path.read_bytes()
    beside.write_text(json.dumps({**card, "bytes": len(whole), "sha256": hashlib.sha256(whole).hexdigest()}))
    result = cli("backup", "restore", "latest", "--replace", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["code"] == ("invalid_input" if trick == "too new" else "backup_damaged")
    assert not list(installation.glob("before-restore-*"))
    assert not (installation / "outside").exists()


# --- places --------------------------------------------------------------------------------------------------


def test_backups_lie_in_a_bucket_and_a_copy_in_another_which_helps_when_the_first_is_damaged(
    ask: Ask, cli: Cli, installation: Path, buckets: str
) -> None:
    ask("add", "https://example.com/1", "--slug", "one")
    name = ask("backup", "create")["name"]
    first, second = bucket(buckets, "first-bucket"), bucket(buckets, "second-bucket")
    there = {meta["path"] for page in obstore.list(first) for meta in page}
    assert there == {f"shortly/prod/{name}", f"shortly/prod/{name}.json"}
    assert {meta["path"] for page in obstore.list(second) for meta in page} == {name, f"{name}.json"}
    wipe(installation)
    obstore.put(first, f"shortly/prod/{name}", b"damaged")
    ask("backup", "restore", "latest")
    assert [link["slug"] for link in ask("list")["items"]] == ["one"]


def test_a_place_that_does_not_answer_is_named_without_its_secrets(
    ask: Ask, cli: Cli, buckets: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask("add", "https://example.com/1", "--slug", "one")
    monkeypatch.setenv("BACKUP_TO", "s3://no-such-bucket")
    result = cli("backup", "create", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["code"] == "backup_place_failed"
    assert "a-secret-that-no-line-shows" not in result.stdout + result.stderr


# --- pruning -------------------------------------------------------------------------------------------------


def test_pruning_keeps_what_the_rule_says_and_clears_what_was_never_finished(
    ask: Ask, cli: Cli, installation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask("add", "https://example.com/1", "--slug", "one")
    for name, count in (("DAILY", "2"), ("WEEKLY", "0"), ("MONTHLY", "0")):
        monkeypatch.setenv(f"BACKUP_KEEP_{name}", count)
    begin = datetime(2026, 6, 1, 3, tzinfo=UTC)
    names = []
    for day in range(4):
        with time_machine.travel(begin + timedelta(days=day), tick=True):
            names.append(ask("backup", "create")["name"])
    folder = installation / "backups"
    unfinished = folder / "shortly-20260101T000000Z-abcdef.tar.gz"
    unfinished.write_bytes(b"half")
    os.utime(unfinished, (1, 1))
    others = folder / "notes.txt"
    others.write_text("somebody's own")
    dry = ask("backup", "prune", "--dry-run")["items"]
    assert sorted(card["name"] for card in dry) == names[:2]
    assert len(ask("backup", "list")["items"]) == 4
    ask("backup", "prune")
    left = sorted(path.name for path in folder.iterdir())
    assert left == sorted([*names[2:], *(f"{name}.json" for name in names[2:]), "notes.txt"])


def test_nothing_is_restored_under_a_running_server(ask: Ask, cli: Cli, installation: Path) -> None:
    ask("add", "https://example.com/1", "--slug", "one")
    ask("backup", "create")
    drainer = Drainer(load_settings())
    drainer.start()
    try:
        deadline = time.monotonic() + 10
        while (
            result := cli("backup", "restore", "latest", "--replace")
        ).exit_code == 0 and time.monotonic() < deadline:
            time.sleep(0.05)  # the drain takes its lock in a thread
    finally:
        drainer.finish()
    assert result.exit_code == 1
    assert "running" in result.stderr


@pytest.mark.parametrize("name", ["", "nope", "../../etc/passwd", "x" * 5000, "shortly-\x00"])
def test_a_backup_that_is_not_there_is_named(ask: Ask, cli: Cli, name: str) -> None:
    ask("add", "https://example.com/1")
    result = cli("backup", "verify", name, "--json")
    assert (result.exit_code, json.loads(result.stdout)["code"]) == (1, "backup_not_found")


def test_there_is_nothing_to_back_up_before_the_first_start(cli: Cli) -> None:
    assert "nothing to back up" in cli("backup", "create").stderr
    assert "no backups yet" in cli("backup", "list").stderr
