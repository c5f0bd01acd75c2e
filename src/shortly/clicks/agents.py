"""User agents: browser, operating system, class of device, and the bots among them.

Browser and system come from ua-parser's rules, bots from crawler-user-agents' list, all of them through one Rust
regex engine that runs in linear time whatever a stranger sends. ua-parser's device rules are left out: they take 15 MB
to tell models that nobody counts, and the last of them takes ``silk`` (a tablet's browser) and ``cubot`` (a phone) for
bots.
"""

from __future__ import annotations

import json
import re
from functools import cached_property, lru_cache
from importlib.resources import files
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from shortly.clicks.text import bounded

if TYPE_CHECKING:
    from ua_parser_rs import OSExtractor, UserAgentExtractor

CACHED_AGENTS = 16_384
"""How many user agents are remembered, about 1 KiB each."""

UNKNOWN = frozenset({"", "Other"})
DESKTOPS = frozenset({"Windows", "Mac OS X", "Linux", "Chrome OS", "Ubuntu", "Fedora", "Debian", "FreeBSD", "OpenBSD"})
HANDHELDS = frozenset({"iOS", "Android", "Windows Phone", "BlackBerry OS", "KaiOS", "HarmonyOS", "Firefox OS"})
CONSOLE = re.compile(r"PlayStation|Xbox|Nintendo")
TV = re.compile(
    r"\bTV\b|SmartTV|SMART-TV|AppleTV|Apple TV|GoogleTV|HbbTV|NetCast|Web0S|BRAVIA|CrKey|Roku|\bAFT[A-Z0-9]+\b|tvOS"
)
BOT_WORDS = ("bot", "crawler", "spider", "scraper")
SELF_DECLARED_BOT = re.compile(rf"[\w.-]{{0,40}}(?:(?<!cu){'|'.join(BOT_WORDS)})s?(?![a-z])", re.IGNORECASE)
TABLET = re.compile(r"iPad|Tablet|PlayBook|Kindle|Silk/(?!.*Mobile)")
MOBILE = re.compile(r"Mobi|iPhone|iPod|Phone")


class Agent(NamedTuple):
    """What a user agent says; empty texts where it says nothing known."""

    browser: str = ""
    os: str = ""
    device: str = ""
    bot: str = ""


class Rules(NamedTuple):
    """Each finds the first of its rules that fits a user agent."""

    browsers: UserAgentExtractor
    systems: OSExtractor
    bots: UserAgentExtractor


class Agents:
    """Reads user agents; its rules take 20 MB and a fifth of a second, with the first one that is read."""

    def __init__(self) -> None:
        self.agent_of = lru_cache(CACHED_AGENTS)(self._read)
        """Return the ``Agent`` of a ``User-Agent`` header; never raises."""

    @cached_property
    def rules(self) -> Rules:
        """What user agents are held against."""
        return load_rules()

    def _read(self, user_agent: str) -> Agent:
        if not user_agent:
            return Agent()
        try:
            if bot := self._bot_of(user_agent):
                return Agent(bot=bot)
            browser = self.rules.browsers.extract(user_agent)
            system = self.rules.systems.extract(user_agent)
        except UnicodeEncodeError:  # a lone surrogate; no HTTP header holds one, but a text may
            return Agent()
        family = bounded(browser.family) if browser else ""
        os = bounded(system.family) if system else ""
        return Agent(
            browser="" if family in UNKNOWN else family,
            os="" if os in UNKNOWN else os,
            device=device_of(user_agent, os),
        )

    def _bot_of(self, user_agent: str) -> str:
        if listed := self.rules.bots.extract(user_agent):
            return listed.family
        lower = user_agent.lower()
        if not any(word in lower for word in BOT_WORDS):  # most have none, and the search takes 70 microseconds
            return ""
        declared = SELF_DECLARED_BOT.search(user_agent)
        return bounded(declared[0]).strip(".-_") if declared else ""


def load_rules() -> Rules:
    """Return the rules of the packages, ready to use."""
    from ua_parser.loaders import load_lazy_builtins
    from ua_parser_rs import OSExtractor, UserAgentExtractor

    browsers, systems, _ = load_lazy_builtins()
    rule = attrgetter("regex", "family", "major", "minor", "patch", "patch_minor")
    return Rules(
        UserAgentExtractor(map(rule, browsers)),
        OSExtractor(map(rule, systems)),
        UserAgentExtractor((pattern, bot_name(pattern), None, None, None, None) for pattern in crawler_patterns()),
    )


def device_of(user_agent: str, os: str) -> str:
    """Return the class of device, by the first rule that fits.

    1. Game consoles and television sets name themselves.
    2. Tablets name themselves, and Android without ``Mobile`` is a tablet: Google's rule for browsers on Android.
    3. ``Mobi``, ``Phone`` or a handheld's system is mobile; an iPad that asks for desktop pages looks like a Mac.
    4. A desktop's system is a desktop. Anything else is unknown.
    """
    if CONSOLE.search(user_agent):
        return "console"
    if TV.search(user_agent):
        return "tv"
    mobile = MOBILE.search(user_agent) is not None
    if TABLET.search(user_agent) or (os == "Android" and not mobile):
        return "tablet"
    if mobile or os in HANDHELDS:
        return "mobile"
    return "desktop" if os in DESKTOPS else ""


def crawler_patterns() -> list[str]:
    """Return the regular expressions of crawler-user-agents, in its order.

    The package's own module is not imported: it would compile every pattern with ``re``.
    """
    entries = json.loads(files("crawleruseragents").joinpath("crawler-user-agents.json").read_text(encoding="utf-8"))
    return [entry["pattern"] for entry in entries]


def bot_name(pattern: str) -> str:
    """Return a readable name for what a crawler pattern finds: its longest stretch of plain text.

    The name comes from the pattern and not from what matched, so that no stranger can choose it.
    """
    text = re.sub(r"\(\^\| \)|\(\[\^-\]\|\$\)|\\[dsSw][+*]?|[\^$]", "\n", pattern)
    text = re.sub(r"\[(\w)[^\]]*\]", r"\1", text)  # [wW]get
    text = re.sub(r"\(([\w ]*)\|[^)]*\)", r"\1", text)  # Ahrefs(Bot|SiteAudit)
    pieces = re.split(r"[^\w .'!@-]+", text.replace("\\.", "."))
    return max((piece.strip(" .-_") for piece in pieces), key=len) or pattern
