"""Slugs: which ones are allowed, how one is drawn, and which one a path asks for."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Callable

from shortly.errors import InvalidSlug, ReservedSlug
from shortly.links.reserved import RESERVED, is_reserved

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz"
"""56 letters and digits that nobody mistakes for one another: no 0, O, o, 1, I, l."""
SMALL_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
"""The same for installations where case makes no difference."""
MAX_LENGTH = 128
"""Characters in a slug, all its segments together."""
MAX_SEGMENTS = 8

ASCII_SEGMENT = re.compile(r"[A-Za-z0-9_-]+")
EMOJI_PARTS = frozenset("\u200d\ufe0f\u20e3")
"""Joiner, presentation selector and keycap: parts of emoji, invisible by themselves."""


class SlugRules:
    """What an installation's settings allow as a slug."""

    def __init__(
        self,
        *,
        length: int = 7,
        unicode: bool = False,
        multi_segment: bool = False,
        case_insensitive: bool = False,
    ) -> None:
        self.length = length
        self._unicode = unicode
        self._multi_segment = multi_segment
        self._alphabet = SMALL_ALPHABET if case_insensitive else ALPHABET

    def check(self, slug: str) -> str:
        """Return a slug that somebody chose, in normal form (NFC).

        Raises:
            InvalidSlug: It has another form than the settings allow, or more than ``MAX_LENGTH`` characters.
            ReservedSlug: It is the address of a page of Shortly's.
        """
        if not isinstance(slug, str):
            raise InvalidSlug("The slug must be text.")
        if not slug:
            raise InvalidSlug("The slug is empty.")
        if len(slug) > MAX_LENGTH:
            raise InvalidSlug(f"The slug is longer than {MAX_LENGTH} characters.")
        slug = unicodedata.normalize("NFC", slug)
        segments = slug.split("/")
        if len(segments) > 1 and not self._multi_segment:
            raise InvalidSlug("The slug may not contain '/'; slugs of several segments are switched off.")
        if len(segments) > MAX_SEGMENTS:
            raise InvalidSlug(f"The slug has more than {MAX_SEGMENTS} segments.")
        if not all(self._is_segment(segment) for segment in segments):
            allowed = "letters, digits, emoji, '-' and '_'" if self._unicode else "letters A-Z, digits, '-' and '_'"
            raise InvalidSlug(f"The slug may contain only {allowed}.")
        if is_reserved(slug):
            raise ReservedSlug(slug)
        return slug

    def _is_segment(self, segment: str) -> bool:
        if ASCII_SEGMENT.fullmatch(segment):
            return True
        return self._unicode and any(map(_is_visible, segment)) and all(map(_is_slug_character, segment))

    def draw(self, longer: int = 0, below: Callable[[int], int] = secrets.randbelow) -> str:
        """Return a slug, ``longer`` characters longer than usual, drawn by ``below``, which returns a number from 0 to
        one less than its argument; never a reserved one."""
        base, length = len(self._alphabet), self.length + longer
        while True:
            number = below(base**length)  # one number for all characters: each costs a call of the system's otherwise
            slug = ""
            for _ in range(length):
                number, place = divmod(number, base)
                slug += self._alphabet[place]
            if not is_reserved(slug):
                return slug

    def slug_of(self, path: str) -> str | None:
        """Return the slug that a request path (decoded, with its leading slash) may ask for, or None.

        None: the path belongs to Shortly's pages. A path that no slug can have comes back as it is, without its
        slash: no link will be found for it.
        """
        slug = path[1:]
        if slug in RESERVED or slug.partition("/")[0] in RESERVED:
            return None
        return slug if slug.isascii() else unicodedata.normalize("NFC", slug)


def _is_visible(character: str) -> bool:
    return character.isascii() or unicodedata.category(character)[0] in "LN" or unicodedata.category(character) == "So"


def _is_slug_character(character: str) -> bool:
    if character.isascii():
        return ASCII_SEGMENT.fullmatch(character) is not None
    category = unicodedata.category(character)
    return category[0] in "LMN" or category in ("So", "Sk") or character in EMOJI_PARTS
