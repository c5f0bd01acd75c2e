"""What a search compares: the casefolded texts of a link, and their trigrams to find candidates by."""

from __future__ import annotations

from collections.abc import Sequence

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


def trigram_match(term: str, texts: Sequence[str] = ()) -> str | None:
    """Return an FTS5 expression that all matches fulfil, and few others; None where trigrams cannot help.

    Whatever the term holds becomes quoted text, so operators of FTS5 mean nothing in it. The trigrams are the rarest
    ones in ``texts``, a sample of those that are stored. What most of them have is left out where something else
    remains: FTS5 reads the whole list of each trigram, and such lists are long and rule nothing out.
    """
    if len(term) < 3 or "\0" in term:  # FTS5 would read an expression up to its first NUL
        return None
    having = {
        trigram: sum(trigram in text for text in texts)
        for trigram in dict.fromkeys(term[start : start + 3] for start in range(len(term) - 2))
    }
    telling = [trigram for trigram, count in having.items() if 2 * count <= len(texts)] or list(having)
    rarest = sorted(telling, key=having.__getitem__)[:MOST_TRIGRAMS]
    return " AND ".join('"' + trigram.replace('"', '""') + '"' for trigram in rarest)
