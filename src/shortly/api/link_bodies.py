"""Links as JSON: what comes in when one is made or changed, and what goes out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self

import msgspec
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, model_validator

from shortly.abuse.lookalike import warnings_about
from shortly.api.moments import Moment
from shortly.api.services import Services
from shortly.clicks.store import Total
from shortly.links.fields import MAX_CACHE_S, MAX_CLICKS, MAX_FOLDER, MAX_NOTES, MAX_TAG, MAX_TAGS, MAX_TITLE
from shortly.links.link import BanStatus, Link, LinkState, RedirectStatus, ReferrerPolicy
from shortly.links.passwords import MAX_PASSWORD, MIN_PASSWORD
from shortly.links.record import link_record
from shortly.links.slug import MAX_LENGTH as MAX_SLUG
from shortly.links.target import MAX_LENGTH as MAX_TARGET

MAX_DOMAIN = 253 + 6
"""A host name and a port."""
MAX_GIVEN_FIELDS = 100
"""Beyond these no object is looked at more closely."""
NO_TOTAL = Total()

Slug = Annotated[str, Field(max_length=MAX_SLUG, examples=["spring"])]
Domain = Annotated[
    str, Field(max_length=MAX_DOMAIN, description="Host that the slug lives on; the default one if absent.")
]
Target = Annotated[
    str,
    Field(max_length=MAX_TARGET, examples=["https://example.com/spring"], json_schema_extra={"format": "uri"}),
]
Password = Annotated[
    str,
    Field(
        min_length=MIN_PASSWORD,
        max_length=MAX_PASSWORD,
        json_schema_extra={"format": "password", "writeOnly": True},
    ),
]
Version = Annotated[StrictInt, Field(ge=1, le=2**53 - 1, description="The version that was read; others are refused.")]


class Given(BaseModel):
    """A JSON object from a client: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _check_size(cls, value: object) -> object:
        if isinstance(value, dict) and len(value) > MAX_GIVEN_FIELDS:
            raise ValueError(f"should be an object with at most {MAX_GIVEN_FIELDS} fields")
        return value


class LinkFields(Given):
    """The editable fields; null stands for the field's default."""

    title: Annotated[str, Field(max_length=MAX_TITLE)] | None = None
    notes: Annotated[str, Field(max_length=MAX_NOTES)] | None = None
    tags: Annotated[list[Annotated[str, Field(max_length=MAX_TAG)]], Field(max_length=MAX_TAGS)] | None = None
    folder: Annotated[str, Field(max_length=MAX_FOLDER)] | None = None
    valid_from: Moment | None = Field(None, description="Earlier visitors do not get the redirect.")
    expires_at: Moment | None = Field(None, description="From this moment on nobody gets the redirect.")
    max_clicks: Annotated[StrictInt, Field(ge=1, le=MAX_CLICKS)] | None = None
    fallback_target: Target | None = Field(None, description="Where an expired, exhausted or disabled link leads.")
    status: RedirectStatus | None = Field(None, description="HTTP status of the redirect.")
    forward_query: StrictBool | None = Field(None, description="Pass the query string on to the target.")
    crawlable: StrictBool | None = Field(None, description="Let search engines index the short link.")
    enabled: StrictBool | None = None
    archived: StrictBool | None = Field(None, description="Out of the way in lists; goes on redirecting.")
    cache_s: Annotated[StrictInt, Field(ge=0, le=MAX_CACHE_S)] | None = Field(
        None, description="Seconds that browsers may keep the redirect; clicks that they keep are not counted."
    )
    referrer_policy: ReferrerPolicy | None = None
    password: Password | None = Field(None, description="Visitors are asked for it. Never told again; null: none.")


class NewLink(LinkFields):
    """A link to be made."""

    target: Target
    slug: Slug | None = Field(None, description="Drawn when absent.")
    domain: Domain | None = None
    find_if_exists: StrictBool = Field(
        False,
        description="Answer 200 with the caller's oldest plain link to this target, if there is one (under this slug, "
        "if one is given), instead of making another.",
    )

    def values(self) -> dict[str, Any]:
        """Return what was given, as ``LinkService.create`` takes it."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        given.pop("find_if_exists", None)
        return {name: value for name, value in given.items() if value is not None}


class LinkChanges(LinkFields):
    """Fields to be changed; those that are absent stay as they are, and null clears one."""

    target: Target = ""
    slug: Slug = Field("", description="Renames the link; its old slug goes on working as an alias.")

    def changes(self, default_status: int) -> dict[str, Any]:
        """Return what was given, as ``LinkService.edit`` takes it."""
        cleared = {**CLEARED, "status": default_status, "password": None}
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return {name: cleared[name] if value is None else value for name, value in given.items()}


CLEARED: Mapping[str, Any] = {
    name: default
    for name, default in zip(reversed(Link.__struct_fields__), reversed(Link.__struct_defaults__), strict=False)
    if name in LinkFields.model_fields
}
"""Field -> what null makes of it."""


class Warned(BaseModel):
    """What to think about before sharing a link."""

    code: Literal["suspicious_host"] = Field(description="The kind of warning, for programs; never changes.")
    field: str = Field(description="The field that it is about.", examples=["target"])
    detail: str = Field(description="One sentence for people.")


class BanOut(BaseModel):
    """That a link leads nobody anywhere, whatever else it says."""

    status: BanStatus = Field(description="What visitors get.")
    reason: str
    at: datetime
    by: str = Field(examples=["user:7"])


class LinkOut(BaseModel):
    """A link."""

    slug: str = Field(examples=["spring"])
    short_url: str = Field(examples=["https://sho.rt/spring"])
    target: str = Field(examples=["https://example.com/spring"])
    domain: str = Field(description="Host that the slug lives on.", examples=["sho.rt"])
    title: str
    tags: list[str]
    notes: str
    folder: str
    owner: str = Field(description="Who made it, such as `key:3`; empty: the command line.")
    workspace: int = Field(description="Whose it is; fixed when it is made.", examples=[1])
    clicks: int = Field(description="Redirects given since it was made, bots among them.")
    bots: int
    created_at: datetime
    updated_at: datetime
    valid_from: datetime | None
    expires_at: datetime | None
    max_clicks: int | None
    fallback_target: str | None
    status: RedirectStatus
    forward_query: bool
    crawlable: bool
    enabled: bool
    archived: bool
    cache_s: int | None
    referrer_policy: ReferrerPolicy
    has_password: bool = Field(description="Whether visitors are asked for one.")
    aliases: list[str] = Field(description="Earlier slugs that lead here still.")
    version: int = Field(description="Goes up with every edit; the ETag is made of it.")
    state: LinkState = Field(description="What visitors meet right now.")
    ban: BanOut | None = Field(description="null: it is not banned.")
    warnings: list[Warned] = Field(description="What to think about before sharing it.")

    @classmethod
    def of(cls, link: Link, services: Services, now: datetime, total: Total) -> Self:
        """Return the link as it goes out; checked when it came in, so not again."""
        told = shown(link, services, now, total)
        told["ban"] = told["ban"] and BanOut(**told["ban"])
        told["warnings"] = [Warned(**warning) for warning in told["warnings"]]
        return cls.model_construct(**told)


def encode_link(link: Link, services: Services, now: datetime, total: Total) -> bytes:
    """Return the JSON of a link's ``LinkOut`` without making one, which takes several times as long: for many."""
    return msgspec.json.encode(shown(link, services, now, total))


def shown(link: Link, services: Services, now: datetime, total: Total) -> dict[str, Any]:
    """Return the values of a link's ``LinkOut``."""
    settings = services.settings
    return link_record(
        link,
        short_url=services.links.short_url(link, settings.base_url),
        host=link.domain or settings.base_host,
        clicks=total.clicks,
        bots=total.bots,
        warnings=warnings_about(link),
        now=now,
    )


class StrangersLink(BaseModel):
    """A link that was made without a key."""

    slug: str = Field(examples=["xK7mPqW"])
    short_url: str = Field(examples=["https://sho.rt/xK7mPqW"])
    target: str = Field(examples=["https://example.com/spring"])
    expires_at: datetime | None
    warnings: list[Warned] = Field(description="What to think about before sharing it.")

    @classmethod
    def of(cls, link: Link, services: Services) -> Self:
        """Return what a stranger is told."""
        return cls(
            slug=link.slug,
            short_url=services.links.short_url(link, services.settings.base_url),
            target=link.target,
            expires_at=link.expires_at,
            warnings=[Warned(**warning) for warning in warnings_about(link)],
        )


class LinkList(BaseModel):
    """One page of links."""

    items: list[LinkOut]
    next_cursor: str | None = Field(
        description="Ask with it for the next page; null on the last one. Another page may have fewer links than "
        "`limit`, too, even none: where filters leave out nearly all links, the search goes on with the next page."
    )
