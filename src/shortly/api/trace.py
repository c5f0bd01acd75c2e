"""A request id, a log line and a count for each request, and always an answer."""

from __future__ import annotations

import re
import secrets
import time
from urllib.parse import quote

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shortly.api.problems import InternalError, answer_http_exception, answer_problem
from shortly.api.services import Services
from shortly.counters import REQUEST_BUCKETS_MS
from shortly.errors import ShortlyError

log = structlog.get_logger("shortly.api")

SANE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
MAX_LOGGED_PATH = 256
QUIET = frozenset({"health", "metrics"})
"""First segments whose requests are only worth a debug line."""
BUCKETS = tuple((bound / 1000, f"api_request_ms_le_{bound}") for bound in REQUEST_BUCKETS_MS)


class Trace:
    """ASGI middleware around all others. HEAD is answered as GET, without the body."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; no exception gets out unless its answer has begun."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        services: Services = scope["state"]["services"]
        request_id = request_id_of(scope)
        method: str = scope["method"]
        if method == "HEAD":
            scope["method"] = "GET"
        started = time.perf_counter()
        status = 0

        async def finishing_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id)]
            elif method == "HEAD":
                message = {"type": message["type"], "more_body": message.get("more_body", False)}
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id.decode()):
            try:
                await self.app(scope, receive, finishing_send)
            except Exception as error:
                answer = await answer_exception(Request(scope, receive), error)
                if status:
                    raise  # the answer is cut off: the client must not take it for whole
                await answer(scope, receive, finishing_send)
            finally:
                elapsed = time.perf_counter() - started
                count(services, status or 500, elapsed)
                path = quote(scope["path"], safe="/-._~")
                write = log.debug if path.split("/", 2)[1:2] and path.split("/", 2)[1] in QUIET else log.info
                write("request", method=method, path=path[:MAX_LOGGED_PATH], status=status, ms=round(elapsed * 1000, 2))


async def answer_exception(request: Request, error: Exception) -> Response:
    """Return the answer to anything that was raised; what nobody expected is logged, and told to nobody."""
    if isinstance(error, ShortlyError):
        return answer_problem(error)
    if isinstance(error, HTTPException):
        return await answer_http_exception(request, error)
    log.error("request failed", exc_info=error)
    return answer_problem(InternalError())


def request_id_of(scope: Scope) -> bytes:
    """Return the request id that came with the request if it is a sane one, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and SANE_ID.fullmatch(value):
            found: bytes = value
            return found
    return secrets.token_hex(8).encode()


def count(services: Services, status: int, elapsed_s: float) -> None:
    """Count a request, in fixed classes only."""
    counters = services.counters
    counters.add(f"api_requests_{status // 100}xx")
    counters.add(next((name for bound, name in BUCKETS if elapsed_s <= bound), "api_request_ms_le_inf"))
    counters.add("api_request_us_sum", int(elapsed_s * 1_000_000))
