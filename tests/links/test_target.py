"""Which targets are allowed, and what becomes of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortly.errors import InvalidTarget
from shortly.links.target import MAX_LENGTH, TargetRules

RULES = TargetRules(own_hosts=("sho.rt", "localhost:8000", "bücher.example".encode("idna").decode()))


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("https://example.com", "https://example.com/"),
        ("  HTTPS://EXAMPLE.com:443/A?b=C#d  ", "https://example.com/A?b=C#d"),
        ("https://example.com/a b", "https://example.com/a%20b"),
        ("https://münchen.example/straße?q=ü#ß", "https://xn--mnchen-3ya.example/stra%C3%9Fe?q=%C3%BC#%C3%9F"),
        ("http://[2001:DB8::1]:8080/", "http://[2001:db8::1]:8080/"),
        ("http://localhost:9000/", "http://localhost:9000/"),
        ("https://example.com/%0d%0aSet-Cookie:x", "https://example.com/%0d%0aSet-Cookie:x"),
    ],
)
def test_a_good_target_has_one_normal_form(given: str, stored: str) -> None:
    assert RULES.normalise(given) == stored
    assert RULES.normalise(stored) == stored


@pytest.mark.parametrize(
    "target",
    [
        "",
        "   ",
        "example.com",
        "//example.com",
        "/path",
        "https:example.com",
        "http:/\\evil.example",
        "https://",
        "https://example.com:99999/",
        "https://exa mple.com/",
        "https://user:pw@example.com/",
        "https://user@example.com/",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "vbscript:x",
        "ftp://example.com/",
        "mailto:a@example.com",
        "https://example.com/\r\nSet-Cookie: a=b",
        "https://example.com/\tx",
        "https://example.com/\0",
        "https://example.com/\x7f",
        "https://example.com/\u2028",
        "https://example.com/\ud800",
        "https://example.com/" + "a" * MAX_LENGTH,
        "https://example.com/" + "ü" * (MAX_LENGTH // 3),
        "https://sho.rt/abc",
        "http://SHO.RT./abc",
        "https://sho.rt:443/",
        "http://localhost:8000/x",
        "https://bücher.example/",
    ],
)
def test_a_bad_target_is_refused_with_a_short_sentence(target: str) -> None:
    with pytest.raises(InvalidTarget) as refusal:
        RULES.normalise(target)
    assert refusal.value.field == "target"
    assert len(str(refusal.value)) < 200


def test_further_schemes_and_credentials_are_a_setting() -> None:
    rules = TargetRules(schemes=("https", "mailto", "myapp"), credentials=True)
    assert rules.normalise("mailto:a@example.com") == "mailto:a@example.com"
    assert rules.normalise("myapp://open/x") == "myapp://open/x"
    assert rules.normalise("https://u:p@example.com/") == "https://u:p@example.com/"
    with pytest.raises(InvalidTarget, match="https://, mailto: or myapp:"):
        rules.normalise("http://example.com/")


@given(st.text(max_size=60) | st.text(max_size=60).map("https://{}".format) | st.text().map("https://a.b/{}".format))
def test_whatever_is_accepted_can_stand_in_a_header_and_is_stable(text: str) -> None:
    try:
        stored = RULES.normalise(text)
    except InvalidTarget:
        return
    assert stored.isascii()
    assert stored.isprintable()
    assert " " not in stored
    assert stored.startswith(("http://", "https://"))
    assert RULES.normalise(stored) == stored
