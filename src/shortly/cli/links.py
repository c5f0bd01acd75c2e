"""``add``, ``show``, ``edit``, ``rm`` and ``restore``."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shortly.abuse.lookalike import warnings_about
from shortly.cli import options
from shortly.cli.exits import REFUSED, report, say
from shortly.cli.output import print_fields, print_json, problem
from shortly.cli.passwords import read_password
from shortly.cli.records import record_of
from shortly.cli.session import Session, find_address, run
from shortly.errors import InvalidInput, ShortlyError

if TYPE_CHECKING:
    from shortly.links.link import Link
    from shortly.links.service import Edit

Act = Callable[["Session", "Sequence[Edit]"], Awaitable["Sequence[Link | ShortlyError]"]]
"""Does something to links, and returns what became of each."""


def add(
    target: Annotated[str | None, typer.Argument(metavar="TARGET", help="Absolute http(s) URL.")] = None,
    slug: Annotated[str | None, typer.Option(help="The slug; one is drawn by default.")] = None,
    domain: options.Domain = None,
    title: options.Title = None,
    notes: options.Notes = None,
    tags: options.Tags = None,
    folder: options.Folder = None,
    valid_from: options.ValidFrom = None,
    expires_at: options.ExpiresAt = None,
    max_clicks: options.MaxClicks = None,
    fallback_target: options.FallbackTarget = None,
    status: options.Status = None,
    forward_query: options.ForwardQuery = None,
    crawlable: options.Crawlable = None,
    enabled: options.Enabled = None,
    archived: options.Archived = None,
    cache_s: options.CacheS = None,
    referrer_policy: options.ReferrerPolicy = None,
    password_file: options.PasswordFile = None,
    password_prompt: options.PasswordPrompt = False,
    workspace: options.Workspace = 1,
    find_if_exists: Annotated[
        bool, typer.Option("--find-if-exists", help="Print the oldest plain link to this target, if there is one.")
    ] = False,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="Make a link of each record of a CSV file with a header, or of JSON lines; - reads stdin.",
        ),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Make a short link and print its address; or many, from a file."""
    given = options.given(
        target=target,
        slug=slug,
        domain=domain,
        title=title,
        notes=notes,
        tags=tags,
        folder=folder,
        valid_from=valid_from,
        expires_at=expires_at,
        max_clicks=max_clicks,
        fallback_target=fallback_target,
        status=status,
        forward_query=forward_query,
        crawlable=crawlable,
        enabled=enabled,
        archived=archived,
        cache_s=cache_s,
        referrer_policy=referrer_policy,
    )
    has_password = password_file is not None or password_prompt
    if source is not None:
        from shortly.cli.bulk import add_from

        if given or has_password or find_if_exists:
            raise typer.BadParameter("With --from, only --workspace can be given; the rest are the file's columns.")
        add_from(source, workspace=workspace, as_json=as_json)
        return
    if target is None:
        raise typer.BadParameter("A TARGET, or --from FILE, is needed.")
    if find_if_exists and (has_password or given.keys() - {"target", "domain"}):
        raise typer.BadParameter("With --find-if-exists, only a TARGET and --domain can be given.")

    async def work(session: Session) -> None:
        from shortly.links.service import only

        values = {**options.with_moments(given), **password_from(password_file, prompt=password_prompt)}
        await session.check_workspace(workspace)
        if find_if_exists:
            link, is_new = only(await session.links.find_or_create_many([values], workspace=workspace))
        else:
            link, is_new = await session.links.create(values, workspace=workspace), True
        if is_new:
            await session.notes.created([link])
        if as_json:
            print_json(await record_of(session, link))
        else:
            print(session.short_url(link))
        for warning in warnings_about(link):
            say(f"warning: {warning['detail']}")

    run(work, as_json=as_json)


def show(link: options.LinkName, domain: options.Domain = None, as_json: options.AsJson = False) -> None:
    """Show everything about a link."""

    async def work(session: Session) -> None:
        address = find_address(session, link, domain)
        found = await session.links.get(address.slug, domain=address.domain)
        print_link(await record_of(session, found), as_json=as_json)

    run(work, as_json=as_json)


def edit(
    link: options.LinkName,
    domain: options.Domain = None,
    target: Annotated[str | None, typer.Option(help="New target.")] = None,
    slug: Annotated[str | None, typer.Option(help="New slug; the old one goes on leading there.")] = None,
    title: options.Title = None,
    notes: options.Notes = None,
    tags: options.Tags = None,
    folder: options.Folder = None,
    valid_from: options.ValidFrom = None,
    expires_at: options.ExpiresAt = None,
    max_clicks: options.MaxClicks = None,
    fallback_target: options.FallbackTarget = None,
    status: options.Status = None,
    forward_query: options.ForwardQuery = None,
    crawlable: options.Crawlable = None,
    enabled: options.Enabled = None,
    archived: options.Archived = None,
    cache_s: options.CacheS = None,
    referrer_policy: options.ReferrerPolicy = None,
    password_file: options.PasswordFile = None,
    password_prompt: options.PasswordPrompt = False,
    clear: Annotated[
        list[str] | None, typer.Option(metavar="FIELD", help="Empty this field; may be given several times.")
    ] = None,
    if_version: Annotated[
        int | None, typer.Option(help="Change nothing when the link has another version by now.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Change a link; a running server knows at its next request."""
    given = options.given(
        target=target,
        slug=slug,
        title=title,
        notes=notes,
        tags=tags,
        folder=folder,
        valid_from=valid_from,
        expires_at=expires_at,
        max_clicks=max_clicks,
        fallback_target=fallback_target,
        status=status,
        forward_query=forward_query,
        crawlable=crawlable,
        enabled=enabled,
        archived=archived,
        cache_s=cache_s,
        referrer_policy=referrer_policy,
    )

    async def work(session: Session) -> None:
        from shortly.links.service import Edit

        changes = {
            **options.cleared(clear or (), given),
            **options.with_moments(given),
            **password_from(password_file, prompt=password_prompt),
        }
        if not changes:
            raise InvalidInput("Nothing to change was given.")
        address = find_address(session, link, domain)
        changed = await session.links.edit(address.slug, changes, domain=address.domain, version=if_version)
        await session.notes.edited([Edit(address.slug, changes)], [changed])
        print_link(await record_of(session, changed), as_json=as_json)

    run(work, as_json=as_json)


def rm(
    links: Annotated[list[str], typer.Argument(metavar="SLUG", help="Slugs, aliases or whole short URLs.")],
    domain: options.Domain = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Delete links; they lead nowhere at once, and can be restored for RESTORE_HOURS."""
    if not yes:
        if not sys.stdin.isatty():
            raise typer.BadParameter("There is no terminal to ask on, so --yes is needed.")
        what = repr(links[0]) if len(links) == 1 else f"{len(links)} links"
        typer.confirm(f"Delete {what}?", err=True, abort=True)

    async def delete(session: Session, edits: Sequence[Edit]) -> Sequence[Link | ShortlyError]:
        outcomes = await session.links.delete_many(edits)
        await session.notes.deleted(outcomes)
        return outcomes

    run_for_each(links, domain, delete, done="deleted", as_json=as_json)


def restore(
    links: Annotated[list[str], typer.Argument(metavar="SLUG", help="Slugs, aliases or whole short URLs.")],
    domain: options.Domain = None,
    as_json: options.AsJson = False,
) -> None:
    """Take deletions back: the links are what they were, their counts too."""

    async def put_back(session: Session, edits: Sequence[Edit]) -> Sequence[Link | ShortlyError]:
        outcomes = await session.links.restore_many(edits)
        await session.notes.restored(outcomes)
        return outcomes

    run_for_each(links, domain, put_back, done="restored", as_json=as_json)


def run_for_each(links: Sequence[str], domain: str | None, act: Act, *, done: str, as_json: bool) -> None:
    """Act on links, say of each that it is ``done`` or why not, and end with 1 when some were refused."""

    async def work(session: Session) -> None:
        from shortly.links.service import Edit

        addresses = [find_address(session, link, domain) for link in links]
        outcomes = await act(session, [Edit(slug, {}, host) for slug, host in addresses])
        refusals = [outcome if isinstance(outcome, ShortlyError) else None for outcome in outcomes]
        for link, refusal in zip(links, refusals, strict=True):
            if refusal is None:
                say(f"{done} {link!r}")
            else:
                report(refusal, as_json=False)
        if as_json:
            print_json(
                [
                    {"slug": link, done: refusal is None, "error": None if refusal is None else problem(refusal)}
                    for link, refusal in zip(links, refusals, strict=True)
                ]
            )
        if any(refusals):
            raise typer.Exit(REFUSED)

    run(work, as_json=as_json)


def password_from(file: Path | None, *, prompt: bool) -> dict[str, str]:
    """Return the password that was given, as a field of a link."""
    password = read_password(file, prompt=prompt)
    return {} if password is None else {"password": password}


def print_link(record: dict[str, Any], *, as_json: bool) -> None:
    """Print everything about one link."""
    if as_json:
        print_json(record)
    else:
        print_fields(record)
