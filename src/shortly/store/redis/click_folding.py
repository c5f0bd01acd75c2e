"""Batches of visits as script calls: sums for each partition, with the journal positions that they were made for.

A partition's script compares the positions that it holds with those that the call was made for, and only then adds the
sums and moves them on; see ``RedisClicks.fold`` for why that counts every visit once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Sized
from itertools import chain
from typing import NamedTuple

import msgspec

from shortly.clicks.fold import DAY_MS, HOUR_MS, moments_of, seen_among
from shortly.clicks.store import TOP_DAYS, TOP_KEPT, Batch, every_link, is_sum
from shortly.clicks.visit import MAX_VALUES, OTHER, Visit
from shortly.store.redis import click_keys
from shortly.store.redis.click_calls import Call
from shortly.store.redis.click_days import FEW_BYTES, Sums, packed_of
from shortly.store.redis.click_keys import EVERYTHING, LOG
from shortly.store.redis.click_rows import BOTS, CLICKS, MOMENTS, fields_of
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


def calls_of(pieces: Sequence[Piece], positions: Positions, few_bytes: int = FEW_BYTES) -> Iterator[Call]:
    """Yield the calls that fold a slice, in order within each partition, and move ``positions`` to where they lead.

    Days are packed as long as that stays within ``few_bytes``; none are with 0.

    A partition that has counted all of its visits in the slice is called, too: that may have been a moment ago, by a
    call whose reply was lost, and only another write makes sure that the replicas have it.
    """
    fields = _Fields()
    for number, part in _divide(pieces, positions).items():
        for step in _cut(part, SLICE_VISITS if number == EVERYTHING else STEP_VISITS):
            yield _call_of(number, step, positions, fields, few_bytes)


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


def _call_of(number: int, pieces: Sequence[Piece], positions: Positions, fields: _Fields, few_bytes: int) -> Call:
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
    return message.call(moves, few_bytes)


class _Message:
    """What ``fold.lua`` is told; keys are named by their number. What it has many of lies flat in one list each."""

    def __init__(self, partition: int, fields: _Fields) -> None:
        self._partition = partition
        self._fields_of = fields.of
        self._keys = [click_keys.positions(partition), click_keys.changed(partition)]
        self._numbers: dict[str, int] = {}
        self._changed: list[str] = []
        self._seen: dict[int, tuple[int, int, int, list[int | str]]] = {}
        """By day: keys of the sets' names and of the days, the day, and for each set its key, its name, the number of
        the count that its new members are added to, how many members follow, and these."""
        self._counts = 0
        """Counts of new visitors; they have numbers from 1 on."""
        self._days: list[int] = []
        """For each link and day the keys of the packed day, of the day's row and of the link's days, the day, which
        argument is the packed counts (see ``click_days``) with all visitors as new ones, how many these are, the number
        of their count or 0, human clicks, how many keys follow, and those of the rows of the hours in their order."""
        self._days_added = 0
        self._additions: list[int | str] = []
        """For each a key, a field, and what to add."""
        self._visitors: list[int] = []
        """For each row of nothing but visitors its key and the number of the count."""
        self._moments: list[int] = []
        """Keys of rows that run out."""
        self._tops: defaultdict[str, list[int | str]] = defaultdict(list)
        """Key of a day's most clicked links -> for each link that was clicked its id, and which of ``_days`` it is."""
        self._lists: list[int | str] = []
        """For each list its key and that of its late ones, the first and the last of its entries among the arguments,
        and the key of a set that the day is added to if the list is new, and the day, or twice 0."""
        self._arguments: list[Argument] = []
        """What follows the message."""

    def call(self, moves: Mapping[str, tuple[int, int]], few_bytes: int) -> Call:
        """Return the call."""
        message = (
            (MAX_VALUES, OTHER, KEEP_S, few_bytes, self._counts),
            [part for segment, (expected, end) in moves.items() for part in (segment, expected, end)],
            self._changed,
            list(self._seen.values()),
            self._days,
            (self._additions, self._visitors, MOMENTS_S, self._moments),
            self._lists,
            (TOP_KEPT, TOPS_S, [(self._new(key), links) for key, links in self._tops.items()]),
        )
        return FOLD, self._keys, [_pack(message), *self._arguments]

    # --- what each partition keeps ---------------------------------------------------------------------------

    def add_links(self, visits: Iterable[Placed]) -> None:
        """Add all about the visits of links."""
        of_links: defaultdict[int, list[Placed]] = defaultdict(list)
        for placed in visits:
            of_links[placed.visit.link_id].append(placed)
        for link_id, of_link in of_links.items():
            if len(of_link) == 1:
                self._add_visit(of_link[0])
                continue
            visitors = _visitors(of_link)
            counts = self._add_counts(link_id, of_link, visitors, every_link(of_link[0].visit.workspace))
            for day, of_day in visitors.items():
                self._add_seen(day, link_id, counts[day], of_day)
            if entries := [entry_of(placed.visit_id, placed.visit) for placed in of_link if not placed.visit.private]:
                self._add_entries(click_keys.visits(link_id), entries)

    def add_sums(self, visits: Sequence[Placed]) -> None:
        """Add the counts of all links together, workspace by workspace."""
        for workspace, of_workspace in _by_workspace(visits).items():
            self._add_counts(every_link(workspace), of_workspace, {})
        self._add_moments([placed.visit for placed in visits])

    def add_visitors(self, visits: Sequence[Placed]) -> None:
        """Add the visitors of all links together, workspace by workspace and crowd by crowd."""
        for workspace, of_workspace in _by_workspace(visits).items():
            sum_id = every_link(workspace)
            for day, visitors in _visitors(of_workspace).items():
                crowds: defaultdict[int, list[int]] = defaultdict(list)
                for visitor in visitors:
                    crowds[click_keys.crowd(sum_id, visitor)].append(visitor)
                count = self._count()
                self._visitors += (self._new(click_keys.visitors_row(sum_id, day)), count)
                for crowd, some in crowds.items():
                    self._add_seen(day, crowd, count, some)

    def add_pointers(self, visits: Iterable[Placed]) -> None:
        """Add pointers to raw visits to the lists of their workspaces' days."""
        of_days: defaultdict[tuple[int, int], list[bytes]] = defaultdict(list)
        for _, visit_id, visit in visits:
            if not visit.private:
                of_days[visit.workspace, day_of(visit_id)].append(pointer_of(visit_id, visit.link_id))
        for place, pointers in of_days.items():
            name = click_keys.visit_day(*place)
            self._add_entries(click_keys.visits_of_day(name), pointers, self._key(click_keys.VISIT_DAYS), name)

    def _add_visit(self, placed: Placed) -> None:
        """Add all about the only visit of a link, as most are, in half the time that the general way takes."""
        _, visit_id, visit = placed
        link_id, hour = visit.link_id, visit.at_ms // HOUR_MS
        day = hour // 24
        is_click, is_bot = not visit.refused, bool(visit.bot) and not visit.refused
        first = len(self._keys) + 1
        packed_day, day_row, hour_row, days, total = range(first, first + 5)
        link = click_keys.of_hour(self._partition, link_id, hour)
        self._keys += link.counts
        count = 0
        if is_click and visit.visitor and not (is_bot or visit.private):
            count = self._count()
            self._add_seen(day, link_id, count, (_number_of(visit.visitor),))
        people = is_click - is_bot
        packed = self._argument(packed_of(1 if count else 0, {hour: dict.fromkeys(self._fields_of(visit), 1)}))
        self._days += (packed_day, day_row, days, day, packed, 1 if count else 0, count, people, 1, hour_row)
        self._days_added += 1
        text = str(link_id)
        if people:
            self._tops[click_keys.top(self._partition, every_link(visit.workspace), day)] += (text, self._days_added)
        if is_click:
            self._additions += (total, link.total, 1)
            if is_bot:
                self._additions += (total, f"{link.total}b", 1)
            self._changed.append(text)
        if not visit.private:
            entry = self._argument(entry_of(visit_id, visit))
            self._lists += (self._new(link.visits), self._new(link.late), entry, entry, 0, 0)

    # --- parts of the message --------------------------------------------------------------------------------

    def _add_counts(
        self, link_id: int, visits: Sequence[Placed], seen: Mapping[int, Sized], sum_id: int | None = None
    ) -> dict[int, int]:
        """Add a link's hours, days and total; return the numbers of the counts of visitors of the days that have
        ``seen`` any. Of a link, ``sum_id`` says among which ones it may be clicked most."""
        hours = self._hours_of(visits)
        days_key = self._new(click_keys.days(link_id))
        counts = {}
        clicks = bots = 0
        for day in {hour // 24: None for hour in hours}:
            of_day = {hour: sums for hour, sums in hours.items() if hour // 24 == day} if len(hours) > 1 else hours
            day_clicks = day_bots = 0
            for sums in of_day.values():
                day_clicks += sums.get(CLICKS, 0)
                day_bots += sums.get(BOTS, 0)
            clicks += day_clicks
            bots += day_bots
            visitors, count = 0, 0
            if day in seen:
                visitors, count = len(seen[day]), self._count()
                counts[day] = count
            self._days += (
                self._new(click_keys.packed_day(link_id, day)),
                self._new(click_keys.day_row(link_id, day)),
                days_key,
                day,
                self._argument(packed_of(visitors, of_day)),
                visitors,
                count,
                day_clicks - day_bots if sum_id is not None else 0,
                len(of_day),
                *[self._new(click_keys.hour_row(link_id, hour)) for hour in of_day],
            )
            self._days_added += 1
            if sum_id is not None and day_clicks > day_bots:
                top = click_keys.top(self._partition, sum_id, day)
                self._tops[top] += (str(link_id), self._days_added)
        if clicks:
            key, field = click_keys.totals(link_id)
            number = self._key(key)
            self._additions += (number, field, clicks)
            if bots:
                self._additions += (number, f"{field}b", bots)
            if not is_sum(link_id):
                self._changed.append(str(link_id))  # a text: Lua knows 53 bits
        return counts

    def _hours_of(self, visits: Sequence[Placed]) -> dict[int, Sums]:
        """Return the sums of each hour."""
        if len(visits) == 1:  # as for most links
            visit = visits[0].visit
            return {visit.at_ms // HOUR_MS: dict.fromkeys(self._fields_of(visit), 1)}
        fields: defaultdict[int, list[list[str]]] = defaultdict(list)
        for placed in visits:
            visit = placed.visit
            fields[visit.at_ms // HOUR_MS].append(self._fields_of(visit))
        return {
            hour: dict.fromkeys(some[0], 1) if len(some) == 1 else Counter(chain.from_iterable(some))
            for hour, some in fields.items()
        }

    def _add_moments(self, visits: Sequence[Visit]) -> None:
        """Add what is shown live to rows that run out."""
        rows: dict[str, int] = {}
        for (moment, sum_id), total in moments_of(visits).items():
            stretch, place = divmod(moment, MOMENTS)
            key = click_keys.moments_row(sum_id, stretch)
            number = rows[key] = rows.get(key) or self._new(key)
            self._additions += (number, str(place), total.clicks)
            if total.bots:
                self._additions += (number, f"{place}b", total.bots)
        self._moments += rows.values()

    def _add_seen(self, day: int, name: int, count: int, visitors: Collection[int]) -> None:
        """Add visitors to the set of this name; how many are new there is added to the count."""
        if day not in self._seen:
            names = self._new(click_keys.seen_names(self._partition, day))
            self._seen[day] = (names, self._key(click_keys.seen_days(self._partition)), day, [])
        key = self._new(click_keys.seen(self._partition, day, name))
        self._seen[day][-1].extend((key, str(name), count, len(visitors), *map(str, visitors)))

    def _add_entries(self, keys: tuple[str, str], entries: list[bytes], days: int = 0, day: int | str = 0) -> None:
        """Add entries to a list, sorted by time."""
        entries.sort()
        first = self._argument(*entries)
        self._lists += (self._new(keys[0]), self._new(keys[1]), first, first + len(entries) - 1, days, day)

    def _argument(self, *arguments: Argument) -> int:
        """Return the number of the first of more arguments; the message is number 1."""
        self._arguments += arguments
        return len(self._arguments) - len(arguments) + 2

    def _count(self) -> int:
        """Return the number of another count of new visitors."""
        self._counts += 1
        return self._counts

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
        visitors[visit.at_ms // DAY_MS].add(_number_of(visit.visitor))
    return visitors


def _number_of(visitor: bytes) -> int:
    """Return a visitor as one of the integers that small sets are arrays of."""
    return int.from_bytes(visitor, "big", signed=True)
