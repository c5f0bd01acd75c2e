"""API keys: their form, what they may do, and for how long."""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from shortly.accounts.access import EDITING, EVERYWHERE, OF_SCOPE, OPERATOR, READING, RUNNING, Caller, Scope, caller_for
from shortly.accounts.audit import Audit, AuditEntry, AuditQuery
from shortly.accounts.keys import DIGITS, KEPT_AFTER, MAX_OVERLAP, SCOPES, Key, KeyService, digest_of, draw_key, is_key
from shortly.accounts.people import Member, Role, User, Workspace
from shortly.accounts.records import Change, Record
from shortly.accounts.registry import Registry
from shortly.errors import (
    Forbidden,
    InvalidInput,
    KeyNameTaken,
    KeyNotFound,
    StorageFull,
    Unauthenticated,
    WorkspaceNotFound,
)
from shortly.store import Store
from shortly.store.sqlite import SqliteStore

pytestmark = pytest.mark.anyio

MINUTE = timedelta(minutes=1)
NUMBERS = count(1)
ELSEWHERE = structs.replace(OPERATOR, workspace_id=2)


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with SqliteStore(tmp_path) as opened:
        yield opened


@pytest.fixture
def registry(store: Store, clock: Clock) -> Registry:
    return Registry(store, clock)


@pytest.fixture
def audit(registry: Registry) -> Audit:
    return Audit(registry, timedelta(days=365))


@pytest.fixture
def keys(registry: Registry, audit: Audit) -> KeyService:
    return KeyService(registry, audit)


async def a_person(registry: Registry, role: Role | None = "admin", *, admin: bool = False) -> User:
    number = next(NUMBERS)
    user = User(id=number, email=f"{number}@example.com", admin=admin, created_at=registry.now())
    await registry.add(user)
    if role is not None:
        await join(registry, user, role)
    return structs.replace(user, version=1)


async def join(registry: Registry, user: User, role: Role) -> Member:
    return await registry.add(
        Member(id=next(NUMBERS), user_id=user.id, workspace_id=1, role=role, created_at=registry.now())
    )


async def as_caller(registry: Registry, user: User, workspace_id: int = 1) -> Caller:
    member = await registry.find(Member, f"{workspace_id}/{user.id}")
    return caller_for(user, member, workspace_id, "203.0.113.0")


async def refused(keys: KeyService, secret: str) -> bool:
    try:
        await keys.authenticate(secret)
    except Unauthenticated:
        return True
    return False


# --- their form --------------------------------------------------------------------------------------------------


async def test_a_key_can_be_found_by_scanners_and_holds_256_random_bits() -> None:
    drawn = {draw_key() for _ in range(500)}
    assert len(drawn) == 500
    assert all(re.fullmatch(r"sly_[0-9A-Za-z]{49}", key) and is_key(key) for key in drawn)
    assert {key[4] for key in drawn}.issuperset(DIGITS[:8])


@given(place=st.integers(4, 52), digit=st.sampled_from(DIGITS))
async def test_a_mistyped_key_is_none(place: int, digit: str) -> None:
    key = draw_key()
    mistyped = key[:place] + digit + key[place + 1 :]
    assert is_key(mistyped) == (mistyped == key)


@given(st.one_of(st.text(), st.text(alphabet="sly_Aa09").map(lambda text: f"sly_{text}")))
async def test_any_other_text_is_no_key(text: str) -> None:
    assert not is_key(text)


async def test_drawing_uses_the_system_s_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "token_bytes", lambda count: b"\xff" * count)
    key = draw_key()
    assert is_key(key)
    assert key == draw_key()


# --- coming in ---------------------------------------------------------------------------------------------------


async def test_a_new_key_lets_its_holder_in(keys: KeyService, registry: Registry) -> None:
    key, secret = await keys.create(OPERATOR, " laptop ", installation=True)
    assert (key.name, key.hint) == ("laptop", secret[:8])
    caller = await keys.authenticate(secret, origin="203.0.113.0")
    assert caller == Caller(
        actor=f"key:{key.id}", permissions=RUNNING | EVERYWHERE, origin="203.0.113.0", workspace_id=1
    )
    assert secret not in repr(await keys.list_keys(OPERATOR))
    record = (await registry.all(Key))[0].record()
    assert secret.encode() not in record.body
    assert digest_of(secret).encode() in record.body


@pytest.mark.parametrize("secret", ["", "sly_", "x" * 10_000, "sly_" + "0" * 49, "\0", "ключ", "\ud800"])
async def test_junk_lets_nobody_in(keys: KeyService, secret: str) -> None:
    assert await refused(keys, secret)


async def test_a_key_that_nobody_made_lets_nobody_in(keys: KeyService) -> None:
    assert await refused(keys, draw_key())


async def test_a_restricted_key_brings_its_restrictions_along(keys: KeyService) -> None:
    _, secret = await keys.create(
        OPERATOR, "shop", scopes=["links:write"], only_domain="", only_tag="shop", only_own=True
    )
    caller = await keys.authenticate(secret)
    assert (caller.only_domain, caller.only_tag, caller.only_own) == ("", "shop", True)
    assert caller.permissions == {"links:read", "links:write"}


@pytest.mark.parametrize("scope", SCOPES)
async def test_a_key_may_do_what_its_scopes_say(keys: KeyService, scope: Scope) -> None:
    _, secret = await keys.create(OPERATOR, scope, scopes=[scope])
    assert (await keys.authenticate(secret)).permissions == OF_SCOPE[scope]


async def test_no_admin_of_a_workspace_gives_a_key_for_metrics(keys: KeyService) -> None:
    admin = Caller(actor="user:7", user_id=7, permissions=RUNNING)
    with pytest.raises(Forbidden):
        await keys.create(admin, "prometheus", scopes=["metrics:read"])
    with pytest.raises(Forbidden):
        await keys.create(admin, "both", scopes=["admin", "metrics:read"])
    key, secret = await keys.create(OPERATOR, "both", scopes=["links:read", "metrics:read", "admin"])
    assert key.scopes == ("metrics:read", "admin")
    assert (await keys.authenticate(secret)).permissions == RUNNING | {"metrics:read"}


async def test_a_revoked_key_lets_nobody_in_anywhere_and_frees_its_name(
    keys: KeyService, store: Store, tmp_path: Path, clock: Clock
) -> None:
    key, secret = await keys.create(OPERATOR, "laptop")
    async with SqliteStore(tmp_path) as other:
        elsewhere = KeyService(Registry(other, clock), Audit(Registry(other, clock), MINUTE))
        await elsewhere.authenticate(secret)
        assert (await keys.revoke(OPERATOR, key.id)).revoked_at == clock.now
        assert await refused(elsewhere, secret)
    assert await refused(keys, secret)
    for again in (keys.revoke(OPERATOR, key.id), keys.rotate(OPERATOR, key.id), keys.edit(OPERATOR, key.id, {})):
        with pytest.raises(KeyNotFound):
            await again
    clock.now += MINUTE
    second, _ = await keys.create(OPERATOR, "laptop")
    listed = await keys.list_keys(OPERATOR)
    assert [(one.id, one.revoked_at is None) for one in listed] == [(key.id, False), (second.id, True)]
    clock.now += KEPT_AFTER - MINUTE
    assert await keys.list_keys(OPERATOR) == [second]


async def test_an_expired_key_is_refused_and_stays_listed(keys: KeyService, clock: Clock) -> None:
    key, secret = await keys.create(OPERATOR, "laptop", expires_at=clock.now + MINUTE)
    await keys.authenticate(secret)
    clock.now += MINUTE
    assert await refused(keys, secret)
    assert [one.id for one in await keys.list_keys(OPERATOR)] == [key.id]
    await keys.edit(OPERATOR, key.id, {"expires_at": None})
    await keys.authenticate(secret)


async def test_a_key_does_no_more_than_whose_it_is_may_now(keys: KeyService, registry: Registry) -> None:
    user = await a_person(registry)
    _, secret = await keys.create(await as_caller(registry, user), "mine")
    assert (await keys.authenticate(secret)).permissions == RUNNING
    assert (await keys.authenticate(secret)).user_id == user.id
    for role, permissions in (("editor", EDITING), ("viewer", READING)):
        member = await registry.find(Member, f"1/{user.id}")
        assert member is not None
        await registry.replace(member, structs.replace(member, role=role))
        assert (await keys.authenticate(secret)).permissions == permissions
    member = await registry.find(Member, f"1/{user.id}")
    assert member is not None
    await registry.remove(member)
    assert await refused(keys, secret)
    await join(registry, user, "viewer")
    assert (await keys.authenticate(secret)).permissions == READING


async def test_the_keys_of_a_disabled_or_deleted_user_are_refused(keys: KeyService, registry: Registry) -> None:
    user = await a_person(registry)
    _, secret = await keys.create(await as_caller(registry, user), "mine")
    disabled = await registry.replace(user, structs.replace(user, disabled_at=registry.now()))
    assert await refused(keys, secret)
    enabled = await registry.replace(disabled, user)
    await keys.authenticate(secret)
    await registry.remove(enabled)
    assert await refused(keys, secret)


async def test_an_admin_of_the_installation_needs_no_membership_and_a_former_one_does(
    keys: KeyService, registry: Registry
) -> None:
    user = await a_person(registry, None, admin=True)
    _, secret = await keys.create(await as_caller(registry, user), "mine", installation=True)
    assert "installation" in (await keys.authenticate(secret)).permissions
    former = await registry.replace(user, structs.replace(user, admin=False))
    assert await refused(keys, secret)
    await join(registry, former, "admin")
    assert (await keys.authenticate(secret)).permissions == RUNNING


async def test_a_key_of_a_deleted_workspace_is_refused(keys: KeyService, registry: Registry) -> None:
    workspace = await registry.add(Workspace(id=2, name="Two", created_at=registry.now()))
    _, secret = await keys.create(ELSEWHERE, "two")
    assert (await keys.authenticate(secret)).workspace_id == 2
    await registry.replace(workspace, structs.replace(workspace, deleted_at=registry.now()))
    assert await refused(keys, secret)
    with pytest.raises(WorkspaceNotFound):
        await keys.create(ELSEWHERE, "three")


async def test_the_last_use_is_noted_once_a_minute(
    keys: KeyService, registry: Registry, audit: Audit, clock: Clock
) -> None:
    _, secret = await keys.create(OPERATOR, "laptop")

    async def last_used() -> datetime | None:
        return (await keys.list_keys(OPERATOR))[0].last_used_at

    assert await last_used() is None
    await keys.authenticate(secret)
    first = clock.now
    assert await last_used() == first
    clock.now += timedelta(seconds=59)
    await keys.authenticate(secret)
    assert await last_used() == first
    clock.now += timedelta(seconds=1)
    await KeyService(registry, audit).authenticate(secret)
    assert await last_used() == first + MINUTE


async def test_a_full_disk_locks_nobody_out(keys: KeyService, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    key, secret = await keys.create(OPERATOR, "laptop")
    asked: list[Any] = []

    async def refuse(changes: list[Change], now: datetime, *, durable: bool = True) -> list[Record]:
        asked.append((changes, durable))
        raise StorageFull

    monkeypatch.setattr(store, "write_records", refuse)
    assert (await keys.authenticate(secret)).actor == f"key:{key.id}"
    assert [durable for _, durable in asked] == [False]


# --- making and changing -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "  ", "x" * 65, "a\nb", "a\0b", "\ud800"])
async def test_a_bad_name_is_refused(keys: KeyService, name: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await keys.create(OPERATOR, name)
    assert refusal.value.field == "name"
    assert await keys.list_keys(OPERATOR) == []


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("scopes", {"scopes": []}),
        ("scopes", {"scopes": ["links:read", "everything"]}),
        ("scopes", {"only_own": True}),
        ("scopes", {"only_tag": "shop", "scopes": ["links:read", "users:*"]}),
        ("scopes", {"only_domain": "", "scopes": ["admin"]}),
        ("installation", {"installation": True, "scopes": ["links:read"]}),
        ("only_tag", {"only_tag": "x" * 300, "scopes": ["links:read"]}),
        ("only_domain", {"only_domain": "a\0b", "scopes": ["links:read"]}),
        ("expires_at", {"expires_at": datetime(2026, 11, 1, 12, 0, tzinfo=UTC)}),
    ],
)
async def test_a_key_that_makes_no_sense_is_refused(keys: KeyService, field: str, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await keys.create(OPERATOR, "bad", **fields)
    assert refusal.value.field == field
    assert await keys.list_keys(OPERATOR) == []


async def test_two_living_keys_of_a_workspace_have_two_names(keys: KeyService, registry: Registry) -> None:
    await registry.add(Workspace(id=2, name="Two", created_at=registry.now()))
    await keys.create(OPERATOR, "laptop")
    await keys.create(ELSEWHERE, "laptop")
    with pytest.raises(KeyNameTaken):
        await keys.create(OPERATOR, "laptop")
    outcomes = await asyncio.gather(*(keys.create(OPERATOR, "one") for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(outcome, KeyNameTaken) for outcome in outcomes) == 7


async def test_nobody_gives_a_key_more_than_they_may_themselves(keys: KeyService, registry: Registry) -> None:
    admin = await as_caller(registry, await a_person(registry))
    await keys.create(admin, "mine")
    with pytest.raises(Forbidden):
        await keys.create(admin, "more", installation=True)
    _, secret = await keys.create(OPERATOR, "writer", scopes=["links:write", "stats:read"])
    writer = await keys.authenticate(secret)
    for scope in ("admin", "users:*", "domains:*"):
        with pytest.raises(Forbidden):
            await keys.create(writer, scope, scopes=[scope])
    restricted = structs.replace(admin, only_tag="shop")
    with pytest.raises(Forbidden):
        await keys.create(restricted, "wider", scopes=["links:read"])
    assert {key.name for key in await keys.list_keys(OPERATOR)} == {"mine", "writer"}


async def test_nobody_gets_hold_of_a_key_that_is_not_theirs(keys: KeyService, registry: Registry) -> None:
    admin, other = [await as_caller(registry, await a_person(registry)) for _ in range(2)]
    strongest, _ = await keys.create(OPERATOR, "metrics", installation=True)
    machine, _ = await keys.create(OPERATOR, "machine")
    others, secret = await keys.create(other, "others")
    for key in (strongest, machine, others):
        for attempt in (keys.rotate(admin, key.id), keys.edit(admin, key.id, {"expires_at": None})):
            with pytest.raises(Forbidden):
                await attempt
    await keys.authenticate(secret)
    await keys.revoke(admin, others.id)  # taking away is what an admin is for
    assert await refused(keys, secret)
    await keys.rotate(OPERATOR, machine.id)


async def test_the_keys_of_another_workspace_do_not_exist(keys: KeyService, registry: Registry) -> None:
    await registry.add(Workspace(id=2, name="Two", created_at=registry.now()))
    key, secret = await keys.create(OPERATOR, "laptop")
    attempts: list[Callable[[], Any]] = [
        lambda: keys.get(ELSEWHERE, key.id),
        lambda: keys.named(ELSEWHERE, "laptop"),
        lambda: keys.named(ELSEWHERE, str(key.id)),
        lambda: keys.rotate(ELSEWHERE, key.id),
        lambda: keys.edit(ELSEWHERE, key.id, {"name": "theirs"}),
        lambda: keys.revoke(ELSEWHERE, key.id),
    ]
    for attempt in attempts:
        with pytest.raises(KeyNotFound):
            await attempt()
    assert await keys.list_keys(ELSEWHERE) == []
    await keys.authenticate(secret)


async def test_a_name_goes_before_an_id(keys: KeyService) -> None:
    first, _ = await keys.create(OPERATOR, "one")
    second, _ = await keys.create(OPERATOR, str(first.id))
    assert (await keys.named(OPERATOR, str(first.id))).id == second.id
    await keys.revoke(OPERATOR, second.id)
    assert (await keys.named(OPERATOR, str(first.id))).id == first.id
    for nothing in ("", "9" * 64, "9" * 5000, "-1", "\ud800", "x" * 5000):
        with pytest.raises(KeyNotFound):
            await keys.named(OPERATOR, nothing)


async def test_a_rotated_key_has_another_secret_at_once(keys: KeyService) -> None:
    key, old = await keys.create(OPERATOR, "laptop", scopes=["links:read"])
    rotated, new = await keys.rotate(OPERATOR, key.id)
    assert await refused(keys, old)
    assert (await keys.authenticate(new)).actor == f"key:{key.id}"
    assert (rotated.id, rotated.name, rotated.scopes, rotated.hint) == (key.id, "laptop", ("links:read",), new[:8])


async def test_the_old_secret_may_work_a_while_longer(keys: KeyService, clock: Clock) -> None:
    key, first = await keys.create(OPERATOR, "laptop")
    _, second = await keys.rotate(OPERATOR, key.id, overlap=MAX_OVERLAP)
    for secret in (first, second):
        await keys.authenticate(secret)
    clock.now += MAX_OVERLAP
    assert await refused(keys, first)
    _, third = await keys.rotate(OPERATOR, key.id, overlap=MINUTE)
    assert await refused(keys, first)
    for secret in (second, third):
        await keys.authenticate(secret)
    await keys.revoke(OPERATOR, key.id)
    for secret in (first, second, third):
        assert await refused(keys, secret)
    for overlap in (-MINUTE, MAX_OVERLAP + timedelta(microseconds=1)):
        with pytest.raises(InvalidInput):
            await keys.rotate(OPERATOR, key.id, overlap=overlap)


async def test_a_key_is_renamed_and_its_old_name_is_free(keys: KeyService) -> None:
    key, secret = await keys.create(OPERATOR, "laptop")
    other, _ = await keys.create(OPERATOR, "desktop")
    with pytest.raises(KeyNameTaken):
        await keys.edit(OPERATOR, key.id, {"name": "desktop"})
    renamed = await keys.edit(OPERATOR, key.id, {"name": "notebook"})
    assert (renamed.name, (await keys.named(OPERATOR, "notebook")).id) == ("notebook", key.id)
    await keys.edit(OPERATOR, other.id, {"name": "laptop"})
    await keys.authenticate(secret)
    with pytest.raises(InvalidInput):
        await keys.edit(OPERATOR, key.id, {"name": None})


async def test_use_and_change_at_the_same_time_do_not_disturb_each_other(keys: KeyService, clock: Clock) -> None:
    key, secret = await keys.create(OPERATOR, "laptop")
    for number in range(5):
        clock.now += MINUTE
        await asyncio.gather(keys.edit(OPERATOR, key.id, {"name": f"n{number}"}), keys.authenticate(secret))
    assert (await keys.get(OPERATOR, key.id)).name == "n4"
    clock.now += MINUTE
    await asyncio.gather(keys.authenticate(secret), keys.revoke(OPERATOR, key.id), return_exceptions=True)
    assert await refused(keys, secret)


async def test_what_is_done_to_keys_is_noted_without_their_secrets(
    keys: KeyService, audit: Audit, registry: Registry
) -> None:
    admin = await as_caller(registry, await a_person(registry))
    key, first = await keys.create(admin, "laptop", scopes=["links:read"], only_tag="shop")
    await keys.edit(admin, key.id, {"name": "notebook"})
    _, second = await keys.rotate(admin, key.id, overlap=MINUTE)
    await keys.revoke(admin, key.id)
    with pytest.raises(KeyNotFound):
        await keys.revoke(admin, key.id)
    entries: list[AuditEntry] = (await audit.page(1, AuditQuery(descending=False))).entries
    assert [entry.action for entry in entries] == ["key.created", "key.edited", "key.rotated", "key.revoked"]
    assert {(entry.actor, entry.subject, entry.origin) for entry in entries} == {
        (admin.actor, f"key:{key.id}", "203.0.113.0")
    }
    assert entries[0].details == {"name": "laptop", "scopes": ["links:read"], "only_tag": "shop"}
    for secret in (first, second):
        assert secret not in repr(entries)
        assert digest_of(secret) not in repr(entries)
