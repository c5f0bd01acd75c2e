"""Checks of links' targets, the same on every engine: what is kept of them, and the round that all are asked in."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.store.conftest import OpenStore
from tests.store.examples import NOW, add, link

from shortly.accounts.registry import Registry
from shortly.links.attention import ConcernQuery, list_broken
from shortly.links.checks import APART, BROKEN_AFTER, KEPT, RECHECK, Finding, LinkCheck, LinkChecks
from shortly.links.link import Ban, Link
from shortly.links.rounds import LEASE, LOOK_EVERY, ONLY, Round, Rounds, Turn
from shortly.store import Store

pytestmark = pytest.mark.anyio

DAYS = timedelta(days=7)
FINE, NOT_FOUND, AWAY = Finding("answers", 200), Finding("bad_status", 404), Finding("no_answer")


class World:
    """A clock that the test winds, and servers that say what the test wants."""

    def __init__(self, store: Store) -> None:
        self.now = NOW
        self.store = store
        self.says: dict[str, Finding] = {}
        self.asked: list[str] = []
        self.registry = Registry(store, lambda: self.now)
        self.checks = LinkChecks(store, self.registry, self.ask)

    async def ask(self, target: str) -> Finding:
        self.asked.append(target.rpartition("/")[2])
        return self.says.get(self.asked[-1], FINE)

    def process(self, *, most: int = 10, every: timedelta = DAYS) -> Rounds:
        return Rounds(self.store, self.registry, self.checks, every=every, most=most)

    async def turns(self, rounds: Rounds) -> list[str]:
        """Take turns until there is nothing more to do, and return which targets were asked."""
        self.asked = []
        while not (await rounds.turn()).idle:
            pass
        return self.asked

    async def broken(self, workspace: int = 1, limit: int = 100) -> list[str]:
        query = ConcernQuery(trouble="broken", workspace=workspace, limit=limit, now=self.now)
        return [concern.link.slug for concern in (await list_broken(self.checks, query)).items]

    async def break_(self, stored: Link, finding: Finding = NOT_FOUND) -> LinkCheck:
        for _ in range(BROKEN_AFTER):
            check = await self.checks.note(stored, finding)
            self.now += APART
        assert check is not None
        return check


@pytest.fixture
def world(store: Store) -> World:
    """Give an open, empty store and the world around it."""
    return World(store)


async def test_a_target_that_answers_leaves_no_trace(world: World) -> None:
    stored = await add(world.store, "fine")
    assert await world.checks.check(stored) == (FINE, None)
    assert await world.checks.known(stored) is None
    assert await world.registry.page(LinkCheck) == []


async def test_three_failures_an_hour_apart_break_a_link_and_an_answer_mends_it(world: World) -> None:
    stored = await add(world.store, "gone")
    world.says["gone"] = NOT_FOUND
    for failures in (1, 2):
        _, check = await world.checks.check(stored)
        assert check is not None
        assert (check.failures, check.broken, check.newly_broken) == (failures, False, False)
        world.now += timedelta(minutes=59)
        _, again = await world.checks.check(stored)
        assert again is not None
        assert (again.failures, again.at, again.counted_at) == (failures, world.now, check.at)
        assert await world.broken() == []
        world.now += timedelta(minutes=1)
    _, check = await world.checks.check(stored)
    assert check is not None
    assert (check.broken, check.newly_broken, check.since) == (True, True, NOW)
    assert await world.broken() == ["gone"]
    assert await world.checks.known(stored) == replace(check, version=5)
    world.says["gone"] = Finding("answers", 403)
    await world.checks.check(stored)
    assert await world.broken() == []
    assert await world.checks.known(stored) is None


async def test_the_link_itself_is_left_alone(world: World) -> None:
    stored = await add(world.store, "gone")
    before = await world.store.get_redirection("", "gone")
    assert world.store.remembered("", "gone") is not None
    await world.break_(stored)
    assert await world.store.get_link("", "gone") == stored
    assert world.store.remembered("", "gone") is before


@pytest.mark.parametrize(
    "changes",
    [
        {"target": "https://example.com/other"},
        {"enabled": False},
        {"archived": True},
        {"expires_at": NOW},
        {"ban": Ban(status=410, reason="spam", at=NOW, by="cli")},
        {"deleted_at": NOW},
    ],
    ids=["edited", "off", "archived", "over", "banned", "deleted"],
)
async def test_a_broken_link_that_changes_is_told_of_no_more_and_forgotten(
    world: World, changes: dict[str, object]
) -> None:
    stored = await add(world.store, "gone")
    other = await add(world.store, "other-gone")
    await world.break_(stored)
    await world.break_(other)
    assert await world.broken() == ["other-gone", "gone"]
    await world.store.replace_links([(stored, replace(stored, **changes))])
    assert await world.broken() == ["other-gone"]
    world.says["other-gone"] = NOT_FOUND
    await world.turns(world.process())
    kept = await world.registry.page(LinkCheck)
    assert [check.id for check in kept] == [other.id]


async def test_what_is_kept_goes_with_the_link(world: World) -> None:
    stored = await add(world.store, "gone")
    world.says["gone"] = NOT_FOUND
    await world.break_(stored)
    await world.store.delete_links([stored])
    assert await world.broken() == []
    await world.turns(world.process())
    assert await world.registry.page(LinkCheck) == []


async def test_what_nobody_asks_about_is_forgotten(world: World) -> None:
    stored = await add(world.store, "gone")
    await world.break_(stored)
    world.now += KEPT
    assert await world.checks.known(stored) is None


async def test_an_edited_link_begins_anew(world: World) -> None:
    stored = await add(world.store, "gone")
    await world.break_(stored)
    edited = replace(stored, target="https://example.com/other")
    assert await world.checks.known(edited) is None
    check = await world.checks.note(edited, NOT_FOUND)
    assert check is not None
    assert (check.failures, check.since) == (1, world.now)


async def test_workspaces_are_told_of_their_own_in_pages(world: World) -> None:
    for number in range(5):
        await world.break_(await add(world.store, f"gone{number}"))
    await world.break_(await add(world.store, "theirs", workspace=2))
    assert await world.broken() == [f"gone{number}" for number in (4, 3, 2, 1, 0)]
    assert await world.broken(limit=2) == ["gone4", "gone3"]
    assert await world.broken(workspace=2) == ["theirs"]
    found, after = await world.checks.page_of_broken(1, after=None, limit=3, now=world.now)
    assert [one.slug for one, _ in found] == ["gone4", "gone3", "gone2"]
    found, after = await world.checks.page_of_broken(1, after=after, limit=3, now=world.now)
    assert ([one.slug for one, _ in found], after) == (["gone1", "gone0"], None)


async def test_a_round_asks_each_target_once_and_then_rests(world: World) -> None:
    for number in range(7):
        await add(world.store, f"link{number}", workspace=1 + number % 2)
    await add(world.store, "off", enabled=False)
    await add(world.store, "away", archived=True)
    await add(world.store, "over", expires_at=NOW)
    await add(world.store, "app", target="mailto:ada@example.com")
    rounds = world.process(most=3)
    assert sorted(await world.turns(rounds)) == [f"link{number}" for number in range(7)]
    world.now += DAYS - timedelta(minutes=1)
    assert await world.turns(rounds) == []
    world.now += timedelta(minutes=1)
    assert len(await world.turns(rounds)) == 7


async def test_failures_are_asked_again_sooner(world: World) -> None:
    await add(world.store, "fine")
    await add(world.store, "gone")
    world.says["gone"] = AWAY
    rounds = world.process()
    assert sorted(await world.turns(rounds)) == ["fine", "gone"]
    for _ in range(BROKEN_AFTER - 1):
        world.now += LOOK_EVERY
        assert await world.turns(rounds) == []
        world.now += APART - LOOK_EVERY
        assert await world.turns(rounds) == ["gone"]
    assert await world.broken() == ["gone"]
    world.now += APART
    assert await world.turns(rounds) == []
    world.now += RECHECK - APART
    world.says["gone"] = FINE
    assert await world.turns(rounds) == ["gone"]
    assert await world.broken() == []


async def test_a_turn_asks_no_more_than_it_may_and_gives_failures_half(world: World) -> None:
    for number in range(6):
        stored = await add(world.store, f"gone{number}")
        world.says[f"gone{number}"] = NOT_FOUND
        await world.checks.note(stored, NOT_FOUND)
    for number in range(6):
        await add(world.store, f"link{number}")
    world.now += APART
    rounds = world.process(most=4)
    turn = await rounds.turn()
    assert turn.asked <= 4
    assert sorted(world.asked)[:2] == ["gone0", "gone1"]
    await world.turns(rounds)
    checks = await world.registry.page(LinkCheck)
    assert [check.failures for check in checks] == [2] * 6


async def test_one_process_goes_round_and_another_goes_on_where_a_dead_one_was(
    world: World, open_store: OpenStore
) -> None:
    for number in range(4):
        await add(world.store, f"link{number}")
    first, second = world.process(most=2), world.process(most=2)
    assert (await first.turn()).asked == 2
    assert await second.turn() == Turn(idle=True)
    assert len(world.asked) == 2
    world.now += LEASE  # the first one is gone
    assert (await second.turn()).asked == 2
    assert sorted(world.asked) == [f"link{number}" for number in range(4)]
    assert await first.turn() == Turn(idle=True)


async def test_a_turn_that_is_killed_loses_nothing_but_itself(world: World) -> None:
    await add(world.store, "link")

    class Killed(BaseException):
        pass

    async def die(_: str) -> Finding:
        raise Killed

    dying = Rounds(world.store, world.registry, LinkChecks(world.store, world.registry, die), every=DAYS, most=2)
    with pytest.raises(Killed):
        await dying.turn()
    world.now += LEASE
    assert await world.turns(world.process()) == ["link"]


async def test_a_process_that_was_too_slow_leaves_the_round_to_the_other(world: World) -> None:
    for number in range(3):
        await add(world.store, f"link{number}")
    other = world.process(most=1)

    async def meanwhile(_: str) -> Finding:
        world.now += LEASE
        await other.turn()
        await other.turn()
        return FINE

    slow = Rounds(world.store, world.registry, LinkChecks(world.store, world.registry, meanwhile), every=DAYS, most=1)
    await slow.turn()
    assert world.asked == ["link0", "link1"]
    await other.turn()
    assert world.asked == ["link0", "link1", "link2"]


async def test_a_machine_that_reaches_nothing_blames_nobody_and_goes_on_later(world: World) -> None:
    for number in range(6):
        await add(world.store, f"link{number}", target=f"https://host{number}.example.com/link{number}")
        world.says[f"link{number}"] = AWAY
    rounds = world.process()
    turn = await rounds.turn()
    assert (turn.cut_off, turn.failed) == (True, 0)
    assert await world.registry.page(LinkCheck) == []
    world.says = {"link1": AWAY}
    world.asked = []
    assert await rounds.turn() == Turn(asked=6, failed=1)
    assert [check.failures for check in await world.registry.page(LinkCheck)] == [1]


async def test_a_cursor_of_another_store_begins_the_round_anew(world: World) -> None:
    await add(world.store, "link")
    rounds = world.process()
    await world.turns(rounds)
    state = await world.registry.find(Round, ONLY)
    assert state is not None
    await world.registry.replace(state, replace(state, over=False, cursor="of another"))
    assert await world.turns(rounds) == ["link"]


async def test_links_by_the_thousand_are_no_matter(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shortly.links.rounds.LOOKED_AT", 10)
    stored = await world.store.add_links([link(f"link{number}") for number in range(35)])
    for number, one in enumerate(stored):
        assert isinstance(one, Link)
        world.says[f"link{number}"] = NOT_FOUND
        await world.checks.note(one, NOT_FOUND)
    world.now += APART
    assert sorted(await world.turns(world.process(most=7))) == sorted(f"link{number}" for number in range(35))
