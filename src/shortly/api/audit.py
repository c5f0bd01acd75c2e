"""The audit log: read, and exported; there is no way to change it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Self

import msgspec
from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from shortly.accounts import access
from shortly.accounts.audit import MAX_SUBJECT, AuditEntry, AuditQuery
from shortly.accounts.registry import MAX_PAGE
from shortly.api.access import needs
from shortly.api.cursors import cursor_of, id_in
from shortly.api.moments import Moment
from shortly.api.problems import problems
from shortly.api.services import AllServices, Caller
from shortly.errors import Forbidden, InvalidCursor, InvalidInput

router = APIRouter(prefix="/api/v1/audit", tags=["audit"], dependencies=[needs("audit:read")])

Word = Annotated[str, Field(min_length=1, max_length=MAX_SUBJECT)]


class Filters(BaseModel):
    """Which entries; every filter narrows."""

    model_config = ConfigDict(extra="forbid")

    actor: Word | None = Field(None, description="Who did it, such as `user:7`, `key:3` or `cli`.")
    action: Word | None = Field(None, description="What was done, such as `key.revoked`.")
    subject: Word | None = Field(None, description="To what, such as `link:/spring`.")
    since: Moment | None = Field(None, description="Inclusive.")
    until: Moment | None = Field(None, description="Exclusive.")
    everywhere: bool = Field(
        False, description="Of all workspaces and of the installation; needs the permission `installation`."
    )

    def query(self, **more: Any) -> AuditQuery:
        """Return what the log is asked."""
        return AuditQuery(
            actor=self.actor, action=self.action, subject=self.subject, since=self.since, until=self.until, **more
        )

    def workspace_of(self, caller: access.Caller) -> int | None:
        """Return whose entries are asked for; raise ``Forbidden`` when the caller may not see those of all."""
        if not self.everywhere:
            return caller.workspace_id
        caller.require("installation")
        return None


class PageFilters(Filters):
    """Which entries, and which page."""

    limit: int = Field(50, ge=1, le=MAX_PAGE)
    cursor: str | None = Field(None, max_length=64, description="`next_cursor` of the page before.")


class EntryOut(BaseModel):
    """Something that somebody did."""

    id: int
    at: datetime
    actor: str = Field(description="`user:7`, `key:3`, `cli` or `anonymous`.")
    user_id: int | None = Field(description="The person, also the one whose key it was.")
    action: str
    subject: str
    workspace_id: int = Field(description="0: it concerns the whole installation.")
    origin: str = Field(description="The network that it came from; no address.", examples=["203.0.113.0"])
    details: dict[str, Any]

    @classmethod
    def of(cls, entry: AuditEntry) -> Self:
        """Return the entry as it goes out; checked when it was written, so not again."""
        return cls.model_construct(**{name: getattr(entry, name) for name in cls.model_fields})


class EntryList(BaseModel):
    """One page of the log, newest first; it may be short although more follow."""

    items: list[EntryOut]
    next_cursor: str | None = Field(description="Ask with it for the next page; null on the last one.")


class JsonLines(StreamingResponse):
    """A JSON object on each line."""

    media_type = "application/x-ndjson"


@router.get("", operation_id="list_audit", responses=problems(Forbidden, InvalidInput, InvalidCursor))
async def list_audit(query: Annotated[PageFilters, Query()], services: AllServices, caller: Caller) -> EntryList:
    """Read the audit log of the workspace, newest first."""
    asked = query.query(limit=query.limit, after=id_in(query.cursor))
    page = await services.audit.page(query.workspace_of(caller), asked)
    return EntryList(
        items=[EntryOut.of(entry) for entry in page.entries],
        next_cursor=None if page.next_after is None else cursor_of(page.next_after),
    )


@router.get(
    "/export",
    operation_id="export_audit",
    response_class=JsonLines,
    responses={
        200: {"content": {"application/x-ndjson": {}}, "description": "Entries, oldest first, one in a line."},
        **problems(Forbidden, InvalidInput),
    },
)
async def export_audit(query: Annotated[Filters, Query()], services: AllServices, caller: Caller) -> JsonLines:
    """Export the audit log as JSON lines, oldest first."""
    pages = services.audit.all(query.workspace_of(caller), query.query())
    first: list[AuditEntry] = await anext(
        pages, []
    )  # a store that is away is answered with a problem, not with half an answer

    async def lines() -> AsyncIterator[bytes]:
        yield encode_entries(first)
        async for page in pages:
            yield encode_entries(page)

    return JsonLines(lines(), headers={"Content-Disposition": 'attachment; filename="audit.jsonl"'})


def encode_entries(entries: list[AuditEntry]) -> bytes:
    """Return entries as JSON lines."""
    return b"".join(
        msgspec.json.encode({name: getattr(entry, name) for name in EntryOut.model_fields}) + b"\n" for entry in entries
    )
