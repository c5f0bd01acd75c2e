"""Links, one by one, and their list."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal, cast

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from shortly.abuse.rates import network_of as client_of
from shortly.api.access import needs
from shortly.api.authentication import ANONYMOUS
from shortly.api.etags import IfMatch, IfNoneMatch, etag_of, is_known, version_of
from shortly.api.link_bodies import MAX_DOMAIN, NO_TOTAL, LinkChanges, LinkList, LinkOut, NewLink, StrangersLink
from shortly.api.moments import Moment
from shortly.api.openapi import idempotency_key
from shortly.api.origin import address_of as address_of_client
from shortly.api.paths import DomainQuery, SlugPath, address_of
from shortly.api.problems import MalformedRequest, problems
from shortly.api.services import AllServices, Caller, Links, Services
from shortly.errors import (
    IdempotencyInProgress,
    IdempotencyMismatch,
    InvalidCursor,
    InvalidInput,
    InvalidSlug,
    InvalidTarget,
    LinkBanned,
    LinkChanged,
    LinkNotFound,
    OutOfReach,
    RateLimited,
    ReservedSlug,
    SlugTaken,
    StorageFull,
    TargetBlocked,
    UnknownDomain,
)
from shortly.links.fields import MAX_FOLDER, MAX_TAG, MAX_TAGS
from shortly.links.guarded import GuardedLinks
from shortly.links.link import Link, LinkQuery, LinkState, SortField
from shortly.links.service import MAX_PAGE, MAX_SEARCH

router = APIRouter(prefix="/api/v1/links", tags=["links"])

Sort = Literal[
    "created_at", "-created_at", "updated_at", "-updated_at", "clicks", "-clicks", "slug", "-slug", "title", "-title"
]
ETAG = {"ETag": {"description": "The link's version, for If-Match.", "schema": {"type": "string"}}}
REFUSED_FIELDS = (InvalidInput, OutOfReach, InvalidTarget, TargetBlocked, InvalidSlug, ReservedSlug, UnknownDomain)


class ListQuery(BaseModel):
    """Which links, in which order."""

    model_config = ConfigDict(extra="forbid")

    search: str = Field("", max_length=MAX_SEARCH, description="Part of slug, target, title, notes or a tag.")
    tag: list[Annotated[str, Field(max_length=MAX_TAG)]] = Field([], max_length=MAX_TAGS, description="All of them.")
    folder: str | None = Field(None, max_length=MAX_FOLDER)
    domain: str | None = Field(None, max_length=MAX_DOMAIN)
    owner: str | None = Field(None, max_length=64)
    state: LinkState | None = Field(None, description="Without it: all but archived links.")
    created_since: Moment | None = Field(None, description="Inclusive.")
    created_until: Moment | None = Field(None, description="Exclusive.")
    sort: Sort = Field("-created_at", description="With `-` in front: descending.")
    limit: int = Field(50, ge=1, le=MAX_PAGE)
    cursor: str | None = Field(None, max_length=2048, description="`next_cursor` of the page before.")

    def wanted(self, now: datetime) -> LinkQuery:
        """Return what is asked of the service; ``now`` is when states are judged."""
        return LinkQuery(
            search=self.search,
            tags=tuple(self.tag),
            folder=self.folder,
            domain=self.domain,
            owner=self.owner,
            state=self.state,
            created_since=self.created_since,
            created_until=self.created_until,
            sort=cast(SortField, self.sort.removeprefix("-")),
            descending=self.sort.startswith("-"),
            limit=self.limit,
            cursor=self.cursor,
            now=now,
        )


@router.post(
    "",
    status_code=201,
    operation_id="create_link",
    dependencies=[needs("links:write"), Depends(idempotency_key)],
    responses={
        200: {"model": LinkOut, "description": "`find_if_exists`: the link that was there already.", "headers": ETAG},
        201: {
            "description": "The new link.",
            "headers": {**ETAG, "Location": {"description": "Its API address.", "schema": {"type": "string"}}},
        },
        **problems(*REFUSED_FIELDS, SlugTaken, RateLimited, IdempotencyMismatch, IdempotencyInProgress, StorageFull),
    },
)
async def create_link(
    new: NewLink, links: Links, services: AllServices, caller: Caller, request: Request, response: Response
) -> LinkOut | StrangersLink:
    """Make a short link."""
    if caller.actor == ANONYMOUS:
        await services.limits.take("anonymous", client_of(address_of_client(request.scope, services.addresses)))
        return await create_for_stranger(new, links, services)
    await services.limits.take("create", caller.actor)
    if new.find_if_exists:
        link, is_new = await links.find_or_create(new.values())
        response.status_code = 201 if is_new else 200
    else:
        link = await links.create(new.values())
    response.headers["Location"] = address_of(link)
    return await answer(link, services, response)


async def create_for_stranger(new: NewLink, links: GuardedLinks, services: Services) -> StrangersLink:
    """Make a link that has a target, and an end, and nothing else."""
    if chosen := sorted(new.model_fields_set - {"target"}):
        raise InvalidInput(f"Without a key only a target can be given, and no {chosen[0]}.", field=chosen[0])
    expires_at = services.clock() + timedelta(days=services.settings.anonymous_expiry_days)
    return StrangersLink.of(await links.create({"target": new.target, "expires_at": expires_at}), services)


async def answer(link: Link, services: Services, response: Response) -> LinkOut:
    """Return the link as it goes out, and its ETag with it."""
    totals = await services.store.totals([link.id])
    response.headers["ETag"] = etag_of(link)
    return LinkOut.of(link, services, services.clock(), totals.get(link.id, NO_TOTAL))


@router.get(
    "",
    operation_id="list_links",
    dependencies=[needs("links:read")],
    responses=problems(InvalidInput, InvalidCursor, UnknownDomain),
)
async def list_links(query: Annotated[ListQuery, Query()], links: Links, services: AllServices) -> LinkList:
    """List links, a page at a time."""
    now = services.clock()
    page = await links.list_links(query.wanted(now))
    totals = await services.store.totals([link.id for link in page.items])
    items = [LinkOut.of(link, services, now, totals.get(link.id, NO_TOTAL)) for link in page.items]
    return LinkList.model_construct(items=items, next_cursor=page.next_cursor)


@router.get(
    "/{slug:slug}",
    operation_id="get_link",
    dependencies=[needs("links:read")],
    response_model=LinkOut,
    responses={
        200: {"headers": ETAG},
        304: {"description": "The link was not edited since; it may have been clicked."},
        **problems(LinkNotFound, UnknownDomain),
    },
)
async def get_link(
    slug: SlugPath,
    links: Links,
    services: AllServices,
    response: Response,
    domain: DomainQuery = None,
    if_none_match: IfNoneMatch = None,
) -> LinkOut | Response:
    """Read a link."""
    link = await links.get(slug, domain=domain)
    if is_known(link, if_none_match):
        return Response(status_code=304, headers={"ETag": etag_of(link)})
    return await answer(link, services, response)


@router.patch(
    "/{slug:slug}",
    operation_id="edit_link",
    dependencies=[needs("links:write")],
    responses={
        200: {"headers": ETAG},
        **problems(LinkNotFound, LinkChanged, SlugTaken, MalformedRequest, *REFUSED_FIELDS, StorageFull),
    },
)
async def edit_link(
    slug: SlugPath,
    changes: LinkChanges,
    links: Links,
    services: AllServices,
    response: Response,
    domain: DomainQuery = None,
    if_match: IfMatch = None,
) -> LinkOut:
    """Change some fields of a link; with If-Match only while nobody else did."""
    link = await links.edit(
        slug,
        changes.changes(services.settings.default_status),
        domain=domain,
        version=version_of(if_match),
    )
    return await answer(link, services, response)


@router.delete(
    "/{slug:slug}",
    status_code=204,
    operation_id="delete_link",
    dependencies=[needs("links:write")],
    response_class=Response,
    responses=problems(LinkNotFound, LinkBanned, LinkChanged, MalformedRequest, UnknownDomain, StorageFull),
)
async def delete_link(slug: SlugPath, links: Links, domain: DomainQuery = None, if_match: IfMatch = None) -> None:
    """Delete a link. It leads nowhere from now on, and can be restored for RESTORE_HOURS; meanwhile nobody outside of
    its workspace gets its slug."""
    await links.delete(slug, domain=domain, version=version_of(if_match))
