"""Colours that text can be read in: contrast as WCAG 2.2 defines it (success criterion 1.4.3)."""

from __future__ import annotations

import re

LEAST = 4.5
"""Contrast that text needs with what is behind it (level AA)."""
STEPS = 20
COLOUR = re.compile(r"#[0-9a-f]{6}")

Rgb = tuple[int, int, int]


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours written as ``#rrggbb``, from 1 to 21."""
    light, dark = sorted((_luminance(_rgb(one)), _luminance(_rgb(other))), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def readable(colour: str, behind: str) -> str:
    """Return the colour, or the nearest shade of it that can be read on ``behind``."""
    end = _rgb("#000000" if contrast("#000000", behind) >= contrast("#ffffff", behind) else "#ffffff")
    start = _rgb(colour)
    for step in range(STEPS + 1):
        mixed = [round(a + (b - a) * step / STEPS) for a, b in zip(start, end, strict=True)]
        shade = "#{:02x}{:02x}{:02x}".format(*mixed)
        if contrast(shade, behind) >= LEAST:
            return shade
    raise AssertionError("black or white can be read on every colour")  # one of them has at least 4.58


def text_on(colour: str) -> str:
    """Return white or else black: what can be read on the colour."""
    return "#ffffff" if contrast("#ffffff", colour) >= LEAST else "#000000"  # one of them always has


def _rgb(colour: str) -> Rgb:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(rgb: Rgb) -> float:
    red, green, blue = (
        part / 255 / 12.92 if part / 255 <= 0.04045 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in rgb
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
