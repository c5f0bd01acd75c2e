"""Which hosts people are warned of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortly.abuse.lookalike import suspicion_of, warning_about


def punycode(host: str) -> str:
    """Return a host as a target has it."""
    return ".".join(
        label if label.isascii() else f"xn--{label.encode('punycode').decode()}" for label in host.split(".")
    )


@pytest.mark.parametrize(
    "host",
    [
        "раypal.com",  # Cyrillic р and а
        "pаypal.example",
        "gοοgle.com",  # Greek omicron
        "login.micrоsoft.com",
        "яндекс-login.com",
        "αβγд.com",
        "mañanа.es",  # Latin with a Cyrillic а at the end
        "שָׁlom.com",
        "한国ひ.com",  # Hangul and Hiragana: neither Korean nor Japanese
    ],
)
def test_letters_of_several_scripts_in_one_label_are_suspicious(host: str) -> None:
    assert suspicion_of(punycode(host)) == "mixed_scripts"


@pytest.mark.parametrize(
    "host", ["аррӏе.com", "сосо.example", "www.ехо.com", "ѕсоре.co.uk", "ιανο.com", "аррӏе-123.com", "хр.com"]
)
def test_a_whole_label_of_letters_that_look_latin_is_suspicious(host: str) -> None:
    assert suspicion_of(punycode(host)) == "looks_latin"


@pytest.mark.parametrize(
    "host",
    [
        "example.com",
        "münchen.example",
        "mañana.es",
        "москва.рф",
        "сосо.рф",  # under a Cyrillic top-level domain nobody expects Latin letters
        "яндекс.com",
        "ουτοπία.gr",
        "日本語とカタカナ.jp",
        "ラーメンラッシュ.com",
        "tokyo東京タワー.jp",
        "中文abc.cn",
        "한국어korea.kr",
        "ไทย.com",
        "हिन्दी.com",
        "xn--",
        "xn--99999999999.com",
        "xn--a\u0301.com",
        "[2001:db8::1]",
        "192.0.2.1",
        "",
    ],
)
def test_honest_hosts_are_not(host: str) -> None:
    assert suspicion_of(host if host.startswith("xn--") else punycode(host)) is None


def test_the_warning_shows_both_forms_of_the_host() -> None:
    warning = warning_about(f"https://{punycode('аррӏе.com')}/login")
    assert warning is not None
    assert "аррӏе.com" in warning
    assert "xn--80ak6aa92e.com" in warning
    assert warning_about("https://apple.com/xn--80ak6aa92e") is None


@given(st.text(max_size=300))
def test_no_text_makes_it_fail(text: str) -> None:
    suspicion_of(text)
    suspicion_of(f"xn--{text}.com")
    warning_about(f"https://xn--{text}/")
