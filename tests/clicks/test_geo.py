"""Places, from real little databases."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from shortly.clicks.geo import NOWHERE, Place, Places, country_code, place_in

Record = dict[str, Any]
PutPlaces = Callable[[Path, dict[str, Record]], None]


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_networks_are_looked_up(tmp_path: Path, put_places: PutPlaces, munich: Record, oslo: Record) -> None:
    path = tmp_path / "geo.mmdb"
    put_places(path, {"203.0.113.0/24": munich, "2001:db8:1::/48": oslo})
    places = Places(path)
    assert places.place_of("203.0.113.0") == Place("DE", "Bavaria", "Munich")
    assert places.place_of("2001:db8:1::") == Place("NO", "Oslo", "Oslo")
    assert places.place_of("198.51.100.0") == NOWHERE
    assert places.place_of("not an address") == NOWHERE
    assert places.place_of("") == NOWHERE
    places.close()


def test_a_new_file_is_seen_within_a_minute(
    tmp_path: Path, put_places: PutPlaces, munich: Record, oslo: Record
) -> None:
    path, clock = tmp_path / "geo.mmdb", Clock()
    put_places(path, {"203.0.113.0/24": munich})
    places = Places(path, clock)
    assert places.place_of("203.0.113.0").country == "DE"
    put_places(path, {"203.0.113.0/24": oslo})
    clock.now += 59
    assert places.place_of("203.0.113.0").country == "DE"
    clock.now += 1
    assert places.place_of("203.0.113.0").country == "NO"


def test_a_file_that_breaks_warns_once_and_its_predecessor_goes_on(
    tmp_path: Path, put_places: PutPlaces, munich: Record
) -> None:
    path, clock = tmp_path / "geo.mmdb", Clock()
    put_places(path, {"203.0.113.0/24": munich})
    places = Places(path, clock)
    assert places.place_of("203.0.113.0").country == "DE"
    with capture_logs() as logs:
        path.write_bytes(path.read_bytes()[:100])  # in place: a mapped file would kill the process here
        for _ in range(3):
            clock.now += 60
            assert places.place_of("203.0.113.0").country == "DE"
            assert places.place_of("203.0.113.1").country == "DE"
    assert [entry["log_level"] for entry in logs] == ["warning"]


def test_a_missing_file_warns_once_and_is_read_when_it_comes(
    tmp_path: Path, put_places: PutPlaces, munich: Record
) -> None:
    path, clock = tmp_path / "geo.mmdb", Clock()
    with capture_logs() as logs:
        places = Places(path, clock)
        for _ in range(3):
            clock.now += 60
            assert places.place_of("203.0.113.0") == NOWHERE
    assert len(logs) == 1
    put_places(path, {"203.0.113.0/24": munich})
    clock.now += 60
    assert places.place_of("203.0.113.0").city == "Munich"


@pytest.mark.parametrize(
    "record",
    [
        None,
        1,
        "DE",
        [],
        {},
        {"country": []},
        {"country": {"iso_code": 7}},
        {"subdivisions": [3]},
        {"city": {"names": 1}},
    ],
)
def test_a_record_of_another_form_is_nowhere(record: object) -> None:
    assert place_in(record) == NOWHERE


@pytest.mark.parametrize(
    ("text", "code"),
    [("de", "DE"), ("US", "US"), ("XX", ""), ("xx", ""), ("T1", ""), ("", ""), ("D", ""), ("DEU", ""), ("ÄÖ", "")],
)
def test_a_country_is_two_letters(text: str, code: str) -> None:
    assert country_code(text) == code
