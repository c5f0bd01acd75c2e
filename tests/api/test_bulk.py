"""Many links at once."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.api.served import Served

from shortly.api.bulk import AT_ONCE, MAX_PASSWORDS

BULK = "/api/v1/bulk/links"
TARGET = "https://example.com/"


def statuses(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.text
    body = answer.json()
    found = [result["status"] for result in body["results"]]
    assert body["succeeded"] == sum(status < 300 for status in found)
    assert body["failed"] == sum(status >= 400 for status in found)
    for result in body["results"]:
        if "error" in result:
            assert result["error"]["status"] == result["status"]
    return found


def test_a_bad_entry_leaves_its_neighbours_alone(served: Served) -> None:
    served.add("taken")
    entries: list[Any] = [
        {"target": TARGET, "slug": "one"},
        {"target": "javascript:alert(1)"},
        {"target": TARGET, "slug": "taken"},
        {"target": TARGET, "slug": "one"},
        {"target": TARGET, "slug": "ap\ud800i"},
        {"target": TARGET, "slug": "api"},
        {"slug": "two"},
        {"target": 5},
        {"target": TARGET, "max_clicks": 10**30},
        {"target": TARGET, "expires_at": "0001-01-01T00:00:00+23:59"},
        {"target": TARGET, "tags": ["x"] * 100_000},
        {"target": TARGET, "surprise": True},
        None,
        [],
        "https://example.com/",
        {"target": TARGET, "slug": "last"},
    ]
    answer = served.client.post(BULK, content=json.dumps({"links": entries}))
    assert statuses(answer) == [201, 422, 409, 409, *[422] * 11, 201]
    results = answer.json()["results"]
    assert results[0]["link"]["slug"] == "one"
    assert results[11]["error"]["field"] == "surprise"
    assert results[7]["error"]["field"] == "target"
    assert sorted(served.slugs()) == ["last", "one", "taken"]


def test_thousands_of_links_are_made_in_one_request(served: Served) -> None:
    answer = served.client.post(
        BULK, json={"links": [{"target": f"https://example.com/{number}"} for number in range(1100)]}
    )
    assert statuses(answer) == [201] * 1100
    targets = [result["link"]["target"] for result in answer.json()["results"]]
    assert targets == [f"https://example.com/{number}" for number in range(1100)]


def test_one_request_brings_so_many_passwords_and_no_more(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []

    async def hash_one(password: str) -> str:
        hashed.append(password)
        return f"hash {len(hashed)}"

    monkeypatch.setattr(served.services.links, "_hash_password", hash_one)
    given = [f"secret word {number}" for number in range(MAX_PASSWORDS + 2)]
    plain: list[dict[str, str]] = [{"target": TARGET}] * AT_ONCE
    entries = [{"target": TARGET, "password": password} for password in (*given, given[0])]
    answer = served.client.post(BULK, json={"links": [*entries[:60], *plain, *entries[60:]]})
    found = statuses(answer)
    assert found == [201] * (AT_ONCE + MAX_PASSWORDS) + [422, 422, 422]
    assert hashed == given[:MAX_PASSWORDS]
    error = answer.json()["results"][-2]["error"]
    assert (error["code"], error["field"]) == ("too_many_passwords", "password")
    slugs = [result["link"]["slug"] for result in answer.json()["results"][: MAX_PASSWORDS + 1]]
    same = [{"slug": slug, "changes": {"password": given[0]}} for slug in slugs]
    assert statuses(served.client.patch(BULK, json={"edits": same})) == [200] * (MAX_PASSWORDS + 1)
    others = [{"slug": slug, "changes": {"password": f"the word for {slug}"}} for slug in slugs]
    assert statuses(served.client.patch(BULK, json={"edits": others})) == [*[200] * MAX_PASSWORDS, 422]


def test_a_link_is_told_byte_for_byte_as_by_a_single_request(served: Served) -> None:
    everything = {
        "target": "https://xn--80ak6aa92e.com/?a=%22",
        "title": 'Ä "q" \\ \u2028 \U0001f389',
        "tags": ["b", "a"],
        "notes": "one\ntwo\t</script>",
        "folder": "x/y",
        "valid_from": "2026-01-01T00:00:00.120Z",
        "max_clicks": 5,
        "expires_at": "2099-12-31T23:59:59+02:00",
        "fallback_target": "https://example.org",
        "status": 308,
        "cache_s": 0,
        "referrer_policy": "origin",
        "forward_query": True,
        "password": "eight owls",
    }
    for slug, fields in (("all", everything), ("few", {"target": TARGET})):
        served.client.post(BULK, json={"links": [{**fields, "slug": slug}]})
    served.client.put("/api/v1/links/all/ban", json={"status": 451, "reason": 'a "court"'})
    bulk = served.client.patch(BULK, json={"edits": [{"slug": slug, "changes": {}} for slug in ("all", "few")]}).content
    for slug in ("all", "few"):
        single = served.client.get(f"/api/v1/links/{slug}").content
        assert b'"link":%b}' % single in bulk
    assert b'"code":"suspicious_host"' in bulk
    assert b'"ban":{"status":451' in bulk


def test_links_that_exist_are_found_in_bulk_too(served: Served) -> None:
    served.add("abc", TARGET)
    answer = served.client.post(
        BULK,
        json={
            "links": [
                {"target": "https://example.com/new", "slug": "new"},
                {"target": TARGET, "find_if_exists": True},
                {"target": "https://example.com/other", "find_if_exists": True},
                {"target": "ftp://example.com", "find_if_exists": True},
            ]
        },
    )
    assert statuses(answer) == [201, 200, 201, 422]
    assert answer.json()["results"][1]["link"]["slug"] == "abc"


def test_many_links_are_changed_at_once(served: Served) -> None:
    for slug in ("a", "b", "c", "d"):
        served.add(slug, title="old")
    served.click("a", [{}])
    answer = served.client.patch(
        BULK,
        content=json.dumps(
            {
                "edits": [
                    {"slug": "a", "changes": {"title": "new"}},
                    {"slug": "b", "version": 1, "changes": {"title": None, "tags": ["x"]}},
                    {"slug": "c", "version": 7, "changes": {"title": "new"}},
                    {"slug": "nothing", "changes": {}},
                    {"slug": "d", "changes": {"slug": "a"}},
                    {"slug": "d", "changes": {"title": 5}},
                    {"slug": "d"},
                    {"slug": "d", "version": 0, "changes": {}},
                    {"slug": "d", "domain": "nobody.example", "changes": {}},
                    {"slug": "\ud800", "changes": {}},
                ]
            }
        ),
    )
    assert statuses(answer) == [200, 200, 412, 404, 409, 422, 422, 422, 422, 422]
    results = answer.json()["results"]
    assert (results[0]["link"]["title"], results[0]["link"]["clicks"]) == ("new", 1)
    assert (results[1]["link"]["title"], results[1]["link"]["tags"]) == ("", ["x"])
    assert results[5]["error"]["field"] == "changes.title"
    assert served.client.get("/api/v1/links/c").json()["title"] == "old"


def test_many_links_are_deleted_at_once(served: Served) -> None:
    for slug in ("a", "b", "c"):
        served.add(slug)
    answer = served.client.post(
        f"{BULK}/delete",
        json={"links": [{"slug": "a"}, {"slug": "a"}, {"slug": "b", "version": 9}, {"slug": 1}, {"slug": "c"}]},
    )
    found = statuses(answer)
    assert sorted(found[:2]) == [204, 404]
    assert found[2:] == [412, 422, 204]
    assert served.slugs() == ["b"]


@pytest.mark.parametrize(
    "body",
    [{}, [], None, {"links": []}, {"links": None}, {"links": {}}, {"links": "x"}, {"links": [{}], "more": 1}],
)
def test_a_bulk_of_nothing_is_refused(client: TestClient, body: Any) -> None:
    for path in (BULK, f"{BULK}/delete"):
        assert client.post(path, json=body).status_code == 422


def test_more_than_five_thousand_are_too_many(client: TestClient) -> None:
    answer = client.post(BULK, json={"links": [{"target": TARGET}] * 5001})
    assert (answer.status_code, answer.json()["field"]) == (422, "links")
    assert client.get("/api/v1/links").json()["items"] == []
