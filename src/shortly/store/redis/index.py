"""The index of links: sorted sets to list and filter by, postings to search by, all in one slot and all derived.

A ``Plan`` gathers what has to change; one script makes the changes and moves the positions in the outboxes that they
come from, all or nothing. Two processes that plan the same step cannot both take it.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from shortly.accounts.people import FIRST_WORKSPACE
from shortly.links.labels import LabelKind
from shortly.store.redis import keys
from shortly.store.redis.client import Client
from shortly.store.redis.grams import (
    CHUNK_ROWS,
    Spelling,
    bitmap_of,
    grams_of,
    label_gram,
    labels_of,
    least_common,
    numbers_from,
    packed_rows,
    rows_of,
)
from shortly.store.redis.records import ROW_BYTES, Doc, doc_value, member_of
from shortly.store.redis.scripts import Argument, Script

SLICE = 1_000
"""Arguments of one command within a script, which Lua's stack bounds."""
START = b"0-0"
"""The position in an outbox of which nothing has been read."""

APPLY = Script("postings", "apply_index")


class Move(NamedTuple):
    """A step along one partition's outbox, from the entry that the index knows already to a later one."""

    partition: int
    start: bytes
    end: bytes


class Plan:
    """Changes of the index, none of them made yet."""

    def __init__(self, row: int = 0, links: int = 0) -> None:
        """``row``: the one that the first new link is believed to get; another one costs time, and is right, too.
        ``links``: how many new ones are believed to come."""
        self.row = row
        """Where its new rows are believed to begin."""
        self.expected = links
        self._new: list[tuple[int, Doc]] = []
        self._spelling = Spelling()
        self._labels: defaultdict[tuple[LabelKind, int, str], int] = defaultdict(int)
        self._added: defaultdict[str, list[Argument]] = defaultdict(list)
        self._removed: defaultdict[str, list[Argument]] = defaultdict(list)
        self._first_clicks: list[Argument] = []
        self._clicks: list[Argument] = []
        self._recounted: list[Argument] = []
        self._docs: list[Argument] = []
        self._gone: list[Argument] = []
        self._rows: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        self._composed: tuple[list[str], list[Argument]] | None = None

    def add(self, link_id: int, doc: Doc) -> None:
        """Take a link up that is not in the index."""
        bit = 1 << len(self._new)
        self._new.append((link_id, doc))
        for key, score, member in entries_of(link_id, doc):
            self._added[key] += (score, member)
        self._first_clicks += (0, member_of(link_id))
        for text in doc.texts():
            self._spelling.add(text, bit)
        for kind, name in labels_of(doc):
            self._labels[kind, doc.workspace, name] |= bit

    def spell(self) -> Iterator[None]:
        """Find the postings that the new links come into, which ``command`` does otherwise; see ``Spelling``."""
        return self._spelling.work()

    @property
    def rows(self) -> int:
        """How many rows the new links need."""
        return len(self._new)

    def change(self, link_id: int, row: int, old: Doc, new: Doc) -> None:
        """Bring a link up to date."""
        before = {(key, member): score for key, score, member in entries_of(link_id, old)}
        after = {(key, member): score for key, score, member in entries_of(link_id, new)}
        for key, member in before.keys() - after.keys():
            self._removed[key].append(member)
        for place, score in after.items():
            if before.get(place) != score:
                self._added[place[0]] += (score, place[1])
        self._docs += (member_of(link_id), row.to_bytes(ROW_BYTES, "big") + doc_value(new))
        had, has = grams_of(old), grams_of(new)
        self._mark("REMOVE", row, had - has)
        self._mark("ADD", row, has - had)
        self._name(new)

    def remove(self, link_id: int, row: int, doc: Doc) -> None:
        """Forget a link."""
        for key, _, member in entries_of(link_id, doc):
            self._removed[key].append(member)
        self._removed[keys.BY_CLICKS].append(member_of(link_id))
        self._gone.append(member_of(link_id))
        self._mark("REMOVE", row, grams_of(doc))

    def restore(self, link_id: int, row: int, old: Doc, new: Doc) -> None:
        """Write all entries of a link anew, whichever are there; with no ``change`` in the same plan."""
        after = list(entries_of(link_id, new))
        kept = {(key, member) for key, _, member in after}
        for key, _, member in entries_of(link_id, old):
            if (key, member) not in kept:
                self._removed[key].append(member)
        for key, score, member in after:
            self._added[key] += (score, member)
        self._first_clicks += (0, member_of(link_id))
        self._docs += (member_of(link_id), row.to_bytes(ROW_BYTES, "big") + doc_value(new))
        self._mark("REMOVE", row, grams_of(old) | grams_of(new))
        self._mark("ADD", row, grams_of(new))
        self._name(new)

    def drop(self, key: str, member: bytes) -> None:
        """Remove one entry of a sorted set."""
        self._removed[key].append(member)

    def drop_posting(self, row: int, gram: str) -> None:
        """Remove one row of a gram."""
        self._mark("REMOVE", row, [gram])

    def count(self, link_id: int, clicks: int) -> None:
        """Note how many clicks a link has had, which never become fewer; an unknown link is left out."""
        self._clicks += (clicks, member_of(link_id))

    def recount(self, link_id: int, clicks: int) -> None:
        """Write down how many clicks a link has had, even if these are fewer than before."""
        self._recounted += (clicks, member_of(link_id))

    def compose(self, moves: Sequence[Move]) -> None:
        """Make the command for these moves, and the row that is expected; nothing can be added any more."""
        self._composed = self._command(moves, self.row)

    def command(self, moves: Sequence[Move], row: int) -> tuple[list[str], list[Argument]]:
        """Return keys and arguments of ``apply_index``; ``row`` is what ``Index`` would begin a plan with now.

        ``moves``: those that it was composed for, if it was.
        """
        if self._composed is not None and row == self.row:
            return self._composed
        return self._command(moves, row)

    def _command(self, moves: Sequence[Move], row: int) -> tuple[list[str], list[Argument]]:
        row = _room_for(len(self._new), row)
        chunk, first = divmod(row, CHUNK_ROWS)
        writing = _Instructions([keys.POSITIONS, keys.ROWS, keys.DOCS, keys.rows(chunk)])
        for key, members in self._removed.items():
            writing.add("ZREM", key, members)
        for key, pairs in self._added.items():
            writing.add("ZADD", key, pairs)
        names: defaultdict[str, list[Argument]] = defaultdict(list)
        for kind, workspace, name in sorted(self._labels):
            names[keys.labels(kind, workspace)] += (0, name)
        for key, pairs in names.items():
            writing.add("ZADD", key, pairs)
        writing.add("ZADD", keys.BY_CLICKS, self._first_clicks, "NX")
        writing.add("ZADD", keys.BY_CLICKS, self._clicks, "XX", "GT")
        writing.add("ZADD", keys.BY_CLICKS, self._recounted, "XX")
        writing.add("HSET", keys.DOCS, self._docs)
        writing.add("HDEL", keys.DOCS, self._gone)
        for (name, key), rows in self._rows.items():
            writing.add_one(name, key, packed_rows(rows))
        args: list[Argument] = [len(moves)]
        for move in moves:
            args += (move.partition, move.start, move.end)
        rare, common = self._postings(first)
        args += (row, len(self._new), len(rare), len(common))
        for link_id, doc in self._new:
            args += (member_of(link_id), doc_value(doc))
        args += rare.values()
        args += common.values()
        beginning = keys.postings(chunk, "")
        grams = [beginning + gram for gram in (*rare, *common)]
        return writing.keys + grams, args + writing.args

    def _postings(self, first: int) -> tuple[dict[str, bytes], dict[str, bytes]]:
        """Return the grams that few of the new links have, with the rows of these, and those of many, with a bitmap."""
        grams = self._spelling.grams()
        grams.update((label_gram(*label), links) for label, links in self._labels.items() if links)
        least, numbers = least_common(len(self._new)), numbers_from(first, len(self._new))
        rare: dict[str, bytes] = {}
        common: dict[str, bytes] = {}
        for gram, links in grams.items():
            count = links.bit_count()
            if count == 1:  # most often
                rare[gram] = numbers[links.bit_length() - 1]
            elif count < least:
                rare[gram] = rows_of(links, numbers)
            else:
                common[gram] = bitmap_of(links, first)
        return rare, common

    def _name(self, doc: Doc) -> None:
        """Put the labels of a link among those that are listed."""
        for kind, name in labels_of(doc):
            self._labels[kind, doc.workspace, name] |= 0

    def _mark(self, name: str, row: int, grams: Iterable[str]) -> None:
        chunk, low = divmod(row, CHUNK_ROWS)
        for gram in grams:
            self._rows[name, keys.postings(chunk, gram)].append(low)


class _Instructions:
    """What ``apply_index`` is told to do, with the keys that it is told by their places."""

    def __init__(self, fixed: Iterable[str]) -> None:
        self.keys = list(fixed)
        self.args: list[Argument] = []
        self._places = {key: place for place, key in enumerate(self.keys, start=1)}

    def add(self, name: str, key: str, values: Sequence[Argument], *options: Argument) -> None:
        place = self._places.get(key)
        if place is None and values:
            self.keys.append(key)
            place = self._places[key] = len(self.keys)
        for start in range(0, len(values), SLICE):
            some = values[start : start + SLICE]
            self.args += (name, place or 0, len(options) + len(some), *options, *some)

    def add_one(self, name: str, key: str, value: bytes) -> None:
        """Add an instruction whose key no other has, or some have too."""
        self.keys.append(key)
        self.args += (name, len(self.keys), 1, value)


class Index:
    """Applies plans."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._row = 0
        """The next that will be given, unless another process is quicker."""
        self._ahead: deque[Plan] = deque()
        """Plans that have been handed out and not been applied, in the order in which they will be."""

    def plan(self, links: int = 0) -> Plan:
        """Return an empty plan for so many new links, which is to be applied soon, and in the order of these calls."""
        row = self._row
        for plan in self._ahead:
            row = _room_for(plan.expected, row) + plan.expected
        plan = Plan(_room_for(links, row), links)
        if links:
            self._ahead.append(plan)
        return plan

    async def apply(self, plan: Plan, moves: Sequence[Move]) -> set[int]:
        """Make the changes of a plan, or return the partitions whose position is another one; then nothing is changed.

        Raises:
            StoreUnavailable: It was not done, or no answer says whether it was.
            StorageFull: There is no room.
        """
        row = plan.row
        try:
            while True:
                reply: list[Any] = await self._client.run(APPLY, *plan.command(moves, row))
                if reply[0] == b"moved":
                    return {int(partition) for partition in reply[1:]}
                if plan.rows:
                    self._row = int(reply[1])
                if reply[0] == b"applied":
                    return set()
                row = _room_for(plan.rows, self._row)
        finally:
            if plan in self._ahead:
                while self._ahead.popleft() is not plan:  # those before were given up
                    pass


def _room_for(rows: int, row: int) -> int:
    """Return the row that so many new ones begin with when ``row`` is the next: they are all of one chunk."""
    return row if row % CHUNK_ROWS + rows <= CHUNK_ROWS else row + CHUNK_ROWS - row % CHUNK_ROWS


def entries_of(link_id: int, doc: Doc) -> Iterator[tuple[str, int, bytes]]:
    """Yield the sorted sets that a link is in, with its score and its member; but for the one by clicks."""
    member = member_of(link_id)
    if doc.deleted_at is not None:
        yield keys.TRASHED, doc.deleted_at, member
        return
    created = doc.created_at
    yield keys.BY_CREATED, created, member
    yield keys.BY_UPDATED, doc.updated_at, member
    yield keys.BY_SLUG, 0, text_member(doc.slug, link_id)
    yield keys.BY_TITLE, 0, text_member(doc.title, link_id)
    for tag in doc.tags:
        yield keys.tagged(tag), created, member
    if doc.folder:
        yield keys.in_folder(doc.folder), created, member
    if doc.domain:
        yield keys.on_domain(doc.domain), created, member
    if doc.owner:
        yield keys.owned_by(doc.owner), created, member
    if doc.workspace != FIRST_WORKSPACE:
        yield keys.in_workspace(doc.workspace), created, member
    if doc.archived:
        yield keys.ARCHIVED, created, member
    if not doc.enabled:
        yield keys.DISABLED, created, member
    if doc.banned:
        yield keys.BANNED, created, member
    if doc.max_clicks is not None:
        yield keys.LIMITED, created, member
    if doc.valid_from is not None:
        yield keys.STARTS, doc.valid_from, member
    if doc.expires_at is not None:
        yield keys.EXPIRIES, doc.expires_at, member
    if doc.plain:
        yield keys.PLAIN, 0, plain_prefix(doc.domain, doc.target, doc.owner, doc.workspace) + _rising(created) + member


def text_member(text: str, link_id: int) -> bytes:
    """Return a member of a set that is sorted by text, then by id."""
    return text.encode() + b"\0" + member_of(link_id)


def plain_prefix(domain: str, target: str, owner: str, workspace: int) -> bytes:
    """Return how members of ``keys.PLAIN`` begin; 16 bytes, which creation and id follow."""
    text = f"{domain}\0{owner}\0{target}"
    if workspace != FIRST_WORKSPACE:
        text += f"\0{workspace}"
    return blake2b(text.encode(), digest_size=16).digest()


def _rising(number: int) -> bytes:
    """Return 8 bytes that sort as the number does."""
    return (number + (1 << 63)).to_bytes(8, "big")
