"""The languages that public pages speak, and which of them a visitor reads."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

ENGLISH: Final = "en"
LANGUAGES = (ENGLISH, "de", "es", "fr", "pt", "ja", "zh-Hans")
FOLDER = Path(__file__).parent / "texts"
MAX_HEADER = 256
"""Bytes of ``Accept-Language`` that are looked at."""
TRADITIONAL = ("hant", "tw", "hk", "mo")


class Texts(Struct, frozen=True, forbid_unknown_fields=True):
    """All that public pages say, in one language; ``{short}`` and ``{host}`` are filled in."""

    not_found_title: str
    not_found: str
    not_yet_title: str
    not_yet: str
    gone_title: str
    gone: str
    banned_title: str
    banned: str
    legal_title: str
    legal: str
    protected_title: str
    protected: str
    protected_label: str
    protected_open: str
    protected_opened: str
    protected_wrong: str
    protected_too_many: str
    not_allowed_title: str
    not_allowed: str
    unavailable_title: str
    unavailable: str
    no_prefetch_title: str
    no_prefetch: str
    limited_title: str
    limited: str
    too_many_title: str
    too_many: str
    preview_title: str
    preview_to: str
    preview_protected: str
    preview_limited: str
    preview_varies: str
    go_on: str
    warn_blocked: str
    warn_look_alike: str
    warn_unencrypted: str
    real_name: str
    report_link: str
    report_title: str
    report_intro: str
    report_address: str
    report_reason: str
    reasons: dict[str, str]
    report_details: str
    report_contact: str
    report_send: str
    report_sent_title: str
    report_sent: str
    report_unknown: str
    report_invalid: str
    report_too_many: str
    report_failed: str
    unshared_title: str
    unshared: str
    shared_title: str
    shared_week: str
    shared_month: str
    shared_quarter: str
    shared_clicks: str
    shared_visitors: str
    shared_table: str
    shared_day: str
    shared_chart: str
    shared_most: str
    shared_none: str
    shared_others: str
    shared_unknown: str
    shared_note: str
    shared_dimensions: dict[str, str]
    imprint: str
    privacy: str


def read_texts() -> dict[str, Texts]:
    """Return the texts of every language; one that lacks a text stops the start."""
    return {name: msgspec.json.decode((FOLDER / f"{name}.json").read_bytes(), type=Texts) for name in LANGUAGES}


def language_of(accepted: bytes) -> str:
    """Return the language that an ``Accept-Language`` header likes best of those that there are, or else English."""
    return best_of(accepted[:MAX_HEADER])


@lru_cache(maxsize=1_024)
def best_of(accepted: bytes) -> str:
    """Return the same, of at most ``MAX_HEADER`` bytes: strangers choose what is remembered here."""
    best, weight_of_best = ENGLISH, 0.0
    for part in accepted.decode("latin-1").lower().split(","):
        tag, _, parameter = part.strip().partition(";")
        try:
            weight = float(parameter.strip().removeprefix("q=") or 1) if parameter else 1.0
        except ValueError:
            continue
        language = _known(tag.strip())
        if language is not None and weight_of_best < weight <= 1:
            best, weight_of_best = language, weight
    return best


def _known(tag: str) -> str | None:
    first, *further = tag.split("-")
    if first == "zh":
        return None if any(part in TRADITIONAL for part in further) else "zh-Hans"
    return first if first in LANGUAGES else None
