"""Targets: which addresses a link may lead to, and their one normal form (WHATWG URL Standard)."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable

from pydantic_core import Url, ValidationError

from shortly.errors import InvalidTarget, TargetBlocked

MAX_LENGTH = 8_192
"""Characters, before and after normalising."""
WEB_SCHEMES = frozenset({"http", "https"})


class TargetRules:
    """What an installation's settings allow as a target.

    Args:
        schemes: Allowed URL schemes, lower case.
        credentials: Whether ``user:password@`` is allowed.
        own_hosts: Hosts (with the port where it is not the scheme's own) that serve short links: no target leads there.
        blocks: Says of a host, in lower case and punycode, whether no target may lead there.
    """

    def __init__(
        self,
        *,
        schemes: Iterable[str] = WEB_SCHEMES,
        credentials: bool = False,
        own_hosts: Container[str] = (),
        blocks: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._schemes = frozenset(schemes)
        self._credentials = credentials
        self._own_hosts = own_hosts
        self._blocks = blocks

    def normalise(self, target: str, *, field: str = "target") -> str:
        """Return the target as it is stored and sent: ASCII, percent-encoded, host in lower case and punycode.

        Raises:
            InvalidTarget: It is no absolute URL of an allowed scheme, too long, holds credentials or control
                characters, or leads back to this installation. ``field`` is named in the error.
            TargetBlocked: Its host is on a blocklist.
        """
        target = target.strip(" ")
        if not target:
            raise InvalidTarget("The target is empty.", field=field)
        if len(target) > MAX_LENGTH:
            raise InvalidTarget(f"The target is longer than {MAX_LENGTH} characters.", field=field)
        if not target.isprintable() and any(_is_control(character) for character in target):
            raise InvalidTarget("The target contains control characters, such as a line break.", field=field)
        scheme, colon, rest = target.partition(":")
        scheme = scheme.lower()
        if not colon or scheme not in self._schemes or (scheme in WEB_SCHEMES and not rest.startswith("//")):
            raise InvalidTarget(f"The target must begin with {self._beginnings()}.", field=field)
        try:
            url = Url(target)
        except ValidationError as bad:
            reason = bad.errors(include_url=False, include_context=False)[0]["msg"].rpartition(", ")[2]
            raise InvalidTarget(f"The target is not a valid URL: {reason}.", field=field) from None
        normal = str(url)
        if len(normal) > MAX_LENGTH:
            raise InvalidTarget(f"The target is longer than {MAX_LENGTH} characters once encoded.", field=field)
        if not normal.isascii() or not normal.isprintable() or " " in normal:
            raise InvalidTarget("The target is not a valid URL: it has characters that cannot be encoded.", field=field)
        if (url.username or url.password) and not self._credentials:
            raise InvalidTarget("The target may not contain a user name or password.", field=field)
        if scheme in WEB_SCHEMES and self._is_own(url):
            raise InvalidTarget("The target may not lead back to this installation.", field=field)
        if url.host and self._blocks(url.host.lower()):
            raise TargetBlocked(url.host, field=field)
        return normal

    def is_blocked(self, target: str) -> bool:
        """Say whether a normalised target's host is on a blocklist by now."""
        host = Url(target).host
        return host is not None and self._blocks(host.lower())

    def _is_own(self, url: Url) -> bool:
        host = (url.host or "").rstrip(".")
        own_port = {"http": 80, "https": 443}[url.scheme]
        return (host if url.port in (None, own_port) else f"{host}:{url.port}") in self._own_hosts

    def _beginnings(self) -> str:
        names = [f"{scheme}://" if scheme in WEB_SCHEMES else f"{scheme}:" for scheme in sorted(self._schemes)]
        return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _is_control(character: str) -> bool:
    return character < " " or "\x7f" <= character <= "\x9f" or character in "\u2028\u2029"
