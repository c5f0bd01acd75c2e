"""The links that a process remembers for its redirects."""

from __future__ import annotations

from shortly.links.link import Redirection


class LinkCache:
    """Redirections by domain and slug, as many as ``limit`` says (rounded up to an even number; 0: none).

    Two generations instead of an order of use, so that a hit writes nothing: when the younger one is full it becomes
    the older, and what was not asked for since then is forgotten. Belongs to one thread.
    """

    __slots__ = ("_half", "_older", "_younger")

    def __init__(self, limit: int) -> None:
        self._half = (limit + 1) // 2
        self._younger: dict[tuple[str, str], Redirection] = {}
        self._older: dict[tuple[str, str], Redirection] = {}

    def __len__(self) -> int:
        return len(self._younger.keys() | self._older.keys())

    def get(self, domain: str, slug: str) -> Redirection | None:
        """Return what is remembered of the slug, or None; about 0.1 microseconds."""
        key = (domain, slug)
        found = self._younger.get(key)
        if found is None and (found := self._older.get(key)) is not None:
            self.put(domain, slug, found)
        return found

    def put(self, domain: str, slug: str, redirection: Redirection) -> None:
        """Remember a redirection in place of what was known of the slug."""
        if not self._half:
            return
        if len(self._younger) >= self._half and (domain, slug) not in self._younger:
            self._older, self._younger = self._younger, {}
        self._younger[domain, slug] = redirection

    def drop(self, domain: str, slug: str) -> None:
        """Forget one slug."""
        self._younger.pop((domain, slug), None)
        self._older.pop((domain, slug), None)

    def clear(self) -> None:
        """Forget all."""
        self._younger = {}
        self._older = {}
