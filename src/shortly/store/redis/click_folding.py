"""Batches of visits as script calls: sums for each partition, with the journal positions that they were made for.

A partition's script compares the positions that it holds with those that the call was made for, and only then adds the
sums and moves them on; see ``RedisClicks.fold`` for why that counts every visit once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from shortly.clicks.fold import DAY_MS, Folded, fold_visits, sum_of
from shortly.clicks.store import EVERY_LINK, Batch
from shortly.clicks.visit import MAX_VALUES, OTHER, Tally, Visit
from shortly.store.redis import click_keys
from shortly.store.redis.click_calls import Call
from shortly.store.redis.click_keys import CROWDS, EVERYTHING, click_partition
from shortly.store.redis.click_rows import Fields, fields_of
from shortly.store.redis.click_visits import MAX_AT_MS, entry_of, ids_in, pointer_of
from shortly.store.redis.keys import PARTITIONS
from shortly.store.redis.scripts import Argument, Script

SLICE_VISITS = 10_000
"""Visits that are summed up together, so a script never has more of them: 10 ms where all are of one link."""

KEEP_S = 3 * 86_400
"""How long visitor hashes and salts are kept at most, should nobody prune."""

FOLD = Script("click_slices", "click_entries", "fold")

Positions = dict[tuple[int, str], int]
"""Partition and segment -> how far its visits have been counted; a pair that is missing: nothing has."""
Placed = tuple[int, bytes, Visit]
"""A visit, the position after its record, and the id that it gets."""

_pack = msgspec.msgpack.Encoder().encode


class Piece(NamedTuple):
    """A part of a batch."""

    segment: str
    end: int
    """Where the partitions are after it."""
    visits: list[Placed]


def slices_of(batches: Iterable[Batch]) -> Iterator[list[Piece]]:
    """Cut batches into slices of ``SLICE_VISITS`` visits at most, in journal order."""
    pieces: list[Piece] = []
    room = SLICE_VISITS
    for batch in batches:
        id_of = ids_in(batch.segment)
        placed = [(after, id_of(visit.at_ms, after), visit) for after, visit in batch.visits]
        while placed:
            taken, placed = placed[:room], placed[room:]
            pieces.append(Piece(batch.segment, taken[-1][0] if placed else batch.end, taken))
            room -= len(taken)
            if room == 0:
                yield pieces
                pieces, room = [], SLICE_VISITS
    if pieces:
        yield pieces


def partitions_of(batches: Iterable[Batch]) -> list[tuple[int, str]]:
    """Return the pairs of partition and segment whose positions a fold of the batches needs."""
    pairs: set[tuple[int, str]] = set()
    for batch in batches:
        if batch.visits:
            pairs |= {(visit.link_id % PARTITIONS, batch.segment) for _, visit in batch.visits}
            pairs.add((EVERYTHING, batch.segment))
    return sorted(pairs)


def calls_of(pieces: Sequence[Piece], positions: Positions) -> Iterator[Call]:
    """Yield the calls that fold a slice, one for each partition, and move ``positions`` to where they lead.

    A partition that has counted all of its visits in the slice is called, too: that may have been a moment ago, by a
    call whose reply was lost, and only another write makes sure that the replicas have it.
    """
    parts = _divide(pieces, positions)
    whole = sum(len(piece.visits) for piece in pieces)
    if len(parts[EVERYTHING].visits) == whole == sum(len(part.visits) for part in parts.values()) - whole:
        sums = _split(fold_visits(visit for piece in pieces for _, _, visit in piece.visits))
    else:  # some of them have been counted
        sums = {}
        for number, part in parts.items():
            sums |= {n: s for n, s in _split(fold_visits(visit for _, visit in part.visits)).items() if n == number}
    for number, part in parts.items():
        yield _call_of(number, part, sums.get(number, _Sums()))


class _Part:
    """What a slice has for one partition."""

    def __init__(self) -> None:
        self.moves: dict[str, tuple[int, int]] = {}
        """Segment -> the position that the partition has, and the one it gets."""
        self.visits: list[tuple[bytes, Visit]] = []
        """Those that it has not counted yet, with their ids."""


class _Sums:
    """What the visits of one partition add up to, by link and hour or day."""

    def __init__(self) -> None:
        self.hours: dict[tuple[int, int], Tally] = {}
        self.days: dict[tuple[int, int], Tally] = {}
        self.visitors: dict[tuple[int, int], set[bytes]] = {}


def _divide(pieces: Sequence[Piece], positions: Positions) -> dict[int, _Part]:
    parts: defaultdict[int, _Part] = defaultdict(_Part)
    for piece in pieces:
        shares: defaultdict[int, list[Placed]] = defaultdict(list)
        for placed in piece.visits:
            shares[placed[2].link_id % PARTITIONS].append(placed)
        shares[EVERYTHING] = piece.visits
        for number, share in shares.items():
            part = parts[number]
            position = positions.get((number, piece.segment), 0)
            part.visits += ((visit_id, visit) for after, visit_id, visit in share if after > position)
            expected, _ = part.moves.get(piece.segment, (position, 0))
            positions[number, piece.segment] = end = max(position, piece.end)
            part.moves[piece.segment] = (expected, end)
    return parts


def _split(folded: Folded) -> dict[int, _Sums]:
    sums: defaultdict[int, _Sums] = defaultdict(_Sums)
    for day, links in folded.days.items():
        for link_id, hours in links.items():
            of_partition = sums[click_partition(link_id)]
            for hour, tally in hours.items():
                of_partition.hours[link_id, day * 24 + hour] = tally
            of_partition.days[link_id, day] = sum_of(hours.values())
    for day, seen in folded.visitors.items():
        for link_id, visitor in seen:
            for counted in (link_id, EVERY_LINK):
                sums[click_partition(counted)].visitors.setdefault((counted, day), set()).add(visitor)
    return sums


def _call_of(number: int, part: _Part, sums: _Sums) -> Call:
    message = _Message(number)
    message.add_counts(sums)
    if number == EVERYTHING:
        message.add_pointers(part.visits)
    else:
        message.add_visits(part.visits)
    return message.call(part.moves)


class _Message:
    """What ``fold.lua`` is told; keys are named by their number."""

    def __init__(self, partition: int) -> None:
        self._partition = partition
        self._keys = [click_keys.positions(partition), click_keys.changed(partition)]
        self._numbers: dict[str, int] = {}
        self._changed: set[int] = set()
        self._seen: dict[int, tuple[int, int, int, list[tuple[int, str, int, list[str]]]]] = {}
        self._rows: list[tuple[int | list[str] | list[int], ...]] = []
        self._lists: list[tuple[int, ...]] = []
        self._entries: list[Argument] = []

    def call(self, moves: Mapping[str, tuple[int, int]]) -> Call:
        """Return the call."""
        message = (
            MAX_VALUES,
            OTHER,
            KEEP_S,
            [part for segment, (expected, end) in moves.items() for part in (segment, expected, end)],
            [str(link_id) for link_id in self._changed],  # texts: Lua knows 53 bits
            list(self._seen.values()),
            self._rows,
            self._lists,
        )
        return FOLD, self._keys, [_pack(message), *self._entries]

    def add_counts(self, sums: _Sums) -> None:
        """Add hours, days, visitors and totals."""
        fields: dict[int, Fields] = {}
        clicked: defaultdict[tuple[int, int], list[tuple[str, int]]] = defaultdict(list)
        for (link_id, hour), tally in sums.hours.items():
            names, numbers = fields[id(tally)] = fields_of(tally)
            self._rows.append((self._new(click_keys.hour_row(link_id, hour)), names, numbers))
            if tally.clicks:
                of_day = clicked[link_id, hour // 24]
                of_day.append((str(hour % 24), tally.clicks))
                if tally.bots:
                    of_day.append((f"{hour % 24}b", tally.bots))
        totals: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for key, tally in sums.days.items():
            link_id, day = key
            names, numbers = fields.get(id(tally)) or fields_of(tally)  # often the very tally of the one hour
            hours = clicked[key]
            names = names + [name for name, _ in hours]
            numbers = numbers + [number for _, number in hours]
            days = self._key(click_keys.days(link_id))
            self._rows.append((self._new(click_keys.day_row(link_id, day)), names, numbers, days, day))
            if visitors := sums.visitors.get(key):
                self._add_visitors(link_id, day, visitors)
            if tally.clicks:
                self._add_total(totals, link_id, tally)
        for total, of_links in totals.items():
            self._rows.append((self._new(total), list(of_links), list(of_links.values())))

    def _add_total(self, totals: defaultdict[str, dict[str, int]], link_id: int, tally: Tally) -> None:
        key, field = click_keys.totals(link_id)
        total = totals[key]
        total[field] = total.get(field, 0) + tally.clicks
        if tally.bots:
            total[f"{field}b"] = total.get(f"{field}b", 0) + tally.bots
        if link_id != EVERY_LINK:
            self._changed.add(link_id)

    def _add_visitors(self, link_id: int, day: int, visitors: Iterable[bytes]) -> None:
        """Add the visitors of the day whose row was added last; as integers, which small sets are arrays of."""
        if day not in self._seen:
            names = self._new(click_keys.seen_names(self._partition, day))
            days = self._key(click_keys.seen_days(self._partition))
            self._seen[day] = (names, days, day, [])
        sets = self._seen[day][-1]
        row = len(self._rows)
        numbers = [int.from_bytes(visitor, "big", signed=True) for visitor in visitors]
        if link_id != EVERY_LINK:
            key = self._new(click_keys.seen(self._partition, day, link_id))
            sets.append((key, str(link_id), row, [str(number) for number in numbers]))  # texts: Lua knows 53 bits
            return
        crowds: defaultdict[int, list[str]] = defaultdict(list)
        for number in numbers:
            crowds[number % CROWDS].append(str(number))
        for crowd, members in crowds.items():
            sets.append((self._new(click_keys.seen(self._partition, day, crowd)), str(crowd), row, members))

    def add_visits(self, visits: Iterable[tuple[bytes, Visit]]) -> None:
        """Add the raw visits that are kept to the lists of their links."""
        of_links: defaultdict[int, list[bytes]] = defaultdict(list)
        for visit_id, visit in visits:
            if not visit.private:
                of_links[visit.link_id].append(entry_of(visit_id, visit))
        for link_id, entries in of_links.items():
            self._add_entries(click_keys.visits(link_id), entries)

    def add_pointers(self, visits: Iterable[tuple[bytes, Visit]]) -> None:
        """Add pointers to them to the lists of the days."""
        kept = ((visit_id, visit) for visit_id, visit in visits if not visit.private)
        of_days: defaultdict[int, list[bytes]] = defaultdict(list)
        for visit_id, visit in kept:
            day = min(max(visit.at_ms, 0), MAX_AT_MS) // DAY_MS
            of_days[day].append(pointer_of(visit_id, visit.link_id))
        days = self._key(click_keys.VISIT_DAYS)
        for day, pointers in of_days.items():
            self._add_entries(click_keys.visits_of_day(day), pointers, days, day)

    def _add_entries(self, keys: tuple[str, str], entries: list[bytes], *days: int) -> None:
        entries.sort()
        first = len(self._entries) + 2  # the message is the first argument
        self._entries += entries
        self._lists.append((self._new(keys[0]), self._new(keys[1]), first, first + len(entries) - 1, *days))

    def _new(self, key: str) -> int:
        """Return the number of a key that no other part of the message names."""
        self._keys.append(key)
        return len(self._keys)

    def _key(self, key: str) -> int:
        """Return the number of a key that may have one."""
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = self._new(key)
        return number
