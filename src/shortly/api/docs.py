"""``/docs``: the interactive API document, out of the package, without any other server; and the list of problems."""

from __future__ import annotations

from html import escape
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse
from starlette.exceptions import HTTPException

from shortly import __version__
from shortly.api.openapi import Api
from shortly.api.pages import page
from shortly.api.problems import STATUS, title_of

router = APIRouter(prefix="/docs", include_in_schema=False)
document = APIRouter(include_in_schema=False)

FILES = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}
EDITION = version("fastapi-offline")
FOLDER = Path(str(files("fastapi_offline"))) / "static"
START = """\
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  presets: [SwaggerUIBundle.presets.apis],
});
"""
PAGE = f"""\
<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shortly API</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="/favicon.ico">
<link rel="stylesheet" href="/docs/{EDITION}/swagger-ui.css"></head>
<body><div id="swagger-ui"></div><script src="/docs/{EDITION}/swagger-ui-bundle.js"></script>
<script src="/docs/start-{__version__}.js"></script></body></html>
"""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Swagger UI sets styles on its elements; its scripts come from files alone."""
FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}


@document.get("/openapi.json")
async def get_document(request: Request) -> Response:
    """Return the API's document."""
    api: Api = request.app
    return Response(await api.document(), media_type="application/json")


@router.get("")
async def get_docs() -> HTMLResponse:
    """Show the API document."""
    return HTMLResponse(PAGE, headers={"Content-Security-Policy": POLICY})


@router.get("/errors")
async def get_errors() -> HTMLResponse:
    """Explain every problem code; the ``type`` of a problem leads here."""
    kinds = sorted(
        ((kind.code, int(status), title_of(kind)) for kind, status in STATUS.items()), key=lambda kind: kind[0]
    )
    entries = "".join(
        f'<dt id="{escape(code)}">{escape(code)} ({status})</dt><dd>{escape(title)}</dd>'
        for code, status, title in kinds
    )
    return page("Problems · Shortly", f"<h1>Problems</h1><dl>{entries}</dl>")


@router.get(f"/start-{__version__}.js")
async def get_start_script() -> Response:
    """Return the script that fills the page."""
    return Response(START, media_type="text/javascript", headers=FOR_EVER)


@router.get(f"/{EDITION}/{{name}}")
async def get_file(name: str) -> FileResponse:
    """Return one of Swagger UI's files."""
    if name not in FILES:
        raise HTTPException(404)
    return FileResponse(FOLDER / name, media_type=FILES[name], headers=FOR_EVER)
