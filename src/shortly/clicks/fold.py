"""Visits, added up: per link and for each workspace, by the hour. Pure; the stores add the sums to theirs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import NamedTuple

from shortly.clicks.store import Total, every_link
from shortly.clicks.visit import DIMENSIONS, OTHER, Tally, Visit

HOUR_MS = 3_600_000
DAY_MS = 86_400_000
MOMENT_MS = 10_000
"""What is shown live is counted by."""
MANY_VISITS = 16
"""From so many on it is quicker to count one dimension after the other than one visit after the other."""

Dimensions = dict[str, dict[str, int]]
HourTallies = dict[int, Tally]
"""By the hour of the day."""

HUMAN = tuple(name for name in DIMENSIONS if name not in ("bot", "refused"))
"""The dimensions that describe humans."""
described: Callable[[Visit], tuple[str, ...]] = attrgetter(*HUMAN)
"""A visit -> its values of these."""


class Folded(NamedTuple):
    """Sums to add."""

    days: dict[int, dict[int, HourTallies]]
    """Day -> id of a link or of a sum (see ``every_link``) -> hour of the day; without ``alone``. Tallies may be the
    same object, so nobody may change them."""
    alone: dict[int, dict[int, Visit]]
    """Day -> id of a link -> the only visit it had on that day, not counted: as with most links, and who keeps it can
    do so in less time than a tally takes to make."""
    visitors: dict[int, set[tuple[int, bytes]]]
    """Day -> links and sums with those who were neither bots nor private nor refused."""


def fold_visits(visits: Iterable[Visit]) -> Folded:
    """Add up the visits; only redirects that were given are clicks, and only humans' are described."""
    folded = Folded({}, {}, {})
    for day, of_day in grouped(visits, day_of).items():
        links = folded.days[day] = {}
        alone = folded.alone[day] = {}
        for link_id, of_link in grouped(of_day, attrgetter("link_id")).items():
            if len(of_link) == 1:
                alone[link_id] = of_link[0]
            else:
                links[link_id] = hours_of(of_link)
        visitors = folded.visitors[day] = set()
        seen = seen_among(of_day)
        visitors.update([(visit.link_id, visit.visitor) for visit in seen])
        for workspace, of_workspace in by_workspace(seen).items():
            sum_id = every_link(workspace)
            visitors.update([(sum_id, visit.visitor) for visit in of_workspace])
        only = next(iter(links.values())) if len(links) == 1 and not alone else None
        for workspace, of_workspace in by_workspace(of_day).items():
            known = only if len(of_workspace) == len(of_day) else None
            links[every_link(workspace)] = known or hours_of(of_workspace)
    return folded


def hours_of(visits: Sequence[Visit]) -> HourTallies:
    """Count visits of one day, by the hour."""
    return {hour % 24: tally_of(of_hour) for hour, of_hour in grouped(visits, hour_of).items()}


def day_of(visit: Visit) -> int:
    """Return the day of a visit."""
    return visit.at_ms // DAY_MS


def hour_of(visit: Visit) -> int:
    """Return the hour of a visit."""
    return visit.at_ms // HOUR_MS


def grouped(visits: Iterable[Visit], key: Callable[[Visit], int]) -> dict[int, list[Visit]]:
    """Return the visits by what ``key`` says of them, in their order."""
    groups: dict[int, list[Visit]] = {}
    for visit in visits:
        of_key = key(visit)
        group = groups.get(of_key)
        if group is None:
            groups[of_key] = [visit]
        else:
            group.append(visit)
    return groups


def moments_of(visits: Sequence[Visit]) -> dict[tuple[int, int], Total]:
    """Return the clicks of each moment (``at_ms // MOMENT_MS``) and workspace, by moment and the id of its sum."""
    moments: dict[tuple[int, int], Total] = {}
    for workspace, of_workspace in by_workspace(visits).items():
        given = [visit for visit in of_workspace if not visit.refused]
        clicks = Counter([visit.at_ms // MOMENT_MS for visit in given])
        bots = Counter([visit.at_ms // MOMENT_MS for visit in given if visit.bot])
        sum_id = every_link(workspace)
        moments.update({(moment, sum_id): Total(number, bots[moment]) for moment, number in clicks.items()})
    return moments


def seen_among(visits: Iterable[Visit]) -> list[Visit]:
    """Return the visits whose visitors are counted: those of people who got their redirect and may be recognised."""
    return [visit for visit in visits if visit.visitor and not (visit.bot or visit.private or visit.refused)]


def by_workspace(visits: Sequence[Visit]) -> dict[int, Sequence[Visit]]:
    """Return the visits of each workspace; nearly always there is one."""
    workspaces = {visit.workspace for visit in visits}
    if len(workspaces) == 1:
        return dict.fromkeys(workspaces, visits)
    found: dict[int, list[Visit]] = {workspace: [] for workspace in workspaces}
    for visit in visits:
        found[visit.workspace].append(visit)
    return {**found}


def tally_of(visits: Sequence[Visit]) -> Tally:
    """Count visits of one link in one span of time."""
    return tally_of_many(visits) if len(visits) >= MANY_VISITS else tally_of_few(visits)


def tally_of_few(visits: Iterable[Visit]) -> Tally:
    """Count one visit after the other."""
    tally = Tally()
    for visit in visits:
        add_visit(tally, visit)
    return tally


def add_visit(tally: Tally, visit: Visit) -> None:
    """Count a visit."""
    dimensions = tally.dimensions
    if visit.refused:
        count(dimensions, "refused", visit.refused)
        return
    tally.clicks += 1
    if visit.bot:
        tally.bots += 1
        count(dimensions, "bot", visit.bot)
        return
    for name, value in zip(HUMAN, described(visit), strict=True):
        if value:
            counts = dimensions.get(name)
            if counts is None:
                dimensions[name] = {value: 1}
            else:
                counts[value] = counts.get(value, 0) + 1


def count(dimensions: Dimensions, name: str, value: str) -> None:
    """Count one more of a value."""
    counts = dimensions.setdefault(name, {})
    counts[value] = counts.get(value, 0) + 1


def tally_of_many(visits: Sequence[Visit]) -> Tally:
    """Count one dimension after the other."""
    given = [visit for visit in visits if not visit.refused]
    humans = [visit for visit in given if not visit.bot]
    columns: dict[str, Iterable[str]] = dict(zip(HUMAN, zip(*map(described, humans), strict=True), strict=False))
    columns["bot"] = [visit.bot for visit in given]
    columns["refused"] = [visit.refused for visit in visits]
    dimensions: Dimensions = {}
    for name, values in columns.items():
        counts = dict(Counter(values))
        counts.pop("", None)
        if counts:
            dimensions[name] = counts
    return Tally(len(given), len(given) - len(humans), dimensions)


def sum_of(tallies: Iterable[Tally]) -> Tally:
    """Return the sum of tallies, which may be one of them."""
    first, *more = tallies
    if not more:
        return first
    total = Tally()
    for tally in (first, *more):
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
        if max_values is not None and len(known or ()) + len(counts) > max_values:
            add_bounded(total.dimensions.setdefault(name, {}), counts, max_values)
            continue
        if known is None:
            total.dimensions[name] = counts.copy()
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
