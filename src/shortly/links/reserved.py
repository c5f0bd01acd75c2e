"""The first path segments that belong to Shortly itself.

Slugs and pages share one space of addresses. This set is what keeps them apart, whatever order routes are declared
in: the redirect never looks such a path up, no link gets such a slug, and a test asks the running app's route table
that no route begins with a segment that is missing here.
"""

from __future__ import annotations

RESERVED = frozenset(
    {
        "",
        ".well-known",
        "api",
        "app",
        "assets",
        "docs",
        "favicon.ico",
        "health",
        "manifest.webmanifest",
        "metrics",
        "openapi.json",
        "report",
        "rest",
        "robots.txt",
        "shared",
        "sitemap.xml",
        "sw.js",
        "v4",
        "yourls-api.php",
    }
)

RESERVED_ENDINGS = frozenset({"ban", "export", "qr", "share", "stats", "track", "visits"})
"""Last segments that mean something about the link before them; no slug of several segments ends in one."""


def is_reserved(slug: str) -> bool:
    """Say whether a slug would hide a page of Shortly's, in any spelling, or look as if it did."""
    first, _, rest = slug.partition("/")
    return first.casefold() in RESERVED or rest.rpartition("/")[2].casefold() in RESERVED_ENDINGS
