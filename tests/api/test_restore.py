"""Deletions that are taken back."""

from datetime import timedelta

import pytest
from tests.api.served import Served


def bulk(served: Served, what: str, *slugs: str) -> list[int]:
    answer = served.client.post(f"/api/v1/bulk/links/{what}", json={"links": [{"slug": slug} for slug in slugs]})
    return [result["status"] for result in answer.json()["results"]]


def test_a_restored_link_is_what_it_was_and_has_its_counts(served: Served) -> None:
    before = served.add("ab", tags=["red"], folder="x", title="T", archived=False)
    served.click("ab", [{}, {}])
    assert served.client.delete("/api/v1/links/ab").status_code == 204
    assert served.client.get("/api/v1/links/ab").status_code == 404
    assert (
        served.slugs() == served.slugs(state="archived") == served.slugs(search="ab") == served.slugs(tag="red") == []
    )
    assert served.client.get("/api/v1/tags").json()["items"] == []
    assert served.client.get("/api/v1/folders").json()["items"] == []
    assert bulk(served, "restore", "ab") == [200]
    after = served.client.get("/api/v1/links/ab").json()
    assert after == {**before, "clicks": 2, "version": 3, "updated_at": after["updated_at"]}
    assert served.slugs(tag="red") == served.slugs(folder="x") == served.slugs(search="ab") == ["ab"]
    assert served.client.get("/api/v1/tags").json()["items"] == [{"name": "red", "links": 1}]
    actions = [entry["action"] for entry in served.client.get("/api/v1/audit").json()["items"]]
    assert actions[:2] == ["link.restored", "link.deleted"]


def test_an_archived_link_comes_back_archived(served: Served) -> None:
    served.add("ab", archived=True)
    served.client.delete("/api/v1/links/ab")
    assert served.slugs(state="archived") == []
    bulk(served, "restore", "ab")
    assert served.slugs(state="archived") == ["ab"]
    assert served.slugs() == []


def test_only_what_is_deleted_and_in_reach_can_be_restored(served: Served) -> None:
    served.add("ab")
    served.add("cd")
    served.client.delete("/api/v1/links/cd")
    assert bulk(served, "restore", "ab", "nope", "cd", "cd") == [404, 404, 200, 404]
    served.client.delete("/api/v1/links/cd")
    key = served.new_key("own", scopes=["links:write"], only_own=True)
    theirs = served.browser().post(
        "/api/v1/bulk/links/restore", json={"links": [{"slug": "cd"}]}, headers={"X-Api-Key": key}
    )
    assert theirs.json()["results"][0]["status"] == 404


def test_the_slug_is_kept_but_for_a_new_link_of_the_same_people(served: Served) -> None:
    served.add("ab")
    served.client.delete("/api/v1/links/ab")
    key = served.new_key("own", scopes=["links:write"], only_own=True)
    stranger = served.browser()
    new = {"target": "https://example.org/", "slug": "ab"}
    assert stranger.post("/api/v1/links", json=new, headers={"X-Api-Key": key}).status_code == 409
    assert served.client.get("/api/v1/slugs/ab").json()["free"] is True
    assert served.client.post("/api/v1/links", json=new).status_code == 201
    assert bulk(served, "restore", "ab") == [404]
    assert served.client.get("/api/v1/links/ab").json()["target"] == "https://example.org/"


def test_a_renamed_link_may_take_the_slug_of_a_deleted_one(served: Served) -> None:
    served.add("ab")
    served.add("cd")
    served.client.delete("/api/v1/links/ab")
    assert served.client.patch("/api/v1/links/cd", json={"slug": "ab"}).status_code == 200
    assert served.client.get("/api/v1/links/cd").json()["slug"] == "ab"


@pytest.mark.parametrize("body", [{}, {"links": []}, {"links": [{"slug": "a"}] * 5001}, {"links": 7}, []])
def test_a_restoration_that_makes_no_sense_is_refused(served: Served, body: object) -> None:
    assert served.client.post("/api/v1/bulk/links/restore", json=body).status_code == 422


def test_a_deletion_of_another_version_is_refused(served: Served) -> None:
    served.add("ab")
    served.client.patch("/api/v1/links/ab", json={"title": "x"})
    assert served.client.delete("/api/v1/links/ab", headers={"If-Match": '"1"'}).status_code == 412
    assert served.client.get("/api/v1/links/ab").status_code == 200
    assert timedelta(hours=served.services.settings.restore_hours) == timedelta(days=1)
