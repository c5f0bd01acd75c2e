"""Any moment comes back as it was, though whoever writes and whoever follows is killed again and again."""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest
from tests.faults.alongside import Alongside
from tests.faults.conftest import MakeServed
from tests.faults.processes import kill, wait_until
from tests.faults.served import SHORTLY, Served

from shortly.backup.following.status import ask
from shortly.store.sqlite.connection import connect

pytestmark = pytest.mark.faults

SLACK_S = 1.0
"""How much earlier than its time a moment may have been taken, on a busy machine."""
DRAINED_S = 8.0
"""After that long a click is counted."""
COUNTS = ("clicks", "bot_clicks", "human_clicks", "last_clicked_at", "last_click_at", "visitors", "clicks_left")


class Edit(NamedTuple):
    """One thing that was asked for: a link was made, or got another target."""

    slug: str
    began: float
    """Unix seconds."""
    acknowledged: float | None
    """None: nobody knows what became of it."""
    link: dict[str, Any] | None
    """The answer."""


class Editor(Alongside):
    """Makes links, changes them and follows them, and remembers what was acknowledged, and when."""

    def __init__(self, served: Served) -> None:
        super().__init__("editor")
        self.edits: list[Edit] = []
        self.visits: list[tuple[float, float | None]] = []
        self._served = served

    def wait_for(self, edits: int) -> None:
        """Return when there were so many."""
        wait_until(lambda: len(self.edits) >= edits, within_s=60, what=f"{edits} edits", details=self._served.tail)

    def work(self) -> None:
        """Edit, one thing after the other."""
        chance = random.Random(6)
        with self._client() as client:
            number = 0
            while not self.pause(0.01):
                number += 1
                slug = f"link{chance.randrange(40)}"
                fields = {"target": f"https://example.com/{number}", "title": f"title {number}", "tags": [f"t{number}"]}
                if not any(edit.slug == slug and edit.link for edit in self.edits):
                    self._ask(client, slug, "POST", "/api/v1/links", {**fields, "slug": slug})
                else:
                    self._ask(client, slug, "PATCH", f"/api/v1/links/{slug}", fields)
                self._visit(client)

    def _client(self) -> httpx2.Client:
        return httpx2.Client(
            base_url=f"http://127.0.0.1:{self._served.port}",
            headers={"authorization": f"Bearer {self._served.key}"},
            timeout=10.0,
            trust_env=False,
            limits=httpx2.Limits(max_keepalive_connections=0),
        )

    def _ask(self, client: httpx2.Client, slug: str, method: str, path: str, body: dict[str, Any]) -> None:
        began = time.time()
        try:
            answer = client.request(method, path, json=body)
        except httpx2.ConnectError:
            return  # nobody heard of it
        except httpx2.TransportError:
            self.edits.append(Edit(slug, began, None, None))
            return
        if answer.status_code in (200, 201):
            self.edits.append(Edit(slug, began, time.time(), answer.json()))
        else:
            assert answer.status_code in (409, 503), answer.text  # made, but never acknowledged; or stopping

    def _visit(self, client: httpx2.Client) -> None:
        began = time.time()
        try:
            answer = client.get("/visited")
        except httpx2.TransportError:
            self.visits.append((began, None))
            return
        assert answer.status_code == 302
        self.visits.append((began, time.time()))

    def possible(self, slug: str, *, surely: float, at: float) -> list[dict[str, Any] | None]:
        """Return how a link may have been: what was acknowledged by one time counts, nothing begun after another."""
        states: list[dict[str, Any] | None] = [None]
        for edit in self.edits:
            if edit.slug != slug or edit.began > at:
                continue
            if edit.acknowledged is not None and edit.acknowledged <= surely:
                states = []
            states.append(edit.link if edit.acknowledged is not None else {"unknown": True})
        return states


class Follower:
    """``shortly backup follow`` on a service's data."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self.start()

    def start(self) -> None:
        """Start it."""
        self.process = subprocess.Popen([SHORTLY, "backup", "follow"], env=self._environment)

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        """Let it finish, and return its exit code."""
        self.process.terminate()
        return self.process.wait(30)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "BACKUP_TO": str(tmp_path / "backups"), "BACKUP_FOLLOW_SHIP_S": "2"}


@pytest.fixture
def follower(make_served: MakeServed, environment: dict[str, str]) -> Iterator[tuple[Served, Follower]]:
    served = make_served(workers=2)
    served.start()
    served.make_link("visited")
    following = Follower({**environment, "DATA_DIR": str(served.data_dir)})
    yield served, following
    with suppress(ProcessLookupError):
        following.kill()


def shortly(environment: dict[str, str], *arguments: str) -> Any:
    """Run a command, and return what it told."""
    command = [SHORTLY, *arguments, "--json"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def kept_until(served: Served, at: float) -> float:
    """Wait until everything before a time is kept, and return until when it is."""

    def kept() -> float:
        followed = ask(served.data_dir)
        return followed.kept_until.timestamp() if followed is not None and followed.kept_until else 0

    wait_until(lambda: kept() > at, within_s=60, what="everything is kept", details=served.tail)
    return kept()


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_each_moment_comes_back_though_writers_and_follower_are_killed(
    follower: tuple[Served, Follower], environment: dict[str, str], tmp_path: Path
) -> None:
    served, following = follower
    chance = random.Random(0)
    moments: list[tuple[float, bool]] = []
    """Times, and whether everything before was known to be kept."""
    with Editor(served) as editor:
        for turn in range(6):
            editor.wait_for(60 * (turn + 1))
            moments.append((kept_until(served, time.time()), True))
            if turn % 2:
                following.kill()
                time.sleep(chance.random())
                moments.append((time.time(), False))
                following.start()
            elif turn == 4:
                served.kill_all()
                served.start()
            else:
                kill(chance.choice(served.workers()))
                served.wait_until_ready()
        kept_until(served, time.time())
    assert following.stop() == 0
    served.kill_all()
    here = {**environment, "DATA_DIR": str(served.data_dir), "BASE_URL": f"http://localhost:{served.port}"}
    listed = shortly(here, "backup", "list")["moments"]
    assert all(span["whole"] for span in listed)
    print(f"{len(editor.edits)} edits, {len(editor.visits)} visits, {len(listed)} chains")
    for number, (at, known) in enumerate(moments):
        elsewhere = {**here, "DATA_DIR": str(tmp_path / f"restored-{number}")}
        text = datetime.fromtimestamp(at, UTC).isoformat()
        reached = moment(shortly(elsewhere, "backup", "restore", "--at", text)["changed_at"])
        assert reached <= at
        check_moment(editor, elsewhere, surely=(at if known else reached) - SLACK_S, at=at)
    elsewhere = {**here, "DATA_DIR": str(tmp_path / "latest")}
    shortly(elsewhere, "backup", "restore", "--at", "latest")
    last = max(edit.acknowledged for edit in editor.edits if edit.acknowledged)
    check_moment(editor, elsewhere, surely=last, at=time.time())


def check_moment(editor: Editor, environment: dict[str, str], *, surely: float, at: float) -> None:
    """Compare what was restored with what was acknowledged, field by field."""
    data_dir = Path(environment["DATA_DIR"])
    for name in ("links.db", "clicks.db"):
        with closing(connect(data_dir / name)) as connection:
            assert connection.pragma("integrity_check") == "ok"
    there = {link["slug"]: link for link in shortly(environment, "list", "--limit", "100")["items"]}
    compared = 0
    for slug in {edit.slug for edit in editor.edits}:
        possible = editor.possible(slug, surely=surely, at=at)
        found = there.get(slug)
        if any(state is not None and "unknown" in state for state in possible):
            continue
        assert [state for state in possible if same(state, found)], (slug, found, possible)
        compared += 1
    assert compared > 10
    clicks = there["visited"]["clicks"]
    assert sum(1 for _, answered in editor.visits if answered and answered < surely - DRAINED_S) <= clicks
    assert clicks <= sum(1 for began, _ in editor.visits if began <= at)
    print(f"{datetime.fromtimestamp(at, UTC):%T}: {len(there)} links, {compared} compared, {clicks} clicks")


def same(expected: dict[str, Any] | None, found: dict[str, Any] | None) -> bool:
    """Return whether a link is as it was answered, but for its counts."""
    if expected is None or found is None:
        return expected is found
    names = (expected.keys() & found.keys()) - set(COUNTS) - {"short_url"}
    assert {"target", "title", "tags", "created_at", "updated_at"} <= names
    return all(expected[name] == found[name] for name in names)


def test_a_place_that_takes_nothing_delays_what_is_kept_and_loses_nothing(
    follower: tuple[Served, Follower], environment: dict[str, str], tmp_path: Path
) -> None:
    served, following = follower
    place = tmp_path / "backups" / "follow"
    status = served.data_dir / "follow" / "status.json"
    kept_until(served, 0)
    aside = place.rename(tmp_path / "aside")
    place.write_text("in the way")
    served.make_link("meanwhile")
    wait_until(lambda: "backup_place_failed" in status.read_text(), within_s=20, what="it says so")
    made = datetime.now(UTC)
    time.sleep(2)
    served.make_link("later")
    place.unlink()
    aside.rename(place)
    wait_until(lambda: "backup_place_failed" not in status.read_text(), within_s=20, what="it goes on")
    assert following.stop() == 0
    elsewhere = {**environment, "DATA_DIR": str(tmp_path / "restored")}
    shortly(elsewhere, "backup", "restore", "--at", (made + timedelta(seconds=1)).isoformat())
    assert {link["slug"] for link in shortly(elsewhere, "list")["items"]} == {"visited", "meanwhile"}
    assert len(shortly(elsewhere, "backup", "list")["moments"]) == 1  # the same chain


def test_one_follows_and_a_restart_goes_on_with_the_chain(
    follower: tuple[Served, Follower], environment: dict[str, str], tmp_path: Path
) -> None:
    served, following = follower
    here = {**environment, "DATA_DIR": str(served.data_dir)}
    kept_until(served, 0)
    second = subprocess.run([SHORTLY, "backup", "follow"], env=here, capture_output=True, text=True, check=False)
    assert (second.returncode, second.stderr.strip()) == (
        1,
        "error: The databases in this DATA_DIR are followed already.",
    )
    assert following.stop() == 0
    served.make_link("meanwhile")
    following.start()
    wait_until(lambda: served.api.get("/meanwhile").status_code == 302, within_s=5, what="it is there")
    time.sleep(3)
    assert following.stop() == 0
    served.stop()
    (span,) = shortly(here, "backup", "list")["moments"]
    assert span["whole"]
    elsewhere = {**environment, "DATA_DIR": str(tmp_path / "restored")}
    shortly(elsewhere, "backup", "restore", "--at", "latest")
    assert "meanwhile" in {link["slug"] for link in shortly(elsewhere, "list")["items"]}
