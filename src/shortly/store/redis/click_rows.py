"""Rows of counts as Redis hashes: tallies to fields, and back.

| field | counts |
|---|---|
| ``+`` | clicks |
| ``-`` | those of bots |
| ``*`` | unique visitors (days only) |
| ``0`` to ``23``, ``0b`` to ``23b`` | clicks and bots of an hour (days only) |
| a letter and a value | clicks with this value of a dimension |
| ``#`` and a letter | how many values of the dimension are kept apart (rows that may have full ones) |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shortly.clicks.store import Total
from shortly.clicks.visit import Tally

LETTERS = {
    "referrer": "r",
    "country": "k",
    "region": "e",
    "city": "c",
    "browser": "b",
    "os": "o",
    "device": "d",
    "language": "l",
    "utm_source": "s",
    "utm_medium": "m",
    "utm_campaign": "p",
    "utm_term": "t",
    "utm_content": "n",
    "bot": "a",
    "refused": "f",
}
"""Dimension -> the letter that its fields begin with; never to be changed, for that is how they are kept."""
DIMENSION_OF = {ord(letter): name for name, letter in LETTERS.items()}

CLICKS, BOTS, VISITORS = "+", "-", "*"
HOURS_OF_DAY = (*map(str, range(24)), *(f"{hour}b" for hour in range(24)))

Fields = tuple[list[str], list[int]]
"""Names and what to add to them."""


def fields_of(tally: Tally) -> Fields:
    """Return what to add to a row."""
    names, numbers = [], []
    if tally.clicks:
        names.append(CLICKS)
        numbers.append(tally.clicks)
    if tally.bots:
        names.append(BOTS)
        numbers.append(tally.bots)
    for dimension, counts in tally.dimensions.items():
        letter = LETTERS[dimension]
        names += [letter + value for value in counts]
        numbers += counts.values()
    return names, numbers


def add_row(total: Tally, row: Mapping[bytes, bytes]) -> None:
    """Add an hour's or a day's row to a tally."""
    for name, number in row.items():
        dimension = DIMENSION_OF.get(name[0])
        if dimension is not None:
            counts = total.dimensions.setdefault(dimension, {})
            value = name[1:].decode()
            counts[value] = counts.get(value, 0) + int(number)
        elif name == b"+":
            total.clicks += int(number)
        elif name == b"-":
            total.bots += int(number)


def hours_in(fields: Sequence[bytes | None]) -> dict[int, Total]:
    """Return the hours of the day that had clicks, from the values of ``HOURS_OF_DAY``."""
    return {
        hour: Total(int(clicks), int(fields[24 + hour] or 0))
        for hour, clicks in enumerate(fields[:24])
        if clicks is not None
    }
