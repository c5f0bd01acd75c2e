"""How the installation looks, kept as one record, so that all processes and replicas show the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from msgspec import Struct, structs

from shortly.accounts.access import Caller
from shortly.accounts.audit import Audit
from shortly.accounts.registry import Noun, Registry, adding, replacing, until_settled
from shortly.branding.colour import COLOUR
from shortly.branding.logo import check_logo
from shortly.errors import InvalidInput, NameTaken, RecordChanged

ONLY = "only"
MAX_NAME = 40
MAX_URL = 2_048
LINKS = ("home_url", "imprint_url", "privacy_url")


class Logo(Struct, frozen=True):
    """A picture; see ``check_logo``."""

    media_type: str
    data: bytes


class Branding(Noun, frozen=True, kw_only=True):
    """What pages and the web app show of whose installation it is."""

    KIND: ClassVar[str] = "branding"

    name: str = "Shortly"
    accent: str = "#1f6feb"
    """``#rrggbb``, in lower case."""
    home_url: str = ""
    """Where the name leads on public pages; empty: nowhere."""
    imprint_url: str = ""
    privacy_url: str = ""
    logo: Logo | None = None

    def names(self) -> tuple[str, ...]:
        """Return the one name: there is one of it, or none yet."""
        return (ONLY,)


DEFAULT = Branding()


class BrandingService:
    """Reads and changes how the installation looks.

    Args:
        registry: Where it is kept.
        audit: Where changes are noted.
    """

    def __init__(self, registry: Registry, audit: Audit) -> None:
        self._registry = registry
        self._audit = audit

    async def get(self) -> Branding:
        """Return how it looks; one point read."""
        return await self._registry.find(Branding, ONLY) or DEFAULT

    async def change(self, caller: Caller, changes: Mapping[str, Any]) -> Branding:
        """Change some fields of ``Branding`` and return what came of it.

        Raises:
            Forbidden: The caller does not look after the installation.
            InvalidInput: A value is malformed or too large; nothing was changed.
        """
        caller.require("installation")
        checked = {field: check_field(field, value) for field, value in changes.items()}

        async def attempt() -> Branding:
            old = await self.get()
            new = structs.replace(old, **checked)
            noted = self._audit.entry(
                caller, "branding.changed", "branding", workspace_id=0, fields=sorted(checked), name=new.name
            )
            if old.version == 0:
                new = self._registry.fresh(new)
                try:
                    await self._registry.write(adding(new), noted)
                except NameTaken:
                    raise RecordChanged(Branding.KIND) from None
                return new
            await self._registry.write(replacing(old, new), noted)
            return structs.replace(new, version=old.version + 1)

        return await until_settled(attempt)


def check_field(field: str, value: Any) -> Any:
    """Return a value of a field of ``Branding`` in its normal form, or raise ``InvalidInput``."""
    if field == "logo":
        if value is not None:
            check_logo(value.media_type, value.data)
        return value
    text = str(value).strip()
    if field == "name":
        if not 1 <= len(text) <= MAX_NAME or not text.isprintable():
            raise InvalidInput(f"The name must have 1 to {MAX_NAME} printable characters.", field=field)
        return text
    if field == "accent":
        if not COLOUR.fullmatch(text.lower()):
            raise InvalidInput("The colour must be written as #rrggbb.", field=field)
        return text.lower()
    if field in LINKS and text and not is_web_address(text):
        raise InvalidInput("The link must be an http or https address.", field=field)
    return text


def is_web_address(text: str) -> bool:
    """Say whether a page may link there."""
    try:
        parts = urlsplit(text)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and len(text) <= MAX_URL
            and text.isprintable()
            and not any(character in ' "<>\\' for character in text)
        )
    except ValueError:
        return False
