"""Links that need attention, the same on every engine."""

import pytest
from tests.store.examples import NOW, add, link, minutes

from shortly.links import attention
from shortly.links.attention import SOON, ConcernPage, ConcernQuery, Trouble
from shortly.links.link import Ban
from shortly.store import Store

pytestmark = pytest.mark.anyio

DAY = 24 * 60
BAN = Ban(status=410, reason="spam", at=NOW, by="cli")


async def concerns(store: Store, trouble: Trouble, *, workspace: int = 1, limit: int = 100) -> ConcernPage:
    return await store.list_concerns(ConcernQuery(trouble=trouble, workspace=workspace, limit=limit, now=NOW))


async def slugs(store: Store, trouble: Trouble, *, workspace: int = 1, limit: int = 100) -> list[str]:
    return [concern.link.slug for concern in (await concerns(store, trouble, workspace=workspace, limit=limit)).items]


async def use_up(store: Store, slug: str, max_clicks: int, clicks: int, **fields: object) -> None:
    stored = await add(store, slug, max_clicks=max_clicks, **fields)
    for _ in range(clicks):
        assert await store.take_click(stored.id, "", slug, max_clicks)


async def test_links_that_expire_soon_come_in_the_order_in_which_they_will(store: Store) -> None:
    await add(store, "later", expires_at=minutes(6 * DAY))
    await add(store, "next", expires_at=minutes(1))
    await add(store, "edge", expires_at=NOW + SOON)
    await add(store, "far", expires_at=minutes(7 * DAY + 1))
    await add(store, "never")
    await add(store, "now", expires_at=NOW)
    await add(store, "off", expires_at=minutes(2), enabled=False)
    await add(store, "away", expires_at=minutes(2), archived=True)
    await add(store, "theirs", expires_at=minutes(2), workspace=2)
    gone = await add(store, "gone", expires_at=minutes(2))
    await store.delete_links([gone])
    assert await slugs(store, "expires_soon") == ["next", "later", "edge"]
    assert await slugs(store, "expires_soon", limit=2) == ["next", "later"]
    assert await slugs(store, "expires_soon", workspace=2) == ["theirs"]
    assert await slugs(store, "expires_soon", workspace=3) == []


async def test_links_that_expired_lately_come_in_the_order_in_which_they_did(store: Store) -> None:
    await add(store, "before", expires_at=minutes(-6 * DAY))
    await add(store, "now", expires_at=NOW)
    await add(store, "long-ago", expires_at=NOW - SOON)
    await add(store, "soon", expires_at=minutes(1))
    assert await slugs(store, "expired") == ["now", "before"]


async def test_links_that_are_used_up_come_before_those_that_nearly_are(store: Store) -> None:
    await use_up(store, "half", 10, 5)
    await use_up(store, "nearly", 10, 9, created_at=minutes(3))
    await use_up(store, "used", 4, 4, created_at=minutes(1))
    await use_up(store, "once", 1, 1)
    await use_up(store, "theirs", 2, 2, workspace=2)
    await use_up(store, "away", 2, 2, archived=True)
    page = await concerns(store, "used_up")
    assert [(concern.link.slug, concern.taken, concern.reason) for concern in page.items] == [
        ("used", 4, "used_up"),
        ("nearly", 9, "nearly_used_up"),
    ]
    assert page.complete
    assert await slugs(store, "used_up", workspace=2) == ["theirs"]


async def test_banned_links_come_newest_first_even_if_they_are_disabled(store: Store) -> None:
    await add(store, "old", ban=BAN)
    await add(store, "new", ban=BAN, created_at=minutes(1), enabled=False)
    await add(store, "theirs", ban=BAN, workspace=2)
    await add(store, "fine")
    assert await slugs(store, "banned") == ["new", "old"]
    assert await slugs(store, "banned", workspace=2) == ["theirs"]


async def test_no_more_are_looked_at_than_has_been_said_and_that_is_told(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("shortly.store.sqlite.concerns", "shortly.store.redis.concerns"):
        monkeypatch.setattr(f"{module}.MOST_LOOKED_AT", 4)
    await use_up(store, "oldest", 2, 2)
    await store.add_links([link(f"l{number}", max_clicks=9, created_at=minutes(1)) for number in range(5)])
    page = await concerns(store, "used_up")
    assert (page.items, page.complete) == ([], False)
    assert attention.MOST_LOOKED_AT == 2_000
