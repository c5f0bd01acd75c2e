"""QR codes, of which the public ones come from the same address as the link."""

import re
from collections.abc import Callable

import pytest
from tests.api.served import Served

from shortly.links.qr import QrStyle, qr_code


def test_a_code_is_drawn_as_asked(served: Served) -> None:
    served.add("ab")
    svg = served.client.get("/api/v1/links/ab/qr?dark=%23AA0000&light=transparent&size=300&error=h")
    assert svg.headers["content-type"] == "image/svg+xml"
    assert re.search(rb'width="300.0"', svg.content)
    assert b"#a00" in svg.content or b"#aa0000" in svg.content
    png = served.client.get("/api/v1/links/ab/qr?format=png&size=200")
    assert png.content.startswith(b"\x89PNG")
    width = int.from_bytes(png.content[16:20], "big")
    assert 100 < width <= 200
    assert png.headers["cache-control"] == "no-store"


def test_codes_of_other_addresses_and_levels_are_other_codes(served: Served) -> None:
    plain = QrStyle()
    assert qr_code("https://a.example/ab", plain) != qr_code("https://a.example/ac", plain)
    assert qr_code("https://a.example/ab", plain) != qr_code("https://a.example/ab", plain._replace(error="h"))


def test_everybody_gets_the_code_of_a_link_that_there_is(served: Served) -> None:
    served.add("ab")
    public = served.stranger.get("/ab/qr")
    assert (public.status_code, public.headers["content-type"]) == (200, "image/svg+xml")
    assert public.headers["cache-control"] == "public, max-age=3600"
    assert public.content == served.client.get("/api/v1/links/ab/qr").content
    assert served.stranger.get("/nope/qr").status_code == 404
    served.client.delete("/api/v1/links/ab")
    assert served.stranger.get("/ab/qr").status_code == 404


def test_one_stranger_has_so_many_drawn(serve: Callable[..., Served]) -> None:
    served = serve(limit_qr="2/hour")
    served.add("ab")
    assert [served.stranger.get(f"/ab/qr?size={size}").status_code for size in (64, 65, 66, 67)] == [200, 200, 429, 429]
    assert served.stranger.head("/ab/qr").status_code == 429
    assert [served.client.get("/api/v1/links/ab/qr").status_code for _ in range(4)] == [200] * 4


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("size=63", "size"),
        ("size=2049", "size"),
        ("size=1e9", "size"),
        ("border=11", "border"),
        ("border=-1", "border"),
        ("error=x", "error"),
        ("format=gif", "format"),
        ("dark=red", "dark"),
        ("dark=%23fff%22/%3E", "dark"),
        ("light=%23%22%3E%3Cscript", "light"),
    ],
)
def test_a_style_that_makes_no_sense_is_refused(served: Served, query: str, field: str) -> None:
    served.add("ab")
    for path in ("/api/v1/links/ab/qr", "/ab/qr"):
        answer = served.client.get(f"{path}?{query}")
        assert (answer.status_code, answer.json()["field"]) == (422, field)
