"""The links that a process remembers for its redirects."""

from __future__ import annotations

from shortly.links.link import Redirection

Key = str | tuple[str, str]
"""A slug of the default domain, which most are, by itself; else domain and slug."""


class LinkCache:
    """Redirections by domain and slug, as many as ``limit`` says (rounded up to an even number; 0: none).

    Two generations instead of an order of use, so that a hit writes nothing: when the younger one is full it becomes
    the older, and what was not asked for since then is forgotten. That goes little by little, because letting go of
    many thousands of objects at once would hold all requests up. Belongs to one thread.
    """

    __slots__ = ("_doubted", "_half", "_leaving", "_older", "_younger")

    def __init__(self, limit: int) -> None:
        self._half = (limit + 1) // 2
        self._younger: dict[Key, Redirection] = {}
        self._older: dict[Key, Redirection] = {}
        self._leaving: dict[Key, Redirection] = {}
        self._doubted: dict[Key, Redirection] = {}

    def __len__(self) -> int:
        return len(self._younger.keys() | self._older.keys() | self._doubted.keys())

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all is remembered; unlike counting, that costs next to nothing."""
        return not (self._younger or self._older or self._doubted)

    def get(self, domain: str, slug: str) -> Redirection | None:
        """Return what is remembered of the slug, or None; about 0.1 microseconds."""
        key = (domain, slug) if domain else slug
        found = self._younger.get(key)
        if found is None and (found := self._older.get(key)) is not None:
            self._keep(key, found)
        return found

    def put(self, domain: str, slug: str, redirection: Redirection) -> None:
        """Remember a redirection in place of what was known of the slug."""
        if self._half:
            self._keep((domain, slug) if domain else slug, redirection)
            self.drop_doubted(domain, slug)

    def drop(self, domain: str, slug: str) -> None:
        """Forget one slug."""
        key = (domain, slug) if domain else slug
        self._younger.pop(key, None)
        self._older.pop(key, None)
        self._doubted.pop(key, None)

    def clear(self) -> None:
        """Forget all."""
        self._younger = {}
        self._older = {}
        self._leaving = {}
        self._doubted = {}

    # --- what may be out of date -----------------------------------------------------------------------------------

    def doubt(self) -> None:
        """Let ``get`` give nothing of what is remembered so far; ``get_doubted`` does, as far as there is room."""
        younger, older = self._younger, self._older
        self._younger, self._older = {}, {}
        if len(older) + len(younger) + len(self._doubted) > 2 * self._half:
            self.forget_doubted()
        self._doubted = {**self._doubted, **older, **younger}

    def get_doubted(self, domain: str, slug: str) -> Redirection | None:
        """Return what is remembered of the slug, be it in doubt or not."""
        return self.get(domain, slug) or self._doubted.get((domain, slug) if domain else slug)

    def drop_doubted(self, domain: str, slug: str) -> None:
        """Forget what is in doubt about one slug, because the truth is known."""
        if self._doubted:
            self._doubted.pop((domain, slug) if domain else slug, None)

    def forget_doubted(self) -> None:
        """Forget all that is in doubt."""
        self._leaving, self._doubted = self._doubted, {}

    def _keep(self, key: Key, redirection: Redirection) -> None:
        if len(self._younger) >= self._half and key not in self._younger:
            self._leaving, self._older, self._younger = self._older, self._younger, {}
        elif self._leaving:
            self._leaving.popitem()
        self._younger[key] = redirection
