"""Targets that nobody should be led to: refused ones, and those that people are warned of."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.api.served import Served, settings_in

from shortly.blocklists import BlocklistKeeper


@pytest.fixture
def guarded(serve: Callable[..., Served], tmp_path: Path) -> Served:
    (tmp_path / "list.txt").write_text("evil.example\n")
    return serve(blocklist_files=str(tmp_path / "list.txt"), blocklist_allow="good.evil.example")


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "http://EVIL.example:8080/path",
        "https://www.evil.example./",
        "https://evil%2Eexample/",
        "https://ｅｖｉｌ.example/",
        "https://evil。example/",
    ],
)
def test_no_link_is_made_to_a_blocked_host_however_it_is_written(guarded: Served, target: str) -> None:
    for body in ({"target": target}, {"target": "https://example.com/", "fallback_target": target}):
        refused = guarded.client.post("/api/v1/links", json=body)
        assert refused.status_code == 422, refused.text
        assert refused.json()["code"] == "target_blocked"
        assert refused.json()["field"] == list(body)[-1]


def test_no_link_is_turned_to_a_blocked_host(guarded: Served) -> None:
    guarded.add("ab")
    for changes in ({"target": "https://evil.example/"}, {"fallback_target": "https://evil.example/"}):
        assert guarded.client.patch("/api/v1/links/ab", json=changes).json()["code"] == "target_blocked"
    (answer,) = guarded.client.post("/api/v1/bulk/links", json={"links": [{"target": "https://evil.example/"}]}).json()[
        "results"
    ]
    assert answer["error"]["code"] == "target_blocked"


def test_what_is_allowed_is_not_blocked(guarded: Served) -> None:
    guarded.add("ab", target="https://www.good.evil.example/")


def test_an_edited_list_counts_without_a_restart_and_leaves_links_alone(guarded: Served, tmp_path: Path) -> None:
    guarded.add("ab", target="https://later.example/")
    keeper = BlocklistKeeper(guarded.settings)
    (tmp_path / "new").write_text("later.example\n")
    os.replace(tmp_path / "new", tmp_path / "list.txt")
    keeper.refresh()
    assert guarded.client.post("/api/v1/links", json={"target": "https://later.example/"}).status_code == 422
    guarded.add("cd", target="https://evil.example/")
    assert guarded.client.patch("/api/v1/links/ab", json={"title": "still here"}).status_code == 200


def test_a_link_to_a_look_alike_host_is_made_with_a_warning(served: Served) -> None:
    link = served.add("ab", target="https://аррӏе.com/", fallback_target="https://pаypal.example/")
    assert [(warning["code"], warning["field"]) for warning in link["warnings"]] == [
        ("suspicious_host", "target"),
        ("suspicious_host", "fallback_target"),
    ]
    assert "xn--80ak6aa92e.com" in link["warnings"][0]["detail"]
    assert served.add("cd", target="https://münchen.example/")["warnings"] == []
    assert served.client.get("/api/v1/links/ab").json()["warnings"] == link["warnings"]


def test_without_lists_nothing_is_blocked_whatever_an_earlier_start_had(guarded: Served, tmp_path: Path) -> None:
    with Served(settings_in(tmp_path)).open() as later:
        later.add("ab", target="https://evil.example/")
