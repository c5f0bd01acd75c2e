"""Which addresses are outside: everything special is refused, in whatever clothes it comes."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortly.errors import OutboundRefused
from shortly.outbound.rules import OutboundRules, is_public, parse_allowed

SPECIAL = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1 127.255.255.254
169.254.0.1 169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1
192.168.0.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
168.63.129.16
:: ::1 ::7f00:1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1
64:ff9b::127.0.0.1 64:ff9b::10.0.0.1 64:ff9b::169.254.169.254 64:ff9b:1::8.8.8.8 64:ff9b:1::10.0.0.1
100::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 2001:10::1 2001:20::1 2001:db8::1
2002:7f00:1:: 2002:a00:1:: 2002:c0a8:101::1 2002:808:808::1 3fff::1 5f00::1
fc00::1 fd00:ec2::254 fdff::1 fe80::1 fe80::1%1 febf::1 fec0::1 feff::1 ff02::1 ff0e::1 4000::1 fe00::1
"""
PUBLIC = """
1.1.1.1 8.8.8.8 93.184.215.14 100.63.255.255 100.128.0.0 172.15.255.255 172.32.0.0 192.167.255.255 198.20.0.0
223.255.255.254 2606:2800:21f:cb07:6820:80da:af6b:8b2c 2001:4860:4860::8888 2a00:1450:4001::1 2620:fe::fe
::ffff:8.8.8.8 64:ff9b::808:808
"""
INSIDE = SPECIAL.split()
OUTSIDE = PUBLIC.split()


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_never_asked(address: str) -> None:
    for other in ([], ["8.8.8.8"]):
        with pytest.raises(OutboundRefused):
            OutboundRules().check_addresses("any.example", [*other, address])


@pytest.mark.parametrize("address", OUTSIDE)
def test_a_public_address_is_asked(address: str) -> None:
    expected = address.removeprefix("::ffff:")
    assert OutboundRules().check_addresses("any.example", [address]) == [expected]


def test_a_name_without_addresses_is_refused() -> None:
    with pytest.raises(OutboundRefused):
        OutboundRules().check_addresses("any.example", [])


@given(st.integers(0, 2**32 - 1))
def test_an_ipv4_address_is_judged_alike_in_every_form(number: int) -> None:
    plain = IPv4Address(number)
    allowed = is_public(plain)
    assert is_public(IPv6Address((0x64FF9B << 96) | number)) == allowed
    mapped = IPv6Address((0xFFFF << 32) | number)
    try:
        OutboundRules().check_addresses("x.example", [str(mapped)])
    except OutboundRefused:
        assert not allowed
    else:
        assert allowed
    assert not is_public(IPv6Address((0x2002 << 112) | (number << 80)))  # 6to4
    assert not is_public(IPv6Address((0x64FF9B0001 << 80) | number))
    assert not is_public(IPv6Address(number))


@given(st.ip_addresses())
def test_nothing_that_the_standard_library_calls_special_is_public(address: IPv4Address | IPv6Address) -> None:
    if (
        address.is_private
        or address.is_multicast
        or address.is_reserved
        or address.is_loopback
        or address.is_link_local
    ):
        assert not is_public(address) or (isinstance(address, IPv6Address) and int(address) >> 32 == 0x64FF9B << 64)


def test_an_operator_opens_networks_and_names() -> None:
    rules = OutboundRules(allow=["10.1.0.0/16", "fd00::/64", "wiki.intern"])
    assert rules.check_addresses("a.example", ["10.1.2.3"]) == ["10.1.2.3"]
    assert rules.check_addresses("a.example", ["fd00::5"]) == ["fd00::5"]
    assert rules.check_addresses("WIKI.intern.", ["192.168.7.7"]) == ["192.168.7.7"]
    for host, address in [
        ("a.example", "10.2.0.1"),
        ("x.wiki.intern", "192.168.7.7"),
        ("wiki.intern.evil", "10.9.9.9"),
    ]:
        with pytest.raises(OutboundRefused):
            rules.check_addresses(host, [address])


@pytest.mark.parametrize("address", ["10.0.0.1", "192.168.1.1", "127.0.0.1", "::1", "fd00::1"])
def test_private_rules_reach_private_addresses(address: str) -> None:
    assert OutboundRules(private=True).check_addresses("idp.intern", [address]) == [address]


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "100.100.100.200", "0.0.0.0", "fd00:ec2::254"])
def test_private_rules_do_not_reach_the_metadata_of_clouds(address: str) -> None:
    with pytest.raises(OutboundRefused):
        OutboundRules(private=True).check_addresses("idp.intern", [address])


@pytest.mark.parametrize("entry", ["", "10.0.0.0/33", "http://a", "a b", "1.2.3", "*", "a/b", "-a", "[::1]", "a:80"])
def test_what_is_neither_network_nor_name_cannot_be_opened(entry: str) -> None:
    with pytest.raises(ValueError, match="neither"):
        parse_allowed(entry)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "//example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com:80/_GET",
        "dict://example.com/",
        "unix:///run/x.sock",
        "javascript:alert(1)",
        "data:text/html,x",
        "http://",
        "http:///",
        "http://user@example.com/",
        "http://user:pw@example.com/",
        "http://:pw@example.com/",
        "http://a@b@example.com/",
        "http://example.com\\@10.0.0.1/",
        "http://example.com:22/",
        "http://example.com:6379/",
        "http://example.com:25/",
        "http://example.com:0/",
        "http://example.com:65536/",
        "http://example.com:-1/",
        "http://exa mple.com/",
        "http://example.com/ HTTP/1.1",
        "http://example.com/\r\nX-Evil: 1",
        "http://example.com/\tx",
        "http://example.com\x00.evil/",
        "http://example.com%00.evil/",
        "http://example.com%0d%0aX:1/",
        "http://[::1/",
        "http://[fe80::1%25eth0]/",
        "http://[v1.x]/",
        "http://a..%2f@x/",
        "http://" + "a" * 9000,
    ],
)
def test_an_odd_address_is_refused_before_its_name_is_looked_up(url: str) -> None:
    with pytest.raises(OutboundRefused):
        OutboundRules().check_url(url)


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("HTTP://EXAMPLE.com", "http://example.com/"),
        ("https://example.com:443/a#b", "https://example.com/a"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://017700000001/", "http://127.0.0.1/"),
        ("http://2130706433/", "http://127.0.0.1/"),
        ("http://127。0。0。1/", "http://127.0.0.1/"),
        ("http://①②⑦.⓪.⓪.①/", "http://127.0.0.1/"),
        ("http://ｌocalhost/", "http://localhost/"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
        ("http://[::FFFF:7f00:1]/", "http://[::ffff:7f00:1]/"),
    ],
)
def test_an_address_has_one_form(url: str, normal: str) -> None:
    assert OutboundRules().check_url(url) == normal


def test_every_listed_address_is_one() -> None:
    assert all(ip_address(address) for address in INSIDE + OUTSIDE)
