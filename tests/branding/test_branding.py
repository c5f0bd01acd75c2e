"""How an installation looks: what may be a logo, a colour, a link, and what text can be read in."""

from __future__ import annotations

import struct
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortly.branding.branding import check_field, is_web_address
from shortly.branding.colour import LEAST, contrast, readable, text_on
from shortly.branding.logo import MAX_BYTES, check_logo
from shortly.errors import InvalidInput

COLOURS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


def png(width: int = 8, height: int = 8) -> bytes:
    """Return the beginning of a PNG of this size."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)
    assert contrast("#1f6feb", "#1f6feb") == 1


@given(COLOURS)
def test_text_can_be_read_in_and_on_every_colour(colour: str) -> None:
    assert contrast(text_on(colour), colour) >= LEAST
    for behind in ("#fafafa", "#15171c", "#1d2027"):
        assert contrast(readable(colour, behind), behind) >= LEAST


def test_a_colour_that_can_be_read_stays_as_it_is() -> None:
    assert readable("#1f4fa0", "#fafafa") == "#1f4fa0"
    assert readable("#ffff00", "#fafafa") != "#ffff00"


@pytest.mark.parametrize(
    ("media_type", "picture"),
    [
        ("image/png", png()),
        ("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'><path d='M0 0'/></svg>"),
        ("image/svg+xml", b"<?xml version='1.0'?><svg:svg xmlns:svg='x'><svg:use href='#a'/></svg:svg>"),
    ],
)
def test_a_small_picture_may_be_the_logo(media_type: str, picture: bytes) -> None:
    assert check_logo(media_type, picture) == picture


@pytest.mark.parametrize(
    ("media_type", "picture"),
    [
        ("image/gif", b"GIF89a"),
        ("text/html", b"<svg/>"),
        ("image/png", b""),
        ("image/png", b"<svg/>"),
        ("image/png", png()[:20]),
        ("image/png", png(4_000, 8)),
        ("image/png", png() + b"\0" * MAX_BYTES),
        ("image/svg+xml", b"\0\xff"),
        ("image/svg+xml", b"<svg"),
        ("image/svg+xml", b"<html xmlns='http://www.w3.org/1999/xhtml'/>"),
        ("image/svg+xml", b"<svg><script>alert(1)</script></svg>"),
        ("image/svg+xml", b"<svg><x:ScRiPt xmlns:x='http://www.w3.org/2000/svg'/></svg>"),
        ("image/svg+xml", b"<svg onload='alert(1)'/>"),
        ("image/svg+xml", b"<svg><image href='https://evil.example/x.png'/></svg>"),
        ("image/svg+xml", b"<svg><a xlink:href='javascript:alert(1)'/></svg>"),
        ("image/svg+xml", b"<svg><foreignObject/></svg>"),
        ("image/svg+xml", b"<!DOCTYPE svg [<!ENTITY a 'aaaa'>]><svg>&a;</svg>"),
        ("image/svg+xml", b"<?xml version='1.0' encoding='nonsense'?><svg/>"),
    ],
)
def test_nothing_else_may_be_the_logo(media_type: str, picture: bytes) -> None:
    with pytest.raises(InvalidInput):
        check_logo(media_type, picture)


@given(st.sampled_from(["image/png", "image/svg+xml"]), st.binary(max_size=200))
def test_no_bytes_break_the_check(media_type: str, picture: bytes) -> None:
    with suppress(InvalidInput):  # and nothing else
        assert check_logo(media_type, picture) == picture


@pytest.mark.parametrize(
    "text", ["javascript:alert(1)", "//evil.example", "http://", 'https://a"b', "https://a b", "https://[", "ftp://a"]
)
def test_pages_link_to_web_addresses_only(text: str) -> None:
    assert not is_web_address(text)
    with pytest.raises(InvalidInput):
        check_field("imprint_url", text)


def test_values_come_in_a_normal_form() -> None:
    assert check_field("accent", "#AABBCC") == "#aabbcc"
    assert check_field("name", " Acme ") == "Acme"
    assert check_field("privacy_url", "") == ""
    for field, bad in (("accent", "red;}body{"), ("name", ""), ("name", "a\nb"), ("name", "x" * 41)):
        with pytest.raises(InvalidInput):
            check_field(field, bad)
