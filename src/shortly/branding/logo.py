"""Which pictures may be an installation's logo: small PNGs, and SVGs that only draw."""

from __future__ import annotations

from typing import Any, Literal, get_args
from xml.parsers import expat

from shortly.errors import InvalidInput

MediaType = Literal["image/png", "image/svg+xml"]

MAX_BYTES = 32_768
MAX_SIDE = 2_048
"""Pixels of a PNG's longer side."""
PNG = b"\x89PNG\r\n\x1a\n"
RUNNING = frozenset({"script", "foreignobject", "iframe", "object", "embed", "handler", "listener"})
"""Elements of an SVG that can run or load something; browsers run none of them in an ``img``, and none gets so far."""


def check_logo(media_type: str, picture: bytes) -> bytes:
    """Return the picture, or raise ``InvalidInput`` when it is not one that a page may show."""
    if media_type not in get_args(MediaType):
        raise InvalidInput("The logo must be a PNG or an SVG.", field="logo.media_type")
    if not 0 < len(picture) <= MAX_BYTES:
        raise InvalidInput(f"The logo must not be larger than {MAX_BYTES // 1024} KiB.", field="logo.data")
    (_check_png if media_type == "image/png" else _check_svg)(picture)
    return picture


def _check_png(picture: bytes) -> None:
    if not picture.startswith(PNG) or picture[12:16] != b"IHDR" or len(picture) < 33:
        raise InvalidInput("The logo is no PNG.", field="logo.data")
    width, height = int.from_bytes(picture[16:20], "big"), int.from_bytes(picture[20:24], "big")
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
        raise InvalidInput(f"The logo must not have more than {MAX_SIDE} pixels a side.", field="logo.data")


def _check_svg(picture: bytes) -> None:
    names: list[str] = []

    def begin(name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2].lower()
        names.append(local)
        if local in RUNNING:
            raise InvalidInput(f"The logo must not contain <{local[:32]}>.", field="logo.data")
        for attribute, value in attributes.items():
            key = attribute.rpartition(":")[2].lower()
            if key.startswith("on") or (key in ("href", "src") and not value.strip().startswith(("#", "data:image/"))):
                raise InvalidInput("The logo must not run or load anything; draw it in itself.", field="logo.data")

    def no_types(*_: Any) -> None:
        raise InvalidInput("The logo must not have a document type; save it as plain SVG.", field="logo.data")

    parser = expat.ParserCreate()
    parser.StartElementHandler = begin
    parser.StartDoctypeDeclHandler = no_types
    try:
        parser.Parse(picture, True)
    except (expat.ExpatError, ValueError, LookupError):
        raise InvalidInput("The logo is no SVG.", field="logo.data") from None
    if names[0] != "svg":
        raise InvalidInput("The logo is no SVG.", field="logo.data")
