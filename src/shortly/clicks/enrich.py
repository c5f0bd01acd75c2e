"""Turns a click, as the browser sent it, into a visit, as it is counted."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote_to_bytes

from shortly.clicks.agents import Agents
from shortly.clicks.click import Click, Outcome
from shortly.clicks.geo import NOWHERE, Place, Places, country_code
from shortly.clicks.text import bounded
from shortly.clicks.visit import Visit

CACHED_REFERRERS = 16_384
CACHED_LANGUAGES = 4_096
CACHED_QUERIES = 4_096
CACHED_COUNTRIES = 1_024

MAX_HOST = 253
ORIGIN = re.compile(
    r"(?:https?|android-app|ios-app)://(?:[^/?#\\@]*@)?(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d*)?(?=[/?#\\]|$)"
)
LANGUAGE = re.compile(r"([a-z]{2,3})(?:-[a-z0-9-]*)?")
WEIGHT = re.compile(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")

Campaign = tuple[str, str, str, str, str]
UTM = {"utm_source": 0, "utm_medium": 1, "utm_campaign": 2, "utm_term": 3, "utm_content": 4}
NO_CAMPAIGN: Campaign = ("", "", "", "", "")
REFUSED = {outcome.value: outcome.name.lower() for outcome in Outcome} | {Outcome.REDIRECTED.value: ""}
NOBODY = bytes(8)


class Enricher:
    """Remembers what it made of each text, because most visitors send what others sent before; for one thread.

    Args:
        geoip_path: A MaxMind-format database; None: places come from the trusted proxy's header alone.
    """

    def __init__(self, geoip_path: Path | None) -> None:
        self._places = None if geoip_path is None else Places(geoip_path)
        self._country_of = lru_cache(CACHED_COUNTRIES)(lambda country: Place(country_code(country)))
        self._agents = Agents()
        self._agent_of = self._agents.agent_of
        self._referrer_of = lru_cache(CACHED_REFERRERS)(referrer_host)
        self._language_of = lru_cache(CACHED_LANGUAGES)(best_language)
        self._campaign_of = lru_cache(CACHED_QUERIES)(campaign_of)

    def visit_of(self, click: Click) -> Visit:
        """Return the visit; never raises. Its texts have at most ``MAX_TEXT`` characters, the referrer ``MAX_HOST``."""
        at_ms, link_id, outcome, private, visitor, country, network, referrer, user_agent, language, query, whose = (
            click
        )
        agent = self._agent_of(user_agent)
        refused = REFUSED.get(outcome, "unknown")
        if private:
            return Visit(at_ms=at_ms, link_id=link_id, refused=refused, bot=agent.bot, private=True, workspace=whose)
        place = self._place_of(country, network)
        return Visit(  # by position, which takes half as long
            at_ms,
            link_id,
            refused,
            agent.bot,
            visitor if visitor != NOBODY else b"",
            False,
            self._referrer_of(referrer) if referrer else "",
            *place,
            agent.browser,
            agent.os,
            agent.device,
            self._language_of(language) if language else "",
            *(self._campaign_of(query) if "utm_" in query else NO_CAMPAIGN),
            whose,
        )

    def prepare(self) -> None:
        """Load now what the first user agent would have to wait for; before a fork, or a measurement."""
        _ = self._agents.rules

    def close(self) -> None:
        """Let go of the places database."""
        if self._places is not None:
            self._places.close()

    def _place_of(self, country: str, network: str) -> Place:
        """Return the place; the proxy's word on the country counts, and a region or city of another one does not."""
        named = self._country_of(country) if country else NOWHERE
        if self._places is None:
            return named
        place = self._places.place_of(network)
        return place if named.country in ("", place.country) else named


def referrer_host(referrer: str) -> str:
    """Return the host of a ``Referer`` header in lower case, without ``www.`` and port; empty for anything unclear."""
    origin = ORIGIN.match(referrer.lower())
    if origin is None:
        return ""
    return origin[1].strip(".").removeprefix("www.")[:MAX_HOST]


def best_language(accepted: str) -> str:
    """Return the primary subtag, such as ``en``, that an ``Accept-Language`` header likes best; the first of equals."""
    best, best_weight = "", 0.0
    for entry in accepted.lower().split(","):
        tag, _, parameter = entry.partition(";")
        language = LANGUAGE.fullmatch(tag.strip())
        weight = WEIGHT.fullmatch(parameter.strip()) if parameter else None
        if language is None or (parameter and weight is None):
            continue
        liking = float(weight[1]) if weight else 1.0
        if liking > best_weight:
            best, best_weight = language[1], liking
    return best


def campaign_of(query: str) -> Campaign:
    """Return the five UTM fields of a raw query string; the first one that is not empty counts."""
    fields = list(NO_CAMPAIGN)
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        place = UTM.get(name)
        if place is not None and not fields[place]:
            octets = unquote_to_bytes(value.replace("+", " ").encode("latin-1", "replace"))
            fields[place] = bounded(octets.decode("utf-8", "replace"))
    return fields[0], fields[1], fields[2], fields[3], fields[4]
