"""Banned links: by admins alone, whatever the link's own people do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.api.served import PASSWORD, Served, settings_in

from shortly.accounts.people import Member, User, Workspace
from shortly.links import service

LINKS = "/api/v1/links"
BULK = "/api/v1/bulk/links"


class Team:
    """An admin and an editor of one workspace, and an admin of another."""

    def __init__(self, served: Served) -> None:
        self.served = served
        registry, now = served.services.entrance.registry, datetime.now(UTC)
        served.run(registry.add, Workspace(id=2, name="Second", created_at=now))
        served.run(registry.add, Workspace(id=3, name="Third", created_at=now))
        hashed = served.run(served.services.entrance.passwords.hash, PASSWORD)
        for name, workspace_id, role in (("admin", 2, "admin"), ("editor", 2, "editor"), ("other", 3, "admin")):
            user = User(email=f"{name}@example.com", created_at=now, password_hash=hashed)
            member = Member(
                user_id=served.run(registry.add, user).id,
                workspace_id=workspace_id,
                role=role,  # type: ignore[arg-type]
                created_at=now,
            )
            served.run(registry.add, member)
        self.admin = served.sign_in("admin@example.com")
        self.editor = served.sign_in("editor@example.com")
        self.other = served.sign_in("other@example.com")

    def banned(self, slug: str) -> dict[str, Any]:
        """Return a link of the editor's that the admin has just banned."""
        made = self.editor.post(LINKS, json={"target": "https://evil.example/", "slug": slug, "tags": [slug]})
        assert made.status_code == 201, made.text
        answer = self.admin.put(f"{LINKS}/{slug}/ban", json={"status": 451, "reason": "court order"})
        assert answer.status_code == 200, answer.text
        link: dict[str, Any] = answer.json()
        return link


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    with Served(settings_in(tmp_path_factory.mktemp("bans"))).open() as served:
        yield Team(served)


def test_the_link_s_own_people_see_that_and_why_it_is_banned(team: Team) -> None:
    link = team.banned("seen")
    assert link["state"] == "banned"
    assert link["version"] == 2
    seen = team.editor.get(f"{LINKS}/seen").json()
    assert seen["ban"]["status"] == 451
    assert seen["ban"]["reason"] == "court order"
    assert seen["ban"]["by"].startswith("user:")
    listed = team.editor.get(LINKS, params={"state": "banned"}).json()["items"]
    assert "seen" in [one["slug"] for one in listed]
    assert "seen" not in [one["slug"] for one in team.editor.get(LINKS, params={"state": "active"}).json()["items"]]


def test_an_editor_can_neither_ban_nor_lift_a_ban_nor_get_around_it(team: Team) -> None:
    team.banned("firm")
    for answer in (
        team.editor.put(f"{LINKS}/firm/ban", json={}),
        team.editor.delete(f"{LINKS}/firm/ban"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert team.editor.patch(f"{LINKS}/firm", json={"ban": None}).status_code == 422
    assert team.editor.patch(f"{LINKS}/firm", json={"title": "still"}).json()["state"] == "banned"
    refused = team.editor.delete(f"{LINKS}/firm")
    assert (refused.status_code, refused.json()["code"]) == (403, "link_banned")
    (bulk,) = team.editor.post(f"{BULK}/delete", json={"links": [{"slug": "firm"}]}).json()["results"]
    assert bulk["error"]["code"] == "link_banned"
    assert team.editor.post(LINKS, json={"target": "https://x.example/", "slug": "firm"}).status_code == 409
    found = team.editor.post(LINKS, json={"target": "https://evil.example/", "find_if_exists": True}).json()
    assert found["slug"] != "firm"
    assert team.editor.get(f"{LINKS}/firm").json()["ban"] is not None


def test_an_admin_lifts_a_ban_and_may_delete_a_banned_link(team: Team) -> None:
    team.banned("lifted")
    link = team.admin.delete(f"{LINKS}/lifted/ban").json()
    assert (link["state"], link["ban"]) == ("active", None)
    assert team.admin.delete(f"{LINKS}/lifted/ban").json()["version"] == link["version"]
    team.admin.put(f"{LINKS}/lifted/ban", json={})
    assert team.admin.get(f"{LINKS}/lifted").json()["ban"]["status"] == 410
    assert team.admin.delete(f"{LINKS}/lifted").status_code == 204


def test_a_link_of_another_workspace_does_not_exist(team: Team) -> None:
    team.banned("foreign")
    for answer in (team.other.put(f"{LINKS}/foreign/ban", json={}), team.other.delete(f"{LINKS}/foreign/ban")):
        assert (answer.status_code, answer.json()["code"]) == (404, "link_not_found")


@pytest.mark.parametrize(
    "body",
    [
        {"status": 404},
        {"status": "gone"},
        {"status": None},
        {"reason": "x" * (service.MAX_REASON + 1)},
        {"reason": "\x1b[2J"},
        {"reason": "\u202e"},
        {"until": "2030-01-01T00:00:00Z"},
        [],
    ],
)
def test_a_ban_that_cannot_be_right_is_refused(team: Team, body: Any) -> None:
    if not team.admin.get(f"{LINKS}/fine").is_success:
        team.editor.post(LINKS, json={"target": "https://example.com/", "slug": "fine"})
    assert team.admin.put(f"{LINKS}/fine/ban", json=body).status_code == 422
    assert team.admin.get(f"{LINKS}/fine").json()["ban"] is None


def test_bans_are_in_the_audit_log(team: Team) -> None:
    team.banned("noted")
    team.admin.delete(f"{LINKS}/noted/ban")
    entries = team.admin.get("/api/v1/audit", params={"subject": "link:/noted"}).json()["items"]
    assert [entry["action"] for entry in entries] == ["link.unbanned", "link.banned", "link.created"]
    assert entries[1]["details"] == {"status": 451, "reason": "court order"}


def test_a_stranger_bans_nothing(team: Team) -> None:
    stranger: TestClient = team.served.stranger
    assert stranger.put(f"{LINKS}/seen/ban", json={}).status_code == 401


def test_reports_are_for_the_link_s_workspace_and_its_admins(team: Team) -> None:
    team.editor.post(LINKS, json={"target": "https://evil.example/", "slug": "reported"})
    assert team.served.stranger.post("/api/v1/reports", json={"slug": "reported", "reason": "spam"}).is_success
    (one,) = team.admin.get("/api/v1/reports").json()["items"]
    assert team.editor.get("/api/v1/reports").status_code == 403
    assert team.editor.patch(f"/api/v1/reports/{one['id']}", json={"state": "acted"}).status_code == 403
    assert team.other.get("/api/v1/reports").json()["items"] == []
    assert team.other.patch(f"/api/v1/reports/{one['id']}", json={"state": "acted"}).status_code == 404
    assert team.admin.patch(f"/api/v1/reports/{one['id']}", json={"state": "acted"}).json()["state"] == "acted"
