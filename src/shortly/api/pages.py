"""The few pages of our own: the start page, and what robots and browsers ask for unasked."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from shortly.api.services import AllServices

router = APIRouter(include_in_schema=False)
start_page = APIRouter(include_in_schema=False)
"""What is at / where the web app was not built."""

STYLE = """
:root { color-scheme: light dark; font-family: system-ui, sans-serif; line-height: 1.5 }
body { max-width: 44rem; margin: 12vh auto; padding: 0 1.5rem }
h1 { margin-bottom: 0 }
dt { font-family: ui-monospace, monospace; margin-top: 1rem }
"""
STYLE_HASH = b64encode(sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
ICON = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<rect width="32" height="32" rx="7" fill="#1f6feb"/>
<path d="M8 22 22 8m0 0h-9m9 0v9" fill="none" stroke="#fff" stroke-width="3.5" stroke-linecap="round"
stroke-linejoin="round"/></svg>
"""
ROBOTS = """User-agent: *
Disallow: /api/
Disallow: /docs
Disallow: /metrics
"""
"""Short links are not forbidden here: only a robot that may fetch one can see that it shall not be indexed."""


def page(title: str, body: str) -> HTMLResponse:
    """Return a page; the body is HTML already."""
    return HTMLResponse(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width"><link rel="icon" href="/favicon.ico">'
        f"<style>{STYLE}</style></head><body>{body}</body></html>",
        headers={"Content-Security-Policy": POLICY},
    )


@start_page.get("/")
async def get_start_page(services: AllServices) -> Response:
    """Show where one is, or lead to ROOT_REDIRECT."""
    if services.settings.root_redirect:
        return RedirectResponse(services.settings.root_redirect, 302)
    return page(
        "Shortly",
        "<h1>Shortly</h1><p>This is a link shortener. Its links begin with "
        f"<b>{escape(services.settings.base_url)}/</b>.</p>"
        "<p>Its web app was not built; <code>make run</code> does it where the npm registry can be reached.</p>"
        '<p><a href="/docs">API</a> · <a href="/health">Health</a></p>',
    )


@router.get("/robots.txt")
async def get_robots_txt() -> Response:
    """Say what robots need not fetch."""
    return Response(ROBOTS, media_type="text/plain", headers={"Cache-Control": "public, max-age=86400"})


@router.get("/favicon.ico")
async def get_favicon() -> Response:
    """Return the icon."""
    return Response(ICON, media_type="image/svg+xml", headers={"Cache-Control": "public, max-age=86400"})
