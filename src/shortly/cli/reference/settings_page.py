"""The page about settings, from the class that reads them."""

from __future__ import annotations

import types
import typing
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from shortly.cli.reference.tables import GENERATED, code, table
from shortly.settings import Settings

INTRODUCTION = """\
Every setting is an environment variable. Each has a twin with `_FILE` behind its name that names a file to read the
value from, for Docker and Kubernetes secrets; the variable itself comes first, and an empty one counts as not set.
`shortly settings` shows what is in effect and where it came from. A bad value stops the start with one sentence."""
NAMES = {int: "whole number", str: "text", SecretStr: "text, secret", Path: "path"}


def settings_page() -> str:
    """Return the page."""
    heading = ("Variable", "Type", "Default", "Meaning")
    rows = (
        (f"`{name.upper()}`", kind_of(field), code(shown(field.default)), field.description or "")
        for name, field in Settings.model_fields.items()
    )
    return f"{GENERATED}\n\n# Settings\n\n{INTRODUCTION}\n\n{table(heading, rows)}\n"


def kind_of(field: FieldInfo) -> str:
    """Return a field's type and bounds in words."""
    bounds = {name: getattr(bound, name) for bound in field.metadata for name in ("ge", "le") if hasattr(bound, name)}
    kind = kind_name(field.annotation)
    match bounds:
        case {"ge": low, "le": high}:
            return f"{kind}, {low} to {high}"
        case {"ge": low}:
            return f"{kind}, {low} or more"
        case _:
            return kind


def kind_name(annotation: Any) -> str:
    """Return a type in words."""
    match typing.get_origin(annotation):
        case typing.Literal:
            return " or ".join(code(str(choice)) for choice in typing.get_args(annotation))
        case typing.Union | types.UnionType:
            return kind_name(typing.get_args(annotation)[0])
        case _ if annotation is bool:
            return "`true` or `false`"
        case _ if typing.get_origin(annotation) is tuple:
            return "list, separated by commas"
        case _:
            return NAMES[annotation]


def shown(default: Any) -> str:
    """Return a default as it would be written into a variable; empty: not set."""
    match default:
        case None:
            return ""
        case bool():
            return str(default).lower()
        case tuple():
            return ",".join(map(str, default))
        case _:
            return str(default)
