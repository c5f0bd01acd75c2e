"""Whose request it is behind proxies: the right-most address that no trusted proxy has, whatever a visitor forges."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shortly.redirect.visitor import Addresses

TRUSTED = [ip_network(network) for network in ("10.0.0.0/8", "192.168.7.0/24", "fd00::/16")]
PROXIES = ["10.0.0.1", "10.9.9.9", "192.168.7.7", "fd00::7"]
FORGED = st.lists(
    st.one_of(
        st.ip_addresses().map(str),
        st.sampled_from(
            [*PROXIES, "unknown", "_hidden", "", " ", "10.0.0.1:80", "[fd00::7]:1", "::ffff:10.0.0.1", "10.1"]
        ),
        st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=20),
    ),
    max_size=6,
)


def is_trusted(address: IPv4Address | IPv6Address) -> bool:
    """Say so with the standard library alone."""
    plain = (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
    return any(plain in network for network in TRUSTED)


def written(address: IPv4Address | IPv6Address, form: int) -> str:
    """Write an address as proxies do: alone, or with a port."""
    if form == 0:
        return str(address)
    return f"{address}:50123" if isinstance(address, IPv4Address) else f"[{address}]:50123"


@given(st.ip_addresses(), FORGED, st.lists(st.sampled_from(PROXIES), max_size=3), st.integers(0, 1))
def test_nothing_that_a_visitor_forges_changes_the_address(
    visitor: IPv4Address | IPv6Address, forged: list[str], between: list[str], form: int
) -> None:
    assume(not is_trusted(visitor) and not (isinstance(visitor, IPv6Address) and visitor.scope_id))
    # the visitor sends a header of their own; the first proxy adds whom it sees, the next ones the proxy before them
    header = ", ".join([*forged, written(visitor, form), *between]).encode("latin-1", "replace")
    found = Addresses(TRUSTED).behind_proxies("10.0.0.1", header)
    assert ip_address(found) == visitor


@given(FORGED, st.ip_addresses())
def test_a_peer_that_is_not_trusted_is_not_even_asked(forged: list[str], peer: IPv4Address | IPv6Address) -> None:
    assume(not is_trusted(peer))
    assert not Addresses(TRUSTED).trusts(str(peer))
    assert not Addresses([]).trusts(str(peer))


@given(FORGED)
def test_what_comes_out_is_an_address_or_nothing(forged: list[str]) -> None:
    found = Addresses(TRUSTED).behind_proxies("10.0.0.1", ",".join(forged).encode("latin-1", "replace"))
    assert found == "" or ip_address(found)


@pytest.mark.parametrize(
    "text", ["10.1", "0xa000001", "167772161", "010.0.0.1", "10.0.0.1/8", "localhost", "10.0.0.1 "]
)
def test_a_proxy_is_known_by_its_whole_address_alone(text: str) -> None:
    assert not Addresses(TRUSTED).trusts(text)
