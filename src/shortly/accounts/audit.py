"""The audit log: who did what to what, from where. Entries are added and expire; nothing changes or removes one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, NamedTuple

import msgspec
import structlog
from msgspec import Struct, field, structs

from shortly.accounts.access import Caller
from shortly.accounts.people import of_workspace
from shortly.accounts.records import Add
from shortly.accounts.registry import MAX_PAGE, Noun, Registry, adding, draw_id, first_id_at, until_settled
from shortly.errors import InvalidInput, ShortlyError

log = structlog.get_logger(__name__)

MAX_SUBJECT = 200
MAX_TEXT = 256
"""Characters of a text among the details; what is longer ends in an ellipsis."""
MAX_DETAILS = 4096
"""Bytes of all details as JSON."""
NOTED_EACH = 20
"""Of more things done at once, there is one entry for all."""
SCANNED = 10
"""Pages that are read at most for a page of entries, when filters leave little of them."""

Details = Mapping[str, Any]
Subjects = Sequence[tuple[str, Details]]


class AuditEntry(Noun, frozen=True, kw_only=True):
    """Something that somebody did."""

    KIND: ClassVar[str] = "audit"

    at: datetime
    actor: str
    """``Caller.actor``."""
    user_id: int | None = None
    """The person, also the one whose key it was."""
    action: str
    """A noun and a verb, such as ``key.revoked``."""
    subject: str = ""
    """What it was done to, such as ``key:7`` or ``link:12``."""
    workspace_id: int = 0
    """0: it concerns the whole installation."""
    origin: str = ""
    """The network it came from; no address."""
    details: dict[str, Any] = field(default_factory=dict)
    expires_at: datetime | None = None

    def groups(self) -> tuple[str, ...]:
        """Return the lists that filters ask for."""
        return group_of(self.workspace_id), *(
            group_of(self.workspace_id, name, value)
            for name, value in (("actor", self.actor), ("action", self.action), ("subject", self.subject))
            if value
        )

    def expiry(self) -> datetime | None:
        """Return from when on it is not kept any more."""
        return self.expires_at


class AuditQuery(Struct, frozen=True, kw_only=True):
    """Which entries to list; every filter narrows."""

    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    since: datetime | None = None
    """Inclusive."""
    until: datetime | None = None
    """Exclusive."""
    after: int | None = None
    """The id of an entry, beyond which the page begins."""
    limit: int = 50
    descending: bool = True


class AuditPage(NamedTuple):
    """Some entries, newest first unless asked otherwise."""

    entries: list[AuditEntry]
    next_after: int | None
    """Ask with it for what follows; None at the end."""


class Audit:
    """Writes the log, and reads it.

    Args:
        registry: Where entries are kept.
        keep_for: How long.
    """

    def __init__(self, registry: Registry, keep_for: timedelta) -> None:
        self._registry = registry
        self._keep_for = keep_for
        self._last_id = 0

    def entry(
        self, caller: Caller, action: str, subject: str = "", *, workspace_id: int | None = None, **details: Any
    ) -> Add:
        """Return the change that notes something, to be written together with what it notes.

        Args:
            caller: Who does it.
            action: What is done, such as ``key.revoked``.
            subject: To what.
            workspace_id: Where; None: the caller's workspace; 0: the whole installation.
            details: More about it; texts that are too long are cut off, and no secrets, please.
        """
        at = self._registry.now()
        self._last_id = max(draw_id(at), self._last_id + 1)  # several within a millisecond keep their order
        noted = AuditEntry(
            id=self._last_id,
            version=1,
            at=at,
            actor=caller.actor,
            user_id=caller.user_id,
            action=action,
            subject=_text(subject, MAX_SUBJECT),
            workspace_id=caller.workspace_id if workspace_id is None else workspace_id,
            origin=caller.origin,
            details=_bounded(details),
            expires_at=at + self._keep_for,
        )
        return adding(noted)

    async def note(
        self, caller: Caller, action: str, subject: str = "", *, workspace_id: int | None = None, **details: Any
    ) -> None:
        """Note something that was done already; arguments as of ``entry``.

        What cannot be noted, because the disk is full or the store away, is logged as an error and raises nothing:
        it was done all the same.
        """
        await self._write(lambda: [self.entry(caller, action, subject, workspace_id=workspace_id, **details)])

    async def note_each(
        self, caller: Caller, action: str, subjects: Subjects, *, workspace_id: int | None = None
    ) -> None:
        """Note the same about several things: an entry for each, or one for all when they are more than ``NOTED_EACH``.

        That one has their number and the first of them among its details. Raises nothing, as ``note``.
        """

        def entries() -> list[Add]:
            if len(subjects) <= NOTED_EACH:
                return [
                    self.entry(caller, action, subject, workspace_id=workspace_id, **details)
                    for subject, details in subjects
                ]
            first = [subject for subject, _ in subjects[:NOTED_EACH]]
            return [self.entry(caller, action, workspace_id=workspace_id, count=len(subjects), first=first)]

        if subjects:
            await self._write(entries)

    async def page(self, workspace_id: int | None, query: AuditQuery) -> AuditPage:
        """Return some entries of a workspace (None: of all, and of the installation).

        A page may be shorter than ``limit``, and even empty, although more follow: ``next_after`` says.

        Raises:
            InvalidInput: ``limit`` is not from 1 to ``MAX_PAGE``.
        """
        if not 1 <= query.limit <= MAX_PAGE:
            raise InvalidInput(f"The limit must be 1 to {MAX_PAGE}.", field="limit")
        group, is_narrow = _narrowest(workspace_id, query)
        after = _start(query)
        found: list[AuditEntry] = []
        at_once = query.limit if is_narrow else MAX_PAGE
        for _ in range(SCANNED):
            entries = await self._registry.page(
                AuditEntry, group, after=after, limit=at_once, descending=query.descending
            )
            for entry in entries:
                if _is_beyond(entry, query):
                    return AuditPage(found, None)
                after = entry.id
                if _fits(entry, query):
                    found.append(entry)
                    if len(found) == query.limit:
                        return AuditPage(found, after)
            if len(entries) < at_once:
                return AuditPage(found, None)
        return AuditPage(found, after)

    async def all(self, workspace_id: int | None, query: AuditQuery) -> AsyncIterator[list[AuditEntry]]:
        """Yield all entries that fit, oldest first, a page at a time."""
        after: int | None = None
        while True:
            page = await self.page(workspace_id, structs.replace(query, after=after, limit=MAX_PAGE, descending=False))
            if page.entries:
                yield page.entries
            after = page.next_after
            if after is None:
                return

    async def _write(self, entries: Callable[[], list[Add]]) -> None:
        async def attempt() -> None:
            await self._registry.write(*entries(), durable=False)

        try:
            await until_settled(attempt)  # another process may have drawn the same id
        except ShortlyError as refusal:
            for entry in entries():
                log.error("audit entry not written", reason=refusal.code, entry=entry.record.body.decode())


def link_subject(domain: str, slug: str) -> str:
    """Return a link as a subject: its id says nothing to people, and is another one in another store."""
    return f"link:{domain}/{slug}"


def group_of(workspace_id: int, name: str = "", value: str = "") -> str:
    """Return the group of a workspace's entries, or of those that have something in common."""
    return f"{of_workspace(workspace_id)}/{name}:{value}" if name else of_workspace(workspace_id)


def _narrowest(workspace_id: int | None, query: AuditQuery) -> tuple[str, bool]:
    """Return the smallest group that has all entries that fit, and whether it has no others but for their times."""
    given = [
        (name, value)
        for name, value in (("subject", query.subject), ("actor", query.actor), ("action", query.action))
        if value is not None
    ]
    if workspace_id is None:
        return "", not given
    return (group_of(workspace_id, *given[0]) if given else group_of(workspace_id)), len(given) <= 1


def _start(query: AuditQuery) -> int | None:
    """Return the id beyond which to begin; ids rise with time."""
    if query.descending:
        edges = [query.after, None if query.until is None else first_id_at(query.until)]
        return min((edge for edge in edges if edge is not None), default=None)
    edges = [query.after, None if query.since is None else first_id_at(query.since) - 1]
    return max((edge for edge in edges if edge is not None), default=None)


def _is_beyond(entry: AuditEntry, query: AuditQuery) -> bool:
    if query.descending:
        return query.since is not None and entry.at < query.since
    return query.until is not None and entry.at >= query.until


def _fits(entry: AuditEntry, query: AuditQuery) -> bool:
    return (
        query.actor in (None, entry.actor)
        and query.action in (None, entry.action)
        and query.subject in (None, entry.subject)
        and (query.since is None or entry.at >= query.since)
        and (query.until is None or entry.at < query.until)
    )


def _text(text: str, most: int) -> str:
    shortened = text if len(text) <= most else f"{text[: most - 1]}…"
    return shortened.encode("utf-8", "replace").decode()


def _bounded(details: Details) -> dict[str, Any]:
    """Return the details with texts of a bounded length, and as many of them as there is room for."""
    kept: dict[str, Any] = {}
    room = MAX_DETAILS
    for name, value in details.items():
        plain = _plain(value)
        room -= len(name) + len(msgspec.json.encode(plain)) + 4
        if room < 0:
            kept["cut_off"] = True
            break
        kept[name] = plain
    return kept


def _plain(value: Any) -> Any:
    """Return what JSON can hold of a value."""
    match value:
        case None | bool() | int() | float():
            return value
        case datetime():
            return value.isoformat()
        case dict():
            return {_text(str(name), MAX_TEXT): _plain(inner) for name, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(inner) for inner in value]
        case _:
            return _text(str(value), MAX_TEXT)
