"""Saved views: what somebody narrows and sorts the list of links by, under a name of theirs."""

from __future__ import annotations

from typing import ClassVar

from msgspec import structs

from shortly.accounts.access import Caller
from shortly.accounts.people import of_user
from shortly.accounts.registry import Noun, Registry
from shortly.errors import InvalidInput, ViewNotFound, ViewsFull

MAX_NAME = 64
MAX_QUERY = 2_000
MAX_VIEWS = 50
"""Of one person in one workspace."""


class View(Noun, frozen=True, kw_only=True):
    """One person's view of one workspace's links."""

    KIND: ClassVar[str] = "view"

    user_id: int
    workspace_id: int
    name: str
    query: str = ""
    """The query string of the list's address; what it means is the web app's business."""

    def names(self) -> tuple[str, ...]:
        """Return its name among its owner's views."""
        return (f"{self.user_id}/{self.workspace_id}/{self.name.casefold()}",)

    def groups(self) -> tuple[str, ...]:
        """Return the views of the person in the workspace, and what belongs to the person."""
        return views_of(self.user_id, self.workspace_id), of_user(self.user_id)


class ViewService:
    """One's own views in the workspace that one works in.

    Args:
        registry: Where they are kept.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def all(self, caller: Caller) -> list[View]:
        """Return them, oldest first."""
        return await self._registry.all(View, views_of(caller.user_id or 0, caller.workspace_id))

    async def save(self, caller: Caller, name: str, query: str) -> View:
        """Keep a new one.

        Raises:
            InvalidInput: The name is empty, or one of both is too long or not printable.
            NameTaken: The person has another one with this name.
            ViewsFull: They have ``MAX_VIEWS``.
        """
        if len(await self.all(caller)) >= MAX_VIEWS:
            raise ViewsFull(MAX_VIEWS)
        view = View(
            user_id=caller.user_id or 0,
            workspace_id=caller.workspace_id,
            name=_checked("name", name, MAX_NAME),
            query=_checked("query", query, MAX_QUERY),
        )
        return await self._registry.add(view)

    async def change(self, caller: Caller, view_id: int, *, name: str | None, query: str | None) -> View:
        """Give one another name or query; errors as for ``save``, and ``ViewNotFound``."""
        view = await self._get(caller, view_id)
        changed = structs.replace(
            view,
            name=view.name if name is None else _checked("name", name, MAX_NAME),
            query=view.query if query is None else _checked("query", query, MAX_QUERY),
        )
        return await self._registry.replace(view, changed)

    async def remove(self, caller: Caller, view_id: int) -> None:
        """Forget one, or raise ``ViewNotFound``."""
        await self._registry.remove(await self._get(caller, view_id))

    async def _get(self, caller: Caller, view_id: int) -> View:
        view = await self._registry.get(View, view_id)
        if view is None or (view.user_id, view.workspace_id) != (caller.user_id, caller.workspace_id):
            raise ViewNotFound(view_id)
        return view


def views_of(user_id: int, workspace_id: int) -> str:
    """Return the group of a person's views in a workspace."""
    return f"user:{user_id}:{workspace_id}"


def _checked(field: str, text: str, most: int) -> str:
    text = text.strip()
    if field == "name" and not text:
        raise InvalidInput("The name is empty.", field=field)
    if len(text) > most:
        raise InvalidInput(f"The {field} must not be longer than {most} characters.", field=field)
    if not text.isprintable():
        raise InvalidInput(f"The {field} must be printable.", field=field)
    return text
