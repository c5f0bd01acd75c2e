"""What is the embedded engine's own: files, migrations, group commit, and several processes on one folder."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import stat
import sys
import textwrap
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path

import apsw
import pytest
from msgspec.structs import replace
from tests.store.examples import add, link, slugs

from shortly.clicks.store import Batch
from shortly.errors import InvalidSettings, MigrationChanged, StorageFull, StoreDamaged, StoreTooNew, StoreUnavailable
from shortly.links.attention import Trouble
from shortly.links.link import Link, LinkQuery
from shortly.store.sqlite import SqliteStore
from shortly.store.sqlite.changes import ChangeCounter
from shortly.store.sqlite.concerns import WAYS
from shortly.store.sqlite.concerns import statement as concerns_statement
from shortly.store.sqlite.connection import connect, refuse_wal_reset_bug, store_errors
from shortly.store.sqlite.migrate import Migration, SchemaVersion, migrate, migrations_of, schema_version
from shortly.store.sqlite.rows import fields_of
from shortly.store.sqlite.ways import BEHIND_TAG, BEHIND_WORKSPACE, CLICKED, SORTED, UNCLICKED, Way, statements
from shortly.store.sqlite.writer import ALONE_ROWS, Writer

STEPS = [
    Migration(1, "0001_first.sql", "CREATE TABLE one (x INTEGER) STRICT; INSERT INTO one VALUES (41);"),
    Migration(2, "0002_second.sql", "UPDATE one SET x = x + 1;"),
    Migration(3, "0003_third.sql", "CREATE TABLE three (x INTEGER) STRICT;"),
]
BROKEN = Migration(
    3, "0003_broken.sql", "DELETE FROM one; CREATE TABLE four (x INTEGER); CREATE TABLE one (x INTEGER);"
)


def read(path: Path, sql: str) -> object:
    with closing(connect(path, readonly=True)) as connection:
        return connection.execute(sql).get


# --- files -------------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_the_data_is_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "data"
    async with SqliteStore(folder) as store:
        await add(store, "ab")
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {"links.db", "links.db-wal", "clicks.db", "links.changes"} <= modes.keys()
        assert set(modes.values()) == {0o600}


@pytest.mark.anyio
async def test_a_folder_that_cannot_be_made_is_refused_with_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable):
        async with SqliteStore(tmp_path / "file" / "data"):
            pass


@pytest.mark.anyio
async def test_the_treatment_of_case_is_fixed_at_the_first_start(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path, case_insensitive=True) as store:
        await add(store, "Ab")
    with pytest.raises(InvalidSettings, match="CASE_INSENSITIVE_SLUGS"):
        async with SqliteStore(tmp_path):
            pass
    async with SqliteStore(tmp_path, case_insensitive=True) as store:
        assert await store.get_link("", "aB") is not None


@pytest.mark.anyio
async def test_a_closed_store_refuses_writes_and_remembers_nothing(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path) as store:
        await add(store, "ab")
        await store.get_redirection("", "ab")
    assert store.remembered("", "ab") is None
    with pytest.raises(StoreUnavailable):
        await store.ping()


@pytest.mark.anyio
async def test_a_store_opens_again_after_it_was_closed(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    for slug in ("ab", "cd"):
        async with store:
            await add(store, slug)
            assert await store.get_redirection("", slug) is not None
            assert store.remembered("", slug) is not None


@pytest.mark.parametrize("version", ["3.7.0", "3.44.5", "3.45.1", "3.50.6", "3.51.2"])
def test_a_sqlite_that_can_corrupt_its_data_is_refused(version: str) -> None:
    with pytest.raises(InvalidSettings, match=version):
        refuse_wal_reset_bug(version)


@pytest.mark.parametrize("version", ["3.44.6", "3.50.7", "3.51.3", "3.54.1", "4.0.0"])
def test_a_sqlite_with_the_repair_is_accepted(version: str) -> None:
    refuse_wal_reset_bug(version)


# --- errors ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        (apsw.FullError("disk /secret"), StorageFull),
        (apsw.IOError("disk /secret"), StoreUnavailable),
        (apsw.BusyError("/secret"), StoreUnavailable),
        (apsw.LockedError("/secret"), StoreUnavailable),
        (apsw.CantOpenError("/secret"), StoreUnavailable),
        (OSError(28, "no space", "/secret"), StorageFull),
        (OSError(5, "broken", "/secret"), StoreUnavailable),
    ],
)
def test_the_machines_troubles_are_told_without_inside_detail(inside: Exception, outside: type[Exception]) -> None:
    with pytest.raises(outside) as caught, store_errors():
        raise inside
    assert "secret" not in str(caught.value)


def test_other_errors_pass_unchanged() -> None:
    with pytest.raises(apsw.SQLError), store_errors():
        raise apsw.SQLError("a mistake of ours")


# --- migrations --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["links", "clicks"])
def test_a_new_database_is_brought_to_the_newest_schema(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.db"
    newest = len(migrations_of(name))
    assert schema_version(path, name) == SchemaVersion(0, newest)
    assert not path.exists()
    migrate(path, name)
    migrate(path, name)
    assert schema_version(path, name) == SchemaVersion(newest, newest)
    assert list(tmp_path.glob("*.bak")) == []


def test_missing_steps_are_applied_once_and_noted(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    for known in (STEPS[:1], STEPS[:2], STEPS[:2], STEPS, STEPS):
        migrate(path, "x", steps=known)
    assert read(path, "SELECT x FROM one") == 42
    assert read(path, "PRAGMA user_version") == 3
    assert read(path, "SELECT group_concat(number || file || length(sha256), ' ') FROM migrations") == (
        "10001_first.sql64 20002_second.sql64 30003_third.sql64"
    )
    assert read(path, "SELECT min(applied_at) > 1700000000000 FROM migrations") == 1


def test_a_copy_of_the_old_database_is_made_before_an_upgrade(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    migrate(path, "x", steps=STEPS[:1])
    migrate(path, "x", steps=STEPS)
    (backup,) = tmp_path.glob("*.bak*")
    assert backup.name == "x.db.before-0002.bak"
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert read(backup, "SELECT x FROM one") == 41
    assert read(backup, "PRAGMA user_version") == 1


@pytest.mark.anyio
async def test_links_of_before_there_were_workspaces_are_in_the_first_one(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    before = [step for step in migrations_of("links") if "workspaces" not in step.file]
    migrate(folder / "links.db", "links", steps=before[:2])
    later = {"workspace", "ban", "deleted_at"}
    row = {name: value for name, value in fields_of(link("ab")).items() if name not in later}
    with closing(connect(folder / "links.db")) as connection:
        connection.execute(f"INSERT INTO links ({', '.join(row)}) VALUES (:{', :'.join(row)})", row)
        connection.execute("INSERT INTO slugs VALUES ('', 'ab', 1, 0)")
    async with SqliteStore(folder) as store:
        assert await slugs(store, workspace=1) == ["ab"]
        found = await store.get_redirection("", "ab")
        assert found is not None
        assert found.workspace == 1
        await add(store, "cd", workspace=2)
        assert await slugs(store, workspace=2) == ["cd"]


def test_a_failing_step_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    migrate(path, "x", steps=STEPS[:1])
    with pytest.raises(apsw.SQLError):
        migrate(path, "x", steps=[*STEPS[:2], BROKEN])
    assert read(path, "SELECT x FROM one") == 41
    assert read(path, "PRAGMA user_version") == 1
    assert read(path, "SELECT count(*) FROM sqlite_schema WHERE name = 'four'") == 0
    migrate(path, "x", steps=STEPS)
    assert read(path, "SELECT x FROM one") == 42


def test_a_step_that_breaks_a_reference_is_refused(tmp_path: Path) -> None:
    dangling = Migration(
        1, "0001_x.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY, b REFERENCES a (id)); INSERT INTO a VALUES (1, 2);"
    )
    with pytest.raises(apsw.ConstraintError):
        migrate(tmp_path / "x.db", "x", steps=[dangling])
    assert read(tmp_path / "x.db", "PRAGMA user_version") == 0


def test_a_database_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    known = len(migrations_of("links"))
    newer = Migration(known + 1, "newer.sql", "CREATE TABLE newer (x INTEGER);")
    migrate(path, "links", steps=[*migrations_of("links"), newer])
    with pytest.raises(StoreTooNew, match=rf"links database is at schema {known + 1}, .* only up to {known};"):
        migrate(path, "links")
    assert schema_version(path, "links") == SchemaVersion(known + 1, known)


def test_a_step_that_changed_after_it_was_applied_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    migrate(path, "x", steps=STEPS[:2])
    changed = [STEPS[0], STEPS[1]._replace(sql="UPDATE one SET x = 0;"), STEPS[2]]
    with pytest.raises(MigrationChanged, match="Migration 2 of the x database"):
        migrate(path, "x", steps=changed)
    assert read(path, "PRAGMA user_version") == 2


@pytest.mark.anyio
async def test_processes_that_start_at_once_migrate_once(tmp_path: Path) -> None:
    script = """
        import sys
        from pathlib import Path
        from shortly.store.sqlite.migrate import migrate
        sys.stdin.readline()
        migrate(Path(sys.argv[1]) / "links.db", "links")
    """
    async with processes(script, tmp_path, count=4) as started:
        for process in started:
            await say(process, "go")
        for process in started:
            assert await process.wait() == 0
    assert read(tmp_path / "links.db", "SELECT count(*) FROM migrations") == len(migrations_of("links"))


# --- group commit ------------------------------------------------------------------------------------------------


@pytest.fixture
async def writer(tmp_path: Path) -> AsyncIterator[Writer]:
    """Give a writer of a database with one table of positive numbers."""
    with closing(connect(tmp_path / "w.db")) as connection:
        connection.execute("CREATE TABLE numbers (n INTEGER PRIMARY KEY CHECK (n > 0)) STRICT")
        connection.execute("CREATE TABLE parents (id INTEGER PRIMARY KEY) STRICT")
        connection.execute(
            "CREATE TABLE children (id INTEGER REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED) STRICT"
        )
    writer = Writer(tmp_path / "w.db", tmp_path / "w.changes")
    await writer.open()
    yield writer
    await writer.finish()
    writer.close()


def insert(connection: apsw.Connection, *, number: int, then: Callable[[apsw.Connection], None] | None = None) -> int:
    connection.execute("INSERT INTO numbers VALUES (?)", (number,))
    if then:
        then(connection)
    return number


def numbers(tmp_path: Path) -> list[int]:
    with closing(connect(tmp_path / "w.db", readonly=True)) as connection:
        return [int(str(n)) for (n,) in connection.execute("SELECT n FROM numbers ORDER BY n")]


@pytest.mark.anyio
async def test_an_operation_that_fails_leaves_its_group_alone(writer: Writer, tmp_path: Path) -> None:
    def fail(_: apsw.Connection) -> None:
        raise ValueError("after a write")

    writes = [writer.write(partial(insert, number=n, then=fail if n == 5 else None)) for n in (1, -2, 3, 3, 5, 6)]
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    assert [outcome if isinstance(outcome, int) else type(outcome) for outcome in outcomes] == [
        1,
        apsw.ConstraintError,
        3,
        apsw.ConstraintError,
        ValueError,
        6,
    ]
    assert numbers(tmp_path) == [1, 3, 6]


@pytest.mark.anyio
async def test_one_commit_serves_all_that_came_in_meanwhile(writer: Writer) -> None:
    commits = 0

    def count() -> bool:
        nonlocal commits
        commits += 1
        return False  # lets the COMMIT go on

    await writer.write(lambda connection: connection.set_commit_hook(count))
    await asyncio.gather(*(writer.write(partial(insert, number=n)) for n in range(1, 1001)))
    assert 1 <= commits < 100


@pytest.mark.anyio
async def test_an_operation_on_many_rows_is_a_group_of_its_own_in_its_turn(writer: Writer, tmp_path: Path) -> None:
    turns: list[int] = []
    commits: list[list[int]] = []
    everybody_has_come = threading.Event()

    def fail(_: apsw.Connection) -> None:
        raise ValueError("after a write")

    def note(connection: apsw.Connection, *, number: int) -> int:
        turns.append(number)
        return insert(connection, number=number, then=fail if number in (5, 7) else None)

    def commit() -> bool:
        commits.append(turns.copy())
        turns.clear()
        return False  # lets the COMMIT go on

    await writer.write(lambda connection: connection.set_commit_hook(commit))
    commits.clear()
    gate = asyncio.create_task(writer.write(lambda _: everybody_has_come.wait(10)))
    rows = {1: 1, 2: 1, 3: ALONE_ROWS, 4: 1, 5: ALONE_ROWS, 6: 1, 7: 1, 8: ALONE_ROWS}
    writes = [asyncio.create_task(writer.write(partial(note, number=n), rows=many)) for n, many in rows.items()]
    await asyncio.sleep(0)
    everybody_has_come.set()
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    await gate
    assert [n if outcome == n else type(outcome) for n, outcome in zip(rows, outcomes, strict=True)] == [
        *(1, 2, 3, 4, ValueError, 6, ValueError, 8)
    ]
    assert numbers(tmp_path) == [1, 2, 3, 4, 6, 8]
    assert [3] in commits
    assert commits[-1] == [8]
    assert not any({3, 8} & set(group) and len(group) > 1 for group in commits)
    assert [n for group in commits for n in group] == [1, 2, 3, 4, 5, 6, 7, 8]


@pytest.mark.anyio
@pytest.mark.parametrize(("trouble", "refusal"), [(apsw.FullError, StorageFull), (apsw.IOError, StoreUnavailable)])
async def test_a_machine_in_trouble_fails_the_whole_group_and_leaves_nothing(
    writer: Writer, tmp_path: Path, trouble: type[apsw.Error], refusal: type[Exception]
) -> None:
    def break_down(_: apsw.Connection) -> None:
        raise trouble("inside")

    gate = asyncio.create_task(writer.write(partial(insert, number=100)))
    writes = [writer.write(partial(insert, number=n, then=break_down if n == 3 else None)) for n in (1, 2, 3)]
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    await asyncio.gather(gate, return_exceptions=True)
    assert isinstance(outcomes[2], refusal)
    kept = [n for n, outcome in zip((1, 2, 3), outcomes, strict=True) if outcome == n]
    assert [n for n in numbers(tmp_path) if n != 100] == kept
    assert await writer.write(partial(insert, number=7)) == 7


@pytest.mark.anyio
async def test_a_commit_that_fails_fails_its_whole_group_and_leaves_nothing(writer: Writer, tmp_path: Path) -> None:
    def orphan(connection: apsw.Connection) -> None:
        connection.execute("INSERT INTO children VALUES (1)")

    writes = [writer.write(partial(insert, number=n, then=orphan)) for n in (1, 2)]
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [apsw.ConstraintError] * 2
    assert numbers(tmp_path) == []
    assert await writer.write(partial(insert, number=7)) == 7
    assert numbers(tmp_path) == [7]


@pytest.mark.anyio
async def test_a_full_database_refuses_links_and_goes_on_redirecting(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path) as store:
        stored = await add(store, "ab")
        await store._link_file.writer.write(lambda connection: connection.pragma("max_page_count", 60))
        with pytest.raises(StorageFull):
            await store.add_links([link(f"s{n}", notes="x" * 4000) for n in range(300)])
        assert await store.get_link("", "ab") == stored
        kept = await slugs(store)
        await store._link_file.writer.write(lambda connection: connection.pragma("max_page_count", 1 << 30))
        await add(store, "cd")
        assert set(await slugs(store)) == {"cd", *kept}


@pytest.mark.anyio
async def test_an_edit_waits_for_the_lock_of_another_process_no_longer_than_its_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shortly.store.sqlite.changes.LOCK_TIMEOUT_S", 0.05)
    async with SqliteStore(tmp_path) as store:
        stored = await add(store, "ab")
        with (tmp_path / "links.changes").open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            with pytest.raises(StoreUnavailable):
                await store.delete_links([stored])
            await add(store, "cd")
        assert await store.delete_links([stored]) == [None]


# --- lists -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", [*SORTED.values(), *BEHIND_WORKSPACE.values(), CLICKED, UNCLICKED, BEHIND_TAG])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("behind", [False, True])
def test_a_page_that_an_index_has_in_order_is_neither_sorted_nor_scanned_for(
    tmp_path: Path, way: Way, descending: bool, behind: bool
) -> None:
    migrate(tmp_path / "links.db", "links")
    migrate(tmp_path / "clicks.db", "clicks")
    with closing(connect(tmp_path / "links.db", readonly=True)) as connection:
        connection.execute("ATTACH ? AS clicks", (str(tmp_path / "clicks.db"),))
        values: dict[str, int | str] = {
            "archived": 0,
            "tag": "t",
            "workspace": 2,
            "after_key": 1,
            "after_id": 1,
            "rows": 51,
        }
        for statement in statements(way, ["l.archived = :archived"], descending=descending, behind=behind):
            plan = " / ".join(str(step[3]) for step in connection.execute(f"EXPLAIN QUERY PLAN {statement}", values))
            assert "TEMP B-TREE" not in plan
            assert "SCAN" not in plan or (way is UNCLICKED and plan.startswith("SCAN l /"))


@pytest.mark.parametrize("trouble", WAYS)  # broken ones are records
def test_what_needs_attention_is_neither_sorted_nor_scanned_for(tmp_path: Path, trouble: Trouble) -> None:
    migrate(tmp_path / "links.db", "links")
    with closing(connect(tmp_path / "links.db", readonly=True)) as connection:
        values = {"workspace": 1, "since": 1, "until": 2, "most": 3}
        explained = connection.execute(f"EXPLAIN QUERY PLAN {concerns_statement(trouble)}", values)
        plan = " / ".join(str(step[3]) for step in explained)
    assert "SEARCH l USING INDEX" in plan
    assert "TEMP B-TREE" not in plan
    assert "SCAN" not in plan


# --- several processes -------------------------------------------------------------------------------------------


@asynccontextmanager
async def processes(script: str, folder: Path, *, count: int) -> AsyncIterator[list[asyncio.subprocess.Process]]:
    """Run the script in processes of their own, which end with the block at the latest."""
    started = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            textwrap.dedent(script),
            str(folder),
            str(number),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for number in range(count)
    ]
    try:
        yield started
    finally:
        for process in started:
            if process.returncode is None:
                process.kill()
            await process.communicate()


async def say(process: asyncio.subprocess.Process, line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{line}\n".encode())
    await process.stdin.drain()


async def hear(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(30):
        return (await process.stdout.readline()).decode().strip()


WORKER = """
    import asyncio, sys
    from datetime import datetime, UTC
    from pathlib import Path
    import structlog
    from msgspec.structs import replace
    from shortly.links.link import Link, LinkQuery
    from shortly.store.sqlite import SqliteStore

    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))

    async def main():
        async with SqliteStore(Path(sys.argv[1])) as store:
            print("ready", flush=True)
            for line in sys.stdin:
                word, *rest = line.split()
                print(await COMMANDS[word](store, *rest), flush=True)

    async def create(store, count):
        now = datetime.now(UTC)
        plain = Link(slug="", target="https://example.com/", created_at=now, updated_at=now)
        outcomes = await asyncio.gather(
            *(store.add_links([replace(plain, slug=f"s{number}")]) for number in range(int(count)))
        )
        return sum(isinstance(outcome, Link) for (outcome,) in outcomes)

    async def edit(store, slug, target):
        link = await store.get_link("", slug)
        (outcome,) = await store.replace_links([(link, replace(link, target=target))])
        return type(outcome).__name__

    async def take(store, link_id, limit):
        takes = [store.take_click(int(link_id), "", "ab", int(limit)) for _ in range(100)]
        return sum(await asyncio.gather(*takes))

    async def die(store, slug):
        # Killed by itself inside the transaction of an edit, like a process that runs out of memory there.
        await store._link_file.writer.write(lambda _: __import__("os").kill(__import__("os").getpid(), 9), edits=True)

    COMMANDS = {"create": create, "edit": edit, "take": take, "die": die}
    asyncio.run(main())
"""


@asynccontextmanager
async def workers(folder: Path, count: int) -> AsyncIterator[list[asyncio.subprocess.Process]]:
    async with processes(WORKER, folder, count=count) as started:
        for process in started:
            assert await hear(process) == "ready"
        yield started


async def ask(started: list[asyncio.subprocess.Process], line: str) -> list[str]:
    """Tell all workers the line and return their answers."""
    for process in started:
        await say(process, line)
    return [await hear(process) for process in started]


@pytest.mark.anyio
async def test_of_two_processes_that_create_the_same_slugs_exactly_one_wins_each(tmp_path: Path) -> None:
    async with workers(tmp_path, 2) as started:
        created = [int(answer) for answer in await ask(started, "create 200")]
    assert sum(created) == 200
    async with SqliteStore(tmp_path) as store:
        assert len(await slugs(store)) == 200


@pytest.mark.anyio
async def test_exactly_as_many_clicks_are_taken_among_processes_as_there_are(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path) as store:
        stored = await add(store, "ab", max_clicks=150)
        async with workers(tmp_path, 2) as started:
            taken = [int(answer) for answer in await ask(started, f"take {stored.id} 150")]
        assert sum(taken) == 150
        assert not await store.take_click(stored.id, "", "ab", 150)


@pytest.mark.anyio
async def test_an_edit_by_another_process_is_seen_at_the_next_redirect(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path) as store, workers(tmp_path, 1) as (worker,):
        await add(store, "ab")
        for number in range(20):
            await store.get_redirection("", "ab")
            assert store.remembered("", "ab") is not None
            target = f"https://example.com/{number}"
            assert await ask([worker], f"edit ab {target}") == ["Link"]
            assert store.remembered("", "ab") is None
            found = await store.get_redirection("", "ab")
            assert found is not None
            assert found.target == target


@pytest.mark.anyio
async def test_a_writer_killed_in_an_edit_is_got_over_by_readers_and_writers(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path) as store:
        stored = await add(store, "ab")
        await store.get_redirection("", "ab")
        before = store._number[0]
        async with workers(tmp_path, 1) as (worker,):
            await say(worker, "die ab")
            assert await worker.wait() == -signal.SIGKILL
        assert store._number[0] == before + 1
        assert store.remembered("", "ab") is None
        async with asyncio.timeout(5):
            while store.remembered("", "ab") is None:  # every look-up reads the database until one repairs the counter
                assert await store.get_redirection("", "ab") is not None
        assert store._number[0] == before + 2
        assert await store.get_link("", "ab") == stored


def test_the_next_writer_leaves_a_new_even_number_behind_a_dead_one(tmp_path: Path) -> None:
    with closing(ChangeCounter(tmp_path / "c")) as dead, closing(ChangeCounter(tmp_path / "c")) as reader:
        dead.number[0] = 7
        with dead.changing():
            assert reader.number[0] not in (7, 8)
            assert reader.number[0] % 2 == 1
            reader.repair()
            assert reader.number[0] % 2 == 1, "a living writer's number is not repaired"
        assert reader.number[0] == 10


def test_a_failed_change_leaves_a_new_even_number_too(tmp_path: Path) -> None:
    with closing(ChangeCounter(tmp_path / "c")) as counter:
        with pytest.raises(ValueError, match="rolled back"), counter.changing():
            raise ValueError("rolled back")
        assert counter.number[0] == 2


def test_the_change_counters_file_is_not_sparse(tmp_path: Path) -> None:
    with closing(ChangeCounter(tmp_path / "c")):
        assert (tmp_path / "c").stat().st_blocks > 0
        assert os.path.getsize(tmp_path / "c") == 8


@pytest.mark.anyio
async def test_memories_filled_while_edits_rage_are_never_outdated(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path) as store, SqliteStore(tmp_path) as editor:
        stored = await add(store, "ab", title="0")
        done = False

        async def edit() -> None:
            nonlocal done, stored
            for number in range(150):
                fresh = replace(stored, target=f"https://e.x/{number}")
                (outcome,) = await editor.replace_links([(stored, fresh)])
                assert isinstance(outcome, Link)
                stored = outcome  # acknowledged: from here on nobody may redirect to an older target
            done = True

        editing = asyncio.create_task(edit())
        hits = 0
        while not done:
            found = store.remembered("", "ab")
            hits += found is not None
            found = found or await store.get_redirection("", "ab")
            assert found is not None
            assert version_of(found.target) >= version_of(stored.target)
            await asyncio.sleep(0)
        await editing
        assert hits > 0


def version_of(target: str) -> int:
    last = target.rsplit("/", 1)[1]
    return int(last) if last.isdigit() else -1


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["links.db", "clicks.db"])
async def test_a_file_that_is_no_database_is_called_damaged(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"not a database " * 1000)
    with pytest.raises(StoreDamaged):
        async with SqliteStore(tmp_path):
            pass


@pytest.mark.anyio
async def test_an_orderly_close_leaves_whole_databases_and_no_wal(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path) as store:
        await store.fold([Batch(segment="w/0", start=0, end=1, visits=[])])
        await store.totals([1])
        await store.add_links([link("ab")])
        await store.list_links(LinkQuery(now=link("ab").created_at))
        assert {path.name for path in tmp_path.glob("*-wal")} == {"links.db-wal", "clicks.db-wal"}
    assert not list(tmp_path.glob("*-wal"))
