"""The plain fields of a link: their bounds, and the one place where they are checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, get_args

from shortly.errors import InvalidInput
from shortly.links.link import RedirectStatus, ReferrerPolicy
from shortly.links.target import TargetRules

MAX_TITLE = 512
MAX_NOTES = 10_000
MAX_FOLDER = 128
MAX_TAG = 64
MAX_TAGS = 50
MAX_CLICKS = 1_000_000_000
MAX_CACHE_S = 31_536_000
"""One year."""
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)

Check = Callable[[str, Any], Any]


def check_fields(values: Mapping[str, Any], targets: TargetRules) -> dict[str, Any]:
    """Return the values as a link stores them.

    Args:
        values: Any of the editable fields of ``Link`` but the slug.
        targets: What is allowed as ``target`` and ``fallback_target``.

    Raises:
        InvalidInput, InvalidTarget: A field is unknown, of the wrong kind or out of its bounds; ``field`` names it.
    """
    checked: dict[str, Any] = {}
    for name, value in values.items():
        if name in ("target", "fallback_target"):
            checked[name] = None if value is None and name != "target" else _target(name, value, targets)
        elif name in CHECKS:
            checked[name] = CHECKS[name](name, value)
        else:
            raise InvalidInput(f"There is no field {name[:64]!r} that can be set.", field=name[:64])
    return checked


def check_span(valid_from: datetime | None, expires_at: datetime | None) -> None:
    """Refuse a link that would expire before it is valid."""
    if valid_from and expires_at and expires_at <= valid_from:
        raise InvalidInput("The link would expire before it becomes valid.", field="expires_at")


def _target(name: str, value: Any, targets: TargetRules) -> str:
    if not isinstance(value, str):
        raise InvalidInput(f"The {_words(name)} must be text.", field=name)
    return targets.normalise(value, field=name)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _text(limit: int, *, lines: bool = False, subject: str = "") -> Check:
    def check(name: str, value: Any) -> str:
        what = subject or f"The {_words(name)}"
        if not isinstance(value, str):
            raise InvalidInput(f"{what} must be text.", field=name)
        if len(value) > limit:
            raise InvalidInput(f"{what} is longer than {limit} characters.", field=name)
        if not value.isprintable() and any(
            (character < " " and not (lines and character in "\n\r\t"))
            or "\x7f" <= character <= "\x9f"
            or "\ud800" <= character <= "\udfff"
            for character in value
        ):
            raise InvalidInput(f"{what} contains control characters.", field=name)
        return value.strip()

    return check


def _tags(name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise InvalidInput("The tags must be a list of texts.", field=name)
    tags = list(value)
    if len(tags) > MAX_TAGS:
        raise InvalidInput(f"A link has at most {MAX_TAGS} tags.", field=name)
    tags = [TAG(name, tag) for tag in tags]
    if not all(tags):
        raise InvalidInput("A tag is empty.", field=name)
    return tuple(sorted(set(tags)))


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput(f"The field {name!r} must be true or false.", field=name)
    return value


def _moment(name: str, value: Any) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise InvalidInput(f"The field {name!r} must be a date and time with an offset.", field=name)
    try:
        moment = value.astimezone(UTC)
    except OverflowError:
        moment = LATEST
    if not EARLIEST <= moment < LATEST:
        raise InvalidInput(f"The field {name!r} must lie between 2000 and 2199.", field=name)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _number(low: int, high: int) -> Check:
    def check(name: str, value: Any) -> int | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise InvalidInput(f"The field {name!r} must be a whole number from {low} to {high}.", field=name)
        return value

    return check


def _choice(choices: tuple[Any, ...]) -> Check:
    def check(name: str, value: Any) -> Any:
        if isinstance(value, bool) or value not in choices:
            allowed = ", ".join(str(choice) for choice in choices if choice != "")
            raise InvalidInput(f"The field {name!r} must be one of {allowed}.", field=name)
        return value

    return check


TAG = _text(MAX_TAG, subject="A tag")
CHECKS: dict[str, Check] = {
    "title": _text(MAX_TITLE),
    "notes": _text(MAX_NOTES, lines=True),
    "folder": _text(MAX_FOLDER),
    "tags": _tags,
    "valid_from": _moment,
    "expires_at": _moment,
    "max_clicks": _number(1, MAX_CLICKS),
    "cache_s": _number(0, MAX_CACHE_S),
    "status": _choice(get_args(RedirectStatus)),
    "referrer_policy": _choice(get_args(ReferrerPolicy)),
    "forward_query": _flag,
    "crawlable": _flag,
    "enabled": _flag,
    "archived": _flag,
}
