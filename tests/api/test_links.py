"""Making, reading, changing and deleting links over HTTP."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.api.served import Served

FIELDS: dict[str, Any] = {
    "title": "Spring",
    "notes": "two\nlines",
    "tags": ["b", "a"],
    "folder": "Campaigns",
    "valid_from": "2026-01-01T00:00:00+01:00",
    "expires_at": "2199-01-01T00:00:00Z",
    "max_clicks": 10,
    "fallback_target": "https://example.com/over",
    "status": 307,
    "forward_query": True,
    "crawlable": True,
    "enabled": False,
    "cache_s": 60,
    "referrer_policy": "origin",
}


def test_a_new_link_is_answered_with_its_address(client: TestClient) -> None:
    answer = client.post("/api/v1/links", json={"target": "https://example.com", "slug": "abc"})
    assert answer.status_code == 201
    assert answer.headers["Location"] == "/api/v1/links/abc"
    assert answer.headers["ETag"] == '"1"'
    link = answer.json()
    assert link["short_url"] == "http://localhost:8000/abc"
    assert (link["slug"], link["target"], link["domain"]) == ("abc", "https://example.com/", "localhost:8000")
    assert (link["clicks"], link["bots"], link["version"], link["state"]) == (0, 0, 1, "active")
    assert link["created_at"].endswith("Z")
    assert datetime.fromisoformat(link["created_at"]).tzinfo
    assert client.get(answer.headers["Location"]).json() == link


def test_every_field_comes_back_as_it_was_given(served: Served) -> None:
    link = served.add("abc", **FIELDS)
    assert {name: link[name] for name in FIELDS} == {
        **FIELDS,
        "tags": ["a", "b"],
        "valid_from": "2025-12-31T23:00:00Z",
    }
    assert link["owner"] == served.actor
    assert link["state"] == "disabled"
    assert served.client.get("/api/v1/links/abc").json() == link


def test_a_slug_is_drawn_when_none_is_given(client: TestClient) -> None:
    links = [client.post("/api/v1/links", json={"target": "https://example.com"}).json() for _ in range(2)]
    assert len({link["slug"] for link in links}) == 2


def test_a_null_is_as_good_as_nothing_in_a_new_link(client: TestClient) -> None:
    answer = client.post(
        "/api/v1/links", json={"target": "https://example.com", "slug": None, "tags": None, "status": None}
    )
    assert answer.status_code == 201
    assert (answer.json()["tags"], answer.json()["status"]) == ([], 302)


def test_a_slug_is_given_once(served: Served) -> None:
    served.add("abc")
    answer = served.client.post("/api/v1/links", json={"target": "https://example.com/2", "slug": "abc"})
    assert answer.status_code == 409
    assert (answer.json()["code"], answer.json()["field"]) == ("slug_taken", "slug")


def test_find_if_exists_answers_with_the_link_that_is_there(client: TestClient) -> None:
    new = {"target": "https://EXAMPLE.com", "find_if_exists": True}
    first = client.post("/api/v1/links", json=new)
    again = client.post("/api/v1/links", json=new)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert again.headers["Location"] == first.headers["Location"]
    named = client.post("/api/v1/links", json={**new, "slug": "named"})
    assert (named.status_code, named.json()["slug"]) == (201, "named")


def test_another_key_s_link_is_not_found_instead(served: Served) -> None:
    new = {"target": "https://example.com", "find_if_exists": True}
    served.client.post("/api/v1/links", json=new)
    other = served.client.post(
        "/api/v1/links", json=new, headers={"Authorization": f"Bearer {served.new_key('other')}"}
    )
    assert other.status_code == 201
    assert other.json()["owner"] not in ("", served.actor)


def test_a_change_touches_only_what_it_names(served: Served) -> None:
    before = served.add("abc", **FIELDS)
    answer = served.client.patch("/api/v1/links/abc", json={"title": "Summer"})
    assert answer.status_code == 200
    assert answer.headers["ETag"] == '"2"'
    changed = answer.json()
    assert changed.pop("updated_at") >= before.pop("updated_at")
    assert changed == {**before, "title": "Summer", "version": 2}


def test_null_clears_every_field_that_has_a_default(served: Served) -> None:
    plain = served.add("plain")
    served.add("abc", **FIELDS)
    cleared = served.client.patch("/api/v1/links/abc", json=dict.fromkeys([*FIELDS, "archived"])).json()
    assert {name: cleared[name] for name in FIELDS} == {name: plain[name] for name in FIELDS}


@pytest.mark.parametrize("field", ["target", "slug"])
def test_a_link_cannot_do_without_a_target_and_a_slug(served: Served, field: str) -> None:
    served.add("abc")
    answer = served.client.patch("/api/v1/links/abc", json={field: None})
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    answer = served.client.patch("/api/v1/links/abc", json={field: ""})
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_an_empty_change_is_one_too(served: Served) -> None:
    served.add("abc")
    assert served.client.patch("/api/v1/links/abc", json={}).json()["version"] == 2


def test_a_renamed_link_is_found_by_its_old_slug(served: Served) -> None:
    served.add("old")
    renamed = served.client.patch("/api/v1/links/old", json={"slug": "new"}).json()
    assert (renamed["slug"], renamed["aliases"]) == ("new", ["old"])
    assert served.client.get("/api/v1/links/old").json() == renamed
    taken = served.client.post("/api/v1/links", json={"target": "https://example.com", "slug": "old"})
    assert taken.status_code == 409


def test_a_deleted_link_is_gone_and_its_slug_free(served: Served) -> None:
    served.add("abc")
    answer = served.client.delete("/api/v1/links/abc")
    assert (answer.status_code, answer.content) == (204, b"")
    assert served.client.get("/api/v1/links/abc").json()["code"] == "link_not_found"
    assert served.client.delete("/api/v1/links/abc").status_code == 404
    assert served.client.patch("/api/v1/links/abc", json={}).status_code == 404
    served.add("abc")


def test_clicks_are_told_with_the_link(served: Served) -> None:
    served.add("abc", max_clicks=3)
    served.click("abc", [{}, {}, {"bot": "GoogleBot"}])
    link = served.client.get("/api/v1/links/abc").json()
    assert (link["clicks"], link["bots"], link["state"]) == (3, 1, "exhausted")
    assert served.client.get("/api/v1/links").json()["items"] == [link]


# --- ETags ---------------------------------------------------------------------------------------------------


def test_an_edit_of_something_else_than_was_read_is_refused(served: Served) -> None:
    served.add("abc")
    path = "/api/v1/links/abc"
    assert served.client.patch(path, json={"title": "1"}, headers={"If-Match": '"1"'}).status_code == 200
    lost = served.client.patch(path, json={"title": "2"}, headers={"If-Match": '"1"'})
    assert (lost.status_code, lost.json()["code"]) == (412, "link_changed")
    assert served.client.delete(path, headers={"If-Match": '"1"'}).status_code == 412
    assert served.client.get(path).json()["title"] == "1"
    assert served.client.patch(path, json={"title": "3"}, headers={"If-Match": "*"}).status_code == 200
    assert served.client.patch(path, json={"title": "4"}, headers={"If-Match": 'W/"3"'}).status_code == 200
    assert served.client.patch(path, json={"title": "5"}).json()["version"] == 5
    assert served.client.delete(path, headers={"If-Match": '"5"'}).status_code == 204


@pytest.mark.parametrize("etag", ["", "1", '"', '"x"', '"-1"', '"01"', '"1", "2"', '"' + "9" * 400 + '"', "\x7f"])
def test_a_malformed_if_match_is_refused(served: Served, etag: str) -> None:
    served.add("abc")
    for answer in (
        served.client.patch("/api/v1/links/abc", json={"title": "x"}, headers={"If-Match": etag}),
        served.client.delete("/api/v1/links/abc", headers={"If-Match": etag}),
    ):
        assert (answer.status_code, answer.json()["field"]) == (400, "If-Match")
    assert served.client.get("/api/v1/links/abc").json()["version"] == 1


def test_a_link_that_is_known_is_not_sent_again(served: Served) -> None:
    served.add("abc")
    for known in ('"1"', 'W/"1"', '"7", "1"', "*"):
        answer = served.client.get("/api/v1/links/abc", headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", '"1"')
    for other in ('"2"', "1", "junk", ""):
        assert served.client.get("/api/v1/links/abc", headers={"If-None-Match": other}).status_code == 200


# --- slugs in paths ------------------------------------------------------------------------------------------


def test_slugs_of_several_segments_work_encoded_or_not(serve: Callable[..., Served]) -> None:
    served = serve(multi_segment_slugs=True)
    answer = served.client.post("/api/v1/links", json={"target": "https://example.com", "slug": "docs2/start/now"})
    assert answer.headers["Location"] == "/api/v1/links/docs2/start/now"
    for path in ("docs2/start/now", "docs2%2Fstart%2Fnow", "docs2%2fstart/now"):
        assert served.client.get(f"/api/v1/links/{path}").json()["slug"] == "docs2/start/now"
        assert served.client.get(f"/api/v1/links/{path}/stats").json()["slug"] == "docs2/start/now"
    assert served.client.patch("/api/v1/links/docs2/start/now", json={"slug": "a/b"}).status_code == 200
    assert served.client.delete("/api/v1/links/a%2Fb").status_code == 204


@pytest.mark.parametrize("ending", ["stats", "visits", "export", "Stats"])
def test_no_slug_hides_what_belongs_to_another_link(serve: Callable[..., Served], ending: str) -> None:
    served = serve(multi_segment_slugs=True)
    answer = served.client.post("/api/v1/links", json={"target": "https://example.com", "slug": f"a/{ending}"})
    assert (answer.status_code, answer.json()["code"]) == (422, "reserved_slug")


@pytest.mark.parametrize("slug", ["bulk", "stats", "visits", "export", "links", "v1", "delete"])
def test_a_link_named_like_a_route_is_one_like_any_other(served: Served, slug: str) -> None:
    served.add(slug)
    path = f"/api/v1/links/{slug}"
    assert served.client.get(path).json()["slug"] == slug
    assert served.client.patch(path, json={"title": "x"}).json()["title"] == "x"
    assert served.client.get(f"{path}/stats").json()["slug"] == slug
    assert served.client.delete(path).status_code == 204


def test_a_unicode_slug_is_found_in_either_normal_form(serve: Callable[..., Served]) -> None:
    served = serve(unicode_slugs=True)
    answer = served.client.post("/api/v1/links", json={"target": "https://example.com", "slug": "cafe\u0301🎉"})
    assert answer.json()["slug"] == "café🎉"
    assert served.client.get(answer.headers["Location"]).status_code == 200
    assert served.client.get("/api/v1/links/cafe\u0301🎉").status_code == 200


@pytest.mark.parametrize("path", ["abc%0A", "abc%00", "%00", "abc%2F", "%2F", "ab%FFc", "abc/..%2Fabc", "x" * 5000])
def test_only_the_very_slug_is_found(served: Served, path: str) -> None:
    served.add("abc")
    for answer in (
        served.client.get(f"/api/v1/links/{path}"),
        served.client.delete(f"/api/v1/links/{path}"),
        served.client.patch(f"/api/v1/links/{path}", json={}),
    ):
        assert answer.status_code == 404
        assert len(answer.content) < 1000
    assert served.slugs() == ["abc"]


# --- domains -------------------------------------------------------------------------------------------------


def test_a_domain_has_slugs_of_its_own(serve: Callable[..., Served]) -> None:
    served = serve(extra_domains=("go.example.org",), base_url="https://sho.rt")
    served.add("abc", "https://example.com/1")
    answer = served.client.post(
        "/api/v1/links", json={"target": "https://example.com/2", "slug": "abc", "domain": "GO.example.org"}
    )
    assert answer.headers["Location"] == "/api/v1/links/abc?domain=go.example.org"
    link = answer.json()
    assert (link["domain"], link["short_url"]) == ("go.example.org", "https://go.example.org/abc")
    assert served.client.get(answer.headers["Location"]).json() == link
    assert served.client.get("/api/v1/links/abc").json()["target"] == "https://example.com/1"
    assert served.client.get("/api/v1/links/abc?domain=sho.rt").json()["domain"] == "sho.rt"
    listed = served.client.get("/api/v1/links?domain=go.example.org").json()["items"]
    assert listed == [link]
    assert served.client.delete(answer.headers["Location"]).status_code == 204
    assert served.client.get("/api/v1/links/abc").status_code == 200


@pytest.mark.parametrize("query", ["?domain=nobody.example", "?domain=%00", "?domain=" + "x" * 9000])
def test_a_domain_that_is_not_served_is_refused(served: Served, query: str) -> None:
    served.add("abc")
    for answer in (served.client.get(f"/api/v1/links/abc{query}"), served.client.get(f"/api/v1/links{query}")):
        assert (answer.status_code, answer.json()["field"]) == (422, "domain")
