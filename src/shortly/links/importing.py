"""Links that come in from elsewhere, some hundred at a time: safe to repeat, and first of all only looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

from msgspec import Struct

from shortly.errors import InvalidInput, LinkNotFound, ShortlyError, SlugTaken
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


async def import_rows(
    links: Links, rows: Sequence[Mapping[str, Any]], *, existing: Existing, dry_run: bool
) -> list[Imported]:
    """Make a link of each row, or say what would become of it; each place of the answer is that of its row.

    A row without a slug is found again by its target, so that the same file can be sent twice.

    Args:
        links: Those that the caller may work with.
        rows: As ``LinkService.create`` takes them.
        existing: What to do with a row whose slug is a link's already.
        dry_run: Change nothing.
    """
    answers: list[Imported | None] = [None] * len(rows)
    rows_to_make: dict[int, Mapping[str, Any]] = {}
    new: list[int] = []
    edits: dict[int, Edit] = {}
    seen: set[tuple[Any, Any]] = set()
    for place, row in enumerate(rows):
        key = row.get("domain"), row.get("slug") or row["target"]
        try:
            if row.get("password") is not None and row.get("slug") is None:
                raise InvalidInput("A link with a password needs a slug, by which it is found again.", field="slug")
            found = await _found(links, row)
            if found is None:
                rows_to_make[place] = as_new(row)
        except ShortlyError as refusal:
            answers[place] = Imported("refused", refusal=refusal)
            continue
        if found is None and key in seen:  # a row above says the same
            answers[place] = _refused_twice(row) if existing == "refuse" and row.get("slug") else Imported("exists")
        elif found is None:
            new.append(place)
        elif row.get("slug") is None or existing == "skip":
            answers[place] = Imported("exists", found)
        elif existing == "refuse":
            answers[place] = Imported("refused", refusal=SlugTaken(found.slug))
        else:
            changes = {name: value for name, value in row.items() if name not in ("slug", "domain", "has_password")}
            edits[place] = Edit(found.slug, changes, row.get("domain"), found.version)
        seen.add(key)
    made = await (_checked(links, rows_to_make, new) if dry_run else _made(links, rows_to_make, new))
    if edits and dry_run:
        checked = await links.check_many([{"domain": edit.domain, **edit.changes} for edit in edits.values()])
    else:
        checked = await links.edit_many(list(edits.values())) if edits else []
    for place, got in made.items():
        answers[place] = got
    for place, one in zip(edits, checked, strict=True):
        answers[place] = _imported("overwritten", one)
    return [answer for answer in answers if answer is not None]


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


async def _checked(links: Links, rows: Mapping[int, Mapping[str, Any]], new: Sequence[int]) -> dict[int, Imported]:
    """Return what would become of the new rows, by their place."""
    checked = await links.check_many([rows[place] for place in new]) if new else []
    return {place: _imported("created", one) for place, one in zip(new, checked, strict=True)}


async def _made(links: Links, rows: Mapping[int, Mapping[str, Any]], new: Sequence[int]) -> dict[int, Imported]:
    """Make links of the new rows, and return what became of each by its place; somebody else may have been quicker."""
    named = [place for place in new if rows[place].get("slug") is not None]
    nameless = [place for place in new if rows[place].get("slug") is None]
    created = await links.create_many([rows[place] for place in named]) if named else []
    got = await links.find_or_create_many([rows[place] for place in nameless]) if nameless else []
    made = {place: _imported("created", one) for place, one in zip(named, created, strict=True)}
    for place, one in zip(nameless, got, strict=True):
        made[place] = _imported("created" if isinstance(one, ShortlyError) or one.is_new else "exists", one)
    return made


async def _found(links: Links, row: Mapping[str, Any]) -> Link | None:
    slug, domain = row.get("slug"), row.get("domain")
    if slug is None:
        return await links.find(row["target"], domain=domain)
    try:
        return await links.get(slug, domain=domain)
    except LinkNotFound:
        return None


def _refused_twice(row: Mapping[str, Any]) -> Imported:
    return Imported("refused", refusal=SlugTaken(str(row["slug"])[:128]))


def _imported(outcome: Outcome, answer: Link | Got | ShortlyError) -> Imported:
    if isinstance(answer, ShortlyError):
        return Imported("refused", refusal=answer)
    return Imported(outcome, answer.link if isinstance(answer, Got) else answer)
