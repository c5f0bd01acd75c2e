"""The title of a page, out of whatever a stranger's server calls HTML, in time that grows with its length alone."""

from __future__ import annotations

import codecs
import re
from html import unescape

MAX_MARKUP = 8_192
"""Characters between ``<title>`` and ``</title>`` that are looked at."""
HTML = frozenset({"text/html", "application/xhtml+xml"})
CHARSET = re.compile(rb"""charset\s{0,8}=\s{0,8}["']?\s{0,8}([A-Za-z0-9_:.-]{1,40})""", re.IGNORECASE)
DECLARED_WITHIN = 1_024
"""Bytes in which a page has to declare its charset."""
MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
CHARSETS = frozenset(
    codecs.lookup(name).name
    for name in (
        *("utf-8", "utf-16-le", "utf-16-be", "gbk", "gb18030", "big5", "euc-jp", "shift_jis", "iso-2022-jp", "euc-kr"),
        *("koi8-r", "koi8-u", "cp866", "mac-roman", "cp874", "ascii", "iso8859-1", "gb2312", "cp949", "cp932"),
        *(f"cp125{number}" for number in range(9)),
        *(f"iso8859-{number}" for number in (2, 3, 4, 5, 6, 7, 8, 10, 11, 13, 14, 15, 16)),
    )
)
"""Those that browsers know and Python decodes in linear time: no ``punycode``, no ``unicode_escape``."""
AS_BROWSERS_DO = {"ascii": "cp1252", "iso8859-1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030"}
SKIPPED = frozenset({"script", "style", "noscript", "template", "svg", "textarea", "xmp", "iframe", "noembed"})
"""Elements within which ``<title>`` is not the page's."""
TAG = re.compile(rf"<(title|{'|'.join(sorted(SKIPPED))})(?=[\s/>])[^>]{{0,400}}>", re.IGNORECASE)
ENDS = {name: re.compile(f"</{name}", re.IGNORECASE) for name in ("title", *SKIPPED)}
INVISIBLE = re.compile("[\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]+")
"""Controls, and marks that turn the direction of what follows."""


def title_of(body: bytes, content_type: str, max_length: int) -> str:
    """Return the page's title as one line of printable text, cut to ``max_length``; empty where there is none."""
    kind, _, parameters = content_type.partition(";")
    if kind.strip().lower() not in HTML:
        return ""
    text = decoded(body, parameters)
    position = 0
    while (position := text.find("<", position)) >= 0:
        if text.startswith("<!--", position):
            position = text.find("-->", position + 2)  # "<!-->" is a comment, too
            if position < 0:
                return ""
            continue
        tag = TAG.match(text, position)
        if tag is None:
            position += 1
            continue
        name, position = tag[1].lower(), tag.end()
        if name == "title":
            markup = text[position : position + MAX_MARKUP]
            if end := ENDS["title"].search(markup):
                markup = markup[: end.start()]
            return shown(unescape(markup), max_length)
        end = ENDS[name].search(text, position)
        if end is None:
            return ""
        position = end.end()
    return ""


def decoded(body: bytes, parameters: str) -> str:
    """Return the text of a page: by its byte order mark, the header's charset, its own, or else UTF-8 or cp1252."""
    for mark, charset in MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(charset, "replace")
    for declared in (CHARSET.search(parameters.encode("latin-1", "replace")), CHARSET.search(body[:DECLARED_WITHIN])):
        charset = known_charset(declared[1].decode("ascii")) if declared else ""
        if charset:
            return body.decode(charset, "replace")
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(body)  # a cut at the end is no error
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace")


def known_charset(name: str) -> str:
    """Return Python's name of a charset, or nothing if it is none that a page may have."""
    try:
        found = codecs.lookup(name).name
    except LookupError:
        return ""
    return AS_BROWSERS_DO.get(found, found) if found in CHARSETS else ""


def shown(text: str, max_length: int) -> str:
    """Return text as it is shown in a list: one line, without what cannot be seen."""
    return " ".join(INVISIBLE.sub(" ", text).split())[:max_length].rstrip()
