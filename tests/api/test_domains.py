"""Domains by the API: who sees, adds, assigns and removes them."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec import structs
from tests.api.served import Served

from shortly.accounts.access import OPERATOR

DOMAINS = "/api/v1/domains"
NEW = {"host": "links.example"}


def test_a_domain_is_added_assigned_used_and_removed(serve: Callable[..., Served]) -> None:
    served = serve(base_url="https://s.example", extra_domains="go.example")
    team = served.run(served.services.workspaces.create, OPERATOR, "Team").id
    made = served.client.post(DOMAINS, json={"host": "Bücher.Example", "workspace_id": team})
    assert made.status_code == 201
    assert {**made.json(), "created_at": None} == {
        "host": "xn--bcher-kva.example",
        "workspace_id": team,
        "default": False,
        "configured": False,
        "created_at": None,
    }
    host = made.json()["host"]
    refused = served.client.post("/api/v1/links", json={"target": "https://example.com", "domain": host})
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_domain")
    listed = served.client.get(DOMAINS).json()["items"]
    assert [(one["host"], one["default"], one["configured"]) for one in listed] == [
        ("s.example", True, True),
        ("go.example", False, True),
    ]
    assert [one["host"] for one in served.client.get(f"{DOMAINS}?all=true").json()["items"]] == [
        "s.example",
        "go.example",
        host,
    ]
    assert served.client.patch(f"{DOMAINS}/{host}", json={"workspace_id": None}).json()["workspace_id"] is None
    link = served.add("ab", domain="BÜCHER.example".encode("idna").decode())
    assert link["short_url"] == f"https://{host}/ab"
    in_use = served.client.delete(f"{DOMAINS}/{host}")
    assert (in_use.status_code, in_use.json()["code"]) == (409, "domain_in_use")
    assert served.client.delete(f"/api/v1/links/ab?domain={host}").status_code == 204
    assert served.client.delete(f"{DOMAINS}/{host}").status_code == 204
    assert served.client.delete(f"{DOMAINS}/{host}").json()["code"] == "domain_not_found"


def test_a_team_s_admin_sees_its_own_and_gives_back_no_other(serve: Callable[..., Served]) -> None:
    served = serve(extra_domains="go.example")
    ours, theirs = (served.run(served.services.workspaces.create, OPERATOR, name).id for name in ("Ours", "Theirs"))
    for host, workspace_id in (("ours.example", ours), ("theirs.example", theirs)):
        assert served.client.post(DOMAINS, json={"host": host, "workspace_id": workspace_id}).status_code == 201
    key = served.new_key("domains", by=structs.replace(OPERATOR, workspace_id=ours), scopes=("domains:*",))
    headers = {"Authorization": f"Bearer {key}"}
    listed = served.stranger.get(DOMAINS, headers=headers).json()["items"]
    assert [one["host"] for one in listed][1:] == ["go.example", "ours.example"]
    assert served.stranger.get(f"{DOMAINS}?all=true", headers=headers).status_code == 403
    assert served.stranger.post(DOMAINS, json=NEW, headers=headers).status_code == 403
    assert (
        served.stranger.patch(f"{DOMAINS}/go.example", json={"workspace_id": ours}, headers=headers).status_code == 403
    )
    for host, status in (("theirs.example", 404), ("nobody.example", 404), ("go.example", 403), ("ours.example", 204)):
        assert served.stranger.delete(f"{DOMAINS}/{host}", headers=headers).status_code == status


def test_a_key_is_restricted_to_a_domain_that_its_workspace_may_use(served: Served) -> None:
    team = served.run(served.services.workspaces.create, OPERATOR, "Team").id
    served.client.post(DOMAINS, json={"host": "team.example", "workspace_id": team})
    wanted = {"name": "x", "scopes": ["links:write"], "only_domain": "team.example"}
    refused = served.client.post("/api/v1/keys", json=wanted)
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_domain")
    assert served.client.post("/api/v1/keys", json=wanted, headers={"X-Workspace": str(team)}).status_code == 404
    served.client.patch("/api/v1/domains/team.example", json={"workspace_id": None})
    made = served.client.post("/api/v1/keys", json=wanted)
    assert made.json()["only_domain"] == "team.example"
    served.client.patch("/api/v1/domains/team.example", json={"workspace_id": team})
    headers = {"Authorization": f"Bearer {made.json()['key']}"}
    refused = served.stranger.post("/api/v1/links", json={"target": "https://example.com"}, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_domain")


def test_the_api_and_the_pages_answer_under_a_domain_that_was_added(served: Served) -> None:
    there = {"host": "links.example"}
    assert served.client.get("/api/v1/links", headers=there).json()["code"] == "unknown_host"
    served.client.post(DOMAINS, json=NEW)
    assert served.client.get("/api/v1/links", headers=there).status_code == 200
    served.client.delete(f"{DOMAINS}/links.example")
    assert served.client.get("/api/v1/links", headers=there).json()["code"] == "unknown_host"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "host"),
        ({"host": ""}, "host"),
        ({"host": 1}, "host"),
        ({"host": "a/b"}, "host"),
        ({"host": "a\r\nb.example"}, "host"),
        ({"host": "x" * 5_000}, "host"),
        ({"host": "a.example", "workspace_id": "1"}, "workspace_id"),
        ({"host": "a.example", "workspace_id": 0}, "workspace_id"),
        ({"host": "a.example", "workspace_id": 70_000}, "workspace_id"),
        ({"host": "a.example", "owner": 1}, "owner"),
    ],
)
def test_bad_input_is_named_and_adds_nothing(served: Served, body: dict[str, Any], field: str) -> None:
    refused = served.client.post(DOMAINS, json=body)
    assert (refused.status_code, refused.json()["field"]) == (422, field)
    assert len(served.client.get(f"{DOMAINS}?all=true").json()["items"]) == 1


@pytest.mark.parametrize("host", ["%00", "a%2Fb", "..", "%F0%9F%92%A9", "a" * 2_000, "127.0.0.1", "%0d%0ax:y"])
def test_a_host_that_cannot_be_is_not_there(served: Served, host: str) -> None:
    for answer in (
        served.client.patch(f"{DOMAINS}/{host}", json={"workspace_id": 1}),
        served.client.delete(f"{DOMAINS}/{host}"),
    ):
        assert answer.status_code in (404, 405, 422)
        assert len(answer.content) < 1_000
