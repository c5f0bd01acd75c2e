"""Rate limits count the address that really asked, whatever its headers say."""

from pathlib import Path

import pytest
from tests.api.served import Served, settings_in

FORGERIES = ["X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP", "CF-Connecting-IP", "True-Client-IP"]


def left(served: Served, headers: dict[str, str]) -> int:
    """Return how many links the asker may still make; asking for one that is refused counts, too."""
    answer = served.client.post("/api/v1/links", json={}, headers=headers)
    assert answer.status_code == 422
    return int(answer.headers["RateLimit-Remaining"])


def value_of(header: str, address: str) -> str:
    return f"for={address}" if header == "Forwarded" else address


@pytest.mark.parametrize("header", FORGERIES)
def test_a_stranger_cannot_pass_for_another(tmp_path: Path, header: str) -> None:
    settings = settings_in(tmp_path, trusted_proxies=("10.0.0.0/8",))
    with Served(settings).open(peer="203.0.113.9") as served:
        before = left(served, {})
        for number in range(3):
            assert left(served, {header: value_of(header, f"198.51.{number}.7")}) == before - number - 1


def test_behind_a_trusted_proxy_the_right_most_address_counts(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, trusted_proxies=("10.0.0.0/8",))
    with Served(settings).open(peer="10.0.0.1") as served:
        before = left(served, {"X-Forwarded-For": "198.51.100.1"})
        forged = [f"203.0.{number}.1, 198.51.100.1" for number in range(3)]
        assert [left(served, {"X-Forwarded-For": header}) for header in forged] == [before - 1, before - 2, before - 3]
        assert left(served, {"X-Forwarded-For": "198.51.100.1, 203.0.113.1"}) == before


@pytest.mark.parametrize("header", [name for name in FORGERIES if name != "X-Forwarded-For"])
def test_other_headers_are_not_believed_even_from_a_proxy(tmp_path: Path, header: str) -> None:
    settings = settings_in(tmp_path, trusted_proxies=("10.0.0.0/8",))
    with Served(settings).open(peer="10.0.0.1") as served:
        real = {"X-Forwarded-For": "198.51.100.1"}
        before = left(served, real)
        assert left(served, {**real, header: value_of(header, "203.0.113.1")}) == before - 1
