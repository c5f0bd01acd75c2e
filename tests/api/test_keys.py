"""API keys through the front door."""

import json
from typing import Any

import pytest
from tests.api.served import Served

from shortly.accounts.keys import is_key

KEYS = "/api/v1/keys"
LINKS = "/api/v1/links"


def make(served: Served, name: str = "reporting", **fields: Any) -> Any:
    return served.client.post(KEYS, json={"name": name, "scopes": ["links:read"], **fields})


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def listed(served: Served) -> dict[str, Any]:
    return {key["name"]: key for key in served.client.get(KEYS).json()["items"]}


def test_a_new_key_shows_its_secret_this_once_and_works_at_once(served: Served) -> None:
    answer = make(served, only_tag="shop", expires_at="2100-01-01T00:00:00Z")
    assert answer.status_code == 201
    made = answer.json()
    secret = made.pop("key")
    assert is_key(secret)
    assert made["hint"] == secret[:8]
    assert (made["scopes"], made["only_tag"], made["installation"]) == (["links:read"], "shop", False)
    assert served.stranger.get(LINKS, headers=bearer(secret)).status_code == 200
    refused = served.stranger.post(LINKS, json={"target": "https://example.com"}, headers=bearer(secret))
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    found = listed(served)["reporting"]
    assert found.pop("last_used_at") is not None
    assert found == {name: value for name, value in made.items() if name != "last_used_at"}
    assert secret not in served.client.get(KEYS).text


def test_a_secret_is_not_kept_for_a_client_that_repeats_itself(served: Served) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = served.client.post(KEYS, json={"name": "a", "scopes": ["admin"]}, headers=headers)
    again = served.client.post(KEYS, json={"name": "a", "scopes": ["admin"]}, headers=headers)
    assert (first.status_code, again.status_code, again.json()["code"]) == (201, 409, "key_name_taken")
    claim = f"{served.actor}@1:k1"
    assert served.keeps_nothing_of(claim)


def test_a_revoked_key_is_refused_at_the_next_request(served: Served) -> None:
    made = make(served).json()
    assert served.stranger.get(LINKS, headers=bearer(made["key"])).status_code == 200
    assert served.client.delete(f"{KEYS}/{made['id']}").status_code == 204
    assert served.stranger.get(LINKS, headers=bearer(made["key"])).status_code == 401
    again = served.client.delete(f"{KEYS}/{made['id']}")
    assert (again.status_code, again.json()["code"]) == (404, "key_not_found")
    assert listed(served)["reporting"]["revoked_at"] is not None
    assert make(served).status_code == 201


def test_a_rotated_key_s_old_secret_stops_at_once_or_later(served: Served) -> None:
    made = make(served).json()
    where = f"{KEYS}/{made['id']}/rotate"
    second = served.client.post(where).json()["key"]
    third = served.client.post(where, json={"overlap_s": 3600}).json()["key"]
    codes = [served.stranger.get(LINKS, headers=bearer(key)).status_code for key in (made["key"], second, third)]
    assert codes == [401, 200, 200]
    bodies: list[object] = [{"overlap_s": -1}, {"overlap_s": 86_401}, {"overlap_s": "1"}, {"overlap": 1}, []]
    for bad in bodies:
        assert served.client.post(where, json=bad).status_code == 422


def test_a_key_is_renamed_and_its_end_moved(served: Served) -> None:
    made = make(served, expires_at="2100-01-01T00:00:00Z").json()
    where = f"{KEYS}/{made['id']}"
    edited = served.client.patch(where, json={"name": "other", "expires_at": None})
    assert (edited.status_code, edited.json()["name"], edited.json()["expires_at"]) == (200, "other", None)
    assert served.client.patch(where, json={}).json()["name"] == "other"
    make(served, "taken")
    assert served.client.patch(where, json={"name": "taken"}).status_code == 409
    for bad in ({"scopes": ["admin"]}, {"name": ""}, {"name": None}, {"expires_at": "2000-01-01T00:00:00Z"}):
        assert served.client.patch(where, json=bad).status_code == 422
    assert served.client.patch(f"{KEYS}/1", json={"name": "x"}).status_code == 404


def test_only_an_admin_key_makes_keys_and_none_beyond_itself(served: Served) -> None:
    for scopes in (["links:write"], ["stats:read", "domains:*", "users:*"]):
        headers = bearer(served.new_key("-".join(scopes), scopes=scopes))
        for method, path in (("GET", KEYS), ("POST", KEYS), ("PATCH", f"{KEYS}/1"), ("DELETE", f"{KEYS}/1")):
            answer = served.stranger.request(
                method, path, headers=headers, json={"name": "x", "scopes": ["links:read"]}
            )
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    admin = bearer(served.new_key("admin"))
    more = {"name": "x", "scopes": ["admin"], "installation": True}
    assert served.stranger.post(KEYS, headers=admin, json=more).status_code == 403
    assert served.stranger.post(KEYS, headers=admin, json={**more, "installation": False}).status_code == 201


def test_a_domain_is_one_that_is_served_here(served: Served) -> None:
    assert make(served, "home", only_domain=served.settings.base_host).json()["only_domain"] == (
        served.settings.base_host
    )
    refused = make(served, "elsewhere", only_domain="other.example")
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_domain")


def test_keys_are_listed_page_by_page(served: Served) -> None:
    names = [f"k{number}" for number in range(7)]
    for name in names:
        make(served, name)
    found: list[str] = []
    cursor = None
    while True:
        query = {"limit": 3, **({"cursor": cursor} if cursor else {})}
        page = served.client.get(KEYS, params=query).json()
        found += [key["name"] for key in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found[1:] == names  # the first is the test's own


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "x"},
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["everything"]},
        {"name": "x", "scopes": "admin"},
        {"name": "", "scopes": ["admin"]},
        {"name": "x" * 100_000, "scopes": ["admin"]},
        {"name": "\ud800", "scopes": ["admin"]},
        {"name": "a\0b", "scopes": ["admin"]},
        {"name": "x", "scopes": ["admin"], "only_own": True},
        {"name": "x", "scopes": ["admin"], "only_tag": "\ud800"},
        {"name": "x", "scopes": ["links:read"], "only_tag": "x" * 300},
        {"name": "x", "scopes": ["links:read"], "installation": True},
        {"name": "x", "scopes": ["links:read"], "expires_at": "2000-01-01T00:00:00Z"},
        {"name": "x", "scopes": ["links:read"], "user_id": 1},
        {"name": "x", "scopes": ["links:read"], "workspace_id": 2},
    ],
)
def test_a_bad_key_is_refused(served: Served, body: Any) -> None:
    answer = served.client.post(KEYS, content=json.dumps(body).encode(), headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert len(listed(served)) == 1


@pytest.mark.parametrize("key_id", ["0", "-1", "x", "1e3", str(2**53), "9" * 500, "%00", "'"])
def test_a_bad_id_is_no_key(served: Served, key_id: str) -> None:
    assert served.client.delete(f"{KEYS}/{key_id}").status_code in (404, 422)


@pytest.mark.parametrize("cursor", ["", "x", "-1", "0", "9" * 60, "9" * 5000, "%F0", "1 "])
def test_a_bad_cursor_is_refused(served: Served, cursor: str) -> None:
    for path in (KEYS, "/api/v1/audit"):
        assert served.client.get(f"{path}?cursor={cursor}").status_code == 422
