"""Cookies: their names, their flags, and how they are read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from starlette.responses import Response

from shortly.accounts import devices
from shortly.accounts.sessions import LONGEST
from shortly.errors import Unauthenticated

SECURE_NAME = "__Host-shortly"
"""Browsers take it by HTTPS only, and no neighbouring host can set it."""
PLAIN_NAME = "shortly_session"
DEVICE_SECURE_NAME = "__Host-shortly-device"
DEVICE_PLAIN_NAME = "shortly_device"


class HostCookie:
    """Holds one text in a browser, for this host alone and out of reach of scripts.

    Args:
        secure: Whether browsers reach this installation by HTTPS.
        name: Its name then.
        plain_name: Its name otherwise.
        lifetime: How long the browser keeps it.
    """

    def __init__(self, *, secure: bool, name: str, plain_name: str, lifetime: timedelta) -> None:
        self._secure = secure
        self._lifetime = lifetime
        self.name = name if secure else plain_name

    def set(self, response: Response, token: str) -> None:
        """Let the browser keep the token; how long it is worth anything is not the cookie's business."""
        response.set_cookie(
            self.name,
            token,
            max_age=int(self._lifetime.total_seconds()),
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )

    def clear(self, response: Response) -> None:
        """Let the browser forget it."""
        response.delete_cookie(self.name, path="/", secure=self._secure, httponly=True, samesite="lax")

    def read(self, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
        """Return the token that came with a request, if any.

        Raises:
            Unauthenticated: There are two that differ: one of them was smuggled in.
        """
        wanted = self.name.encode()
        found = set()
        for name, value in headers:
            if name == b"cookie":
                for part in value.split(b";"):
                    key, _, token = part.strip().partition(b"=")
                    if key == wanted:
                        found.add(token)
        if len(found) > 1:
            raise Unauthenticated
        return found.pop().decode("latin-1") if found else None


class SessionCookie(HostCookie):
    """Holds a session's token.

    Args:
        secure: Whether browsers reach this installation by HTTPS.
    """

    def __init__(self, *, secure: bool) -> None:
        super().__init__(secure=secure, name=SECURE_NAME, plain_name=PLAIN_NAME, lifetime=LONGEST)


class DeviceCookie(HostCookie):
    """Holds what says that somebody came in with this device before; see ``accounts.devices``.

    Args:
        secure: Whether browsers reach this installation by HTTPS.
    """

    def __init__(self, *, secure: bool) -> None:
        super().__init__(
            secure=secure, name=DEVICE_SECURE_NAME, plain_name=DEVICE_PLAIN_NAME, lifetime=devices.LIFETIME
        )
