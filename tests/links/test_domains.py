"""Which workspace may use which domain, over real stores of both engines; two openings are two processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs
from tests.store.conftest import OpenStore, open_store, patience
from tests.store.redis_servers import redis_cluster, redis_server, session_redis_cluster, session_redis_server

from shortly.accounts.access import OF_ROLE, OF_SCOPE, OPERATOR, Caller
from shortly.accounts.audit import Audit, AuditQuery
from shortly.accounts.people import Workspace
from shortly.accounts.registry import Registry
from shortly.accounts.workspaces import WorkspaceService
from shortly.errors import (
    DomainInUse,
    DomainNotFound,
    DomainTaken,
    Forbidden,
    InvalidInput,
    InvalidTarget,
    UnknownDomain,
    WorkspaceInUse,
    WorkspaceNotFound,
)
from shortly.links.domain_service import DomainService
from shortly.links.domains import Domain, Domains, check_host
from shortly.links.guarded import GuardedLinks
from shortly.links.link import LinkQuery
from shortly.links.service import LinkService
from shortly.links.slug import SlugRules
from shortly.links.target import TargetRules
from shortly.store import Store

__all__ = [
    "open_store",
    "patience",
    "redis_cluster",
    "redis_server",
    "session_redis_cluster",
    "session_redis_server",
]

pytestmark = pytest.mark.anyio

BASE, CONFIGURED, OURS = "s.example", "go.example", "links.example"


class Process:
    """The services of one process."""

    def __init__(self, store: Store) -> None:
        self.registry = Registry(store)
        self.audit = Audit(self.registry, timedelta(days=1))
        self.known = Domains(BASE, [CONFIGURED], lambda: self.registry.all(Domain))
        self.links = LinkService(
            store, slugs=SlugRules(), targets=TargetRules(own_hosts=self.known), domains=self.known
        )
        self.domains = DomainService(self.registry, self.audit, self.known, self.links.has_any_on)
        self.workspaces = WorkspaceService(self.registry, self.audit, self.links.has_any, self.domains.of_workspace)

    async def workspace(self, name: str) -> int:
        """Make a workspace."""
        return (await self.workspaces.create(OPERATOR, name)).id

    def guarded(self, workspace_id: int, **fields: Any) -> GuardedLinks:
        """Return links as an editor has them."""
        caller = Caller(actor="user:1", permissions=OF_ROLE["editor"], workspace_id=workspace_id, **fields)
        return GuardedLinks(self.links, caller, self.audit)

    async def make(self, workspace_id: int, domain: str | None, slug: str = "ab") -> None:
        """Make a link there."""
        await self.guarded(workspace_id).create({"target": "https://example.com", "slug": slug, "domain": domain})

    async def hosts(self, caller: Caller, *, everywhere: bool = False) -> list[str]:
        """Return the hosts that are listed."""
        return [one.host for one in await self.domains.list_domains(caller, everywhere=everywhere)]


def admin_of(workspace_id: int) -> Caller:
    """Return a workspace's admin, who does not look after the installation."""
    return Caller(actor="user:2", permissions=OF_ROLE["admin"], workspace_id=workspace_id)


@pytest.fixture
async def one(open_store: OpenStore) -> AsyncIterator[Process]:
    async with open_store() as store:
        yield Process(store)


@pytest.fixture
async def other(one: Process, open_store: OpenStore) -> AsyncIterator[Process]:
    async with open_store() as store:
        yield Process(store)


async def test_a_workspace_uses_everybody_s_domains_and_its_own(one: Process) -> None:
    ours, theirs = await one.workspace("Ours"), await one.workspace("Theirs")
    await one.domains.add(OPERATOR, "Links.Example", ours)
    for slug, domain in {"a": None, "b": "", "c": BASE, "d": CONFIGURED, "e": OURS}.items():
        await one.make(ours, domain, slug)
    await one.make(theirs, CONFIGURED)
    for refused in (one.make(theirs, OURS), one.guarded(theirs).is_free("cd", domain=OURS)):
        with pytest.raises(UnknownDomain):
            await refused
    (answer,) = await one.guarded(theirs).check_many([{"target": "https://example.com", "domain": OURS}])
    assert isinstance(answer, UnknownDomain)
    assert await one.guarded(ours).is_free("cd", domain=OURS)
    assert await one.hosts(admin_of(ours)) == [BASE, CONFIGURED, OURS]
    assert await one.hosts(admin_of(theirs)) == [BASE, CONFIGURED]
    assert await one.hosts(OPERATOR, everywhere=True) == [BASE, CONFIGURED, OURS]


async def test_what_one_process_decides_holds_for_links_made_in_another_at_once(one: Process, other: Process) -> None:
    ours, theirs = await one.workspace("Ours"), await one.workspace("Theirs")
    await one.domains.add(OPERATOR, OURS, ours)
    await other.make(ours, OURS)
    await one.domains.assign(OPERATOR, OURS, theirs)
    with pytest.raises(UnknownDomain):
        await other.make(ours, OURS, slug="cd")
    await other.make(theirs, OURS, slug="cd")
    await one.domains.assign(OPERATOR, OURS, 0)
    await other.make(ours, OURS, slug="ef")


async def test_links_stay_where_they_are_when_their_domain_is_given_away(one: Process) -> None:
    ours, theirs = await one.workspace("Ours"), await one.workspace("Theirs")
    await one.make(ours, CONFIGURED)
    await one.domains.assign(OPERATOR, CONFIGURED, theirs)
    mine = one.guarded(ours)
    assert (await mine.edit("ab", {"title": "still ours"}, domain=CONFIGURED)).title == "still ours"
    assert [link.slug for link in (await mine.list_links(LinkQuery(domain=CONFIGURED, now=one.registry.now()))).items]
    await mine.delete("ab", domain=CONFIGURED)
    with pytest.raises(UnknownDomain):
        await one.make(ours, CONFIGURED)


async def test_only_who_looks_after_the_installation_adds_and_assigns(one: Process) -> None:
    ours = await one.workspace("Ours")
    for act in (
        one.domains.add(admin_of(ours), OURS, ours),
        one.domains.assign(admin_of(ours), CONFIGURED, ours),
        one.domains.list_domains(admin_of(ours), everywhere=True),
        one.domains.remove(Caller(actor="user:3", permissions=OF_ROLE["editor"], workspace_id=ours), OURS),
        one.domains.list_domains(Caller(actor="key:1", permissions=OF_SCOPE["links:write"], workspace_id=ours)),
    ):
        with pytest.raises(Forbidden):
            await act
    assert await one.hosts(OPERATOR, everywhere=True) == [BASE, CONFIGURED]


async def test_an_admin_gives_back_a_domain_of_the_own_workspace_and_no_other(one: Process) -> None:
    ours, theirs = await one.workspace("Ours"), await one.workspace("Theirs")
    for host, workspace_id in ((OURS, ours), ("their.example", theirs), ("all.example", 0)):
        await one.domains.add(OPERATOR, host, workspace_id)
    key = structs.replace(admin_of(ours), permissions=OF_SCOPE["domains:*"])
    with pytest.raises(DomainNotFound):
        await one.domains.remove(key, "their.example")
    for everybody_s in ("all.example", CONFIGURED):
        with pytest.raises(Forbidden):
            await one.domains.remove(key, everybody_s)
    await one.domains.remove(key, OURS)
    assert await one.hosts(OPERATOR, everywhere=True) == [BASE, "all.example", CONFIGURED, "their.example"]
    with pytest.raises(UnknownDomain):
        await one.make(ours, OURS)


async def test_a_domain_with_links_is_not_removed(one: Process) -> None:
    await one.domains.add(OPERATOR, OURS)
    await one.make(1, OURS)
    await one.guarded(1).edit("ab", {"archived": True}, domain=OURS)
    with pytest.raises(DomainInUse):
        await one.domains.remove(OPERATOR, OURS)
    await one.guarded(1).delete("ab", domain=OURS)
    await one.domains.remove(OPERATOR, OURS)
    with pytest.raises(DomainNotFound):
        await one.domains.remove(OPERATOR, OURS)


async def test_what_the_settings_name_is_assigned_and_given_back_but_never_removed(one: Process) -> None:
    ours = await one.workspace("Ours")
    with pytest.raises(DomainInUse):
        await one.domains.remove(OPERATOR, CONFIGURED)
    await one.domains.assign(OPERATOR, CONFIGURED, ours)
    with pytest.raises(UnknownDomain):
        await one.make(1, CONFIGURED)
    await one.domains.remove(admin_of(ours), CONFIGURED)
    await one.make(1, CONFIGURED)
    for host in (BASE, f"{BASE.upper()}"):
        with pytest.raises(DomainInUse):
            await one.domains.assign(OPERATOR, host, ours)
        with pytest.raises(DomainTaken):
            await one.domains.add(OPERATOR, host)


async def test_a_host_is_added_once_by_many_who_try(one: Process, other: Process) -> None:
    outcomes = await asyncio.gather(
        *((one, other)[place % 2].domains.add(OPERATOR, OURS) for place in range(6)), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["DomainTaken"] * 5 + ["Served"]
    with pytest.raises(DomainTaken):
        await one.domains.add(OPERATOR, CONFIGURED)


async def test_a_domain_belongs_to_a_workspace_that_is_there(one: Process) -> None:
    ours = await one.workspace("Ours")
    await one.domains.add(OPERATOR, OURS, ours)
    with pytest.raises(WorkspaceInUse):
        await one.workspaces.delete(OPERATOR, ours)
    await one.domains.assign(OPERATOR, OURS, 0)
    await one.workspaces.delete(OPERATOR, ours)
    for refused in (one.domains.assign(OPERATOR, OURS, ours), one.domains.add(OPERATOR, "x.example", 999)):
        with pytest.raises(WorkspaceNotFound):
            await refused
    with pytest.raises(DomainNotFound):
        await one.domains.assign(OPERATOR, "nobody.example", 1)
    assert isinstance(await one.workspaces.get(1), Workspace)


async def test_no_target_leads_onto_a_domain_that_was_added(one: Process, other: Process) -> None:
    await one.domains.add(OPERATOR, OURS)
    with pytest.raises(InvalidTarget):
        await one.links.create({"target": f"https://{OURS}/x"})
    await other.known.refresh()
    with pytest.raises(InvalidTarget):
        await other.links.create({"target": f"https://{OURS}/x"})


async def test_it_is_noted_who_gave_what_to_whom(one: Process) -> None:
    ours = await one.workspace("Ours")
    await one.domains.add(OPERATOR, OURS, ours)
    await one.domains.assign(OPERATOR, OURS, 0)
    await one.domains.remove(OPERATOR, OURS)
    noted = (await one.audit.page(None, AuditQuery(subject=f"domain:{OURS}", descending=False))).entries
    assert [(entry.action, entry.workspace_id) for entry in noted] == [
        ("domain.added", ours),
        ("domain.assigned", ours),
        ("domain.removed", 0),
    ]
    assert noted[1].details == {"name": OURS, "workspace": None, "workspace_before": ours}


@pytest.mark.parametrize(
    ("host", "stored"),
    [
        (" Go.Example.COM ", "go.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("go.example:8443", "go.example:8443"),
        ("localhost", "localhost"),
    ],
)
def test_a_host_has_one_form(host: str, stored: str) -> None:
    assert check_host(host) == stored


@pytest.mark.parametrize(
    "host",
    [
        "",
        "192.0.2.1",
        "[2001:db8::1]",
        "a b",
        "go.example/x",
        "https://go.example",
        "me@go.example",
        "*.example",
        "go..example",
        "go.example.",
        "go.example:",
        "go.example:0",
        "go.example:65536",
        "go.example:٣",
        "go.example\r\nx: y",
        "go.example\0",
        "\ud800.example",
        "x" * 70 + ".example",
        ".".join(["x" * 60] * 5),
        "x" * 100_000,
    ],
)
async def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(InvalidInput):
        check_host(host)
    known = Domains(BASE)
    assert host not in known or host == BASE
