"""The API as one application: layers around routes. ``shortly.app`` puts the redirect in front of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Security
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from shortly import __version__
from shortly.api import (
    attention,
    audit,
    auth,
    bans,
    branding,
    bulk,
    checks,
    docs,
    domains,
    invitations,
    keys,
    labels,
    links,
    live,
    metrics,
    oidc,
    pages,
    passkeys,
    qr,
    report_page,
    reports,
    second_factor,
    share,
    shared_page,
    slugs,
    stats,
    system,
    top,
    transfer,
    users,
    views,
    visits,
    workspaces,
)
from shortly.api.access import public
from shortly.api.authentication import Authentication
from shortly.api.body_limit import BodyLimit
from shortly.api.cors import Cors
from shortly.api.health import health_router
from shortly.api.hosts import KnownHosts
from shortly.api.idempotency import Idempotency
from shortly.api.limits import Limits
from shortly.api.openapi import DESCRIPTION, TAGS, Api, api_key_header, bearer, session_cookie
from shortly.api.problems import answer_http_exception, answer_shortly_error, answer_validation_error
from shortly.api.query_text import QueryText
from shortly.api.safe_headers import SafeHeaders, safe_headers
from shortly.api.trace import Trace
from shortly.api.web_app import FOLDER, read_files, web_app_router
from shortly.errors import ShortlyError
from shortly.settings import Settings

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[dict[str, object]]]


def create_api(settings: Settings, lifespan: Lifespan | None = None, ui: Path = FOLDER) -> FastAPI:
    """Return everything that is not a redirect.

    Args:
        settings: The installation's.
        lifespan: Opens what the services stand on, and yields ``{"services": Services(...)}``; None: whoever hands
            requests on puts that into the ``state`` of each.
        ui: Where the built web app is; a folder that is not there means none.
    """
    api = Api(
        title="Shortly",
        version=__version__,
        description=DESCRIPTION,
        openapi_tags=TAGS,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        strict_content_type=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        middleware=[
            Middleware(Limits, headers=safe_headers(settings), origins=settings.cors_origins),
            Middleware(SafeHeaders, headers=safe_headers(settings)),
            Middleware(Cors, origins=settings.cors_origins),
            Middleware(Trace),
            Middleware(KnownHosts, hosts=(settings.base_host, *settings.allowed_hosts)),
            Middleware(Authentication),
            Middleware(QueryText),
            Middleware(BodyLimit, max_bytes=settings.max_body_mb << 20),
            Middleware(Idempotency),
        ],
        exception_handlers={
            ShortlyError: answer_shortly_error,
            HTTPException: answer_http_exception,
            RequestValidationError: answer_validation_error,
        },
    )
    needs_key: list[Any] = [Security(bearer), Security(api_key_header), Security(session_cookie)]
    api.include_router(stats.router, dependencies=needs_key)  # before links: see paths
    api.include_router(visits.router, dependencies=needs_key)
    api.include_router(top.router, dependencies=needs_key)
    api.include_router(share.router, dependencies=needs_key)
    api.include_router(live.router, dependencies=needs_key)
    api.include_router(bans.router, dependencies=needs_key)
    api.include_router(qr.router, dependencies=needs_key)
    api.include_router(links.router, dependencies=needs_key)
    api.include_router(bulk.router, dependencies=needs_key)
    api.include_router(attention.router, dependencies=needs_key)
    api.include_router(checks.router, dependencies=needs_key)
    api.include_router(labels.router, dependencies=needs_key)
    api.include_router(slugs.router, dependencies=needs_key)
    api.include_router(keys.router, dependencies=needs_key)
    api.include_router(audit.router, dependencies=needs_key)
    api.include_router(branding.everybody)
    api.include_router(branding.router, dependencies=needs_key)
    api.include_router(reports.strangers)
    api.include_router(reports.router, dependencies=needs_key)
    api.include_router(users.router, dependencies=needs_key)
    api.include_router(views.router, dependencies=needs_key)
    api.include_router(workspaces.router, dependencies=needs_key)
    api.include_router(invitations.router)
    api.include_router(domains.router, dependencies=needs_key)
    api.include_router(metrics.router, dependencies=needs_key)
    api.include_router(transfer.router, dependencies=needs_key)
    api.include_router(system.router, dependencies=needs_key)
    api.include_router(auth.router)
    api.include_router(second_factor.router)
    api.include_router(passkeys.router)
    api.include_router(oidc.router)
    api.include_router(health_router(), dependencies=[public])
    api.include_router(docs.document, dependencies=[public])
    api.include_router(docs.router, dependencies=[public])
    files = read_files(ui)
    api.include_router(web_app_router(files) if files else pages.start_page, dependencies=[public])
    api.include_router(pages.router, dependencies=[public])
    api.include_router(report_page.router, dependencies=[public])
    api.include_router(shared_page.router, dependencies=[public])
    api.include_router(qr.public_router, dependencies=[public])
    return api
