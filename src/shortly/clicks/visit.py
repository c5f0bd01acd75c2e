"""A click after enrichment, and the counts that many of them fold into."""

from __future__ import annotations

from msgspec import Struct

from shortly.accounts.people import FIRST_WORKSPACE

DIMENSIONS = (
    "referrer",
    "country",
    "region",
    "city",
    "browser",
    "os",
    "device",
    "language",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_term",
    "utm_content",
    "bot",
    "refused",
)
"""Every dimension that counts are kept by. ``bot`` names the bots, ``refused`` the reason why a visitor got no
redirect (an ``Outcome`` in lower case); the others describe human clicks only."""

OTHER = "(other)"
"""What values beyond ``MAX_VALUES`` of one dimension of one link in one hour or day are counted under."""
MAX_VALUES = 200


class Visit(Struct, frozen=True, gc=False):
    """One enriched click. An unknown value is an empty text and is counted in no dimension."""

    at_ms: int
    link_id: int
    refused: str = ""
    """Empty for a redirect that was given; only those are clicks."""
    bot: str = ""
    """The bot's name; empty: a human."""
    visitor: bytes = b""
    """8 bytes; empty: private, not counted among the visitors."""
    private: bool = False
    """Not kept as a row."""
    referrer: str = ""
    """The host name of the page that the visitor came from, lower case, without ``www.``."""
    country: str = ""
    """ISO 3166-1 alpha-2."""
    region: str = ""
    city: str = ""
    browser: str = ""
    os: str = ""
    device: str = ""
    """``desktop``, ``mobile``, ``tablet``, ``tv`` or ``console``."""
    language: str = ""
    """Primary subtag of the best accepted language, such as ``en``."""
    utm_source: str = ""
    utm_medium: str = ""
    utm_campaign: str = ""
    utm_term: str = ""
    utm_content: str = ""
    workspace: int = FIRST_WORKSPACE
    """The link's."""


class Tally(Struct, array_like=True):
    """Counts of one link (or of all) over one span of time."""

    clicks: int = 0
    """Redirects given, to bots too."""
    bots: int = 0
    """How many of them went to bots."""
    dimensions: dict[str, dict[str, int]] = {}
    """Dimension -> value -> count; without empty dimensions."""
