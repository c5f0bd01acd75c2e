"""The most clicked links, through the front door."""

from datetime import UTC, datetime, timedelta

import pytest
from starlette.testclient import TestClient
from tests.api.served import Served

TOP = "/api/v1/stats/top"


def told(served: Served, query: str = "") -> list[tuple[str, int, int]]:
    answer = served.client.get(f"{TOP}{query}")
    assert answer.status_code == 200, answer.text
    assert answer.json()["complete"]
    return [(item["slug"], item["clicks"], item["bots"]) for item in answer.json()["items"]]


def days_ago(days: int) -> int:
    return int((datetime.now(UTC) - timedelta(days=days)).timestamp() * 1000)


def test_links_are_told_by_the_clicks_of_people(served: Served) -> None:
    for slug in ("a", "b", "c", "idle"):
        served.add(slug, title=f"title of {slug}")
    served.click("a", [{}] * 2)
    served.click("b", [{"bot": "curl"}] * 5 + [{}])
    served.click("c", [{"bot": "curl"}])
    assert told(served) == [("a", 2, 0), ("b", 6, 5)]
    assert told(served, "?limit=1") == [("a", 2, 0)]
    item = served.client.get(TOP).json()["items"][0]
    assert (item["title"], item["short_url"]) == ("title of a", f"{served.settings.base_url}/a")


def test_days_are_those_asked_for(served: Served) -> None:
    served.add("a")
    served.add("b")
    served.click("a", [{"at_ms": days_ago(2)}] * 3)
    served.click("b", [{}] * 2)
    assert told(served) == [("b", 2, 0)]
    assert told(served, "?days=7") == [("a", 3, 0), ("b", 2, 0)]


def test_a_link_that_is_gone_is_not_told(served: Served) -> None:
    served.add("a")
    served.click("a", [{}])
    served.client.delete("/api/v1/links/a")
    assert told(served) == []


def test_a_key_for_a_part_of_the_links_learns_nothing_of_all(served: Served) -> None:
    key = served.new_key("part", scopes=["stats:read"], only_tag="red")
    assert served.browser().get(TOP, headers={"X-Api-Key": key}).status_code == 403


@pytest.mark.parametrize("query", ["days=0", "days=8", "days=x", "limit=0", "limit=17", "other=1", "days="])
def test_what_makes_no_sense_is_refused(client: TestClient, query: str) -> None:
    answer = client.get(f"{TOP}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
