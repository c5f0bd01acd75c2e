"""A request for links that its client may repeat: each attempt draws the same slugs, and knows what others did."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from hashlib import shake_256

from shortly.links.link import Link

DRAWN_BYTES = 64
"""What one slug is drawn from; more than the longest needs."""


class Attempt:
    """One attempt; made for one request, which asks for its links in the same order each time.

    Args:
        seed: What slugs are drawn from; secret, and the same for all attempts.
        since: When the first of them began, in whole milliseconds.
        again: There was one before, and what became of it is not known.
    """

    def __init__(self, seed: bytes, since: datetime, *, again: bool) -> None:
        self._seed = seed
        self._since = since
        self._again = again
        self._steps = 0
        self._deleted: set[int] = set()

    def begin(self) -> int:
        """Return the number of the request's next step: 1, 2, 3."""
        self._steps += 1
        return self._steps

    def draws(self, step: int, place: int, target: object, longer: int) -> Callable[[int], int]:
        """Return what ``SlugRules.draw`` draws by, for one link of a step; the target is as it came in."""
        wanted = f"{step}:{place}:{longer}:{target}".encode("utf-8", "surrogatepass")
        number = int.from_bytes(shake_256(self._seed + wanted).digest(DRAWN_BYTES))

        def below(count: int) -> int:
            nonlocal number
            number, rest = divmod(number, count)
            return rest

        return below

    def made(self, holder: Link, wanted: Link, *, drawn: bool) -> bool:
        """Say whether the link that has a wanted slug is what another attempt made.

        Nobody else draws this request's slugs, nor does it draw one for two targets. A slug that was chosen may have
        been chosen by others, too.
        """
        return (
            holder.deleted_at is None
            and (holder.owner, holder.workspace) == (wanted.owner, wanted.workspace)
            and holder.created_at >= self._since
            and (drawn or (self._again and (holder.slug, holder.target) == (wanted.slug, wanted.target)))
        )

    # --- deleting --------------------------------------------------------------------------------------------

    def means(self, link: Link) -> bool:
        """Say whether a link can be one that the request is about: another attempt may have deleted that one, and
        somebody made a link of its slug since then."""
        return not self._again or link.created_at <= self._since

    def note_deleted(self, link: Link) -> None:
        """Remember that an entry of the request has deleted this link, which only one can."""
        self._deleted.add(link.id)

    def deleted(self, holder: Link, version: int | None) -> bool:
        """Say whether the deleted link that has a slug is what another attempt deleted for an entry that names it.

        Args:
            holder: The link as it is now.
            version: The one that the entry asks for; None: any.
        """
        return (
            self._again
            and holder.deleted_at is not None
            and holder.deleted_at >= self._since
            and version in (None, holder.version - 1)
            and holder.id not in self._deleted
        )
