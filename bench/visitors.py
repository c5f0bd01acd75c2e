"""Made-up visitors, as mixed as those of a real shortener: what they send with a click, and what is counted of it."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from importlib.resources import files
from itertools import accumulate
from typing import TypeVar

from bench.links import HOSTS, WORDS

T = TypeVar("T")

SYSTEMS = (
    "Windows NT 10.0; Win64; x64",
    "Macintosh; Intel Mac OS X 10_15_7",
    "X11; Linux x86_64",
    "X11; CrOS x86_64 14541.0.0",
)
KIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
PHONES = ("SM-S921B", "SM-A546B", "Pixel 8", "2312DRA50G", "CPH2581", "moto g84 5G", "22101316G", "V2250")
REGIONS = ("en-US", "en-GB", "de-DE", "fr-FR", "es-ES", "es-MX", "pt-BR", "it-IT", "nl-NL", "pl-PL", "ja-JP", "tr-TR")
LANGUAGES = [f"{region},{region[:2]};q=0.9,en;q=0.8" for region in REGIONS] + [
    "en-US,en;q=0.5",
    "en",
    "de",
    "ar",
    "ko-KR",
]
BOT_SHARE = 0.12
DIRECT_SHARE = 0.35
CAMPAIGN_SHARE = 0.15


def zipf(count: int) -> list[float]:
    """Return cumulative weights: the n-th of ``count`` values is 1/n as frequent as the first."""
    return list(accumulate(1 / rank for rank in range(1, count + 1)))


def mixed(chance: random.Random, values: Sequence[T], count: int) -> list[T]:
    """Draw values, early ones far more often than late ones."""
    return chance.choices(values, cum_weights=zipf(len(values)), k=count)


def browsers(chance: random.Random) -> list[str]:
    """Return a few thousand user agents of people, the most frequent ones first."""
    agents = []
    for version in range(131, 100, -1):
        for system in SYSTEMS:
            agents.append(f"Mozilla/5.0 ({system}) {KIT} Chrome/{version}.0.0.0 Safari/537.36")
            agents.append(f"Mozilla/5.0 ({system}) {KIT} Chrome/{version}.0.0.0 Safari/537.36 Edg/{version}.0.0.0")
            agents.append(f"Mozilla/5.0 ({system}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0")
        agents.append(f"Mozilla/5.0 (Linux; Android 10; K) {KIT} Chrome/{version}.0.0.0 Mobile Safari/537.36")
    for major in range(18, 13, -1):
        for minor in range(7, -1, -1):
            system = f"CPU iPhone OS {major}_{minor} like Mac OS X"
            safari = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
            agents.append(f"Mozilla/5.0 (iPhone; {system}) {safari} Version/{major}.{minor} Mobile/15E148 Safari/604.1")
            agents.append(f"Mozilla/5.0 (iPad; {system}) {safari} Version/{major}.{minor} Mobile/15E148 Safari/604.1")
    chance.shuffle(agents)
    for _ in range(3_000):  # browsers inside of apps say almost everything about the phone
        phone, build = chance.choice(PHONES), chance.randrange(200_000, 800_000)
        agents.append(
            f"Mozilla/5.0 (Linux; Android {chance.randrange(10, 16)}; {phone} Build/UP1A.{build}; wv) {KIT} "
            f"Version/4.0 Chrome/{chance.randrange(110, 132)}.0.{chance.randrange(7000)}.98 Mobile Safari/537.36 "
            f"Instagram {chance.randrange(300, 360)}.0.0.{chance.randrange(50)}.{chance.randrange(130)} Android"
        )
    return agents


def bots() -> list[str]:
    """Return user agents of bots, as their operators publish them."""
    listed = files("crawleruseragents").joinpath("crawler-user-agents.json").read_text(encoding="utf-8")
    return [agent for entry in json.loads(listed) for agent in entry["instances"]]


def agents(chance: random.Random, count: int) -> list[str]:
    """Draw user agents, of bots too."""
    people, machines = mixed(chance, browsers(chance), count), mixed(chance, bots(), count)
    return [
        machine if chance.random() < BOT_SHARE else person for person, machine in zip(people, machines, strict=True)
    ]


def referrers(chance: random.Random, count: int) -> list[str]:
    """Draw referrers: none, the mere origin, as browsers send it, or now and then a whole address."""
    drawn = []
    for host in mixed(
        chance, [f"www.{host}" for host in HOSTS] + [f"{n}.{host}" for n in range(10) for host in HOSTS], count
    ):
        if chance.random() < DIRECT_SHARE:
            drawn.append("")
        elif chance.random() < 0.8:
            drawn.append(f"https://{host}/")
        else:
            drawn.append(f"https://{host}/{chance.choice(WORDS)}/{chance.randrange(10_000)}?ref={chance.choice(WORDS)}")
    return drawn


def queries(chance: random.Random, count: int) -> list[str]:
    """Draw query strings, most of them empty."""
    campaigns = [f"{first}_{second}" for first in WORDS[:12] for second in WORDS[-12:]]
    return [
        f"utm_source={chance.choice(WORDS[:20])}&utm_medium={chance.choice(('email', 'social', 'cpc', 'print'))}"
        f"&utm_campaign={campaign}"
        if chance.random() < CAMPAIGN_SHARE
        else ""
        for campaign in mixed(chance, campaigns, count)
    ]


def networks(chance: random.Random, count: int) -> list[str]:
    """Draw the networks that visitors are in."""
    known = [f"{chance.randrange(1, 224)}.{chance.randrange(256)}.{chance.randrange(256)}.0" for _ in range(60_000)]
    return chance.choices(known, k=count)


def places(chance: random.Random) -> list[tuple[str, str, str]]:
    """Return countries with regions and cities, the most frequent ones first."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    countries = [f"{first}{second}" for first in letters[:12] for second in letters[:12]]
    found = [
        (country, f"{country} region {region}", f"{country} city {region}.{city}")
        for country in countries
        for region in range(4)
        for city in range(4)
    ]
    chance.shuffle(found)
    return found
