"""Names of the keys that clicks are kept in, and how large ones are cut.

Everything about a link's clicks lies in its home partition, next to that partition's journal positions. The sums over
all links of a workspace (see ``every_link``) are like links with partitions of their own: ``{all}`` for their counts,
which are added once for each batch and read by one look-up instead of 256, and ``{log}`` for their visitors and the
order of all raw visits.

A day with few clicks is one packed text (see ``click_days``). Other rows of counts are hashes that stay small
(listpacks, without an allocation for each field) for all but the busiest links. Their field names are one letter for
the dimension and the value, see ``click_rows``.
"""

from __future__ import annotations

from typing import NamedTuple

from shortly.accounts.people import FIRST_WORKSPACE
from shortly.clicks.store import EVERY_LINK, is_sum
from shortly.store.redis.keys import PARTITIONS, TAGS

EVERYTHING, LOG = PARTITIONS, PARTITIONS + 1
"""Numbers of the partitions of sums."""
CLICK_TAGS = (*TAGS, "{all}", "{log}")
"""Hash tags of all partitions that hold clicks."""
DONE = "p:{meta}"
"""Hash: segment -> the position that all partitions have passed."""
LINKS_OF_TOTALS = 128
"""Neighbours whose totals share a hash: 20 bytes for each, where one large hash takes 120."""
CROWDS = 1024
"""Sets that the visitors of all links are dealt out to: up to 500,000 of them a day, these stay small enough to be
arrays of integers, 8 bytes for each (70 in sets of more than 512)."""
CROWDS_OF_OTHERS = 32
"""The same for each workspace but the first: most of them are small, and each set costs some 150 bytes by itself."""


def click_partition(link_id: int) -> int:
    """Return the number of the partition with a link's counts."""
    return EVERYTHING if is_sum(link_id) else link_id % PARTITIONS


def click_tag(link_id: int) -> str:
    """Return its hash tag."""
    return CLICK_TAGS[click_partition(link_id)]


# --- folding -------------------------------------------------------------------------------------------------


def positions(partition: int) -> str:
    """``p:{5f}``: hash of segment -> how far its clicks on links of this partition have been counted."""
    return f"p:{CLICK_TAGS[partition]}"


def changed(partition: int) -> str:
    """``q:{5f}``: set of link ids whose totals the index does not know yet."""
    return f"q:{CLICK_TAGS[partition]}"


# --- counts --------------------------------------------------------------------------------------------------


def totals(link_id: int) -> tuple[str, str]:
    """``s:{5f}:<hundred>`` and the field in it: all-time clicks; with a ``b`` behind it, those of bots."""
    number = -link_id if is_sum(link_id) else link_id // PARTITIONS
    hundred, place = divmod(number, LINKS_OF_TOTALS)
    return f"s:{click_tag(link_id)}:{hundred}", str(place)


def day_row(link_id: int, day: int) -> str:
    """``c:{5f}:<id>:<day>``: hash of a day's counts."""
    return f"c:{click_tag(link_id)}:{link_id}:{day}"


def packed_day(link_id: int, day: int) -> str:
    """``f:{5f}:<id>:<day>``: the few clicks of a day by the hour, see ``click_days``."""
    return f"f:{click_tag(link_id)}:{link_id}:{day}"


def visitors_row(link_id: int, day: int) -> str:
    """Return the row that has a day's unique visitors: the day's, or for a sum one that has nothing else."""
    return f"c:{{log}}:{link_id}:{day}" if is_sum(link_id) else day_row(link_id, day)


def hour_row(link_id: int, hour: int) -> str:
    """``h:{5f}:<id>:<hour>``: hash of an hour's counts."""
    return f"h:{click_tag(link_id)}:{link_id}:{hour}"


def days(link_id: int) -> str:
    """``g:{5f}:<id>``: set of the days that the link has rows of."""
    return f"g:{click_tag(link_id)}:{link_id}"


def days_of_sums() -> str:
    """Return the pattern of such sets of the sums over all links."""
    return f"g:{CLICK_TAGS[EVERYTHING]}:*"


class OfHour(NamedTuple):
    """All that one visit of a link needs, made at once: a call for each takes most of a fold's time."""

    counts: tuple[str, str, str, str, str]
    """``packed_day``, ``day_row``, ``hour_row``, ``days`` and the first of ``totals``."""
    total: str
    """The second one."""
    visits: str
    late: str


def of_hour(partition: int, link_id: int, hour: int) -> OfHour:
    """Return the keys of a link, which is no sum, in an hour; ``partition`` is its own."""
    of_link = f"{CLICK_TAGS[partition]}:{link_id}"
    of_day = f"{of_link}:{hour // 24}"
    hundred, place = divmod(link_id // PARTITIONS, LINKS_OF_TOTALS)
    total = f"s:{CLICK_TAGS[partition]}:{hundred}"
    counts = (f"f:{of_day}", f"c:{of_day}", f"h:{of_link}:{hour}", f"g:{of_link}", total)
    return OfHour(counts, str(place), f"v:{of_link}", f"w:{of_link}")


def moments_row(sum_id: int, stretch: int) -> str:
    """``e:{all}:<id>:<ten minutes>``: hash of a sum's clicks by the moment; runs out by itself."""
    return f"e:{click_tag(sum_id)}:{sum_id}:{stretch}"


def top(partition: int, sum_id: int, day: int) -> str:
    """``k:{5f}:<id>:<day>``: sorted set of the partition's most clicked links of a workspace on a day, by the clicks of
    people; runs out by itself."""
    return f"k:{CLICK_TAGS[partition]}:{sum_id}:{day}"


# --- visitors ------------------------------------------------------------------------------------------------


def seen(partition: int, day: int, name: int) -> str:
    """``u:{5f}:<day>:<id>``: set of visitors of a link, or of a ``crowd``."""
    return f"u:{CLICK_TAGS[partition]}:{day}:{name}"


def crowd(sum_id: int, visitor: int) -> int:
    """Return the name of the set that a visitor of all links of a workspace is dealt out to; no other sum has it."""
    crowds = CROWDS if sum_id == EVERY_LINK else CROWDS_OF_OTHERS
    return sum_id * CROWDS + visitor % crowds


def seen_names(partition: int, day: int) -> str:
    """``a:{5f}:<day>``: set of the names under which the partition has sets of this day's visitors."""
    return f"a:{CLICK_TAGS[partition]}:{day}"


def seen_days(partition: int) -> str:
    """``b:{5f}``: set of the days for which there is such a set of names."""
    return f"b:{CLICK_TAGS[partition]}"


def salt(day: int) -> str:
    """``y:{meta}:<day>``: the key of the visitor hashes."""
    return f"y:{{meta}}:{day}"


# --- raw visits ----------------------------------------------------------------------------------------------


def visits(link_id: int) -> tuple[str, str]:
    """``v:{5f}:<id>``, list of a link's visits by time, and ``w:{5f}:<id>``, sorted set of those that came too late."""
    tag = click_tag(link_id)
    return f"v:{tag}:{link_id}", f"w:{tag}:{link_id}"


def visits_of_day(name: str) -> tuple[str, str]:
    """``v:{log}:<name>`` and ``w:{log}:<name>``: the same with times and links of all visits of a ``visit_day``."""
    return f"v:{{log}}:{name}", f"w:{{log}}:{name}"


def visit_day(workspace: int, day: int) -> str:
    """Return the name of a workspace's day: ``<day>`` for the first one, ``<workspace>:<day>`` for others."""
    return f"{day}" if workspace == FIRST_WORKSPACE else f"{workspace}:{day}"


def day_in(name: str) -> int:
    """Return the day of a ``visit_day``."""
    return int(name.rpartition(":")[2])


VISIT_DAYS = "j:{log}"
"""Set of the names for which there are such lists."""
