"""Titles out of pages as they are, and as nobody should write them."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortly.outbound.html_title import title_of

HTML = "text/html"


@pytest.mark.parametrize(
    ("page", "title"),
    [
        ("<title>Plain</title>", "Plain"),
        ("<!doctype html><html><head><meta charset=utf-8><TITLE lang='en'>Up\n and \t down</TITLE>", "Up and down"),
        ("<title>Fish &amp; Chips &lt;3 &#8364;&#x1F41F;</title>", "Fish & Chips <3 €🐟"),
        ("<title>no end", "no end"),
        ("<title></title>", ""),
        ("<title/>x</title>", "x"),
        ("<title>first</title><title>second</title>", "first"),
        ("<!-- <title>comment</title> --><title>page</title>", "page"),
        ("<!--><title>page</title>", "page"),
        ("<!-- no end <title>x</title>", ""),
        ("<script>'<title>script</title>'</script><title>page</title>", "page"),
        ("<SCRIPT>'<title>script</title>'</script ><title>page</title>", "page"),
        ("<style><title>x</title></style><svg><title>icon</title></svg><title>page</title>", "page"),
        ("<script><title>x</title>", ""),
        ("<titles>x</titles><title >page</title>", "page"),
        ("<<title>page</title>", "page"),
        ("<title>a<b>c</title>", "a<b>c"),
        ("no markup", ""),
        ("", ""),
        ("<title>a\x00b\x1b[31mc\x9bd</title>", "a b [31mc d"),
        ("<title>safe\u202egpj.exe\u2066x</title>", "safe gpj.exe x"),
        ("<title>&#x202e;&#0;&#10;&#xd800;x</title>", "\ufffd \ufffdx"),
        ("<title>" + "a" * 600 + "</title>", "a" * 512),
        ("<title>" + "&amp;" * 600 + "</title>", "&" * 512),
        ("<title>" + "<" * 100_000, "<" * 512),
    ],
)
def test_a_page_s_title_is_found(page: str, title: str) -> None:
    assert title_of(page.encode("utf-8", "surrogatepass"), HTML, 512) == title


@pytest.mark.parametrize(
    ("charset", "declared"),
    [
        ("utf-8", "text/html; charset=UTF-8"),
        ("utf-8", "text/html"),
        ("utf-8-sig", "text/html; charset=latin-1"),
        ("utf-16", "text/html"),
        ("cp1252", "text/html; charset=ISO-8859-1"),
        ("cp1252", 'text/html;charset="windows-1252"'),
        ("cp1252", "text/html"),
        ("cp1252", "text/html; charset=no-such-charset"),
    ],
)
def test_a_page_is_read_in_its_own_letters(charset: str, declared: str) -> None:
    assert title_of("<title>Grüße</title>".encode(charset), declared, 512) == "Grüße"


@pytest.mark.parametrize("charset", ["shift_jis", "euc-jp", "iso-2022-jp", "gb18030", "utf-8"])
def test_a_page_may_say_its_charset_itself(charset: str) -> None:
    page = f'<meta http-equiv="Content-Type" content="text/html; charset={charset}"><title>日本</title>'
    assert title_of(page.encode(charset), HTML, 512) == "日本"


@pytest.mark.parametrize(
    "charset", ["punycode", "unicode_escape", "rot13", "zlib", "idna", "utf-7", "undefined", "mbcs"]
)
def test_a_page_cannot_choose_any_codec(charset: str) -> None:
    page = f"<meta charset={charset}><title>a\\u0041</title>".encode()
    assert title_of(page, f"text/html; charset={charset}", 512) == "a\\u0041"


@pytest.mark.parametrize("kind", ["", "text/plain", "application/json", "image/svg+xml", "text/htmlx"])
def test_what_is_no_page_has_no_title(kind: str) -> None:
    assert title_of(b"<title>x</title>", kind, 512) == ""


@given(
    st.binary(max_size=300), st.sampled_from(["text/html", "text/html; charset=utf-16-le", "text/html;charset=big5"])
)
def test_any_bytes_give_one_printable_line(body: bytes, kind: str) -> None:
    title = title_of(b"<title>" + body, kind, 100)
    assert len(title) <= 100
    assert not any(character in "\r\n\t\0\x1b\u202e" for character in title)


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "<title ",
        "<a ",
        "<!--",
        "<!",
        "<script>",
        "</",
        "<title",
        "&",
        "&#",
        "<svg ",
        "charset=",
        "<style",
        "\u0130",
    ],
)
def test_hostile_pages_cost_time_in_proportion_to_their_length(piece: str) -> None:
    def cost(length: int) -> float:
        page = (piece * length)[:length].encode()
        return min(timed(page) for _ in range(3))

    def timed(page: bytes) -> float:
        started = time.process_time()
        title_of(page, HTML, 512)
        return time.process_time() - started

    assert cost(200_000) < 40 * cost(20_000) + 0.05  # ten times as long; quadratic would be a hundred times
