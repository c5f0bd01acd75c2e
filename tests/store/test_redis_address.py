"""A store URL says all about where Redis is, and a text that is none says nothing of itself in the refusal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortly.redis_address import Address, Tls, parse_address


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://localhost", Address(hosts=(("localhost", 6379),))),
        ("REDIS://h:1/2", Address(hosts=(("h", 1),), db=2)),
        ("redis://h?db=2", Address(hosts=(("h", 6379),), db=2)),
        ("redis://:p%40s%2Fs@h", Address(hosts=(("h", 6379),), password="p@s/s")),
        ("redis://u:a:b@[::1]:7", Address(hosts=(("::1", 7),), username="u", password="a:b")),
        ("rediss://h", Address(hosts=(("h", 6379),), tls=Tls())),
        (
            "rediss://h?ssl_ca_certs=%2Fa&ssl_certfile=/b&ssl_keyfile=/c",
            Address(hosts=(("h", 6379),), tls=Tls("/a", "/b", "/c")),
        ),
        ("unix:///run/redis.sock?db=1", Address(path="/run/redis.sock", db=1)),
        ("unix://u:p@/run/redis.sock", Address(path="/run/redis.sock", username="u", password="p")),
        (
            "redis+sentinel://:pw@a,b:1,[::2]/main/3?sentinel_username=su&sentinel_password=sp",
            Address(
                kind="sentinel",
                hosts=(("a", 26379), ("b", 1), ("::2", 26379)),
                service="main",
                password="pw",
                db=3,
                sentinel_username="su",
                sentinel_password="sp",
            ),
        ),
        ("rediss+cluster://a,b:7000/0", Address(kind="cluster", hosts=(("a", 6379), ("b", 7000)), tls=Tls())),
    ],
)
def test_every_kind_of_address_is_understood(url: str, address: Address) -> None:
    assert parse_address(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://:s3cret@a,[::2]:5/main?sentinel_password=s3cret",
        "unix://u:s3cret@/run/s",
        "rediss://:s3cret@h",
    ],
)
def test_the_text_of_an_address_has_no_password(url: str) -> None:
    address = parse_address(url)
    assert "s3cret" not in repr(address) + str(address)
    assert str(address).startswith(url.partition("://")[0])


@given(st.one_of(st.text(), st.text().map("redis://".__add__), st.text().map("redis+sentinel://s3cret@".__add__)))
def test_any_text_is_an_address_or_is_refused_in_a_short_sentence(text: str) -> None:
    sentence = ""
    try:
        parse_address(text)
    except ValueError as refusal:
        sentence = str(refusal)
    assert len(sentence) < 200
    assert sentence == "" or sentence.isprintable()
    assert "s3cret" not in sentence
