"""Batches of visits as script calls: sums for each partition, with the journal positions that they were made for.

A partition's script compares the positions that it holds with those that the call was made for, and only then adds the
sums and moves them on; see ``RedisClicks.fold`` for why that counts every visit once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

import msgspec

from shortly.clicks.fold import DAY_MS, HOUR_MS, moments_of, seen_among
from shortly.clicks.store import TOP_DAYS, TOP_KEPT, Batch, every_link, is_sum
from shortly.clicks.visit import MAX_VALUES, OTHER, Visit
from shortly.store.redis import click_keys
from shortly.store.redis.click_calls import Call
from shortly.store.redis.click_keys import EVERYTHING, LOG
from shortly.store.redis.click_rows import BOTS, CLICKS, MOMENTS, VISITORS, fields_of, hour_fields
from shortly.store.redis.click_visits import day_of, entry_of, ids_in, pointer_of
from shortly.store.redis.keys import PARTITIONS
from shortly.store.redis.scripts import Argument, Script

SLICE_VISITS = 10_000
"""Visits that are summed up together: the more there are, the fewer additions for each."""
STEP_VISITS = 2_500
"""Visits whose hashes and raw rows one script is given: a few milliseconds of its time."""
KEEP_S = 3 * 86_400
"""How long visitor hashes and salts are kept at most, should nobody prune."""

MOMENTS_S = 3 * 3_600
"""How long clicks by the moment are kept."""

TOPS_S = TOP_DAYS * 86_400
"""How long the most clicked links of a day are kept after its last click."""

FOLD = Script("click_slices", "click_entries", "fold")

Positions = dict[tuple[int, str], int]
"""Partition and segment -> how far its visits have been counted; a pair that is missing: nothing has."""
Sums = dict[str, int]
"""Field of a row -> what to add to it."""

TEXTS = [str(number) for number in range(1000)]
"""Of numbers that most sums are among."""

ROW_HEAD = 4
"""What the rows of a message have before each row's names and numbers."""

_pack = msgspec.msgpack.Encoder().encode


class Placed(NamedTuple):
    """A visit on its way."""

    after: int
    """The position after its record."""
    visit_id: bytes
    visit: Visit


class Piece(NamedTuple):
    """A part of a batch."""

    segment: str
    end: int
    """Where the partitions are after it."""
    visits: list[Placed]


def slices_of(batches: Iterable[Batch]) -> Iterator[list[Piece]]:
    """Cut batches into slices of ``SLICE_VISITS`` visits at most, in journal order."""
    pieces = []
    for batch in batches:
        if batch.visits:
            id_of = ids_in(batch.segment)
            placed = [Placed(after, id_of(visit.at_ms, after), visit) for after, visit in batch.visits]
            pieces.append(Piece(batch.segment, batch.end, placed))
    return _cut(pieces, SLICE_VISITS)


def _cut(pieces: Iterable[Piece], size: int) -> Iterator[list[Piece]]:
    """Cut pieces into runs with so many visits at most."""
    run: list[Piece] = []
    room = size
    for segment, end, visits in pieces:
        start = 0
        while len(visits) - start > room:
            some = visits[start : start + room]
            yield [*run, Piece(segment, some[-1].after, some)] if some else run
            start += room
            run, room = [], size
        run.append(Piece(segment, end, visits[start:]))
        room -= len(visits) - start
    if run:
        yield run


def partitions_of(batches: Iterable[Batch]) -> list[tuple[int, str]]:
    """Return the pairs of partition and segment whose positions a fold of the batches needs."""
    pairs: set[tuple[int, str]] = set()
    for batch in batches:
        if batch.visits:
            pairs |= {(visit.link_id % PARTITIONS, batch.segment) for _, visit in batch.visits}
            pairs |= {(EVERYTHING, batch.segment), (LOG, batch.segment)}
    return sorted(pairs)


def calls_of(pieces: Sequence[Piece], positions: Positions) -> Iterator[Call]:
    """Yield the calls that fold a slice, in order within each partition, and move ``positions`` to where they lead.

    A partition that has counted all of its visits in the slice is called, too: that may have been a moment ago, by a
    call whose reply was lost, and only another write makes sure that the replicas have it.
    """
    fields = _Fields()
    for number, part in _divide(pieces, positions).items():
        for step in _cut(part, SLICE_VISITS if number == EVERYTHING else STEP_VISITS):
            yield _call_of(number, step, positions, fields)


def _divide(pieces: Sequence[Piece], positions: Positions) -> dict[int, list[Piece]]:
    """Return what each partition has in the pieces, without the visits that it has counted."""
    parts: defaultdict[int, list[Piece]] = defaultdict(list)
    reached = dict(positions)
    for segment, end, visits in pieces:
        shares: defaultdict[int, list[Placed]] = defaultdict(list)
        for placed in visits:
            shares[placed.visit.link_id % PARTITIONS].append(placed)
        shares[EVERYTHING] = shares[LOG] = visits
        for number, share in shares.items():
            position = reached.get((number, segment), 0)
            if share[0].after <= position:
                share = [placed for placed in share if placed.after > position]
            parts[number].append(Piece(segment, end, share))
            reached[number, segment] = max(position, end)
    return parts


class _Fields:
    """The fields of visits, made when they are first asked for: for a link, and again for all links."""

    def __init__(self) -> None:
        self._known: dict[int, list[str]] = {}

    def of(self, visit: Visit) -> list[str]:
        """Return the fields of a visit that outlives this object."""
        fields = self._known.get(id(visit))
        if fields is None:
            fields = self._known[id(visit)] = fields_of(visit)
        return fields


def _call_of(number: int, pieces: Sequence[Piece], positions: Positions, fields: _Fields) -> Call:
    """Return the call that adds what the pieces sum up to, and move the partition's positions to their ends."""
    moves: dict[str, tuple[int, int]] = {}
    for segment, end, _ in pieces:
        position = positions.get((number, segment), 0)
        expected, _ = moves.get(segment, (position, position))
        positions[number, segment] = reached = max(position, end)
        moves[segment] = (expected, reached)
    visits = [placed for piece in pieces for placed in piece.visits]
    message = _Message(number, fields)
    if number == EVERYTHING:
        message.add_sums(visits)
    elif number == LOG:
        message.add_visitors(visits)
        message.add_pointers(visits)
    else:
        message.add_links(visits)
    return message.call(moves)


class _Message:
    """What ``fold.lua`` is told; keys are named by their number."""

    def __init__(self, partition: int, fields: _Fields) -> None:
        self._partition = partition
        self._fields_of = fields.of
        self._keys = [click_keys.positions(partition), click_keys.changed(partition)]
        self._numbers: dict[str, int] = {}
        self._changed: list[str] = []
        self._seen: dict[int, tuple[int, int, int, list[int | str]]] = {}
        """By day: keys of the sets' names and of the days, the day, and for each set its key, its name, the place among
        the rows where the number of its new members goes, how many members follow, and these."""
        self._rows: list[int | str] = []
        """For each row its key; the key of a set that the day is added to if the row is new, and the day, or twice 0,
        or -1 and how many seconds a new row is kept; how many texts follow; names of fields, each with the number to
        add to it."""
        self._tops: defaultdict[str, list[int | str]] = defaultdict(list)
        """Key of a day's most clicked links -> three for each link that was clicked: its id, the places among the rows
        where its clicks on that day and those of bots are."""
        self._totals: defaultdict[str, Sums] = defaultdict(dict)
        self._lists: list[int | str] = []
        """For each list its key and that of its late ones, the first and the last of its entries among the arguments,
        and key and day as those of a row."""
        self._entries: list[Argument] = []

    def call(self, moves: Mapping[str, tuple[int, int]]) -> Call:
        """Return the call."""
        for key, sums in self._totals.items():
            self._add_row(key, sums)
        message = (
            MAX_VALUES,
            OTHER,
            KEEP_S,
            [part for segment, (expected, end) in moves.items() for part in (segment, expected, end)],
            self._changed,
            list(self._seen.values()),
            self._rows,
            self._lists,
            (TOP_KEPT, TOPS_S, [(self._new(key), links) for key, links in self._tops.items()]),
        )
        return FOLD, self._keys, [_pack(message), *self._entries]

    # --- what each partition keeps ---------------------------------------------------------------------------

    def add_links(self, visits: Iterable[Placed]) -> None:
        """Add all about the visits of links."""
        of_links: defaultdict[int, list[Placed]] = defaultdict(list)
        for placed in visits:
            of_links[placed.visit.link_id].append(placed)
        for link_id, of_link in of_links.items():
            visitors = _visitors(of_link)
            places = self._add_counts(link_id, of_link, visitors, every_link(of_link[0].visit.workspace))
            for day, of_day in visitors.items():
                self._add_seen(day, link_id, places[day], of_day)
            if entries := [entry_of(placed.visit_id, placed.visit) for placed in of_link if not placed.visit.private]:
                self._add_entries(click_keys.visits(link_id), entries)

    def add_sums(self, visits: Sequence[Placed]) -> None:
        """Add the counts of all links together, workspace by workspace."""
        for workspace, of_workspace in _by_workspace(visits).items():
            self._add_counts(every_link(workspace), of_workspace, ())
        self._add_moments([placed.visit for placed in visits])

    def add_visitors(self, visits: Sequence[Placed]) -> None:
        """Add the visitors of all links together, workspace by workspace and crowd by crowd."""
        for workspace, of_workspace in _by_workspace(visits).items():
            sum_id = every_link(workspace)
            for day, visitors in _visitors(of_workspace).items():
                crowds: defaultdict[int, list[int]] = defaultdict(list)
                for visitor in visitors:
                    crowds[click_keys.crowd(sum_id, visitor)].append(visitor)
                place = self._add_row(click_keys.visitors_row(sum_id, day), {VISITORS: 0})
                for crowd, some in crowds.items():
                    self._add_seen(day, crowd, place, some)

    def add_pointers(self, visits: Iterable[Placed]) -> None:
        """Add pointers to raw visits to the lists of their workspaces' days."""
        of_days: defaultdict[tuple[int, int], list[bytes]] = defaultdict(list)
        for _, visit_id, visit in visits:
            if not visit.private:
                of_days[visit.workspace, day_of(visit_id)].append(pointer_of(visit_id, visit.link_id))
        for place, pointers in of_days.items():
            name = click_keys.visit_day(*place)
            self._add_entries(click_keys.visits_of_day(name), pointers, self._key(click_keys.VISIT_DAYS), name)

    # --- parts of the message --------------------------------------------------------------------------------

    def _add_counts(
        self, link_id: int, visits: Iterable[Placed], seen: Container[int], sum_id: int | None = None
    ) -> dict[int, int]:
        """Add a link's hours, days and total; return where the numbers of visitors go of the days that have ``seen``
        any. Of a link, ``sum_id`` says among which ones it may be clicked most."""
        fields: defaultdict[int, list[list[str]]] = defaultdict(list)
        for placed in visits:
            visit = placed.visit
            fields[visit.at_ms // HOUR_MS].append(self._fields_of(visit))
        of_days: defaultdict[int, Sums] = defaultdict(dict)
        for hour, of_visits in fields.items():
            sums = dict.fromkeys(of_visits[0], 1) if len(of_visits) == 1 else Counter(chain.from_iterable(of_visits))
            self._add_row(click_keys.hour_row(link_id, hour), sums)
            of_day = of_days[hour // 24]
            if of_day:
                for name, number in sums.items():
                    of_day[name] = of_day.get(name, 0) + number
            else:
                of_day.update(sums)
            of_day.update(hour_fields(hour % 24, sums))
        days = self._key(click_keys.days(link_id))
        clicks = 0
        key, field = click_keys.totals(link_id)
        for sums in of_days.values():
            clicks += sums.get(CLICKS, 0)
            if bots := sums.get(BOTS, 0):
                self._totals[key][f"{field}b"] = self._totals[key].get(f"{field}b", 0) + bots
        if clicks:
            self._totals[key][field] = clicks
            if not is_sum(link_id):
                self._changed.append(str(link_id))  # a text: Lua knows 53 bits
        places = {}
        for day, sums in of_days.items():
            if sum_id is not None and sums.get(CLICKS, 0) > sums.setdefault(BOTS, 0):
                names, first = list(sums), len(self._rows) + ROW_HEAD
                self._tops[click_keys.top(self._partition, sum_id, day)] += (
                    str(link_id),
                    *(first + 2 * names.index(name) + 2 for name in (CLICKS, BOTS)),
                )
            if day in seen:
                sums[VISITORS] = 0  # the last one, to be filled in by the script
            places[day] = self._add_row(click_keys.day_row(link_id, day), sums, days, day)
        return places

    def _add_moments(self, visits: Sequence[Visit]) -> None:
        """Add what is shown live to rows that run out."""
        rows: defaultdict[str, Sums] = defaultdict(dict)
        for (moment, sum_id), total in moments_of(visits).items():
            stretch, place = divmod(moment, MOMENTS)
            row = rows[click_keys.moments_row(sum_id, stretch)]
            row[str(place)] = total.clicks
            if total.bots:
                row[f"{place}b"] = total.bots
        for key, sums in rows.items():
            self._add_row(key, sums, -1, MOMENTS_S)

    def _add_row(self, key: str, sums: Sums, days: int = 0, day: int = 0) -> int:
        """Add numbers to a row, which is the only mention of its key; return the place of the last one."""
        rows = self._rows
        rows += (self._new(key), days, day, 2 * len(sums))
        for name, number in sums.items():
            rows += (name, TEXTS[number] if number < len(TEXTS) else str(number))
        return len(rows)

    def _add_seen(self, day: int, name: int, place: int, visitors: Collection[int]) -> None:
        """Add visitors to the set of this name; how many are new there is added at that place of the rows."""
        if day not in self._seen:
            names = self._new(click_keys.seen_names(self._partition, day))
            self._seen[day] = (names, self._key(click_keys.seen_days(self._partition)), day, [])
        key = self._new(click_keys.seen(self._partition, day, name))
        self._seen[day][-1].extend((key, str(name), place, len(visitors), *map(str, visitors)))

    def _add_entries(self, keys: tuple[str, str], entries: list[bytes], days: int = 0, day: int | str = 0) -> None:
        """Add entries to a list, sorted by time."""
        entries.sort()
        first = len(self._entries) + 2  # the message is the first argument
        self._entries += entries
        self._lists += (self._new(keys[0]), self._new(keys[1]), first, first + len(entries) - 1, days, day)

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


def _by_workspace(visits: Sequence[Placed]) -> dict[int, Sequence[Placed]]:
    """Return the visits of each workspace; nearly always there is one."""
    workspaces = {placed.visit.workspace for placed in visits}
    if len(workspaces) == 1:
        return dict.fromkeys(workspaces, visits)
    found: dict[int, list[Placed]] = {workspace: [] for workspace in workspaces}
    for placed in visits:
        found[placed.visit.workspace].append(placed)
    return {**found}


def _visitors(visits: Iterable[Placed]) -> dict[int, set[int]]:
    """Return the human visitors of each day, as the integers that small sets are arrays of."""
    visitors: defaultdict[int, set[int]] = defaultdict(set)
    for visit in seen_among(placed.visit for placed in visits):
        visitors[visit.at_ms // DAY_MS].add(int.from_bytes(visit.visitor, "big", signed=True))
    return visitors
