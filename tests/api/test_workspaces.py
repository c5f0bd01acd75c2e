"""What belongs to another workspace does not exist: not by name, in lists, sums, bulk or repeated requests."""

import ast
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.api.served import PASSWORD, Served, settings_in

from shortly.accounts.people import Member, User, Workspace
from shortly.api import links as routes

LINKS, BULK, STATS = "/api/v1/links", "/api/v1/bulk/links", "/api/v1/stats"
SOURCE = Path(routes.__file__).parent


class Teams:
    """Two workspaces: the first with a key, the second with its editor and a viewer; each has a link and clicks."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.first: TestClient = served.client
        registry = served.services.entrance.registry
        now = datetime.now(UTC)
        served.run(registry.add, Workspace(id=2, name="Second", created_at=now))
        hashed = served.run(served.services.entrance.passwords.hash, PASSWORD)
        served.run(registry.add, User(email="ada@example.com", created_at=now, password_hash=hashed, admin=True))
        for name, role in (("editor", "editor"), ("viewer", "viewer")):
            email = f"{name}@example.com"
            user = served.run(registry.add, User(email=email, created_at=now, password_hash=hashed))
            member = Member(user_id=user.id, workspace_id=2, role=role, created_at=now)  # type: ignore[arg-type]
            served.run(registry.add, member)
        self.second = served.sign_in("editor@example.com")
        self.viewer = served.sign_in("viewer@example.com")
        served.add("ours", "https://example.com/ours", title="common", tags=["t"], folder="f")
        theirs = {"target": "https://example.com/theirs", "slug": "theirs", "title": "common"}
        made = self.second.post(LINKS, json={**theirs, "tags": ["t"], "folder": "f"})
        assert made.status_code == 201, made.text
        self.theirs: dict[str, Any] = made.json()
        self.second.patch(f"{LINKS}/theirs", json={"slug": "renamed"})
        served.click("ours", [{"referrer": "a.example"}] * 3)
        served.click("renamed", [{"referrer": "b.example", "workspace": 2}] * 5)


@pytest.fixture(scope="module")
def teams(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Teams]:
    """Two teams for all tests of this module, which leave no trace."""
    with Served(settings_in(tmp_path_factory.mktemp("teams"))).open() as served:
        yield Teams(served)


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def slugs(client: TestClient, **query: Any) -> list[str]:
    answer = client.get(LINKS, params=query)
    assert answer.status_code == 200, answer.text
    return [link["slug"] for link in answer.json()["items"]]


def test_a_link_says_which_workspace_it_belongs_to(teams: Teams) -> None:
    assert teams.theirs["workspace"] == 2
    assert teams.theirs["owner"].startswith("user:")
    assert teams.first.get(f"{LINKS}/ours").json()["workspace"] == 1


@pytest.mark.parametrize("slug", ["renamed", "theirs"])
@pytest.mark.parametrize(
    ("method", "rest", "options"),
    [
        ("GET", "", {}),
        ("HEAD", "", {}),
        ("GET", "", {"headers": {"If-None-Match": '"2"'}}),
        ("GET", "", {"headers": {"If-None-Match": "*"}}),
        ("PATCH", "", {"json": {"title": "stolen"}}),
        ("PATCH", "", {"json": {"title": "stolen"}, "headers": {"If-Match": '"2"'}}),
        ("PATCH", "", {"json": {"title": "stolen"}, "headers": {"If-Match": '"99"'}}),
        ("PATCH", "", {"json": {"slug": "mine"}}),
        ("DELETE", "", {}),
        ("DELETE", "", {"headers": {"If-Match": '"2"'}}),
        ("GET", "/stats", {}),
        ("GET", "/visits", {}),
        ("GET", "/export", {}),
        ("GET", "/export", {"params": {"table": "visits"}}),
    ],
)
def test_a_foreign_link_answers_as_one_that_does_not_exist(
    teams: Teams, slug: str, method: str, rest: str, options: dict[str, Any]
) -> None:
    foreign = teams.first.request(method, f"{LINKS}/{slug}{rest}", **options)
    unknown = teams.first.request(method, f"{LINKS}/unknown{rest}", **options)
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.text.replace(slug, "unknown") == unknown.text
    assert "etag" not in foreign.headers
    assert teams.second.get(f"{LINKS}/{slug}").json()["title"] == "common"


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"search": "common"},
        {"search": "theirs"},
        {"tag": "t"},
        {"folder": "f"},
        {"state": "active"},
        {"sort": "clicks"},
        {"sort": "-clicks"},
        {"sort": "title"},
        {"created_since": "2020-01-01T00:00:00Z"},
    ],
)
def test_lists_and_searches_hold_links_of_the_own_workspace_alone(teams: Teams, query: dict[str, str]) -> None:
    assert slugs(teams.first, **query) == ([] if query.get("search") == "theirs" else ["ours"])
    assert slugs(teams.second, **query) == ["renamed"]
    assert slugs(teams.first, owner=teams.theirs["owner"], **query) == []


def test_a_cursor_from_another_workspace_leads_nowhere_else(teams: Teams) -> None:
    more = [{"target": f"https://example.com/{n}", "slug": f"p{n}"} for n in range(3)]
    assert teams.second.post(BULK, json={"links": more}).json()["succeeded"] == 3
    cursor = teams.second.get(LINKS, params={"limit": 1}).json()["next_cursor"]
    assert set(slugs(teams.first, cursor=cursor)) <= {"ours"}
    teams.second.post(f"{BULK}/delete", json={"links": [{"slug": f"p{n}"} for n in range(3)]})


def test_overall_statistics_are_those_of_the_own_workspace(teams: Teams) -> None:
    for client, clicks, referrer in ((teams.first, 3, "a.example"), (teams.second, 5, "b.example")):
        page = client.get(STATS).json()
        assert page["clicks"] == clicks
        assert [value["value"] for value in page["breakdowns"]["referrer"]] == [referrer]
        visits = client.get(f"{STATS}/export", params={"table": "visits", "format": "jsonl"}).text.splitlines()
        assert [json.loads(visit)["referrer"] for visit in visits] == [referrer] * clicks


def test_find_if_exists_finds_nothing_of_another_workspace(teams: Teams) -> None:
    for links in ([], [{"target": "https://example.com/theirs", "find_if_exists": True}]):
        if links:
            answer = teams.first.post(BULK, json={"links": links}).json()["results"][0]
            assert answer["status"] == 201
            made = answer["link"]["slug"]
        else:
            single = teams.first.post(LINKS, json={"target": "https://example.com/theirs", "find_if_exists": True})
            assert single.status_code == 201
            made = single.json()["slug"]
        assert teams.first.delete(f"{LINKS}/{made}").status_code == 204


def test_bulk_edits_and_deletions_meet_no_foreign_link(teams: Teams) -> None:
    edits: list[dict[str, Any]] = [{"slug": "renamed"}, {"slug": "theirs", "version": 2}]
    edits = [{**edit, "changes": {"title": "x"}} for edit in edits]
    edited = teams.first.patch(BULK, json={"edits": edits}).json()
    deletions = [{"slug": "renamed"}, {"slug": "theirs", "version": 2}]
    deleted = teams.first.post(f"{BULK}/delete", json={"links": deletions}).json()
    for answer in (edited, deleted):
        assert [(one["status"], one["error"]["code"]) for one in answer["results"]] == [(404, "link_not_found")] * 2
    assert teams.second.get(f"{LINKS}/theirs").json()["version"] == 2


def test_a_slug_that_another_workspace_has_is_taken(teams: Teams) -> None:
    for answer in (
        teams.first.post(LINKS, json={"target": "https://example.com", "slug": "renamed"}),
        teams.first.patch(f"{LINKS}/ours", json={"slug": "theirs"}),
    ):
        assert code(answer) == (409, "slug_taken")


def test_nobody_chooses_another_workspace_for_a_link(teams: Teams) -> None:
    for answer in (
        teams.first.post(LINKS, json={"target": "https://example.com", "workspace": 2}),
        teams.first.patch(f"{LINKS}/ours", json={"workspace": 2}),
        teams.first.get(LINKS, params={"workspace": 2}),
        teams.first.get(STATS, params={"workspace": 2}),
    ):
        assert code(answer) == (422, "invalid_input")


def test_an_idempotency_key_repeats_nothing_from_another_workspace(teams: Teams) -> None:
    ada = teams.served.sign_in("ada@example.com")
    made = []
    for workspace in ("1", "2"):
        headers = {"Idempotency-Key": "once", "X-Workspace": workspace}
        answer = ada.post(LINKS, json={"target": "https://example.com/once"}, headers=headers)
        assert answer.status_code == 201
        assert "idempotency-replayed" not in answer.headers
        made.append(answer.json())
    assert [link["workspace"] for link in made] == [1, 2]
    for link in made:
        assert ada.delete(f"{LINKS}/{link['slug']}", headers={"X-Workspace": str(link["workspace"])}).status_code == 204


def test_a_viewer_reads_and_changes_nothing(teams: Teams) -> None:
    assert slugs(teams.viewer) == ["renamed"]
    assert teams.viewer.get(f"{LINKS}/renamed").status_code == 200
    assert teams.viewer.get(f"{LINKS}/renamed/stats").json()["clicks"] == 5
    for method, path, body in (
        ("POST", LINKS, {"target": "https://example.com"}),
        ("POST", LINKS, {"target": "https://example.com/theirs", "find_if_exists": True}),
        ("PATCH", f"{LINKS}/renamed", {"title": "x"}),
        ("PATCH", f"{LINKS}/ours", {"title": "x"}),
        ("DELETE", f"{LINKS}/renamed", None),
        ("POST", BULK, {"links": [{"target": "https://example.com"}]}),
        ("PATCH", BULK, {"edits": [{"slug": "renamed", "changes": {"title": "x"}}]}),
        ("POST", f"{BULK}/delete", {"links": [{"slug": "renamed"}]}),
    ):
        assert code(teams.viewer.request(method, path, json=body)) == (403, "forbidden")


def test_no_route_goes_around_the_guard() -> None:
    """Routes ask for ``Links`` and ``Stats``; of the services behind them only addresses are made, which domains there
    are is looked up, and told is the QR code of an address, which whoever has the address may have, and the statistics
    that a workspace shares, to whoever has the token of its page."""
    around = {
        (path.name, node.value.attr, node.attr)
        for path in SOURCE.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute)
        if isinstance(node.value.value, ast.Name) and node.value.value.id == "services"
        if node.value.attr in ("links", "stats")
    }
    assert around == {
        ("link_bodies.py", "links", "short_url"),
        ("hosts.py", "links", "domains"),
        ("keys.py", "links", "domains"),
        ("qr.py", "links", "domains"),
        ("qr.py", "links", "get"),
        ("qr.py", "links", "short_url"),
        ("reports.py", "links", "url_of"),
        ("shared_page.py", "links", "short_url"),
        ("shared_page.py", "stats", "page"),
        ("top.py", "links", "short_url"),
        ("transfer.py", "links", "short_url"),
    }
