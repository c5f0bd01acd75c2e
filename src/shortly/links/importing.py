"""Links that come in from elsewhere, some hundred at a time: safe to repeat, and first of all only looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

from msgspec import Struct

from shortly.errors import InvalidInput, ShortlyError, SlugTaken, StoreUnavailable
from shortly.links.link import Link
from shortly.links.service import Edit
from shortly.links.store import Got

COLUMNS = (
    "target",
    "slug",
    "domain",
    "title",
    "notes",
    "tags",
    "folder",
    "valid_from",
    "expires_at",
    "max_clicks",
    "fallback_target",
    "status",
    "forward_query",
    "crawlable",
    "enabled",
    "archived",
    "cache_s",
    "referrer_policy",
    "has_password",
)
"""What an export has of a link, all of which an import takes. Passwords and their hashes are not in it."""
TAKEN = (*COLUMNS, "password")
"""What an import takes."""

Existing = Literal["skip", "overwrite", "refuse"]
"""What becomes of a row whose slug is a link's already."""
Outcome = Literal["created", "exists", "overwritten", "refused"]
Values = Mapping[str, Any]
"""A row, as ``LinkService.create`` takes it."""


class Imported(Struct, frozen=True):
    """What became of one row, or would."""

    outcome: Outcome
    link: Link | None = None
    refusal: ShortlyError | None = None


class Links(Protocol):
    """What is needed of links: ``GuardedLinks``, or the like."""

    async def get(self, slug: str, *, domain: str | None = None) -> Link:
        """See ``LinkService``."""

    async def find(self, target: str, *, domain: str | None = None) -> Link | None:
        """See ``GuardedLinks``."""

    async def check_many(self, many: Sequence[Mapping[str, Any]]) -> list[Link | ShortlyError]:
        """See ``GuardedLinks``."""

    async def create_many(self, many: Sequence[Mapping[str, Any]]) -> list[Link | ShortlyError]:
        """See ``LinkService``."""

    async def find_or_create_many(self, many: Sequence[Mapping[str, Any]]) -> list[Got | ShortlyError]:
        """See ``LinkService``."""

    async def edit_many(self, edits: Sequence[Edit]) -> list[Link | ShortlyError]:
        """See ``LinkService``."""


async def import_rows(links: Links, rows: Sequence[Values], *, existing: Existing, dry_run: bool) -> list[Imported]:
    """Make a link of each row, or say what would become of it; each place of the answer is that of its row.

    A row without a slug is found again by its target, so that the same file can be sent twice.

    Args:
        links: Those that the caller may work with.
        rows: As ``LinkService.create`` takes them.
        existing: What to do with a row whose slug is a link's already.
        dry_run: Change nothing.
    """
    answers: dict[int, Imported] = {}
    due: Sequence[int] = range(len(rows))
    while due:
        firsts: dict[tuple[Any, Any], int] = {}
        for place in due:
            firsts.setdefault(_key_of(rows[place]), place)
        some = {place: rows[place] for place in firsts.values()}
        answers |= await _import_different(links, some, existing=existing, dry_run=dry_run)
        again = []
        for place in (place for place in due if place not in some):
            if answers[firsts[_key_of(rows[place])]].outcome != "created":
                again.append(place)
            elif existing == "refuse" and rows[place].get("slug"):
                answers[place] = _refused_twice(rows[place])
            else:  # a row above says the same
                answers[place] = Imported("exists")
        due = again
    return [answers[place] for place in range(len(rows))]


async def _import_different(
    links: Links, rows: Mapping[int, Values], *, existing: Existing, dry_run: bool
) -> dict[int, Imported]:
    """Import rows of which no two name the same, and return what became of each by its place.

    Most rows of most files are new: links are made without looking whether they are there, which only those are looked
    up for that were refused. But where the first one is there, the file was imported before, and all are looked up.
    """
    answers: dict[int, Imported] = {}
    new: dict[int, Values] = {}
    doubtful: dict[int, Values] = {}
    for place, row in rows.items():
        if row.get("password") is not None and row.get("slug") is None:
            needed = InvalidInput("A link with a password needs a slug, by which it is found again.", field="slug")
            answers[place] = Imported("refused", refusal=needed)
            continue
        if row.get("password") is not None or row.get("has_password"):  # hashing takes far longer than looking
            doubtful[place] = row
        try:
            new[place] = as_new(row)
        except InvalidInput as refusal:
            answers[place] = Imported("refused", refusal=refusal)
    look_first = dry_run or bool(await _known(links, {place: rows[place] for place in [*new][:1]}))
    known = await _known(links, {place: rows[place] for place in new} | doubtful if look_first else doubtful)
    new = {place: values for place, values in new.items() if place not in known}
    answers |= await (_checked(links, new) if dry_run else _made(links, new))
    if not look_first:
        known |= await _known(links, {place: rows[place] for place in new if answers[place].outcome == "refused"})
    return answers | await _treated(links, rows, known, existing=existing, dry_run=dry_run)


def as_new(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a row as a link is made of them.

    Raises:
        InvalidInput: The link had a password where it comes from, and is about to be open to everybody here.
    """
    values = dict(row)
    if values.pop("has_password", None) and values.get("password") is None:
        raise InvalidInput(
            "This link had a password, which no export contains: give it one in the column 'password'.",
            field="password",
        )
    return values


async def _checked(links: Links, rows: Mapping[int, Values]) -> dict[int, Imported]:
    """Return what would become of the new rows, by their place."""
    checked = await links.check_many(list(rows.values())) if rows else []
    return {place: _imported("created", one) for place, one in zip(rows, checked, strict=True)}


async def _made(links: Links, rows: Mapping[int, Values]) -> dict[int, Imported]:
    """Make links of the new rows, and return what became of each by its place; somebody else may have been quicker."""
    named = {place: row for place, row in rows.items() if row.get("slug") is not None}
    nameless = {place: row for place, row in rows.items() if place not in named}
    created = await links.create_many(list(named.values())) if named else []
    got = await links.find_or_create_many(list(nameless.values())) if nameless else []
    made = {place: _imported("created", one) for place, one in zip(named, created, strict=True)}
    for place, one in zip(nameless, got, strict=True):
        made[place] = _imported("created" if isinstance(one, ShortlyError) or one.is_new else "exists", one)
    return made


async def _treated(
    links: Links, rows: Mapping[int, Values], known: Mapping[int, Link], *, existing: Existing, dry_run: bool
) -> dict[int, Imported]:
    """Do with the rows whose links are known what is to be done with them."""
    answers: dict[int, Imported] = {}
    edits: dict[int, Edit] = {}
    for place, found in known.items():
        row = rows[place]
        if row.get("slug") is None or existing == "skip":
            answers[place] = Imported("exists", found)
        elif existing == "refuse":
            answers[place] = Imported("refused", refusal=SlugTaken(found.slug))
        else:
            changes = {name: value for name, value in row.items() if name not in ("slug", "domain", "has_password")}
            edits[place] = Edit(found.slug, changes, row.get("domain"), found.version)
    if edits and dry_run:
        edited = await links.check_many([{"domain": edit.domain, **edit.changes} for edit in edits.values()])
    else:
        edited = await links.edit_many(list(edits.values())) if edits else []
    return answers | {place: _imported("overwritten", one) for place, one in zip(edits, edited, strict=True)}


async def _known(links: Links, rows: Mapping[int, Values]) -> dict[int, Link]:
    """Return the links that rows name, by their place; what cannot be looked up is refused when made."""
    known: dict[int, Link] = {}
    for place, row in rows.items():
        slug, domain = row.get("slug"), row.get("domain")
        try:
            found = await (links.find(row["target"], domain=domain) if slug is None else links.get(slug, domain=domain))
        except StoreUnavailable:
            raise
        except ShortlyError:
            continue
        if found is not None:
            known[place] = found
    return known


def _key_of(row: Values) -> tuple[Any, Any]:
    return row.get("domain"), row.get("slug") or row["target"]


def _refused_twice(row: Mapping[str, Any]) -> Imported:
    return Imported("refused", refusal=SlugTaken(str(row["slug"])[:128]))


def _imported(outcome: Outcome, answer: Link | Got | ShortlyError) -> Imported:
    if isinstance(answer, ShortlyError):
        return Imported("refused", refusal=answer)
    return Imported(outcome, answer.link if isinstance(answer, Got) else answer)
