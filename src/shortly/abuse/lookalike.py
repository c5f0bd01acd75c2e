"""Hosts that look like another one: what people should be told of before they share a link.

After Unicode Technical Standard 39, "Unicode Security Mechanisms" (https://www.unicode.org/reports/tr39/): a label is
as it should be at the level "Highly Restrictive" (section 5.2), that is of one script, or of Latin together with those
of Japanese, Chinese or Korean; and it is no whole-script confusable (section 4) of a Latin label. The Cyrillic and
Greek letters below are those whose prototype in that standard's data file, confusables.txt, is a small Latin letter.

Not found: look-alikes within one script, such as ``rn`` for ``m`` or ``ö`` for ``o``, and those of other scripts.
"""

from __future__ import annotations

import unicodedata
from typing import Literal, TypedDict
from urllib.parse import urlsplit

from shortly.links.link import Link

Reason = Literal["mixed_scripts", "looks_latin"]

ALLOWED_TOGETHER = (
    frozenset({"LATIN", "HAN", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "HAN", "BOPOMOFO"}),
    frozenset({"LATIN", "HAN", "HANGUL"}),
)
LOOKS_LATIN = {
    "CYRILLIC": frozenset("асԁеһіјӏорԛѕԝхугѵѡ"),
    "GREEK": frozenset("αγικνορστυω"),
}
HAN = frozenset({"CJK", "IDEOGRAPHIC"})
"""First words of the Unicode names of Han letters; of the other scripts it is the script's own name."""
COMMON = frozenset({"COMBINING", "MODIFIER", "KATAKANA-HIRAGANA", "MIDDLE"})
MAX_HOST = 253
WHY: dict[Reason, str] = {
    "mixed_scripts": "mixes letters of several scripts",
    "looks_latin": "is written in letters that look Latin",
}


class Warned(TypedDict):
    """What to think about before sharing a link."""

    code: Literal["suspicious_host"]
    field: Literal["target", "fallback_target"]
    detail: str


def warnings_about(link: Link) -> list[Warned]:
    """Return the warnings about where a link leads; there are none about most."""
    found: list[Warned] = []
    if (detail := warning_about(link.target)) is not None:
        found.append({"code": "suspicious_host", "field": "target", "detail": detail})
    if link.fallback_target and (detail := warning_about(link.fallback_target)) is not None:
        found.append({"code": "suspicious_host", "field": "fallback_target", "detail": detail})
    return found


def warning_about(target: str) -> str | None:
    """Return a sentence about a normalised target whose host may be taken for another one; None about the others."""
    if "xn--" not in target:
        return None
    try:
        host = urlsplit(target).hostname or ""
    except ValueError:  # of a scheme whose addresses have another form
        return None
    suspicion = suspicion_of(host)
    if suspicion is None:
        return None
    return f"The host {unicode_host(host)!r} ({host}) {WHY[suspicion]}; make sure that it is the one you mean."


def suspicion_of(host: str) -> Reason | None:
    """Return why a host may be taken for another one; None for the others.

    Args:
        host: Lower case and punycode, as in a normalised target.
    """
    if "xn--" not in host or len(host) > MAX_HOST:
        return None
    labels = [unicode_of(label) for label in host.split(".")]
    top = scripts_of(labels[-1])
    for label in labels:
        scripts = scripts_of(label)
        if len(scripts) > 1 and not any(scripts <= allowed for allowed in ALLOWED_TOGETHER):
            return "mixed_scripts"
        for script, letters in LOOKS_LATIN.items():
            if scripts == {script} and top != {script} and all(c in letters for c in label if c.isalpha()):
                return "looks_latin"
    return None


def unicode_of(label: str) -> str:
    """Return a label as people see it; one that is no valid punycode as it is."""
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except (UnicodeError, OverflowError):
        return label


def unicode_host(host: str) -> str:
    """Return a host as people see it."""
    return ".".join(unicode_of(label) for label in host.split("."))


def scripts_of(label: str) -> set[str]:
    """Return the scripts of a label's letters."""
    scripts = set()
    for character in label:
        if unicodedata.category(character)[0] == "L":
            word = unicodedata.name(character, "UNKNOWN").partition(" ")[0]
            if word not in COMMON:
                scripts.add("HAN" if word in HAN else word)
    return scripts
