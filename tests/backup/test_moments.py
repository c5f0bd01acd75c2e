"""Between two backups, any moment: kept, listed, proved, brought back; what is damaged or missing is refused."""

import gzip
import hashlib
import json
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import obstore
import pyrage  # type: ignore[import-untyped]
import pytest
from tests.backup.holdings import bucket, click, everything, wipe
from tests.cli.runs import EXECUTABLE, Ask, Cli
from tests.store.redis_servers import RedisServer

from shortly.backup.following.chain import STATE
from shortly.backup.following.moments import Moments, milliseconds, moments_of
from shortly.backup.following.parts import Part, part_of
from shortly.backup.following.status import FOLDER, Followed
from shortly.backup.following.status import ask as ask_status
from shortly.backup.places import place_of
from shortly.errors import ChangesMissing, MomentNotKept
from shortly.settings import load_settings

pytestmark = pytest.mark.slow


def wait_for(condition: Callable[[Followed], bool]) -> Followed:
    """Return what the follower tells as soon as the condition holds."""
    data_dir = load_settings().data_dir
    deadline = time.monotonic() + 30
    while True:
        status = ask_status(data_dir)
        if status is not None and condition(status):
            return status
        assert time.monotonic() < deadline, status
        time.sleep(0.05)


def settle() -> datetime:
    """Wait until everything that has happened is kept, and return a moment after it and before all that comes."""
    now = datetime.now(UTC)
    wait_for(lambda status: status.kept_until is not None and status.kept_until > now)
    at = datetime.now(UTC)
    time.sleep(0.01)
    return at


@contextmanager
def following(**options: Any) -> Iterator[None]:
    """Follow in a process of its own, which ends orderly."""
    process = subprocess.Popen([EXECUTABLE, "backup", "follow"], **options)
    try:
        yield
    finally:
        process.terminate()
        assert process.wait(30) == 0


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bring changes to their place every second."""
    monkeypatch.setenv("BACKUP_FOLLOW_SHIP_S", "1")


def files(installation: Path) -> list[Path]:
    """Return the files of changes, in order."""
    return sorted((installation / "backups" / "follow").glob("*.pages.*"))


# --- there and back ------------------------------------------------------------------------------------------


def test_everything_is_back_as_it_was_at_each_of_several_moments(
    ask: Ask, cli: Cli, installation: Path, busy: dict[str, Any]
) -> None:
    known: list[tuple[datetime, dict[str, Any]]] = []
    secret = b"a secret that signs sessions, kept in DATA_DIR"
    (installation / "jwt_secret").write_bytes(secret)
    with following():
        known.append((settle(), busy))
        click("renamed", times=3)
        ask("edit", "limited", "--title", "Another title")
        known.append((settle(), everything(ask)))
        ask("rm", "other", "--domain", "go.example", "--yes")
        ask("add", "https://example.com/new", "--slug", "new")
        known.append((settle(), everything(ask)))
    (span,) = ask("backup", "list")["moments"]
    assert span["whole"]
    assert span["files"] == len(files(installation)) > 2
    for at, held in reversed(known):
        wipe(installation)
        proved = ask("backup", "verify", "--at", at.isoformat())
        assert proved["whole"]
        reached = ask("backup", "restore", "--at", at.isoformat())["changed_at"]
        assert reached == proved["changed_at"] <= at.isoformat()
        assert everything(ask) == held
        assert (installation / "jwt_secret").read_bytes() == secret
    assert [path.name for path in installation.glob(".backup-*")] == []
    assert (installation / "links.db").stat().st_mode & 0o777 == 0o600
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in files(installation))
    wipe(installation)
    ask("backup", "restore", "--at", "latest")
    assert everything(ask) == known[-1][1]


def test_after_a_restore_changes_are_kept_on(ask: Ask, installation: Path) -> None:
    ask("add", "https://example.com/1", "--slug", "one")
    with following():
        before = settle()
        ask("rm", "one", "--yes")
        settle()
    ask("backup", "restore", "--at", before.isoformat(), "--replace")
    ask("add", "https://example.com/2", "--slug", "two")
    with following():
        settle()
    wipe(installation)
    ask("backup", "restore", "--at", "latest")
    assert {link["slug"] for link in ask("list")["items"]} == {"one", "two"}


def test_a_moment_comes_back_in_redis_too(
    ask: Ask, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch, busy: dict[str, Any]
) -> None:
    monkeypatch.setenv("JWT_SECRET", "x" * 40)
    with following():
        at = settle()
        ask("rm", "renamed", "--yes")
        settle()
    monkeypatch.setenv("STORE_URL", redis_server.url)
    ask("backup", "restore", "--at", at.isoformat())
    assert everything(ask)["links"] == busy["links"]


# --- encrypted, and in buckets -------------------------------------------------------------------------------


def test_encrypted_changes_need_their_key(
    ask: Ask, cli: Cli, installation: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = pyrage.x25519.Identity.generate()
    key = tmp_path / "key.txt"
    key.write_text(f"# mine\n{pair}\n")
    monkeypatch.setenv("BACKUP_ENCRYPT_TO", str(pair.to_public()))
    ask("add", "https://example.com/private-target", "--slug", "one")
    with following():
        settle()
        ask("add", "https://example.com/2", "--slug", "two")
        settle()
    assert all(path.read_bytes().startswith(b"age-encryption.org/v1") for path in files(installation))
    assert ask("backup", "verify", "--at", "latest")["contents"] is None
    assert ask("backup", "verify", "--at", "latest", "--identity", str(key))["contents"]["links"] == 2
    wipe(installation)
    refused = cli("backup", "restore", "--at", "latest", "--json")
    assert json.loads(refused.stdout)["code"] == "backup_needs_key"
    assert not (installation / "links.db").exists()
    ask("backup", "restore", "--at", "latest", "--identity", str(key))
    assert len(ask("list")["items"]) == 2


def test_changes_lie_in_two_buckets_and_either_is_enough_for_each_file(
    ask: Ask, cli: Cli, installation: Path, buckets: str
) -> None:
    ask("add", "https://example.com/1", "--slug", "one")
    with following():
        for slug in ("two", "three"):
            settle()
            ask("add", "https://example.com/2", "--slug", slug)
        settle()
    first, second = bucket(buckets, "first-bucket"), bucket(buckets, "second-bucket")
    there = sorted(meta["path"] for page in obstore.list(first) for meta in page)
    copies = sorted(meta["path"] for page in obstore.list(second) for meta in page)
    assert [path.removeprefix("shortly/prod/") for path in there] == copies
    assert all(path.startswith("follow/") for path in copies)
    obstore.put(first, there[0], b"damaged")
    obstore.delete(second, copies[1])
    wipe(installation)
    ask("backup", "restore", "--at", "latest")
    assert len(ask("list")["items"]) == 3
    obstore.delete(first, there[1])  # now the second file is gone from both
    refused = cli("backup", "verify", "--at", "latest", "--json")
    assert json.loads(refused.stdout)["code"] == "changes_missing"


# --- what is not as it was written ---------------------------------------------------------------------------


@pytest.fixture
def kept(ask: Ask, installation: Path) -> list[Path]:
    """Keep a base and at least two more files."""
    ask("add", "https://example.com/1", "--slug", "one")
    with following():
        for slug in ("two", "three"):
            settle()
            ask("add", "https://example.com/2", "--slug", slug)
        settle()
    found = files(installation)
    assert len(found) >= 3
    return found


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "exchanged"])
def test_a_damaged_file_is_refused_and_nothing_is_changed(
    cli: Cli, installation: Path, kept: list[Path], damage: str, number: int
) -> None:
    whole = kept[number].read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    contents = {"cut": whole[:-10], "flipped": bytes(flipped), "empty": b"", "exchanged": kept[2].read_bytes()}
    kept[number].write_bytes(contents[damage])
    before = (installation / "links.db").stat().st_mtime_ns
    for command in (["verify"], ["restore", "--replace"]):
        result = cli("backup", *command, "--at", "latest", "--json")
        assert (result.exit_code, json.loads(result.stdout)["code"]) == (1, "backup_damaged")
    assert (installation / "links.db").stat().st_mtime_ns == before
    assert not list(installation.glob("before-restore-*"))


def test_a_missing_file_is_refused_but_for_the_moments_before_it(ask: Ask, cli: Cli, kept: list[Path]) -> None:
    before = part_of(kept[0].name)
    assert before is not None
    kept[1].unlink()
    result = cli("backup", "restore", "--at", "latest", "--replace", "--json")
    assert (result.exit_code, json.loads(result.stdout)["code"]) == (1, "changes_missing")
    (span,) = ask("backup", "list")["moments"]
    assert not span["whole"]
    ask("backup", "restore", "--at", span["until"], "--replace")
    assert [link["slug"] for link in ask("list")["items"]] == ["one"]
    kept[0].unlink()
    result = cli("backup", "verify", "--at", "latest", "--json")
    assert (result.exit_code, json.loads(result.stdout)["code"]) == (1, "moment_not_kept")


def test_files_of_another_chain_under_the_right_names_are_refused(cli: Cli, kept: list[Path]) -> None:
    part = part_of(kept[1].name)
    assert part is not None
    lines = gzip.decompress(kept[1].read_bytes()).split(b"\n", 1)
    head = {**json.loads(lines[0]), "previous": "0" * 64}
    write(kept[1], part, json.dumps(head).encode() + b"\n" + lines[1])
    result = cli("backup", "verify", "--at", "latest", "--json")
    assert (result.exit_code, json.loads(result.stdout)["code"]) == (1, "backup_damaged")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json\n",
        b'{"at_ms": 1}\n',
        b'{"at_ms": 1, "databases": [["../../outside", 4096, 1]]}\n',
        b'{"at_ms": 1, "databases": [{"name": "../../outside", "page_bytes": 4096, "pages": 1}]}\n\0\0\0\0',
        b'{"at_ms": 1, "databases": [{"name": "links.db", "page_bytes": 4097, "pages": 1}]}\n\0\0\0\0',
        b'{"at_ms": 1, "databases": [{"name": "links.db", "page_bytes": 4096, "pages": -1}]}\n\0\0\0\0',
        b'{"at_ms": 1, "databases": [{"name": "links.db", "page_bytes": 4096, "pages": 1}]}\n\0\0\0\2' + bytes(4100),
        b'{"at_ms": 1, "databases": [{"name": "links.db", "page_bytes": 4096, "pages": 1}]}\n\0\0\0\1' + bytes(99),
        b'{"at_ms": 1, "databases": [{"name": "links.db", "page_bytes": 4096, "pages": 1}]}\n\0\0\0\1' + bytes(4100),
        b"x" * 100_000,
    ],
)
def test_a_file_that_somebody_made_writes_nowhere(cli: Cli, installation: Path, tmp_path: Path, body: bytes) -> None:
    folder = installation / "backups" / "follow"
    folder.mkdir(parents=True)
    part = Part("20260101T000000Z-abcdef", 0, 1, 1, "", encrypted=False)
    head = {"format": 1, "chain": part.chain, "number": 0, "previous": "", "shortly": "1"}
    write(folder / "x", part, json.dumps(head).encode() + b"\n" + body)
    result = cli("backup", "restore", "--at", "latest", "--json")
    assert (result.exit_code, json.loads(result.stdout)["code"]) == (1, "backup_damaged")
    assert not list(tmp_path.rglob("outside"))
    assert not (installation / "links.db").exists()


def test_what_a_newer_version_kept_is_refused(cli: Cli, installation: Path) -> None:
    folder = installation / "backups" / "follow"
    folder.mkdir(parents=True)
    part = Part("20260101T000000Z-abcdef", 0, 1, 1, "", encrypted=False)
    write(folder / "x", part, b'{"format": 2}\n')
    assert "newer version" in cli("backup", "verify", "--at", "latest").stderr


def write(path: Path, part: Part, contents: bytes) -> None:
    """Put a file in another one's place whose name says the truth about it."""
    packed = gzip.compress(contents)
    path.unlink(missing_ok=True)
    digest = hashlib.sha256(packed).hexdigest()
    named = Part(part.chain, part.number, part.first_ms, part.last_ms, digest, part.encrypted)
    path.with_name(named.name).write_bytes(packed)


# --- refusals ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["restore"], "invalid_input"),
        (["restore", "latest", "--at", "latest"], "invalid_input"),
        (["restore", "--at", "soon"], "invalid_input"),
        (["restore", "--at", ""], "invalid_input"),
        (["restore", "--at", "2026-01-01T00:00:00Z"], "moment_not_kept"),
        (["restore", "--at", "latest"], "moment_not_kept"),
        (["verify", "--at", "0001-01-01"], "moment_not_kept"),
        (["verify", "--at", "9999-12-31T23:59:59-23:59"], "moment_not_kept"),
    ],
)
def test_moments_that_are_none_or_not_kept_are_refused(cli: Cli, arguments: list[str], code: str) -> None:
    result = cli("backup", *arguments, "--json")
    assert (result.exit_code, json.loads(result.stdout)["code"]) == (1, code)


def test_a_moment_before_all_names_the_oldest(cli: Cli, kept: list[Path]) -> None:
    part = part_of(kept[0].name)
    assert part is not None
    oldest = datetime.fromtimestamp(part.first_ms / 1000, UTC)
    result = cli("backup", "restore", "--at", (oldest - timedelta(seconds=1)).isoformat(), "--replace")
    assert result.exit_code == 1
    assert f"{oldest:%Y-%m-%dT%H:%M:%SZ}" in result.stderr


def test_redis_is_not_followed(cli: Cli, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE_URL", redis_server.url)
    result = cli("backup", "follow")
    assert result.exit_code == 1
    assert "Redis" in result.stderr


def test_nothing_is_restored_under_a_follower(ask: Ask, cli: Cli) -> None:
    ask("add", "https://example.com/1", "--slug", "one")
    with following():
        settle()
        result = cli("backup", "restore", "--at", "latest", "--replace")
        assert result.exit_code == 1
        assert "follow" in result.stderr


# --- the follower's own troubles -----------------------------------------------------------------------------


def test_it_waits_for_the_first_start(ask: Ask, cli: Cli, installation: Path) -> None:
    with following():
        time.sleep(1.5)
        assert "no backups yet" in cli("backup", "list").stderr
        ask("add", "https://example.com/1", "--slug", "one")
        settle()
    assert ask("backup", "verify", "--at", "latest")["contents"]["links"] == 1


def test_a_full_disk_is_told_of_and_made_up_for(ask: Ask, installation: Path) -> None:
    ask("add", "https://example.com/1", "--slug", "one")

    def allow(size: int) -> Callable[[], None]:
        return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    with following(preexec_fn=allow(4096)):
        assert wait_for(lambda status: status.refusal is not None).refusal == "storage_full"
    assert files(installation) == []
    with following():
        settle()
    assert ask("backup", "verify", "--at", "latest")["contents"]["links"] == 1


@pytest.mark.parametrize("loss", ["state", "newest file", "state is older"])
def test_a_new_chain_begins_where_it_is_not_certain_what_is_kept(
    ask: Ask, installation: Path, kept: list[Path], loss: str
) -> None:
    state = installation / FOLDER / STATE
    if loss == "state":
        state.unlink()
    elif loss == "newest file":
        kept[-1].unlink()
    else:
        older = state.read_bytes()
        with following():
            ask("add", "https://example.com/4", "--slug", "four")
            settle()
        state.write_bytes(older)
    with following():
        ask("add", "https://example.com/5", "--slug", "five")
        settle()
    spans = ask("backup", "list")["moments"]
    assert len(spans) == 2
    assert "five" in {link["slug"] for link in restored(ask, installation)}


def test_a_new_base_is_kept_when_it_is_time(ask: Ask, installation: Path, kept: list[Path]) -> None:
    state = installation / FOLDER / STATE
    kept_state = msgspec.msgpack.decode(state.read_bytes())
    kept_state["base_ms"] -= 24 * 3_600_000  # the chain that is gone on with is a day old
    state.write_bytes(msgspec.msgpack.encode(kept_state))
    with following():
        wait_for(lambda status: len(ask("backup", "list")["moments"]) == 2)
        ask("add", "https://example.com/5", "--slug", "five")
        settle()
    assert "five" in {link["slug"] for link in restored(ask, installation)}


def restored(ask: Ask, installation: Path) -> list[dict[str, Any]]:
    """Return the links after a restore of the latest moment."""
    ask("backup", "restore", "--at", "latest", "--replace")
    links: list[dict[str, Any]] = ask("list")["items"]
    return links


# --- what is too old -----------------------------------------------------------------------------------------


def test_a_year_of_daily_bases_leaves_exactly_the_days_that_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKUP_TO", str(tmp_path / "backups"))
    settings = load_settings()
    place = place_of(str(tmp_path / "backups" / "follow"), settings)
    moments = Moments([place])
    begin = datetime(2026, 1, 1, 3, tzinfo=UTC)
    for day in range(60):
        base = begin + timedelta(days=day)
        for number in range(3):
            at = milliseconds(base + timedelta(hours=8 * number))
            part = Part(f"{base:%Y%m%dT%H%M%SZ}-abcdef", number, at, at + 8 * 3_599_000, "0" * 64, encrypted=False)
            (tmp_path / "backups" / "follow" / part.name).touch()
        (tmp_path / "backups" / "follow" / "notes.txt").write_text("somebody's own")
        now = base + timedelta(hours=23)
        moments.prune(now, keep_days=7)
        kept_days = {part.chain[:8] for part in moments.parts()}
        # The last seven days are whole: the base that they begin with is older than that.
        assert kept_days == {f"{base - timedelta(days=ago):%Y%m%d}" for ago in range(min(day, 7) + 1)}
        oldest = max(now - timedelta(days=7), begin)
        assert moments.plan(oldest)
        with pytest.raises(MomentNotKept):
            moments.plan(begin - timedelta(seconds=1) if day <= 7 else oldest - timedelta(days=1))
    assert (tmp_path / "backups" / "follow" / "notes.txt").exists()


@pytest.mark.usefixtures("kept")
def test_the_only_chain_stays_however_old_it_is(ask: Ask) -> None:
    moments = moments_of(load_settings())
    assert moments.prune(datetime.now(UTC) + timedelta(days=1000), keep_days=1) == []
    assert ask("backup", "prune")["files_of_changes"] == 0
    assert ask("backup", "verify", "--at", "latest")["whole"]


def test_a_hole_in_an_older_chain_leaves_later_ones_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKUP_TO", str(tmp_path / "backups"))
    folder = tmp_path / "backups" / "follow"
    moments = Moments([place_of(str(folder), load_settings())])
    for chain, number, first_ms in (("a", 0, 100), ("a", 2, 300), ("b", 0, 500), ("b", 1, 600)):
        day = "20260101T000000Z-aaaaaa" if chain == "a" else "20260102T000000Z-bbbbbb"
        (folder / Part(day, number, first_ms, first_ms + 50, "0" * 64, encrypted=False).name).touch()

    def plan(at_ms: int) -> list[int]:
        return [part.first_ms for part in moments.plan(datetime.fromtimestamp(at_ms / 1000, UTC))]

    assert plan(100) == plan(150) == [100]
    for at_ms in (151, 310, 499):
        with pytest.raises(ChangesMissing):
            plan(at_ms)
    assert plan(500) == [500]
    assert plan(700) == [500, 600]
    with pytest.raises(MomentNotKept):
        plan(99)
