"""Rows of counts as Redis hashes: fields of visits, and tallies of rows.

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

from shortly.clicks.fold import HUMAN, described
from shortly.clicks.store import Total
from shortly.clicks.visit import Tally, Visit

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
MOMENTS = 60
"""Moments that share a row: so few that the row stays small, with two fields for each, named as those of hours."""
HOURS_OF_DAY = (*map(str, range(24)), *(f"{hour}b" for hour in range(24)))

HUMAN_LETTERS = tuple(LETTERS[name] for name in HUMAN)
BOT_LETTER, REFUSED_LETTER = LETTERS["bot"], LETTERS["refused"]


def fields_of(visit: Visit) -> list[str]:
    """Return the fields of a row that the visit adds one to, each once."""
    if visit.refused:
        return [REFUSED_LETTER + visit.refused]
    if visit.bot:
        return [CLICKS, BOTS, BOT_LETTER + visit.bot]
    fields = [letter + value for letter, value in zip(HUMAN_LETTERS, described(visit), strict=True) if value]
    fields.append(CLICKS)
    return fields


def hour_fields(hour: int, sums: Mapping[str, int]) -> dict[str, int]:
    """Return what an hour's sums add to the fields of its hour in the row of the day."""
    fields = {}
    if clicks := sums.get(CLICKS):
        fields[HOURS_OF_DAY[hour]] = clicks
        if bots := sums.get(BOTS):
            fields[HOURS_OF_DAY[24 + hour]] = bots
    return fields


def row_of(tally: Tally) -> dict[str, int]:
    """Return the fields that keep a tally, without hours and visitors."""
    row = {name: number for name, number in ((CLICKS, tally.clicks), (BOTS, tally.bots)) if number}
    for dimension, counts in tally.dimensions.items():
        row.update((LETTERS[dimension] + value, number) for value, number in counts.items())
    return row


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


def moments_in(row: Mapping[bytes, bytes], stretch: int) -> dict[int, Total]:
    """Return the clicks of the moments in a row."""
    return {
        stretch * MOMENTS + int(name): Total(int(clicks), int(row.get(name + b"b", 0)))
        for name, clicks in row.items()
        if name.isdigit()
    }
