"""Tags, folders, and whether a slug is free."""

import pytest
from starlette.testclient import TestClient
from tests.api.served import Served


def test_tags_and_folders_are_listed_with_their_counts(served: Served) -> None:
    served.add("a", tags=["red", "big"], folder="x")
    served.add("b", tags=["red"])
    tags = served.client.get("/api/v1/tags").json()
    assert tags == {"items": [{"name": "big", "links": 1}, {"name": "red", "links": 2}], "next_cursor": None}
    assert served.client.get("/api/v1/folders").json()["items"] == [{"name": "x", "links": 1}]
    first = served.client.get("/api/v1/tags?limit=1").json()
    second = served.client.get("/api/v1/tags", params={"limit": 1, "cursor": first["next_cursor"]}).json()
    assert [first["items"][0]["name"], second["items"][0]["name"], second["next_cursor"]] == ["big", "red", None]
    assert served.client.get("/api/v1/tags?search=BI").json()["items"] == [{"name": "big", "links": 1}]


def test_a_key_for_a_part_of_the_links_learns_no_counts(served: Served) -> None:
    served.add("a", tags=["red"], folder="x")
    key = served.new_key("part", scopes=["links:read"], only_tag="red")
    for path in ("tags", "folders"):
        answer = served.browser().get(f"/api/v1/{path}", headers={"X-Api-Key": key})
        assert answer.json() == {"items": [], "next_cursor": None}


def test_a_slug_is_free_until_a_link_has_it(served: Served) -> None:
    assert served.client.get("/api/v1/slugs/spring").json() == {"slug": "spring", "free": True}
    served.add("spring")
    assert served.client.get("/api/v1/slugs/spring").json()["free"] is False
    served.client.patch("/api/v1/links/spring", json={"slug": "autumn"})
    assert served.client.get("/api/v1/slugs/spring").json()["free"] is False  # an alias


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("tags?limit=0", 422, "invalid_input"),
        ("tags?limit=201", 422, "invalid_input"),
        ("folders?search=" + "x" * 257, 422, "invalid_input"),
        ("tags?cursor=" + "x" * 129, 422, "invalid_input"),
        ("tags?other=1", 422, "invalid_input"),
        ("slugs/api", 422, "reserved_slug"),
        ("slugs/a%00b", 422, "invalid_slug"),
        ("slugs/" + "x" * 129, 422, "invalid_slug"),
        ("slugs/a%0Ab", 422, "invalid_slug"),
        ("slugs/x?domain=other.example", 422, "unknown_domain"),
    ],
)
def test_what_makes_no_sense_is_refused(client: TestClient, path: str, status: int, code: str) -> None:
    answer = client.get(f"/api/v1/{path}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert len(answer.content) < 1000
