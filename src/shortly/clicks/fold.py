"""Visits, added up: per link and for all links, by the hour and by the day. Pure; the stores add the sums to theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from msgspec.structs import astuple

from shortly.clicks.store import EVERY_LINK
from shortly.clicks.visit import DIMENSIONS, OTHER, Tally, Visit

HOUR_MS = 3_600_000
DAY_MS = 86_400_000

Dimensions = dict[str, dict[str, int]]
LinkTime = tuple[int, int]
"""A link's id (or ``EVERY_LINK``) and an hour or day."""

HUMAN = tuple((Visit.__struct_fields__.index(name), name) for name in DIMENSIONS if name not in ("bot", "refused"))
"""Where a visit keeps each dimension that describes humans."""


class Folded(NamedTuple):
    """Sums to add. Tallies may share their ``dimensions`` with one another, so nobody may change them."""

    hours: dict[LinkTime, Tally]
    days: dict[LinkTime, Tally]
    visitors: dict[LinkTime, set[bytes]]
    """By day: those who are neither bots nor private nor refused."""


def fold_visits(visits: Iterable[Visit]) -> Folded:
    """Add up the visits; only redirects that were given are clicks, and only humans' are described."""
    by_hour: dict[LinkTime, list[Visit]] = {}
    visitors: dict[LinkTime, set[bytes]] = {}
    for visit in visits:
        key = (visit.link_id, visit.at_ms // HOUR_MS)
        group = by_hour.get(key)
        if group is None:
            by_hour[key] = [visit]
        else:
            group.append(visit)
        if visit.visitor and not (visit.bot or visit.private or visit.refused):
            day = visit.at_ms // DAY_MS
            visitors.setdefault((visit.link_id, day), set()).add(visit.visitor)
            visitors.setdefault((EVERY_LINK, day), set()).add(visit.visitor)
    hours = {key: tally_of(group) for key, group in by_hour.items()}
    hours |= sums_by(hours, lambda key: (EVERY_LINK, key[1]))
    return Folded(hours, sums_by(hours, lambda key: (key[0], key[1] // 24)), visitors)


def tally_of(visits: Iterable[Visit]) -> Tally:
    """Count visits of one link in one span of time."""
    clicks = bots = 0
    dimensions: Dimensions = {}
    for visit in visits:
        if visit.refused:
            count(dimensions, "refused", visit.refused)
            continue
        clicks += 1
        if visit.bot:
            bots += 1
            count(dimensions, "bot", visit.bot)
            continue
        values = astuple(visit)
        for place, name in HUMAN:
            if value := values[place]:
                counts = dimensions.get(name)
                if counts is None:
                    dimensions[name] = {value: 1}
                else:
                    counts[value] = counts.get(value, 0) + 1
    return Tally(clicks=clicks, bots=bots, dimensions=dimensions)


def count(dimensions: Dimensions, name: str, value: str) -> None:
    """Count one more of a value."""
    counts = dimensions.setdefault(name, {})
    counts[value] = counts.get(value, 0) + 1


def sums_by(tallies: dict[LinkTime, Tally], group_of: Callable[[LinkTime], LinkTime]) -> dict[LinkTime, Tally]:
    """Return the sums of tallies whose keys fall into the same group."""
    groups: dict[LinkTime, list[Tally]] = {}
    for key, tally in tallies.items():
        groups.setdefault(group_of(key), []).append(tally)
    return {key: group[0] if len(group) == 1 else sum_of(group) for key, group in groups.items()}


def sum_of(tallies: Iterable[Tally]) -> Tally:
    """Return the sum of tallies."""
    total = Tally()
    for tally in tallies:
        add(total, tally)
    return total


def add(total: Tally, tally: Tally, *, max_values: int | None = None) -> None:
    """Add a tally to another one.

    Args:
        total: Changed; shares nothing with ``tally`` afterwards.
        tally: Left as it is.
        max_values: How many values ``total`` keeps apart in a dimension; the most frequent of those that are new to
            it get the places that are free, and the rest is counted as ``OTHER``. None: any number.
    """
    total.clicks += tally.clicks
    total.bots += tally.bots
    for name, counts in tally.dimensions.items():
        known = total.dimensions.get(name)
        if known is None:
            known = total.dimensions[name] = {}
        if max_values is not None and len(known) + len(counts) > max_values:
            add_bounded(known, counts, max_values)
            continue
        for value, number in counts.items():
            known[value] = known.get(value, 0) + number


def add_bounded(known: dict[str, int], counts: dict[str, int], max_values: int) -> None:
    """Add counts to ``known``, which may get no more than ``max_values`` values and ``OTHER``."""
    room = max_values - len(known) + (OTHER in known)
    for value, number in sorted(counts.items(), key=lambda item: -item[1]):
        if value not in known and value != OTHER:
            if room <= 0:
                value = OTHER
            else:
                room -= 1
        known[value] = known.get(value, 0) + number
