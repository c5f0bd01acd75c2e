"""Many links at once: each entry has a result of its own, and a bad one leaves its neighbours alone.

The addresses begin with ``/api/v1/bulk``, so that a link whose slug is ``bulk`` can be edited like any other.
Entries are checked one by one, and stored some hundred at a time, so that other requests get their turn in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field, SkipValidation, ValidationError

from shortly.api.access import needs
from shortly.api.link_bodies import (
    NO_TOTAL,
    Domain,
    Given,
    LinkChanges,
    LinkFields,
    LinkOut,
    NewLink,
    Slug,
    Version,
    encode_link,
)
from shortly.api.openapi import idempotency_key
from shortly.api.problems import Problem, encode_problem, problems, refusal_of, status_of
from shortly.api.services import AllServices, Caller, Links, Services
from shortly.errors import (
    Busy,
    IdempotencyInProgress,
    IdempotencyMismatch,
    ShortlyError,
    StorageFull,
    StoreUnavailable,
    TooManyPasswords,
)
from shortly.links.link import Link
from shortly.links.service import Edit
from shortly.links.store import Got

router = APIRouter(prefix="/api/v1/bulk/links", tags=["bulk"])

MAX_ENTRIES = 5_000
AT_ONCE = 500
"""Entries that are checked and stored in one go; they take some 20 ms of the event loop's time."""
MAX_PASSWORDS = 100
"""Of one request, those that are repeated among ``AT_ONCE`` entries counted once: each is hashed, which takes a
twentieth of a second, and more on a small machine."""

ENTRIES = Field(min_length=1, max_length=MAX_ENTRIES)
"""Of a list whose entries are checked later on, one by one."""

T = TypeVar("T", bound=BaseModel)


class LinkEdit(Given):
    """Changes to one link."""

    slug: Slug
    domain: Domain | None = None
    version: Version | None = None
    changes: LinkChanges


class LinkDeletion(Given):
    """A link to delete."""

    slug: Slug
    domain: Domain | None = None
    version: Version | None = None


class LinkRestoration(Given):
    """A deleted link to restore."""

    slug: Slug
    domain: Domain | None = None


class NewLinks(Given):
    """Links to be made."""

    links: Annotated[list[SkipValidation[NewLink]], ENTRIES]


class LinkEdits(Given):
    """Links to be changed."""

    edits: Annotated[list[SkipValidation[LinkEdit]], ENTRIES]


class LinkDeletions(Given):
    """Links to be deleted."""

    links: Annotated[list[SkipValidation[LinkDeletion]], ENTRIES]


class LinkRestorations(Given):
    """Links to be restored."""

    links: Annotated[list[SkipValidation[LinkRestoration]], ENTRIES]


class BulkResult(BaseModel):
    """What became of one entry: a link, or the reason why there is none."""

    status: int = Field(description="What the status of a single request would have been.")
    link: LinkOut | None = None
    error: Problem | None = None


class BulkResults(BaseModel):
    """What became of all entries, in their order."""

    results: list[BulkResult]
    succeeded: int
    failed: int


Outcome = tuple[int, Link | None] | ShortlyError
"""Status and link, or why there is none."""
RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"model": BulkResults, "description": "A result for each entry, in their order."},
    **problems(StorageFull),
}
REPEATABLE: dict[int | str, dict[str, Any]] = {**RESPONSES, **problems(IdempotencyMismatch, IdempotencyInProgress)}


@router.post(
    "", operation_id="create_links", dependencies=[needs("links:write"), Depends(idempotency_key)], responses=REPEATABLE
)
async def create_links(given: NewLinks, links: Links, services: AllServices, caller: Caller) -> Response:
    """Make many links."""
    await services.limits.take("create", caller.actor)

    async def create(piece: list[NewLink]) -> list[Outcome]:
        made = iter(await links.create_many([new.values() for new in piece if not new.find_if_exists]))
        got = iter(await links.find_or_create_many([new.values() for new in piece if new.find_if_exists]))
        return [found(next(got)) if new.find_if_exists else done(201, next(made)) for new in piece]

    return await answer_bulk(given.links, NewLink, create, services)


@router.patch("", operation_id="edit_links", dependencies=[needs("links:write")], responses=RESPONSES)
async def edit_links(given: LinkEdits, links: Links, services: AllServices) -> Response:
    """Change many links."""
    default_status = services.settings.default_status

    async def edit(piece: list[LinkEdit]) -> list[Outcome]:
        edits = [Edit(one.slug, one.changes.changes(default_status), one.domain, one.version) for one in piece]
        return [done(200, answer) for answer in await links.edit_many(edits)]

    return await answer_bulk(given.edits, LinkEdit, edit, services)


@router.post(
    "/delete",
    operation_id="delete_links",
    dependencies=[needs("links:write"), Depends(idempotency_key)],
    responses=REPEATABLE,
)
async def delete_links(given: LinkDeletions, links: Links, services: AllServices) -> Response:
    """Delete many links."""

    async def delete(piece: list[LinkDeletion]) -> list[Outcome]:
        deletions = [Edit(one.slug, {}, one.domain, one.version) for one in piece]
        answers = await links.delete_many(deletions)
        return [done(204, answer if isinstance(answer, ShortlyError) else None) for answer in answers]

    return await answer_bulk(given.links, LinkDeletion, delete, services)


@router.post("/restore", operation_id="restore_links", dependencies=[needs("links:write")], responses=RESPONSES)
async def restore_links(given: LinkRestorations, links: Links, services: AllServices) -> Response:
    """Take deletions back: the links are what they were, their counts too; possible for RESTORE_HOURS."""

    async def restore(piece: list[LinkRestoration]) -> list[Outcome]:
        return [done(200, answer) for answer in await links.restore_many([Edit(o.slug, {}, o.domain) for o in piece])]

    return await answer_bulk(given.links, LinkRestoration, restore, services)


def done(status: int, answer: Link | ShortlyError | None) -> Outcome:
    """Return what a service answered for one entry, with the status that it has if it went well."""
    return answer if isinstance(answer, ShortlyError) else (status, answer)


def found(answer: Got | ShortlyError) -> Outcome:
    """Return what became of an entry with ``find_if_exists``."""
    return answer if isinstance(answer, ShortlyError) else (201 if answer.is_new else 200, answer.link)


async def answer_bulk(
    entries: Sequence[Any], model: type[T], act: Callable[[list[T]], Awaitable[list[Outcome]]], services: Services
) -> Response:
    """Check and act on the entries piece by piece, and return what became of each.

    Args:
        entries: As they came in.
        model: What each should be.
        act: Does it for some, and returns as many outcomes; no entry's refusal is raised.
        services: All services.

    Raises:
        Busy, StoreUnavailable, StorageFull: In the first piece. Later on, these are outcomes of their entries.
    """
    results: list[bytes] = []
    succeeded = 0
    room = MAX_PASSWORDS
    for start in range(0, len(entries), AT_ONCE):
        outcomes, checked = check_entries(entries[start : start + AT_ONCE], model)
        refused, room = refuse_passwords(checked, room)
        outcomes |= refused
        try:
            acted = await act(list(checked.values())) if checked else []
        except (Busy, StorageFull, StoreUnavailable) as refusal:
            if not start:
                raise
            acted = [refusal] * len(checked)
        outcomes.update(zip(checked, acted, strict=True))
        in_order = [outcomes[place] for place in sorted(outcomes)]
        succeeded += sum(not isinstance(outcome, ShortlyError) for outcome in in_order)
        results += await encode_outcomes(in_order, services)
        await asyncio.sleep(0)
    body = b'{"results":[%b],"succeeded":%d,"failed":%d}' % (b",".join(results), succeeded, len(results) - succeeded)
    return Response(body, media_type="application/json")


def check_entries(entries: Sequence[Any], model: type[T]) -> tuple[dict[int, Outcome], dict[int, T]]:
    """Return the refusals of bad entries, and the good entries, both by their place."""
    refused: dict[int, Outcome] = {}
    checked: dict[int, T] = {}
    for place, entry in enumerate(entries):
        try:
            checked[place] = model.model_validate(entry)
        except ValidationError as bad:
            refused[place] = refusal_of(
                bad.errors(include_url=False, include_context=False, include_input=False), skip=0
            )
    return refused, checked


def refuse_passwords(checked: dict[int, T], room: int) -> tuple[dict[int, Outcome], int]:
    """Take the entries out whose passwords there is no room for; return their refusals, and the room that is left.

    Args:
        checked: Entries by their place.
        room: How many different passwords they may have.
    """
    refused: dict[int, Outcome] = {}
    passwords: set[str] = set()
    for place, entry in list(checked.items()):
        fields = entry.changes if isinstance(entry, LinkEdit) else entry
        password = fields.password if isinstance(fields, LinkFields) else None
        if password is None or password in passwords:
            continue
        if len(passwords) < room:
            passwords.add(password)
        else:
            refused[place] = TooManyPasswords(MAX_PASSWORDS)
            del checked[place]
    return refused, room - len(passwords)


async def encode_outcomes(outcomes: Sequence[Outcome], services: Services) -> list[bytes]:
    """Return the outcomes as JSON."""
    older = [outcome[1].id for outcome in outcomes if isinstance(outcome, tuple) and outcome[0] == 200 and outcome[1]]
    totals = await services.store.totals(older) if older else {}
    now = services.clock()
    encoded = []
    for outcome in outcomes:
        if isinstance(outcome, ShortlyError):
            encoded.append(b'{"status":%d,"error":%b}' % (status_of(type(outcome)), encode_problem(outcome)))
            continue
        status, link = outcome
        if link is None:
            encoded.append(b'{"status":%d}' % status)
        else:
            shown = encode_link(link, services, now, totals.get(link.id, NO_TOTAL))
            encoded.append(b'{"status":%d,"link":%b}' % (status, shown))
    return encoded
