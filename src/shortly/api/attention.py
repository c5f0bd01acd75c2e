"""Links that somebody should look at."""

from __future__ import annotations

from typing import Annotated, get_args

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from shortly.api.access import needs
from shortly.api.checks import TroubleOut
from shortly.api.link_bodies import NO_TOTAL, LinkOut
from shortly.api.problems import problems
from shortly.api.services import AllServices, Links
from shortly.errors import InvalidInput
from shortly.links.attention import MAX_CONCERNS, Reason, Trouble

router = APIRouter(prefix="/api/v1/attention", tags=["links"])

DEFAULT_LIMIT = 10


class AttentionQuery(BaseModel):
    """How many."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_CONCERNS, description="Links of each trouble.")


class ConcernOut(BaseModel):
    """A link that somebody should look at."""

    reason: Reason = Field(description=f"What is the matter: {', '.join(get_args(Reason))}.")
    taken: int | None = Field(description="How many of its `max_clicks` are used up, where that is the matter.")
    trouble: TroubleOut | None = Field(description="What is wrong with its target, where that is the matter.")
    link: LinkOut


class AttentionOut(BaseModel):
    """What the workspace's people should look at."""

    items: list[ConcernOut] = Field(
        description="Banned, broken, used up or nearly (90 %), expired within 7 days, expiring within 7 days; "
        "no link twice."
    )
    more: list[Trouble] = Field(description="Of these there are more than are told.")
    complete: bool = Field(
        description="false: so many links came into question that only the first 2,000 of a kind were looked at."
    )


@router.get("", operation_id="list_attention", dependencies=[needs("links:read")], responses=problems(InvalidInput))
async def list_attention(
    query: Annotated[AttentionQuery, Query()], links: Links, services: AllServices
) -> AttentionOut:
    """List links that need attention, the most pressing ones first. Archived and disabled ones are left in peace, and
    so are those for a single click that have had it."""
    found = await links.attention(limit=query.limit)
    now = services.clock()
    totals = await services.store.totals([concern.link.id for concern in found.items])
    items = [
        ConcernOut.model_construct(
            reason=concern.reason,
            taken=concern.taken,
            trouble=None if concern.check is None else TroubleOut.of(concern.check),
            link=LinkOut.of(concern.link, services, now, totals.get(concern.link.id, NO_TOTAL)),
        )
        for concern in found.items
    ]
    return AttentionOut.model_construct(items=items, more=found.more, complete=found.complete)
