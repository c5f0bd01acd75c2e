"""A click as the redirect writes it down, and its form in the journal.

A click holds no IP address: the redirect keeps the network (the first 24 bits of IPv4, 48 of IPv6) for the country
look-up, and a keyed hash of address and user agent whose key is thrown away every day (``visitor``).
"""

from __future__ import annotations

from enum import IntEnum
from functools import partial
from struct import Struct
from typing import NamedTuple

from shortly.accounts.people import FIRST_WORKSPACE
from shortly.clicks.segment import LAYOUT


class Outcome(IntEnum):
    """What the visitor got."""

    REDIRECTED = 0
    SCHEDULED = 1
    EXPIRED = 2
    EXHAUSTED = 3
    DISABLED = 4
    PROTECTED = 5
    BANNED = 6


class Click(NamedTuple):
    """One request for a link. Texts are as the browser sent them (latin-1); long ones are cut, see ``MAX_`` below."""

    at_ms: int
    """Unix milliseconds, UTC."""
    link_id: int
    outcome: int
    """An ``Outcome``."""
    private: bool
    """The visitor asked not to be tracked, and the settings honour it: counted, nothing else kept."""
    visitor: bytes
    """8 bytes, equal for the same visitor on the same UTC day; all zero when private."""
    country: str
    """Two letters from a trusted proxy's header, or empty."""
    network: str
    """Such as ``203.0.113.0`` or ``2001:db8:1::``; empty when private or unknown."""
    referrer: str
    user_agent: str
    language: str
    """The ``Accept-Language`` header."""
    query: str
    """The query string, for the UTM fields."""
    workspace: int = FIRST_WORKSPACE
    """The link's."""


MAX_NETWORK = 40
MAX_REFERRER = 1024
MAX_USER_AGENT = 512
MAX_LANGUAGE = 128
MAX_QUERY = 1024
SHORT = 2048
"""Bytes of referrer, user agent, language and query together up to which none of them is cut."""

FIXED = Struct("<QQHBB8s2sBHHHH")
"""at_ms, link_id, workspace, outcome, private, visitor, country; lengths of network, referrer, user agent, language,
query."""
NO_COUNTRY = bytes(2)
FIXED_1 = Struct("<QQBB8s2sBHHHH")
"""The same in segments of layout 1, from before there were workspaces."""

_click_of = partial(tuple.__new__, Click)
"""Takes all fields as one tuple, in a third of the time."""


def decode_click(payload: bytes | memoryview, layout: int = LAYOUT) -> Click:
    """Read one click back from a journal record's payload, as it was laid out in segments of this layout."""
    if layout == LAYOUT:
        at_ms, link_id, workspace, outcome, private, visitor, country, *lengths = FIXED.unpack_from(payload)
        start = FIXED.size
    else:
        at_ms, link_id, outcome, private, visitor, country, *lengths = FIXED_1.unpack_from(payload)
        start, workspace = FIXED_1.size, FIRST_WORKSPACE
    ref, n_ref, n_ua, n_lang, n_query = lengths
    ua = ref + n_ref
    lang = ua + n_ua
    query = lang + n_lang
    texts = str(payload[start:], "latin-1")
    return _click_of(
        (
            at_ms,
            link_id,
            outcome,
            private != 0,
            visitor,
            "" if country == NO_COUNTRY else country.rstrip(b"\0").decode("latin-1"),
            texts[:ref],
            texts[ref:ua],
            texts[ua:lang],
            texts[lang:query],
            texts[query : query + n_query],
            workspace,
        )
    )


def encode_click(click: Click) -> bytes:
    """Return the payload of a click; the inverse of ``decode_click``."""
    network = click.network.encode("latin-1", "replace")[:MAX_NETWORK]
    referrer = click.referrer.encode("latin-1", "replace")[:MAX_REFERRER]
    user_agent = click.user_agent.encode("latin-1", "replace")[:MAX_USER_AGENT]
    language = click.language.encode("latin-1", "replace")[:MAX_LANGUAGE]
    query = click.query.encode("latin-1", "replace")[:MAX_QUERY]
    return (
        FIXED.pack(
            click.at_ms,
            click.link_id,
            click.workspace,
            click.outcome,
            click.private,
            click.visitor,
            click.country.encode("latin-1", "replace")[:2],
            len(network),
            len(referrer),
            len(user_agent),
            len(language),
            len(query),
        )
        + network
        + referrer
        + user_agent
        + language
        + query
    )
