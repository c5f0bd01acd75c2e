"""Options that several commands share, and how they become the fields of a link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from shortly.cli.moments import parse_moment
from shortly.errors import InvalidInput
from shortly.links.link import LinkQuery

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
LinkName = Annotated[str, typer.Argument(metavar="SLUG", help="The link's slug, an alias, or its whole short URL.")]
Domain = Annotated[
    str | None, typer.Option(help="Host that the link lives on; the one of BASE_URL by default.", show_default=False)
]
Workspace = Annotated[int, typer.Option(help="Number of the workspace.", min=1, max=65_535)]
AnyWorkspace = Annotated[int | None, typer.Option(help="Only of the workspace with this number.", min=1, max=65_535)]

Search = Annotated[str, typer.Option(help="Substring of slug, target, title, notes or a tag.")]
WithTags = Annotated[list[str] | None, typer.Option("--tag", help="Only with this tag; several: with all of them.")]
InFolder = Annotated[str | None, typer.Option(help="Only in this folder.")]
OnDomain = Annotated[str | None, typer.Option(help="Only on this host.")]
OfOwner = Annotated[str | None, typer.Option(help="Only of this owner, such as key:3.")]
CreatedSince = Annotated[str | None, typer.Option(help="Only made at or after: 2026-12-31, -7d.")]
CreatedUntil = Annotated[str | None, typer.Option(help="Only made before.")]

Title = Annotated[str | None, typer.Option(help="Title.")]
Notes = Annotated[str | None, typer.Option(help="Notes; several lines are fine.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="A tag; may be given several times.")]
Folder = Annotated[str | None, typer.Option(help="Folder.")]
ValidFrom = Annotated[
    str | None, typer.Option(help="From when on the link leads anywhere: 2026-12-31T18:00+01:00, +2h.")
]
ExpiresAt = Annotated[str | None, typer.Option(help="When it stops: 2026-12-31, +30d. UTC without an offset.")]
MaxClicks = Annotated[int | None, typer.Option(help="How many redirects it gives before it stops.")]
FallbackTarget = Annotated[str | None, typer.Option(help="Where it leads when it has stopped.")]
Status = Annotated[int | None, typer.Option(help="HTTP status of the redirect: 301, 302, 307 or 308.")]
ForwardQuery = Annotated[
    bool | None, typer.Option("--forward-query/--no-forward-query", help="Hand the visitor's query string on.")
]
Crawlable = Annotated[bool | None, typer.Option("--crawlable/--no-crawlable", help="Let search engines follow it.")]
Enabled = Annotated[bool | None, typer.Option("--enabled/--disabled", help="Whether it leads anywhere.")]
Archived = Annotated[bool | None, typer.Option("--archived/--not-archived", help="Keep it out of lists.")]
CacheS = Annotated[
    int | None, typer.Option(help="Seconds that browsers may keep the redirect; such clicks go uncounted.")
]
ReferrerPolicy = Annotated[
    str | None, typer.Option(help="Referrer-Policy header of the redirect, such as no-referrer.")
]
PasswordFile = Annotated[
    Path | None, typer.Option(help="File with the password in its first line; - for standard input.")
]
PasswordPrompt = Annotated[bool, typer.Option("--password-prompt", help="Ask for the password.")]

EMPTY: Mapping[str, Any] = {
    "title": "",
    "notes": "",
    "tags": (),
    "folder": "",
    "valid_from": None,
    "expires_at": None,
    "max_clicks": None,
    "fallback_target": None,
    "cache_s": None,
    "referrer_policy": "",
    "password": None,
}
"""Fields that can be emptied, with the value that they then have."""
MOMENTS = frozenset({"valid_from", "expires_at"})


def given(**options: Any) -> dict[str, Any]:
    """Return the options that were given."""
    return {name: value for name, value in options.items() if value is not None and value != []}


def narrowed(
    *, search: str, tags: list[str] | None, created_since: str | None, created_until: str | None, **filters: Any
) -> LinkQuery:
    """Return the query that the options ask for, or raise ``InvalidInput`` for a moment that is none."""
    return LinkQuery(
        search=search,
        tags=tuple(tags or ()),
        created_since=parse_moment(created_since, "created_since") if created_since else None,
        created_until=parse_moment(created_until, "created_until") if created_until else None,
        now=datetime.now(UTC),
        **filters,
    )


def with_moments(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options as a link's fields, or raise ``InvalidInput`` for a moment that is none."""
    return {name: parse_moment(value, name) if name in MOMENTS else value for name, value in given.items()}


def cleared(names: Sequence[str], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields to be emptied; raise ``InvalidInput`` when one cannot be, or is given a value as well."""
    fields = {}
    for name in names:
        field = name.replace("-", "_")
        if field not in EMPTY:
            raise InvalidInput(f"Only these fields can be cleared: {', '.join(EMPTY)}.", field=name[:64])
        if field in given:
            raise InvalidInput(f"The field {field!r} is to be cleared and to have a value; give only one.", field=field)
        fields[field] = EMPTY[field]
    return fields
