"""What a route asks of its callers; every route says so, with ``needs`` or with ``public``."""

from __future__ import annotations

from typing import Any

from fastapi import Depends, Request

from shortly.accounts.access import Caller, Permission


class Needs:
    """The dependency behind ``needs``; the permission is there for tests that walk the routes."""

    def __init__(self, permission: Permission) -> None:
        self.permission: Permission = permission

    async def __call__(self, request: Request) -> None:
        """Let the request through, or raise ``Forbidden``."""
        caller: Caller = request.state.caller
        caller.require(self.permission)


async def open_to_everybody() -> None:
    """Let every request through."""


def needs(permission: Permission) -> Any:
    """Return the dependency of a route whose callers need a permission in their workspace."""
    return Depends(Needs(permission))


public: Any = Depends(open_to_everybody)
"""The dependency of a route that strangers may use."""
