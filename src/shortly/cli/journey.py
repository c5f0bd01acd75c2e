"""The way of one link through an installation, asked from outside: made, followed, counted, deleted, gone."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from shortly.errors import ShortlyError
from shortly.outbound.client import Answer, Limits, Outbound

LIMITS = Limits(deadline_s=10, redirects=0)
COUNTED_WITHIN_S = 30.0
LOOK_EVERY_S = 0.25
LIVES = timedelta(minutes=10)
"""After that the link leads nowhere, even if this machine loses its power before it is deleted."""
FENCES = {
    "content-security-policy": "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}
"""Header that a page needs -> what it has to say, at least."""


class Step(Struct, frozen=True):
    """What one step found."""

    name: str
    passed: bool
    ms: int
    message: str


class Failed(Exception):
    """A step found something else than it should; the text says what."""


class Journey:
    """One link's way through an installation.

    Args:
        outbound: Asks it.
        base: Its address, without a slash at the end.
        key: API key that may make, read and delete links.
        hsts: Whether an https address must tell browsers to insist on https.
    """

    def __init__(self, outbound: Outbound, base: str, key: str, *, hsts: bool = True) -> None:
        self._outbound = outbound
        self._base = base
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._hsts = hsts and base.lower().startswith("https:")
        self._slug = f"smoke-{secrets.token_hex(8)}"
        self._target = f"https://example.com/?{self._slug}"
        self._steps: list[Step] = []

    async def take(self) -> list[Step]:
        """Take the steps in their order; those that a failed one makes senseless are left out.

        The link is deleted in any case, also when this is cancelled, and when nobody knows whether it was made.
        """
        await self._step("health", self._health)
        await self._step("headers", self._fences)
        try:
            if await self._step("create", self._create) and await self._step("follow", self._follow):
                await self._step("count", self._count)
        finally:
            deleted = await self._step("delete", self._delete)
        if deleted:
            await self._step("gone", self._gone)
        return self._steps

    async def _step(self, name: str, work: Callable[[], Awaitable[str]]) -> bool:
        began = time.perf_counter()
        try:
            passed, message = True, await work()
        except (Failed, ShortlyError) as failure:
            passed, message = False, str(failure)
        self._steps.append(Step(name, passed, round((time.perf_counter() - began) * 1000), message))
        return passed

    async def _health(self) -> str:
        answer = await self._get("/health/ready")
        if answer.status != 200 or fields(answer).get("status") != "ok":
            raise Failed(f"/health/ready {said(answer)}.")
        return f"Version {fields(answer).get('version')}."

    async def _fences(self) -> str:
        headers = (await self._get("/")).headers
        missing = [name for name, wanted in FENCES.items() if wanted not in headers.get(name, "")]
        if self._hsts and "max-age=" not in headers.get("strict-transport-security", ""):
            missing.append("strict-transport-security")
        if missing:
            raise Failed(f"Missing or too lax: {', '.join(missing)}.")
        if "/" in headers.get("server", ""):
            raise Failed("The Server header tells the server's version.")
        return f"{len(FENCES) + self._hsts} headers fence pages in."

    async def _create(self) -> str:
        expires_at = (datetime.now(UTC) + LIVES).isoformat()
        link = {"target": self._target, "slug": self._slug, "status": 302, "expires_at": expires_at}
        answer = await self._outbound.post(
            f"{self._base}/api/v1/links", msgspec.json.encode(link), headers=self._headers, limits=LIMITS
        )
        if answer.status != 201:
            raise Failed(f"The API {said(answer)}.")
        return f"Made {self._slug}."

    async def _follow(self) -> str:
        answer = await self._get(f"/{self._slug}")
        if answer.status != 302:
            raise Failed(f"The link {said(answer)} instead of 302.")
        if answer.headers.get("location") != self._target:
            raise Failed("The link leads elsewhere.")
        return "302, to where it should."

    async def _count(self) -> str:
        until = time.monotonic() + COUNTED_WITHIN_S
        while True:
            answer = await self._get(f"/api/v1/links/{self._slug}", self._headers)
            if answer.status != 200:
                raise Failed(f"The API {said(answer)}.")
            clicks = fields(answer).get("clicks")
            if clicks == 1:
                return "1 click."
            if clicks != 0:
                raise Failed(f"{clicks} clicks were counted instead of 1.")
            if time.monotonic() >= until:
                raise Failed(f"The click was not counted within {COUNTED_WITHIN_S:.0f} s.")
            await asyncio.sleep(LOOK_EVERY_S)

    async def _delete(self) -> str:
        answer = await self._outbound.delete(
            f"{self._base}/api/v1/links/{self._slug}", headers=self._headers, limits=LIMITS
        )
        made = any(step.name == "create" and step.passed for step in self._steps)
        if not made and answer.status in (401, 403, 404):
            return "There was none."
        if answer.status != 204:
            raise Failed(f"The API {said(answer)}; delete {self._slug} by hand.")
        return f"Deleted {self._slug}."

    async def _gone(self) -> str:
        answer = await self._get(f"/{self._slug}")
        if answer.status not in (404, 410):  # 410 while it could be restored
            raise Failed(f"The deleted link {said(answer)} instead of 404 or 410.")
        return f"{answer.status}: it leads nowhere."

    async def _get(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        return await self._outbound.get(self._base + path, headers=headers, limits=LIMITS)


def fields(answer: Answer) -> dict[str, Any]:
    """Return the JSON object that an answer brought; empty when it brought none."""
    try:
        value = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def said(answer: Answer) -> str:
    """Return how an answer was, with its stable code where it is a problem."""
    code = fields(answer).get("code")
    return f"answered {answer.status}" + (f" ({code[:64]})" if isinstance(code, str) else "")
