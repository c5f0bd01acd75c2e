"""The audit log through the front door."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.api.served import Served, settings_in

from shortly.accounts.access import OPERATOR
from shortly.accounts.audit import NOTED_EACH

AUDIT = "/api/v1/audit"
LINKS = "/api/v1/links"
BULK = "/api/v1/bulk/links"


def entries(served: Served, **query: Any) -> list[dict[str, Any]]:
    answer = served.client.get(AUDIT, params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def test_what_is_done_to_links_is_noted(served: Served) -> None:
    served.add("spring", "https://example.com/1")
    served.client.patch(
        f"{LINKS}/spring", json={"target": "https://example.com/2", "slug": "summer", "notes": "secret"}
    )
    served.client.delete(f"{LINKS}/summer")
    served.client.delete(f"{LINKS}/summer")
    deleted, edited, created, *_ = entries(served)
    assert (created["action"], created["subject"], created["actor"]) == ("link.created", "link:/spring", served.actor)
    assert created["details"] == {"target": "https://example.com/1"}
    assert (edited["action"], edited["subject"]) == ("link.edited", "link:/summer")
    assert edited["details"] == {
        "fields": ["notes", "slug", "target"],
        "target": "https://example.com/2",
        "named": "spring",
    }
    assert (deleted["action"], deleted["subject"], deleted["workspace_id"]) == ("link.deleted", "link:/summer", 1)
    assert "secret" not in json.dumps([deleted, edited, created])


def test_what_is_refused_or_only_read_is_not_noted(served: Served) -> None:
    before = entries(served)
    served.client.get(LINKS)
    served.client.post(LINKS, json={"target": "nonsense"})
    served.client.patch(f"{LINKS}/nothing", json={"title": "x"})
    served.client.post(f"{BULK}/delete", json={"links": [{"slug": "nothing"}]})
    assert entries(served) == before


def test_many_links_at_once_are_noted_together(served: Served) -> None:
    few = [{"target": "https://example.com", "slug": f"few{n}"} for n in range(NOTED_EACH)]
    many = [{"target": "https://example.com", "slug": f"many{n}"} for n in range(600)]
    served.client.post(BULK, json={"links": [*few, {"target": "nonsense"}]})
    assert len(entries(served, action="link.created")) == NOTED_EACH
    served.client.post(BULK, json={"links": many})
    added = entries(served, action="link.created")[:-NOTED_EACH]
    assert [entry["details"]["count"] for entry in added] == [100, 500]
    served.client.post(f"{BULK}/delete", json={"links": [{"slug": link["slug"]} for link in few]})
    assert len(entries(served, action="link.deleted")) == NOTED_EACH
    served.client.patch(BULK, json={"edits": [{"slug": "many1", "changes": {"title": "x"}}]})
    (edited,) = entries(served, action="link.edited")
    assert (edited["subject"], edited["details"]) == ("link:/many1", {"fields": ["title"]})


def test_filters_narrow_and_pages_follow(served: Served) -> None:
    for number in range(7):
        served.add(f"s{number}")
    assert len(entries(served, action="link.created")) == 7
    assert len(entries(served, subject="link:/s3")) == 1
    assert len(entries(served, actor=served.actor, action="link.created", subject="link:/s3")) == 1
    assert entries(served, actor="key:1") == entries(served, until="2020-01-01T00:00:00Z") == []
    assert entries(served, since="2100-01-01T00:00:00Z") == []
    found: list[str] = []
    query: dict[str, Any] = {"action": "link.created", "limit": 3}
    while True:
        page = served.client.get(AUDIT, params=query).json()
        found += [entry["subject"] for entry in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert found == [f"link:/s{number}" for number in reversed(range(7))]


def test_the_export_has_everything_oldest_first_one_in_a_line(served: Served) -> None:
    for number in range(5):
        served.add(f"s{number}")
    answer = served.client.get(f"{AUDIT}/export", params={"action": "link.created"})
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="audit.jsonl"'
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines == entries(served, action="link.created")[::-1]
    assert served.client.get(f"{AUDIT}/export", params={"actor": "nobody"}).text == ""


def test_only_those_who_may_read_it(served: Served) -> None:
    for scopes in (["links:write", "stats:read"], ["users:*"]):
        headers = {"Authorization": f"Bearer {served.new_key(scopes[0], scopes=scopes)}"}
        for path in (AUDIT, f"{AUDIT}/export"):
            answer = served.stranger.get(path, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_each_workspace_sees_its_own_and_who_looks_after_all_everything(served: Served) -> None:
    served.run(served.services.audit.note, OPERATOR, "settings.changed")
    served.add("mine")

    async def note_elsewhere() -> None:
        await served.services.audit.note(OPERATOR, "a.b", "theirs", workspace_id=2)
        await served.services.audit.note(OPERATOR, "a.b", "all", workspace_id=0)

    served.run(note_elsewhere)
    assert {entry["subject"] for entry in entries(served)}.isdisjoint({"theirs", "all"})
    assert {"theirs", "all", "link:/mine"} <= {entry["subject"] for entry in entries(served, everywhere=True)}
    admin = {"Authorization": f"Bearer {served.new_key('admin')}"}
    assert served.stranger.get(AUDIT, headers=admin).status_code == 200
    for path in (AUDIT, f"{AUDIT}/export"):
        assert served.stranger.get(path, headers=admin, params={"everywhere": "true"}).status_code == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_changes_the_log(served: Served, method: str) -> None:
    entry = entries(served)[0]
    for path in (AUDIT, f"{AUDIT}/{entry['id']}", f"{AUDIT}/export"):
        assert served.client.request(method, path).status_code in (404, 405)
    assert entry in entries(served)


@pytest.mark.parametrize(
    "query",
    [
        "actor=",
        "actor=%00",
        "actor=%ED%A0%80",
        "actor=" + "x" * 201,
        "since=yesterday",
        "limit=0",
        "limit=501",
        "everywhere=perhaps",
        "nothing=1",
    ],
)
def test_a_bad_question_is_refused(served: Served, query: str) -> None:
    assert served.client.get(f"{AUDIT}?{query}").status_code == 422


@pytest.mark.parametrize("text", ["%01", "%F0%9F%94%91", "'--", "workspace:1/actor:x"])
def test_any_text_may_be_asked_for(served: Served, text: str) -> None:
    assert served.client.get(f"{AUDIT}?actor={text}").json()["items"] == []


def test_an_entry_has_the_network_it_came_from_and_no_address(tmp_path: Path) -> None:
    with Served(settings_in(tmp_path, trusted_proxies=("192.0.2.0/24",))).open("192.0.2.1") as served:
        headers = {"X-Forwarded-For": "203.0.113.77"}
        answer = served.client.post(LINKS, json={"target": "https://example.com", "slug": "abc"}, headers=headers)
        assert answer.status_code == 201
        (entry,) = entries(served, subject="link:/abc")
        assert entry["origin"] == "203.0.113.0"
        assert "203.0.113.77" not in json.dumps(entries(served))
