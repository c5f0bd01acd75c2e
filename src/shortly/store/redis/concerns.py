"""Links that somebody should look at, out of the index's sets that have them in their order."""

from __future__ import annotations

from shortly.accounts.people import FIRST_WORKSPACE
from shortly.links.attention import (
    MOST_LOOKED_AT,
    ConcernPage,
    ConcernQuery,
    Trouble,
    concerns_among,
    is_nearly_used_up,
    span_of,
)
from shortly.links.link import Link
from shortly.store.moments import to_ms
from shortly.store.redis import keys
from shortly.store.redis.click_calls import cut
from shortly.store.redis.client import Client
from shortly.store.redis.link_list import LinkList
from shortly.store.redis.records import link_of

READ_TOGETHER = 500
SETS: dict[Trouble, str] = {
    "banned": keys.BANNED,
    "used_up": keys.LIMITED,
    "expired": keys.EXPIRIES,
    "expires_soon": keys.EXPIRIES,
}


async def list_concerns(client: Client, index: LinkList, query: ConcernQuery) -> ConcernPage:
    """Return a page, see ``LinkStore.list_concerns``; those of other workspaces count among what is looked at."""
    low, high = "-inf", "+inf"
    if query.trouble in ("expired", "expires_soon"):
        low, high = (str(to_ms(moment) + 1) for moment in span_of(query))
    looked_at, docs = await index.neighbours(
        SETS[query.trouble],
        descending=query.trouble != "expires_soon",
        count=MOST_LOOKED_AT,
        low=low,
        high=high,
        also_in=[] if query.workspace == FIRST_WORKSPACE else [keys.in_workspace(query.workspace)],
    )
    wanted = {
        link_id: doc.max_clicks
        for link_id, doc in docs
        if doc.workspace == query.workspace and not doc.archived and (doc.enabled or query.trouble == "banned")
    }
    taken: dict[int, int] = {}
    if query.trouble == "used_up":
        taken = await _taken(client, list(wanted))
        wanted = {link_id: most for link_id, most in wanted.items() if is_nearly_used_up(most, taken[link_id])}
    candidates: list[tuple[Link, int]] = []
    for some in cut(list(wanted), READ_TOGETHER):
        values = await client.read_many([("GET", keys.link(link_id)) for link_id in some])
        candidates += [(link, taken.get(link.id, 0)) for link in map(link_of, filter(None, values))]
        if query.trouble != "used_up" and len(candidates) > query.limit:
            break
    return ConcernPage(concerns_among(candidates, query), looked_at < MOST_LOOKED_AT)


async def _taken(client: Client, link_ids: list[int]) -> dict[int, int]:
    """Return the clicks that links have used up."""
    replies = await client.read_many([("HGET", keys.taken(keys.home_of(link_id)), link_id) for link_id in link_ids])
    return {link_id: int(reply or 0) for link_id, reply in zip(link_ids, replies, strict=True)}
