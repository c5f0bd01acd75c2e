"""Saved views."""

import pytest
from tests.api.served import Served
from tests.api.test_sign_in import add_user

from shortly.accounts.people import of_user
from shortly.accounts.views import View

VIEWS = "/api/v1/views"


def test_views_are_kept_for_their_person(served: Served) -> None:
    ada = served.set_up()
    made = ada.post(VIEWS, json={"name": " Spring ", "query": "tag=spring&sort=-clicks"})
    assert made.status_code == 201
    view = made.json()
    assert view == {"id": view["id"], "name": "Spring", "query": "tag=spring&sort=-clicks"}
    assert served.sign_in().get(VIEWS).json() == {"items": [view]}
    assert ada.patch(f"{VIEWS}/{view['id']}", json={"name": "Summer"}).json() == {**view, "name": "Summer"}
    assert ada.delete(f"{VIEWS}/{view['id']}").status_code == 204
    assert ada.get(VIEWS).json() == {"items": []}
    assert ada.delete(f"{VIEWS}/{view['id']}").json()["code"] == "view_not_found"


def test_two_views_have_two_names_and_nobody_has_too_many(served: Served) -> None:
    ada = served.set_up()
    for number in range(50):
        assert ada.post(VIEWS, json={"name": f"view {number}"}).status_code == 201
    assert ada.post(VIEWS, json={"name": "one more"}).json()["code"] == "views_full"
    first = ada.get(VIEWS).json()["items"][0]["id"]
    assert ada.patch(f"{VIEWS}/{first}", json={"name": "VIEW 7"}).json()["code"] == "name_taken"


def test_a_key_has_no_views(served: Served) -> None:
    assert served.client.get(VIEWS).json()["code"] == "session_needed"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "  "},
        {"name": "x" * 65},
        {"name": "a\u0000b"},
        {"name": "a\ud800".encode("utf-16", "surrogatepass").hex(), "query": "x" * 2001},
        {"name": "x", "query": "a\nb"},
        {"name": 7},
        {"name": "x", "other": 1},
    ],
)
def test_a_view_that_makes_no_sense_is_refused(served: Served, body: dict[str, object]) -> None:
    ada = served.set_up()
    assert ada.post(VIEWS, json=body).status_code == 422
    assert ada.get(VIEWS).json() == {"items": []}


def test_views_go_with_their_person(served: Served) -> None:
    ada = served.set_up()
    eve = add_user(served, "eve@example.com", role="viewer")
    browser = served.sign_in("eve@example.com")
    assert browser.post(VIEWS, json={"name": "mine"}).status_code == 201
    registry = served.services.entrance.registry
    assert len(served.run(registry.all, View, of_user(eve.id))) == 1
    assert ada.delete(f"/api/v1/users/{eve.id}").status_code == 204
    assert served.run(registry.all, View, of_user(eve.id)) == []
    assert served.run(registry.all, View) == []
