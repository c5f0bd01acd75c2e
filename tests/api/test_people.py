"""Users, workspaces, members and invitations, through the front door."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from msgspec import structs
from starlette.testclient import TestClient
from tests.api.served import PASSWORD, Served

from shortly.accounts.access import OPERATOR

AUTH = "/api/v1/auth"
USERS = "/api/v1/users"
WORKSPACES = "/api/v1/workspaces"
ACCEPT = "/api/v1/invitations/accept"


def made(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def refused(answer: Any, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def invite(client: TestClient, email: str, role: str = "editor", workspace_id: int = 1) -> str:
    """Return the token of a new invitation."""
    url: str = made(client.post(f"{WORKSPACES}/{workspace_id}/invitations", json={"email": email, "role": role}))["url"]
    return url.partition("#")[2]


def test_users_are_added_listed_changed_and_deleted(served: Served) -> None:
    client = served.client
    ids = [made(client.post(USERS, json={"email": f"user{number}@example.com"}))["id"] for number in range(3)]
    first = client.get(USERS, params={"limit": 2}).json()
    assert [user["id"] for user in first["items"]] == ids[:2]
    rest = client.get(USERS, params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert ([user["id"] for user in rest["items"]], rest["next_cursor"]) == (ids[2:], None)
    changed = client.patch(f"{USERS}/{ids[0]}", json={"name": "Ada", "locale": "de", "enabled": False})
    assert {"name": "Ada", "locale": "de", "enabled": False, "has_password": False}.items() <= changed.json().items()
    assert client.get(f"{USERS}/{ids[0]}").json() == changed.json()
    refused(client.patch(f"{USERS}/{ids[0]}", json={"email": "USER1@example.com"}), 409, "email_taken")
    assert client.delete(f"{USERS}/{ids[0]}").status_code == 204
    refused(client.get(f"{USERS}/{ids[0]}"), 404, "user_not_found")


def test_a_user_with_a_password_signs_in_and_a_disabled_one_is_out_at_once(served: Served) -> None:
    user = made(served.client.post(USERS, json={"email": "ada@example.com", "password": PASSWORD, "workspace_id": 1}))
    browser = served.sign_in()
    assert browser.get("/api/v1/links").status_code == 200
    served.client.patch(f"{USERS}/{user['id']}", json={"enabled": False})
    assert browser.get("/api/v1/links").status_code == 401
    served.client.patch(f"{USERS}/{user['id']}", json={"enabled": True})
    assert served.client.delete(f"{USERS}/{user['id']}").status_code == 204
    assert browser.get("/api/v1/links").status_code == 401


def test_people_say_themselves_what_they_are_called(served: Served) -> None:
    made(served.client.post(USERS, json={"email": "ada@example.com", "password": PASSWORD, "name": "A"}))
    browser = served.sign_in()
    changed = browser.patch(f"{AUTH}/me", json={"name": "  Ada L. ", "locale": "pt-BR"})
    assert (changed.status_code, changed.json()["name"], changed.json()["locale"]) == (200, "Ada L.", "pt-BR")
    assert browser.get(f"{AUTH}/me").json()["user"] == changed.json()
    assert browser.patch(f"{AUTH}/me", json={}).json() == changed.json()
    noted = served.client.get("/api/v1/audit", params={"action": "user.edited", "everywhere": True}).json()["items"]
    assert [entry["details"]["fields"] for entry in noted] == [["name", "locale"]]


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x" * 129},
        {"name": "x" * 100_000},
        {"name": "a\nb"},
        {"name": "a\0b"},
        {"name": "\u202eadA"},
        {"name": None},
        {"name": 7},
        {"locale": "../../etc"},
        {"email": "eve@example.com"},
        {"admin": True},
        [],
    ],
)
def test_nobody_becomes_somebody_else_or_more_by_it(served: Served, body: Any) -> None:
    browser = served.set_up()
    before = browser.get(f"{AUTH}/me").json()["user"]
    refused(browser.patch(f"{AUTH}/me", json=body), 422, "invalid_input")
    assert browser.get(f"{AUTH}/me").json()["user"] == before


def test_a_name_is_changed_by_a_person_on_this_site_and_not_without_end(serve: Callable[..., Served]) -> None:
    served = serve(limit_account="4/hour")
    refused(served.client.patch(f"{AUTH}/me", json={"name": "x"}), 403, "session_needed")
    browser = served.set_up()
    strange = browser.patch(f"{AUTH}/me", json={"name": "x"}, headers={"Sec-Fetch-Site": "cross-site"})
    refused(strange, 403, "cross_site_request")
    answers = [browser.patch(f"{AUTH}/me", json={"name": str(nth)}).status_code for nth in range(5)]
    assert sorted(answers)[-1] == 429


def test_somebody_always_looks_after_the_installation(served: Served) -> None:
    browser = served.set_up()
    me = browser.get("/api/v1/auth/me").json()["user"]["id"]
    for body in ({"admin": False}, {"enabled": False}):
        refused(browser.patch(f"{USERS}/{me}", json=body), 409, "last_admin")
    refused(browser.delete(f"{USERS}/{me}"), 409, "last_admin")
    made(served.client.post(USERS, json={"email": "eve@example.com", "admin": True}))
    assert browser.delete(f"{USERS}/{me}").status_code == 204


def test_of_those_who_take_an_address_at_once_one_gets_it(served: Served) -> None:
    forms = ["ada@example.com", "ADA@example.com", "Ada@Example.com", "ada@EXAMPLE.com"] * 2
    with ThreadPoolExecutor(len(forms)) as pool:
        answers = list(pool.map(lambda email: served.client.post(USERS, json={"email": email}).status_code, forms))
    assert sorted(answers) == [201] + [409] * (len(forms) - 1)


def test_a_new_person_accepts_an_invitation_once_and_signs_in(served: Served) -> None:
    token = invite(served.client, "ada@example.com")
    body = {"token": token, "password": PASSWORD, "name": "Ada"}
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: served.stranger.post(ACCEPT, json=body).status_code, range(6)))
    assert answers.count(200) == 1
    assert set(answers) <= {200, 404, 409}
    browser = served.sign_in()
    (mine,) = browser.get(WORKSPACES).json()["items"]
    assert (mine["id"], mine["role"]) == (1, "editor")
    assert served.client.get(f"{WORKSPACES}/1/invitations").json()["items"] == []


def test_somebody_signed_in_accepts_as_who_they_are(served: Served) -> None:
    made(served.client.post(USERS, json={"email": "ada@example.com", "password": PASSWORD}))
    made(served.client.post(USERS, json={"email": "eve@example.com", "password": PASSWORD}))
    token = invite(served.client, "ada@example.com", "admin")
    refused(served.stranger.post(ACCEPT, json={"token": token, "password": PASSWORD}), 409, "sign_in_first")
    refused(served.sign_in("eve@example.com").post(ACCEPT, json={"token": token}), 409, "sign_in_first")
    browser = served.sign_in()
    refused(browser.get("/api/v1/links"), 403, "forbidden")
    assert browser.post(ACCEPT, json={"token": token}).json()["role"] == "admin"
    assert browser.get("/api/v1/links").status_code == 200


def test_a_session_that_is_over_does_not_keep_anybody_from_accepting(served: Served) -> None:
    browser = served.set_up()
    browser.post("/api/v1/auth/sign-out")
    browser.cookies.set("session", "junk")
    token = invite(served.client, "new@example.com")
    assert browser.post(ACCEPT, json={"token": token, "password": PASSWORD}).status_code == 200


def test_an_invitation_is_not_accepted_from_another_site(served: Served) -> None:
    token = invite(served.client, "ada@example.com")
    body = {"token": token, "password": PASSWORD}
    answer = served.stranger.post(ACCEPT, json=body, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert served.stranger.post(ACCEPT, json=body).status_code == 200


def test_the_token_is_told_once_and_kept_for_no_repetition(served: Served) -> None:
    headers = {"Idempotency-Key": "again"}
    body = {"email": "ada@example.com", "role": "viewer"}
    first, second = (
        made(served.client.post(f"{WORKSPACES}/1/invitations", json=body, headers=headers))["url"] for _ in range(2)
    )
    assert first != second
    listed = served.client.get(f"{WORKSPACES}/1/invitations").text
    assert first.partition("#")[2] not in listed
    assert second.partition("#")[2] not in listed


def test_workspaces_are_made_renamed_and_deleted_when_they_are_empty(served: Served) -> None:
    client = served.client
    workspace = made(client.post(WORKSPACES, json={"name": "Marketing"}))
    assert workspace["id"] == 2
    refused(client.post(WORKSPACES, json={"name": "MARKETING"}), 409, "name_taken")
    assert client.patch(f"{WORKSPACES}/2", json={"name": "Sales"}).json()["name"] == "Sales"
    assert [one["name"] for one in client.get(WORKSPACES, params={"all": True}).json()["items"]] == ["Default", "Sales"]
    key = {"X-Api-Key": served.new_key("sales", structs.replace(OPERATOR, workspace_id=2))}
    served.stranger.post("/api/v1/links", json={"target": "https://example.com/", "slug": "sale"}, headers=key)
    refused(client.delete(f"{WORKSPACES}/2"), 409, "workspace_in_use")
    assert served.stranger.delete("/api/v1/links/sale", headers=key).status_code == 204
    assert client.delete(f"{WORKSPACES}/2").status_code == 204
    assert served.stranger.get("/api/v1/links", headers=key).status_code == 401
    refused(client.delete(f"{WORKSPACES}/1"), 409, "workspace_in_use")
    assert made(client.post(WORKSPACES, json={"name": "Sales"}))["id"] == 3


def test_members_come_change_and_go(served: Served) -> None:
    client, members = served.client, f"{WORKSPACES}/1/members"
    user = made(client.post(USERS, json={"email": "ada@example.com"}))["id"]
    assert made(client.post(members, json={"user_id": user, "role": "viewer"}))["role"] == "viewer"
    refused(client.post(members, json={"user_id": user, "role": "viewer"}), 409, "already_member")
    assert client.patch(f"{members}/{user}", json={"role": "admin"}).json()["role"] == "admin"
    assert [(one["email"], one["role"]) for one in client.get(members).json()["items"]] == [
        ("ada@example.com", "admin")
    ]
    assert client.delete(f"{members}/{user}").status_code == 204
    refused(client.delete(f"{members}/{user}"), 404, "member_not_found")


def test_a_workspace_s_admin_is_that_in_their_own_alone(served: Served) -> None:
    ours, theirs = (made(served.client.post(WORKSPACES, json={"name": name}))["id"] for name in ("Ours", "Theirs"))
    body = {"email": "ada@example.com", "password": PASSWORD, "workspace_id": ours, "role": "admin"}
    user = made(served.client.post(USERS, json=body))["id"]
    browser = served.sign_in()
    assert browser.get(f"{WORKSPACES}/{ours}/members").status_code == 200
    invite(browser, "new@example.com", "admin", ours)
    for path in ("", "/members", "/invitations"):
        refused(browser.get(f"{WORKSPACES}/{theirs}{path}"), 404, "workspace_not_found")
        refused(browser.get(f"{WORKSPACES}/9{path}"), 404, "workspace_not_found")
    refused(browser.get(f"{WORKSPACES}/{ours}", headers={"X-Workspace": str(theirs)}), 404, "workspace_not_found")
    refused(browser.get(WORKSPACES, params={"all": True}), 403, "forbidden")
    refused(browser.get(USERS), 403, "forbidden")
    refused(browser.delete(f"{WORKSPACES}/{ours}"), 403, "forbidden")
    refused(browser.delete(f"{WORKSPACES}/{ours}/members/{user}"), 409, "last_admin")


def test_a_key_for_people_makes_no_admins(served: Served) -> None:
    user = made(served.client.post(USERS, json={"email": "ada@example.com", "workspace_id": 1}))["id"]
    headers = {"X-Api-Key": served.new_key("people", scopes=["users:*"])}
    stranger = served.stranger
    role = {"role": "admin"}
    refused(stranger.patch(f"{WORKSPACES}/1/members/{user}", json=role, headers=headers), 403, "forbidden")
    body = {"email": "eve@example.com", "role": "admin"}
    refused(stranger.post(f"{WORKSPACES}/1/invitations", json=body, headers=headers), 403, "forbidden")
    assert stranger.patch(f"{WORKSPACES}/1/members/{user}", json={"role": "editor"}, headers=headers).status_code == 200


@pytest.mark.parametrize("named", ["2", "0", "-1", "1 2", "", "x", "9" * 5000, "١", "1e0", "0x1"])
def test_a_key_is_in_its_own_workspace_whatever_is_asked(served: Served, named: str) -> None:
    made(served.client.post(WORKSPACES, json={"name": "Other"}))
    answer = served.client.get("/api/v1/links", headers={b"X-Workspace": named.encode()})
    refused(answer, 404, "workspace_not_found")
    assert served.client.get("/api/v1/links", headers={"X-Workspace": "1"}).status_code == 200


def test_what_is_done_to_people_is_in_the_audit_log(served: Served) -> None:
    user = made(served.client.post(USERS, json={"email": "ada@example.com", "password": PASSWORD}))["id"]
    token = invite(served.client, "eve@example.com")
    served.stranger.post(ACCEPT, json={"token": token, "password": PASSWORD})
    served.client.patch(f"{USERS}/{user}", json={"name": "Ada"})
    served.client.delete(f"{USERS}/{user}")
    log = served.client.get("/api/v1/audit", params={"everywhere": True}).text
    for action in ("user.created", "invitation.created", "invitation.accepted", "user.edited", "user.deleted"):
        assert action in log
    assert token not in log
    assert PASSWORD not in log


# --- whatever comes in ---------------------------------------------------------------------------------------

TEXTS: list[Any] = [None, 5, True, [], {}, "a\0b", "a\nb", "\ud800", "\u202e", "x" * 50_000]
BAD: list[tuple[str, str, dict[str, Any], dict[str, list[Any]]]] = [
    (
        "POST",
        USERS,
        {"email": "new@example.com"},
        {
            "email": [*TEXTS, "", "a", "a@", "a@b@c", "a@b c", "a\r\nb@example.com", "аda@example.com"],
            "name": TEXTS,
            "locale": [*TEXTS, "../de", "de_DE"],
            "password": [*TEXTS[1:6], "", "short", "x" * 100_000],
            "admin": [None, 1, "true", []],
            "workspace_id": [0, -1, 65_536, 10**40, "1", 1.5, True, []],
            "role": [None, 5, "", "owner", "ADMIN", ["admin"]],
            "id": [7],
            "created_at": ["2026-01-01T00:00:00Z"],
            "disabled_at": [None],
        },
    ),
    (
        "PATCH",
        f"{USERS}/KEPT",
        {},
        {
            "email": [*TEXTS, "", "a@"],
            "name": TEXTS,
            "locale": TEXTS,
            "admin": [None, 1, "true"],
            "enabled": [None, 0, "no"],
            "password": ["x"],
            "password_hash": ["x"],
            "role": ["admin"],
        },
    ),
    ("POST", WORKSPACES, {"name": "New"}, {"name": [*TEXTS, "", "  "], "id": [5], "created_at": [None]}),
    ("PATCH", f"{WORKSPACES}/1", {"name": "New"}, {"name": [*TEXTS, "", "  "], "deleted_at": ["2026-01-01T00:00:00Z"]}),
    (
        "POST",
        f"{WORKSPACES}/1/members",
        {"user_id": 5, "role": "viewer"},
        {"user_id": [None, 0, -1, 2**53, 10**40, "5", 1.5, True], "role": [None, "", "owner", 5], "email": ["a@b.c"]},
    ),
    (
        "PATCH",
        f"{WORKSPACES}/1/members/KEPT",
        {"role": "admin"},
        {"role": [None, "", "owner", 5, ["admin"]], "user_id": [5]},
    ),
    (
        "POST",
        f"{WORKSPACES}/1/invitations",
        {"email": "new@example.com", "role": "viewer"},
        {"email": [*TEXTS, "", "a@b@c"], "role": [None, "", "owner"], "expires_at": ["2099-01-01T00:00:00Z"]},
    ),
    (
        "POST",
        ACCEPT,
        {"token": "x" * 43, "password": PASSWORD},
        {"token": [None, 5, [], "x" * 50_000], "name": TEXTS, "locale": TEXTS, "password": [5, [], "x" * 50_000]},
    ),
]
FIELDS = [
    (method, path, body, name, value)
    for method, path, body, values in BAD
    for name, options in values.items()
    for value in options
]


@pytest.fixture(scope="module")
def kept(shared: Served) -> Iterator[int]:
    """Make the one user that is there before and after."""
    user = made(shared.client.post(USERS, json={"email": "kept@example.com", "workspace_id": 1}))
    yield user["id"]
    assert [one["email"] for one in shared.client.get(USERS).json()["items"]] == ["kept@example.com"]
    assert shared.client.get(f"{USERS}/{user['id']}").json() == user
    assert shared.client.get(f"{WORKSPACES}?all=true").json()["items"][0]["name"] == "Default"
    assert len(shared.client.get(f"{WORKSPACES}?all=true").json()["items"]) == 1
    assert [one["role"] for one in shared.client.get(f"{WORKSPACES}/1/members").json()["items"]] == ["viewer"]
    assert shared.client.get(f"{WORKSPACES}/1/invitations").json()["items"] == []


@pytest.mark.parametrize(("method", "path", "body", "name", "value"), FIELDS, ids=lambda value: repr(value)[:30])
def test_a_bad_field_is_named_and_nothing_happens(
    shared: Served, kept: int, method: str, path: str, body: dict[str, Any], name: str, value: Any
) -> None:

    content = json.dumps({**body, name: value})
    client = shared.stranger if path == ACCEPT else shared.client
    answer = client.request(method, path.replace("KEPT", str(kept)), content=content)
    assert answer.status_code == 422, answer.text[:300]
    assert answer.json()["field"].split(".")[0] == name
    assert len(answer.content) < 2000


@pytest.mark.parametrize(("method", "path"), sorted({(method, path) for method, path, _, _ in BAD}))
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 50_000, b'"x"', b"{}" + b" " * 2**21])
def test_a_body_that_is_none_is_refused(shared: Served, kept: int, method: str, path: str, body: bytes) -> None:
    client = shared.stranger if path == ACCEPT else shared.client
    answer = client.request(method, path.replace("KEPT", str(kept)), content=body)
    assert answer.status_code in (400, 413, 422), answer.text[:300]


@pytest.mark.parametrize("wrong", ["0", "-1", "x", "1.5", "9" * 400, "%00", "٣", str(2**53)])
def test_ids_that_are_none_are_refused(shared: Served, kept: int, wrong: str) -> None:
    for method, path in (
        ("GET", f"{USERS}/{wrong}"),
        ("DELETE", f"{USERS}/{wrong}"),
        ("GET", f"{WORKSPACES}/{wrong}"),
        ("DELETE", f"{WORKSPACES}/{wrong}"),
        ("GET", f"{WORKSPACES}/{wrong}/members"),
        ("DELETE", f"{WORKSPACES}/1/members/{wrong}"),
        ("DELETE", f"{WORKSPACES}/1/invitations/{wrong}"),
    ):
        assert shared.client.request(method, path).status_code in (404, 422), path


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "cursor=x", "cursor=0", "cursor=%00", "cursor=-1", "x=1"])
def test_pages_that_make_no_sense_are_refused(shared: Served, kept: int, query: str) -> None:
    for path in (USERS, WORKSPACES + "?all=true", f"{WORKSPACES}/1/members", f"{WORKSPACES}/1/invitations"):
        answer = shared.client.get(path + ("&" if "?" in path else "?") + query)
        assert answer.status_code == 422, path


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "\0" * 43, "é" * 43, "/" * 43])
def test_no_other_text_is_a_token(shared: Served, kept: int, token: str) -> None:
    refused(shared.stranger.post(ACCEPT, json={"token": token, "password": PASSWORD}), 404, "invitation_not_found")
