"""What a search compares: the casefolded texts of a link, and their trigrams to find candidates by."""

from __future__ import annotations

from shortly.links.link import Link

SEPARATOR = "\x1f"
"""Keeps a search from matching across two fields; no field has this control character."""
MOST_TRIGRAMS = 8
"""Trigrams of a long search that candidates must have; the whole text is compared anyway."""


def text_of(link: Link) -> str:
    """Return what a search for this link looks through."""
    return SEPARATOR.join((link.slug, link.target, link.title, link.notes, *link.tags)).casefold()


def term_of(search: str) -> str:
    """Return the text to look for; empty: everything matches."""
    return search.casefold()


def trigram_match(term: str) -> str | None:
    """Return an FTS5 expression that all matches fulfil, and few others; None where trigrams cannot help.

    Whatever the term holds becomes quoted text, so operators of FTS5 mean nothing in it.
    """
    if len(term) < 3 or "\0" in term:  # FTS5 would read an expression up to its first NUL
        return None
    trigrams = list(dict.fromkeys(term[start : start + 3] for start in range(len(term) - 2)))
    step = -(-len(trigrams) // MOST_TRIGRAMS)
    return " AND ".join('"' + trigram.replace('"', '""') + '"' for trigram in trigrams[::step])
