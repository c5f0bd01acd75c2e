"""Measurements as numbers to print: medians, spreads, percentiles."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from statistics import median

from msgspec import Struct


class Ratio(Struct, frozen=True):
    """Ours divided by theirs, from rounds in which both ran one after the other."""

    middle: float
    """The median of the rounds."""
    low: float
    """The worst single round."""
    high: float
    """The best one."""

    def __str__(self) -> str:
        return f"{self.middle:.2f} ({self.low:.2f} to {self.high:.2f})"


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """Return the ratio of two series of as many rounds."""
    rounds = [one / other for one, other in zip(ours, theirs, strict=True)]
    return Ratio(median(rounds), min(rounds), max(rounds))


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that ``percent`` of all values do not exceed."""
    return sorted(values)[max(1, ceil(len(values) * percent / 100)) - 1]


def number(value: float) -> str:
    """Return a count as people read it: 41,234."""
    return f"{value:,.0f}"


def ms(seconds: float) -> str:
    """Return a duration in milliseconds, with three significant digits."""
    value = seconds * 1000
    return f"{value:.0f} ms" if value >= 100 else f"{value:.1f} ms" if value >= 10 else f"{value:.2f} ms"


def mb(size: int) -> str:
    """Return bytes in megabytes (10**6)."""
    return f"{size / 1e6:.0f} MB"
