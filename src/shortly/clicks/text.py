"""Texts of strangers, made fit to be kept and shown."""

from __future__ import annotations

import re

MAX_TEXT = 100
"""Characters of a stored value."""

UNSHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
"""Control characters, line and paragraph separators, marks that turn the direction of text, lone surrogates."""


def bounded(text: str) -> str:
    """Return the text without what cannot be shown and without blanks around it, at most ``MAX_TEXT`` characters."""
    return UNSHOWN.sub("", text).strip()[:MAX_TEXT].rstrip()
