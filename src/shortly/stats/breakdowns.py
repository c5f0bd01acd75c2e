"""What the clicks of a period have in common: the most frequent values of each dimension."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from shortly.clicks.visit import DIMENSIONS, OTHER, Tally
from shortly.errors import InvalidInput

DEFAULT_TOP = 10
MAX_TOP = 1_000


class Value(Struct, frozen=True):
    """One value of a dimension."""

    value: str
    count: int
    share: float
    """Of the breakdown's ``total``, from 0 to 1."""


class Breakdown(Struct, frozen=True, kw_only=True):
    """The values of one dimension; their counts and ``unknown`` add up to ``total``."""

    dimension: str
    total: int
    """The human clicks; of the dimension ``bot`` the clicks of bots, of ``refused`` the visits that were refused."""
    values: list[Value]
    """Most frequent first, alphabetically where equal; last ``OTHER``, which holds all the rest."""
    unknown: int
    """Clicks that have no value, such as direct ones in ``referrer``."""


def check_dimensions(dimensions: Sequence[str] | None) -> tuple[str, ...]:
    """Return the dimensions asked for, without repeats; None: all.

    Raises:
        InvalidInput: One is unknown.
    """
    if dimensions is None:
        return DIMENSIONS
    if not set(dimensions).issubset(DIMENSIONS):
        raise InvalidInput(f"A dimension must be one of {', '.join(DIMENSIONS)}.", field="dimension")
    return tuple(dict.fromkeys(dimensions))


def check_top(top: int) -> int:
    """Return how many values are asked for; raise ``InvalidInput`` unless it is 1 to ``MAX_TOP``."""
    if not 1 <= top <= MAX_TOP:
        raise InvalidInput(f"The number of values must be between 1 and {MAX_TOP}.", field="limit")
    return top


def break_down(tally: Tally, dimension: str, top: int) -> Breakdown:
    """Return the ``top`` values of a dimension, and the others as one."""
    counts = tally.dimensions.get(dimension, {})
    counted = sum(counts.values())
    total = {"bot": tally.bots, "refused": counted}.get(dimension, tally.clicks - tally.bots)
    in_front = sorted(counts.values(), reverse=True)[: top + 1]  # one of them may be that of OTHER
    least = in_front[-1] if in_front else 0
    best = sorted((-count, value) for value, count in counts.items() if count >= least and value != OTHER)[:top]
    values = [Value(value, -count, share(-count, total)) for count, value in best]
    if rest := counted - sum(value.count for value in values):
        values.append(Value(OTHER, rest, share(rest, total)))
    return Breakdown(dimension=dimension, total=total, values=values, unknown=max(0, total - counted))


def share(count: int, total: int) -> float:
    """Return a part of a total, 0 when there is none."""
    return count / total if total else 0.0
