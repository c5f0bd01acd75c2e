"""Log lines: JSON or console, on stderr, in UTC; without secrets and without visitors' addresses.

What Shortly logs (structlog) and what its libraries log (the standard ``logging``) take the same way and look the same.
Masking looks at names first and at texts second, so that a secret or an address is caught inside a sentence, an
exception or a nested value too.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import Any, Literal

import structlog
from structlog.typing import EventDict, Processor

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
MASK = "***"
ADDRESS = "[address]"

SECRET_NAME = re.compile(
    r"secret|passw(or)?d|passphrase|token|authori[sz]ation|cookie|credential|api_?key|(^|[_-])key$", re.IGNORECASE
)
ADDRESS_NAME = re.compile(
    r"(^|[_-])(ips?|addr|addrs|address|addresses|peer|peername)($|[_-])"
    r"|^(client|remote|forwarded|network|visitor)$|^(client|remote|x[_-]forwarded|x[_-]real)[_-]",
    re.IGNORECASE,
)
SECRET_TEXT = re.compile(
    r"(?P<key>\bsly_)[A-Za-z0-9_-]{12,}"
    r"|(?P<bearer>\bbearer )[A-Za-z0-9+/=._~-]{8,}"
    r"|(?P<url>://)[^\s/?#@]+(?=@)"
    r"|(?P<query>[?&]\w{0,40}password=)[^\s&#]+",
    re.IGNORECASE,
)
IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\d)")
IPV6 = re.compile(r"(?<![\w:])(?=[0-9a-f]*:[0-9a-f]*:)[0-9a-f:]{2,39}(?![\w:])", re.IGNORECASE)

GRANIAN_LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {},
    "handlers": {},
    "loggers": {"_granian": {"handlers": []}, "granian.access": {"handlers": []}},
}
"""Granian's own set-up undone: hand it over as ``log_dictconfig``, and its lines take the common way."""


def configure_logging(level: str, format: str) -> None:
    """Set logging up for this process; may be called again to change it.

    A call below the level costs about two microseconds and touches nothing. A line that cannot be written (stderr
    closed, its reader gone) is dropped: logging never breaks what it reports on.

    Args:
        level: One of ``LEVELS``.
        format: ``json``, or ``console`` (in colours where stderr is a terminal and ``NO_COLOR`` is not set).
    """
    threshold = LEVELS[level]
    common: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        mask_event,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    ending = _ending("json" if format == "json" else "console")
    structlog.configure(
        processors=[_add_logger_name, *common, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=_Stderr,
        cache_logger_on_first_use=False,  # a module's logger follows a later call of this function
    )
    handler = _StderrHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *common],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
        )
    )
    root = logging.getLogger()
    for earlier in [handler for handler in root.handlers if isinstance(handler, _StderrHandler)]:
        root.removeHandler(earlier)
    root.addHandler(handler)
    root.setLevel(threshold)
    logging.captureWarnings(True)


def mask_event(_: object, __: str, event: EventDict) -> EventDict:
    """Drop fields named like addresses, and mask secrets and addresses in all others."""
    return {
        name: _masked(name, value) for name, value in event.items() if name[:1] == "_" or not ADDRESS_NAME.search(name)
    }


def is_secret_name(name: str) -> bool:
    """Return whether a value of this name is to be kept out of sight."""
    return SECRET_NAME.search(name) is not None


def mask_text(text: str) -> str:
    """Return the text with API keys, credentials and IP addresses (but loopback and unspecified ones) replaced."""
    return IPV6.sub(_mask_address, IPV4.sub(_mask_address, mask_credentials(text)))


def mask_credentials(text: str) -> str:
    """Return the text with API keys and credentials replaced; addresses stay."""
    return SECRET_TEXT.sub(lambda found: f"{next(filter(None, found.groups()))}{MASK}", text)


def _mask_address(found: re.Match[str]) -> str:
    try:
        address = ip_address(found[0])
    except ValueError:
        return found[0]
    return found[0] if address.is_loopback or address.is_unspecified else ADDRESS


def _masked(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float) or name[:1] == "_":
        return value if not isinstance(value, int | float) or not is_secret_name(name) else MASK
    if is_secret_name(name):
        return MASK
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Mapping):
        return mask_event(None, "", {str(key): inner for key, inner in value.items()})
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes | bytearray | memoryview):
        return [_masked("", inner) for inner in value]
    return mask_text(repr(value))


def _ending(format: Literal["json", "console"]) -> list[Processor]:
    if format == "json":
        return [structlog.processors.JSONRenderer()]
    colours = sys.stderr is not None and sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    return [
        _escape_controls,
        structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback),
    ]


def _escape_controls(_: object, __: str, event: EventDict) -> EventDict:
    """Keep what strangers sent from moving the terminal's cursor or forging a line; tracebacks keep their lines."""
    for name, value in event.items():
        if isinstance(value, str) and not value.isprintable() and name not in ("exception", "stack"):
            event[name] = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in value)
    return event


def _add_logger_name(logger: Any, _: str, event: EventDict) -> EventDict:
    if logger.name:
        event["logger"] = logger.name
    return event


def _write(line: str) -> None:
    with suppress(OSError, ValueError, AttributeError):  # gone, closed, or none at all
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


class _Stderr:
    """Where structlog's lines end: whatever ``sys.stderr`` is at that moment."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def msg(self, line: str) -> None:
        _write(line)

    debug = info = warning = error = critical = exception = fatal = log = msg


class _StderrHandler(logging.Handler):
    """The same for the standard library's."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception:  # a library's broken format string must not break the library's work
            line = f"a log record of {record.name!r} could not be formatted"
        _write(line)
