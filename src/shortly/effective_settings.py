"""The settings in effect, as they may be shown: secrets are masked."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from shortly.logs import MASK, is_secret_name, mask_credentials
from shortly.settings import Settings, source_of


class EffectiveSetting(Struct, frozen=True):
    """One setting."""

    name: str
    """The variable."""
    value: Any
    source: str
    """See ``source_of``."""


def effective(settings: Settings) -> list[EffectiveSetting]:
    """Return all settings in their order."""
    return [
        EffectiveSetting(name.upper(), masked(name, getattr(settings, name)), source_of(name))
        for name in type(settings).model_fields
    ]


def masked(name: str, value: Any) -> Any:
    """Return a setting's value as it may be shown."""
    if is_secret_name(name) and value is not None and not isinstance(value, bool):
        return MASK
    if value is None or isinstance(value, bool | int):
        return value
    return [masked("", part) for part in value] if isinstance(value, tuple) else mask_credentials(str(value))
