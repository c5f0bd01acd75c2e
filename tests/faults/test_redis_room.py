"""A Redis that is emptied by mistake, forgets its scripts, or has no room: said clearly, and redirects go on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.faults.conftest import MakeServed
from tests.faults.load import Load
from tests.faults.processes import wait_until
from tests.faults.served import Served
from tests.store.redis_servers import RedisServer, single_server

from shortly.store.redis.keys import SCHEMA

pytestmark = pytest.mark.faults


EMPTIED = "the store has lost data: was it flushed?"


@pytest.fixture
def store() -> Iterator[RedisServer]:
    """Run a Redis of the test's own."""
    with single_server() as server:
        yield server


@pytest.fixture
def served(store: RedisServer, make_served: MakeServed) -> Served:
    """Start a service on it, with the links ``abc`` and ``def``."""
    service = make_served(settings={"STORE_URL": store.url})
    service.start()
    service.make_link("abc")
    service.make_link("def")
    return service


def test_forgotten_scripts_are_loaded_again_under_load(served: Served, store: RedisServer) -> None:
    served.make_link("few", max_clicks=300)
    with Load(served.port, ["/abc"], connections=2) as load, Load(served.port, ["/few"], connections=2) as few:
        for number in range(20):
            store.command("SCRIPT", "FLUSH")
            served.make_link(f"made{number}")
            load.wait_for(100)
        wait_until(lambda: few.others[410] > 0, within_s=20, what="the limit is used up")
    assert load.cuts == few.cuts == []
    assert not load.others
    assert set(few.others) == {410}
    assert few.answered == 300
    assert served.counted("abc", at_least=load.answered) == load.answered


def test_a_full_server_refuses_links_and_goes_on_redirecting(served: Served, store: RedisServer) -> None:
    served.make_link("few", max_clicks=3)
    with Load(served.port, ["/abc"], connections=2) as load:
        load.wait_for(300)
        store.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
        store.command("CONFIG", "SET", "maxmemory", "1")
        for refused in (
            served.post_link("new"),
            served.api.patch("/api/v1/links/abc", json={"title": "x" * 500}),
        ):
            assert refused.status_code == 507, refused.text
            assert refused.headers["content-type"] == "application/problem+json"
            assert refused.json()["code"] == "storage_full"
        assert served.api.get("/def").status_code == 302, "what is not remembered can be read"
        assert served.api.get("/few").status_code == 503
        assert served.api.get("/unknown").status_code == 404
        wait_until(lambda: served.api.get("/health/ready").status_code == 503, within_s=3, what="it is not ready")
        assert served.api.get("/health/live").status_code == 200
        load.wait_for(300)
        store.command("CONFIG", "SET", "maxmemory", "0")
        wait_until(lambda: served.post_link("newest").status_code == 201, within_s=10, what="links can be made again")
        wait_until(lambda: served.api.get("/health/ready").status_code == 200, within_s=10, what="it is ready again")
        load.wait_for(300)
    assert served.api.get("/few").status_code == 302
    assert load.cuts == []
    assert not load.others
    assert served.counted("abc", at_least=load.answered) == load.answered
    assert served.counted("def", at_least=1) == 1
    assert served.counted("few", at_least=1) == 1
    assert served.metrics()["shortly_clicks_dropped_total"] == 0


def test_an_emptied_server_is_noticed_and_said_clearly_and_a_backup_brings_everything_back(
    served: Served, store: RedisServer
) -> None:
    with Load(served.port, ["/abc"], connections=2) as load:
        load.wait_for(300)
        wait_until(lambda: served.clicks("abc") > 0, within_s=10, what="all processes have opened the store")
        store.command("SAVE")
        backup = (store.folder / "dump.rdb").read_bytes()
        counted = served.clicks("abc")
        store.command("FLUSHALL")
        wait_until(lambda: EMPTIED in "".join(served.told()), within_s=3, what="it is in the log")
        wait_until(lambda: served.api.get("/health/ready").status_code == 503, within_s=3, what="it is not ready")
        assert served.api.get("/health/live").status_code == 200
        for refused in (served.post_link("new"), served.api.get("/api/v1/links/abc")):
            assert refused.status_code == 503, refused.text
        assert served.api.get("/def").status_code == 503, "nobody knows any more whether it exists"
        out, errors = served.command_line("list").communicate(timeout=30)
        assert not out
        assert "--begin-anew" in errors
        assert store.command("EXISTS", SCHEMA) == 0, "nothing was begun anew"
        left = store.command("DBSIZE")
        print(f"{left} keys were written before the loss was noticed: {store.command('KEYS', '*')}")
        load.wait_for(300)
        assert store.command("DBSIZE") == left, "nothing is written to a store that has lost its data"
        store.kill()
        for file in (store.folder / "appendonlydir").iterdir():
            file.unlink()
        (store.folder / "dump.rdb").write_bytes(backup)
        store.start("--appendonly", "no")
        wait_until(lambda: served.api.get("/health/ready").status_code == 200, within_s=10, what="it is ready again")
        wait_until(lambda: served.post_link("new").status_code == 201, within_s=10, what="links can be made again")
        assert served.api.get("/def").status_code == 302
        load.wait_for(300)
    assert load.cuts == []
    assert not load.others, "a remembered link goes on"
    # What was counted between the backup and its return is lost with it; what came while the data were gone is not.
    after = served.counted("abc", at_least=counted + 600)
    print(f"{load.answered} redirects, {after} counted, {counted} of them when the backup was made")
    assert counted + 600 <= after <= load.answered
    assert served.stop() == 0


def test_the_loss_is_explained_and_can_be_accepted(served: Served, store: RedisServer) -> None:
    store.command("FLUSHALL")
    wait_until(lambda: served.api.get("/health/ready").status_code == 503, within_s=5, what="it is not ready")
    assert served.stop() == 0
    assert (served.data_dir / "store.json").stat().st_mode & 0o077 == 0
    served.launch()
    assert served.wait_for_end(within_s=30) != 0, "a restart begins nothing anew"
    assert store.command("DBSIZE") == 0
    out, _ = served.command_line("doctor").communicate(timeout=30)
    assert "The store has lost data" in out
    out, errors = served.command_line("doctor", "--begin-anew").communicate(timeout=30)
    assert "The store has lost data" not in out, errors
    served.forget_key()
    served.start()
    assert served.api.get("/abc").status_code == 404
