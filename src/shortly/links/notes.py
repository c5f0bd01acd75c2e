"""What the audit log says about links that were made, changed and deleted.

Some at once have an entry each, many at once have one with their number, so that a bulk import writes one entry for
each of its pieces.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from shortly.accounts.access import Caller
from shortly.accounts.audit import Audit, link_subject
from shortly.errors import ShortlyError
from shortly.links.link import Link
from shortly.links.service import Edit


class LinkNotes:
    """Notes what a caller did to links; never fails, see ``Audit.note``.

    Args:
        audit: The log.
        caller: Who does it.
    """

    def __init__(self, audit: Audit, caller: Caller) -> None:
        self._audit = audit
        self._caller = caller

    async def created(self, outcomes: Sequence[Link | ShortlyError]) -> None:
        """Note the links among the outcomes, each in its workspace."""
        made: list[tuple[Link, dict[str, Any]]] = []
        for link in outcomes:
            if isinstance(link, Link):
                details: dict[str, Any] = {"target": link.target}
                if link.has_password:
                    details["password"] = "set"  # noqa: S105
                made.append((link, details))
        await self._note("link.created", made)

    async def edited(self, edits: Sequence[Edit], outcomes: Sequence[Link | ShortlyError]) -> None:
        """Note the edits that were made, with the names of their fields, with a target or slug that is new, and whether
        a password was set or removed."""
        made = []
        for edit, link in zip(edits, outcomes, strict=True):
            if isinstance(link, Link):
                details: dict[str, Any] = {"fields": sorted(edit.changes)}
                if "target" in edit.changes:
                    details["target"] = link.target
                if "password" in edit.changes:
                    details["password"] = "set" if link.has_password else "removed"
                if edit.slug != link.slug:
                    details["named"] = edit.slug
                made.append((link, details))
        await self._note("link.edited", made)

    async def deleted(self, outcomes: Sequence[Link | ShortlyError]) -> None:
        """Note the links among the outcomes, which were deleted."""
        await self._note("link.deleted", [(link, {}) for link in outcomes if isinstance(link, Link)])

    async def restored(self, outcomes: Sequence[Link | ShortlyError]) -> None:
        """Note the links among the outcomes, whose deletion was taken back."""
        await self._note("link.restored", [(link, {}) for link in outcomes if isinstance(link, Link)])

    async def banned(self, link: Link) -> None:
        """Note that a link was banned, or that this was lifted."""
        if link.ban is None:
            await self._note("link.unbanned", [(link, {})])
        else:
            await self._note("link.banned", [(link, {"status": link.ban.status, "reason": link.ban.reason})])

    async def _note(self, action: str, links: Sequence[tuple[Link, dict[str, Any]]]) -> None:
        by_workspace: defaultdict[int, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
        for link, details in links:
            by_workspace[link.workspace].append((link_subject(link.domain, link.slug), details))
        for workspace_id, subjects in by_workspace.items():
            await self._audit.note_each(self._caller, action, subjects, workspace_id=workspace_id)
