"""The web app: its files out of the package, each in the smallest form that the browser takes.

The build (``web/``) leaves them in ``shortly/ui``: a page, and under ``assets/`` files whose names change with their
contents. Beside a file may lie what Brotli and gzip made of it. Addresses below ``/app`` all get the page: which screen
they are is the app's business.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from fastapi import APIRouter, Request, Response

from shortly.api.services import AllServices

FOLDER = Path(__file__).parent.parent / "ui"
PAGE = "index.html"
ASSETS = "assets/"
SERVICE_WORKER = "/sw.js"
ENCODINGS = {"br": ".br", "gzip": ".gz"}
"""Content codings by preference, and what ends the names of files that have them."""
FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""Styles are set on elements by the components that the app is made of; scripts come from files alone."""
OTHER_TYPES = {".webmanifest": "application/manifest+json", ".js": "text/javascript", ".svg": "image/svg+xml"}


class File(NamedTuple):
    """One file of the app."""

    media_type: str
    etag: str
    """Of the file as it is; each coding has one of its own."""
    forms: Mapping[str, bytes]
    """Content coding -> the bytes; ``identity`` is always there."""


def read_files(folder: Path = FOLDER) -> dict[str, File]:
    """Return the app's files by their path below the folder; none when it was not built."""
    packed = set(ENCODINGS.values())
    files = {}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if path.is_file() and path.suffix not in packed:
            whole = path.read_bytes()
            forms = {"identity": whole}
            for coding, ending in ENCODINGS.items():
                beside = path.with_name(path.name + ending)
                if beside.is_file():
                    forms[coding] = beside.read_bytes()
            media_type = (
                OTHER_TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            )
            if media_type.startswith("text/") or media_type.endswith("json"):
                media_type += "; charset=utf-8"
            name = path.relative_to(folder).as_posix()
            files[name] = File(media_type, sha256(whole).hexdigest()[:24], forms)
    return files


def answer_file(file: File, request: Request, *, immutable: bool) -> Response:
    """Return the file, or that the browser has it already."""
    coding = coding_for(request.headers.get("accept-encoding", ""), file.forms)
    etag = f'"{file.etag}-{coding}"'
    headers = {"ETag": etag, "Cache-Control": FOR_EVER if immutable else ASK_AGAIN, "Vary": "Accept-Encoding"}
    if file.media_type.startswith("text/html"):
        headers |= {"Content-Security-Policy": POLICY, "Cross-Origin-Opener-Policy": "same-origin"}
    elif request.url.path == SERVICE_WORKER:
        headers["Content-Security-Policy"] = "default-src 'none'; connect-src 'self'"  # what it may fetch itself
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if etag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    if coding != "identity":
        headers["Content-Encoding"] = coding
    return Response(file.forms[coding], media_type=file.media_type, headers=headers)


def coding_for(accepted: str, forms: Mapping[str, bytes]) -> str:
    """Return the best coding that the browser takes, of those that there are (RFC 9110, section 12.5.3)."""
    refused: set[str] = set()
    wanted: set[str] = set()
    for part in accepted.lower().split(","):
        name, _, weight = part.partition(";")
        digits = weight.strip().removeprefix("q=").strip()
        (refused if digits in ("0", "0.0", "0.00", "0.000") else wanted).add(name.strip())
    for coding in ENCODINGS:
        if coding in forms and coding not in refused and (coding in wanted or "*" in wanted):
            return coding
    return "identity"


def web_app_router(files: Mapping[str, File]) -> APIRouter:
    """Return the routes of the app, one for each of its files; ``files`` must have its page."""
    router = APIRouter(include_in_schema=False)

    def serve(name: str, *, immutable: bool = False) -> Callable[..., Awaitable[Response]]:
        async def get_file(request: Request) -> Response:
            return answer_file(files[name], request, immutable=immutable)

        return get_file

    @router.api_route("/", methods=["GET", "HEAD"])
    async def get_root(request: Request, services: AllServices) -> Response:
        """Show the app, or lead to ROOT_REDIRECT."""
        if services.settings.root_redirect:
            return Response(status_code=302, headers={"Location": services.settings.root_redirect})
        return answer_file(files[PAGE], request, immutable=False)

    router.add_api_route("/app", serve(PAGE), methods=["GET", "HEAD"])
    router.add_api_route("/app/{screen:path}", serve(PAGE), methods=["GET", "HEAD"])
    for name in files:
        if name != PAGE:
            router.add_api_route(f"/{name}", serve(name, immutable=name.startswith(ASSETS)), methods=["GET", "HEAD"])
    return router
