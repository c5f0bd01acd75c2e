"""Reports of abuse: what strangers say about a link, and what was decided."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar, Literal
from urllib.parse import unquote, urlsplit

from msgspec import structs

from shortly.accounts.access import Caller
from shortly.accounts.audit import Audit, link_subject
from shortly.accounts.registry import Noun, Registry, replacing
from shortly.errors import InvalidInput, LinkNotFound, ReportNotFound
from shortly.links.service import LinkService

Reason = Literal["phishing", "malware", "spam", "illegal", "harassment", "privacy", "copyright", "other"]
State = Literal["open", "dismissed", "acted"]
Decision = Literal["dismissed", "acted"]

MAX_DETAILS = 4_000
MAX_CONTACT = 254
MAX_NOTE = 4_000
KEPT = timedelta(days=365)
"""How long a report is kept, decided or not."""


class Report(Noun, frozen=True, kw_only=True):
    """What somebody said about a link. Nothing tells who that was, but what they wrote themselves."""

    KIND: ClassVar[str] = "report"

    workspace_id: int
    domain: str
    slug: str
    target: str
    """Where the link led when it was reported."""
    reason: Reason
    details: str = ""
    contact: str = ""
    """How to reach whoever reported it, if they want to be reached."""
    created_at: datetime
    state: State = "open"
    note: str = ""
    """Why it was decided so."""
    decided_by: str = ""
    decided_at: datetime | None = None

    def groups(self) -> tuple[str, ...]:
        """Return the workspace's reports, and those of its reports that are in the same state."""
        return in_workspace(self.workspace_id), in_workspace(self.workspace_id, self.state)

    def expiry(self) -> datetime:
        """Return when it is forgotten."""
        return self.created_at + KEPT


class ReportService:
    """Takes reports in, and decides on them.

    Args:
        registry: Where they are kept.
        links: Finds what is reported.
        audit: Where decisions are noted.
    """

    def __init__(self, registry: Registry, links: LinkService, audit: Audit) -> None:
        self._registry = registry
        self._audit = audit
        self._links = links

    async def report(self, slug: str, domain: str | None, *, reason: Reason, details: str, contact: str) -> Report:
        """Take a report in.

        Raises:
            LinkNotFound, UnknownDomain: There is no such link.
            InvalidInput: A text is too long, or has characters that cannot be printed.
        """
        link = await self._links.get(slug, domain=domain)
        return await self._registry.add(
            Report(
                workspace_id=link.workspace,
                domain=link.domain,
                slug=link.slug,
                target=link.target,
                reason=reason,
                details=check_text(details, "details", MAX_DETAILS),
                contact=check_text(contact, "contact", MAX_CONTACT),
                created_at=self._registry.now(),
            )
        )

    async def page(self, caller: Caller, *, state: State | None, after: int | None, limit: int) -> list[Report]:
        """Return up to ``limit`` reports of the caller's workspace, newest first, older than the id ``after``."""
        caller.require("reports:read")
        group = in_workspace(caller.workspace_id, state)
        return await self._registry.page(Report, group, after=after, limit=limit, descending=True)

    async def decide(self, caller: Caller, report_id: int, state: Decision, note: str) -> Report:
        """Say what became of a report, and return it; what was decided before may be decided anew.

        Raises:
            Forbidden: The caller may not.
            ReportNotFound: The workspace has no such report.
            InvalidInput: The note is too long, or has characters that cannot be printed.
            RecordChanged: Somebody else decided at this very moment.
        """
        caller.require("reports:write")
        report = await self._registry.get(Report, report_id)
        if report is None or report.workspace_id != caller.workspace_id:
            raise ReportNotFound(report_id)
        decided = structs.replace(
            report,
            state=state,
            note=check_text(note, "note", MAX_NOTE),
            decided_by=caller.actor,
            decided_at=self._registry.now(),
        )
        noted = self._audit.entry(
            caller,
            "report.decided",
            f"report:{report.id}",
            state=state,
            reason=report.reason,
            link=link_subject(report.domain, report.slug),
        )
        await self._registry.write(replacing(report, decided), noted)
        return structs.replace(decided, version=report.version + 1)

    def place_of(self, short_url: str) -> tuple[str, str]:
        """Return slug and host of a short URL, or raise ``LinkNotFound`` when it is none of ours."""
        try:
            parts = urlsplit(short_url if "://" in short_url else f"https://{short_url}")
            slug, host = unquote(parts.path[1:], errors="strict"), parts.netloc.rpartition("@")[2]
            self._links.domain_of(host)
        except (ValueError, InvalidInput):
            raise LinkNotFound(short_url[:128]) from None
        return slug, host


def in_workspace(workspace_id: int, state: State | None = None) -> str:
    """Return the group of a workspace's reports, or of those in one state."""
    return f"workspace:{workspace_id}" if state is None else f"workspace:{workspace_id}:{state}"


def check_text(text: str, field: str, most: int) -> str:
    """Return what a stranger wrote, which may have lines but no control characters."""
    text = text.replace("\r\n", "\n").strip()
    if len(text) > most:
        raise InvalidInput(f"The {field} must not be longer than {most} characters.", field=field)
    if not all(character.isprintable() or character in "\n\t" for character in text):
        raise InvalidInput(f"The {field} must not contain control characters.", field=field)
    return text
