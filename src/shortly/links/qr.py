"""QR codes of short URLs."""

from __future__ import annotations

import io
import re
from functools import lru_cache
from typing import Literal, NamedTuple

import segno

from shortly.errors import InvalidInput

QrFormat = Literal["svg", "png"]
ErrorLevel = Literal["l", "m", "q", "h"]
MIN_SIZE = 64
MAX_SIZE = 2_048
MAX_BORDER = 10
KEPT = 512
"""Pictures that memory holds; a picture has some kilobytes."""
COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


class QrStyle(NamedTuple):
    """How a code looks."""

    format: QrFormat = "svg"
    size: int = 512
    """Width and height in pixels, at most; modules are whole pixels wide in a PNG."""
    error: ErrorLevel = "m"
    """How much of it may be covered: 7, 15, 25 or 30 %."""
    dark: str = "#000000"
    light: str = "#ffffff"
    """``transparent``: no background."""
    border: int = 4
    """Modules of quiet space around; scanners want 4."""


def check_style(style: QrStyle) -> QrStyle:
    """Return the style, or raise ``InvalidInput``."""
    if not MIN_SIZE <= style.size <= MAX_SIZE:
        raise InvalidInput(f"The size must be from {MIN_SIZE} to {MAX_SIZE} pixels.", field="size")
    if not 0 <= style.border <= MAX_BORDER:
        raise InvalidInput(f"The border must be from 0 to {MAX_BORDER} modules.", field="border")
    if not COLOUR.fullmatch(style.dark):
        raise InvalidInput("The dark colour must be written like #1a2b3c.", field="dark")
    if style.light != "transparent" and not COLOUR.fullmatch(style.light):
        raise InvalidInput("The light colour must be written like #1a2b3c, or be 'transparent'.", field="light")
    return style


@lru_cache(KEPT)
def qr_code(text: str, style: QrStyle) -> bytes:
    """Return the picture of a text's code; some milliseconds, or none when it was asked for before."""
    code = segno.make_qr(text, error=style.error, boost_error=False)
    light = None if style.light == "transparent" else style.light
    modules = code.symbol_size(scale=1, border=style.border)[0]
    out = io.BytesIO()
    if style.format == "png":
        scale = max(1, style.size // modules)
        code.save(out, kind="png", scale=scale, border=style.border, dark=style.dark, light=light)
    else:
        code.save(
            out,
            kind="svg",
            scale=style.size / modules,
            border=style.border,
            dark=style.dark,
            light=light,
            xmldecl=False,
            nl=False,
        )
    return out.getvalue()
