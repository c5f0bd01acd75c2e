"""What statistics are narrowed by: the values that visits must have."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from shortly.stats.filtered import FILTERS, MAX_VALUE

Value = Annotated[str | None, Field(max_length=MAX_VALUE)]


class Filtered(BaseModel):
    """Only visits that have these values, as breakdowns name them; an empty one means those without any."""

    referrer: Value = Field(None, description="Host of the page that the visitor came from; empty: direct visits.")
    country: Value = Field(None, description="ISO 3166-1 alpha-2.", examples=["DE"])
    region: Value = None
    city: Value = None
    browser: Value = Field(None, examples=["Firefox"])
    os: Value = None
    device: Value = Field(None, examples=["mobile"])
    language: Value = Field(None, examples=["en"])
    utm_source: Value = None
    utm_medium: Value = None
    utm_campaign: Value = None
    utm_term: Value = None
    utm_content: Value = None

    def filters(self) -> dict[str, str]:
        """Return those that were given."""
        return {name: value for name in FILTERS if (value := getattr(self, name)) is not None}
