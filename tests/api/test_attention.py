"""What needs attention, through the front door."""

from datetime import UTC, datetime, timedelta

import pytest
from starlette.testclient import TestClient
from tests.api.served import Served

ATTENTION = "/api/v1/attention"


def in_days(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def expire(served: Served, slug: str) -> None:
    """Let a link be over."""
    answer = served.client.patch(f"/api/v1/links/{slug}", json={"expires_at": in_days(-1)})
    assert answer.status_code == 200, answer.text


def use_up(served: Served, slug: str, clicks: int) -> None:
    link = served.run(served.services.links.get, slug)
    for _ in range(clicks):
        assert served.run(served.store.take_click, link.id, "", slug, link.max_clicks)


def told(served: Served, query: str = "", key: str | None = None) -> list[tuple[str, str, int | None]]:
    headers = {"X-Api-Key": key} if key else {}
    client = served.browser() if key else served.client
    answer = client.get(f"{ATTENTION}{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    return [(item["link"]["slug"], item["reason"], item["taken"]) for item in answer.json()["items"]]


def test_every_trouble_is_told_once_and_the_worst_first(served: Served) -> None:
    served.add("fine", expires_at=in_days(30), max_clicks=10)
    served.add("soon", expires_at=in_days(2))
    served.add("over")
    expire(served, "over")
    served.add("used", max_clicks=2)
    use_up(served, "used", 2)
    served.add("nearly", max_clicks=10, expires_at=in_days(1))
    use_up(served, "nearly", 9)
    served.add("bad", expires_at=in_days(1))
    served.client.put("/api/v1/links/bad/ban", json={"reason": "spam"})
    assert told(served) == [
        ("bad", "banned", None),
        ("used", "used_up", 2),
        ("nearly", "nearly_used_up", 9),
        ("over", "expired", None),
        ("soon", "expires_soon", None),
    ]
    answer = served.client.get(ATTENTION).json()
    assert (answer["more"], answer["complete"]) == ([], True)
    assert answer["items"][0]["link"]["ban"]["reason"] == "spam"


def test_nothing_is_told_where_all_is_well(served: Served) -> None:
    served.add("fine")
    assert served.client.get(ATTENTION).json() == {"items": [], "more": [], "complete": True}


def test_of_many_some_are_told_and_that_there_are_more(served: Served) -> None:
    for number in range(3):
        served.add(f"soon{number}", expires_at=in_days(number + 1))
    answer = served.client.get(f"{ATTENTION}?limit=2").json()
    assert [item["link"]["slug"] for item in answer["items"]] == ["soon0", "soon1"]
    assert answer["more"] == ["expires_soon"]


def test_a_link_with_several_troubles_does_not_take_the_place_of_another(served: Served) -> None:
    served.add("both", expires_at=in_days(1))
    served.client.put("/api/v1/links/both/ban", json={"reason": "spam"})
    served.add("other", expires_at=in_days(2))
    assert told(served, "?limit=1") == [("both", "banned", None), ("other", "expires_soon", None)]


def test_a_key_for_a_part_of_the_links_is_told_of_these_only(served: Served) -> None:
    served.add("red", expires_at=in_days(1), tags=["red"])
    served.add("blue", expires_at=in_days(1), tags=["blue"])
    key = served.new_key("part", scopes=["links:read"], only_tag="red")
    assert told(served, key=key) == [("red", "expires_soon", None)]


@pytest.mark.parametrize("query", ["limit=0", "limit=51", "limit=x", "limit=", "other=1", "limit=1e9"])
def test_what_makes_no_sense_is_refused(client: TestClient, query: str) -> None:
    answer = client.get(f"{ATTENTION}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
