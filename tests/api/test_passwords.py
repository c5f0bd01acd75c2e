"""Changing a password, and getting a new one when it was forgotten, by mail or from an admin's hand."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from tests.accounts.mail_servers import Letterbox, mail_server
from tests.api.served import PASSWORD, Served
from tests.api.test_sign_in import ADA, AUTH, add_user, code, edit_user

NEW = "a fox sleeps by day"


@contextmanager
def mail_settings(letterbox: Letterbox, **options: Any) -> Iterator[dict[str, Any]]:
    """Run a mail server; yield the settings that lead to it."""
    with mail_server(letterbox, **options) as port:
        sender = "Shortly <links@s.example>"
        yield {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_tls": "none", "mail_from": sender}


@pytest.fixture
def mailed(serve: Callable[..., Served]) -> Iterator[tuple[Served, Letterbox]]:
    """Run an API that can send mail."""
    letterbox = Letterbox()
    with mail_settings(letterbox) as settings:
        yield serve(**settings), letterbox


def forget(served: Served, email: str) -> Any:
    """Ask for a link, and wait until whatever follows has been done."""
    answer = served.browser().post(f"{AUTH}/password/forgot", json={"email": email})
    served.run(served.services.entrance.errands.finish)
    return answer


def token_in(text: str) -> str:
    found = re.search(r"#token=([\w-]{43})\s", text + "\n")
    assert found, text
    return found[1]


def reset(served: Served, token: str, password: str = NEW) -> Any:
    return served.browser().post(f"{AUTH}/password/reset", json={"token": token, "password": password})


# --- changing ------------------------------------------------------------------------------------------------


def test_a_changed_password_ends_all_other_sessions(served: Served) -> None:
    browser, other = served.set_up(), served.sign_in()
    changed = browser.post(f"{AUTH}/password", json={"password": PASSWORD, "new_password": NEW})
    assert changed.status_code == 204
    assert browser.get(f"{AUTH}/me").status_code == 200
    assert other.get(f"{AUTH}/me").status_code == 401
    old = served.browser().post(f"{AUTH}/sign-in", json={"email": ADA, "password": PASSWORD})
    assert code(old) == (401, "sign_in_refused")
    served.sign_in(password=NEW)


def test_it_takes_the_present_password_and_a_good_new_one(served: Served) -> None:
    browser = served.set_up()
    wrong = browser.post(f"{AUTH}/password", json={"password": NEW, "new_password": NEW})
    assert code(wrong) == (422, "wrong_password")
    weak = browser.post(f"{AUTH}/password", json={"password": PASSWORD, "new_password": "password123"})
    assert code(weak) == (422, "weak_password")
    own = browser.post(f"{AUTH}/password", json={"password": PASSWORD, "new_password": ADA})
    assert code(own) == (422, "weak_password")
    served.sign_in()


# --- by mail -------------------------------------------------------------------------------------------------


def test_a_mailed_link_sets_a_new_password_once_and_ends_all_sessions(mailed: tuple[Served, Letterbox]) -> None:
    served, letterbox = mailed
    browser = served.set_up()
    assert served.stranger.get(f"{AUTH}/methods").json()["password_by_mail"]
    assert forget(served, "ADA@example.com").status_code == 202
    [mail] = letterbox.mails
    assert (mail["To"], mail["From"]) == (ADA, "Shortly <links@s.example>")
    token = token_in(letterbox.texts()[0])
    assert "http://localhost:8000/app/reset-password#token=" in letterbox.texts()[0]
    assert code(reset(served, token, "password123")) == (422, "weak_password")
    assert reset(served, token).status_code == 204
    assert code(reset(served, token)) == (410, "ticket_refused")
    assert browser.get(f"{AUTH}/me").status_code == 401
    served.sign_in(password=NEW)


def test_nobody_learns_from_outside_who_has_an_account(mailed: tuple[Served, Letterbox]) -> None:
    served, letterbox = mailed
    served.set_up()
    add_user(served, "gone@example.com", disabled_at=datetime.now(UTC))
    add_user(served, "sso@example.com", password_hash=None)
    known = forget(served, ADA)
    for email in ("nobody@example.com", "gone@example.com", "sso@example.com", "", "\r\nBcc: x", "x" * 500):
        unknown = forget(served, email)
        assert (unknown.status_code, unknown.content) == (known.status_code, known.content)
    assert [mail["To"] for mail in letterbox.mails] == [ADA]


def test_whoever_asks_often_causes_one_mail(mailed: tuple[Served, Letterbox]) -> None:
    served, letterbox = mailed
    served.set_up()
    for _ in range(5):
        assert forget(served, ADA).status_code == 202
    assert len(letterbox.mails) == 1
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=3)):
        forget(served, ADA)
    assert len(letterbox.mails) == 2


def test_one_link_that_was_used_takes_all_others_with_it(mailed: tuple[Served, Letterbox]) -> None:
    served, letterbox = mailed
    served.set_up()
    forget(served, ADA)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=3)):
        forget(served, ADA)
        first, second = map(token_in, letterbox.texts())
        assert reset(served, second).status_code == 204
        assert code(reset(served, first)) == (410, "ticket_refused")


def test_a_mailed_link_ends_after_an_hour(mailed: tuple[Served, Letterbox]) -> None:
    served, letterbox = mailed
    served.set_up()
    forget(served, ADA)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=61)):
        assert code(reset(served, token_in(letterbox.texts()[0]))) == (410, "ticket_refused")


def test_a_link_of_one_kind_opens_no_other_door(served: Served) -> None:
    token = served.run(served.services.entrance.setup.issue)
    assert code(reset(served, token)) == (410, "ticket_refused")


def test_the_same_link_used_twice_at_once_sets_one_password(served: Served) -> None:
    served.set_up()
    user = add_user(served, "eve@example.com")
    entrance = served.services.entrance
    link = served.run(entrance.sign_in.reset_link, user.id)

    async def rush() -> list[Any]:
        tries = [entrance.sign_in.reset(token_in(link), f"{NEW} {number}") for number in range(5)]
        return await asyncio.gather(*tries, return_exceptions=True)

    answers = served.run(rush)
    assert sorted(type(answer).__name__ for answer in answers) == ["TicketRefused"] * 4 + ["User"]


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_a_mail_server_that_refuses_changes_nothing_for_who_asks(serve: Callable[..., Served]) -> None:
    letterbox = Letterbox()
    with mail_settings(letterbox, auth_required=True, auth_require_tls=False) as settings:
        served = serve(**settings)
        served.set_up()
        assert forget(served, ADA).status_code == 202
        assert letterbox.mails == []


# --- from an admin's hand ------------------------------------------------------------------------------------


def test_an_admin_hands_over_a_link_where_there_is_no_mail(served: Served) -> None:
    ada = served.set_up()
    eve = add_user(served, "eve@example.com", role="admin", password_hash=None)
    assert not served.stranger.get(f"{AUTH}/methods").json()["password_by_mail"]
    made = ada.post(f"/api/v1/users/{eve.id}/reset-link")
    assert made.status_code == 201
    assert reset(served, token_in(made.json()["url"])).status_code == 204
    browser = served.sign_in("eve@example.com", NEW)
    mine = browser.get(f"{AUTH}/me").json()["user"]["id"]
    assert code(browser.post(f"/api/v1/users/{mine}/reset-link")) == (403, "forbidden")
    assert code(ada.post("/api/v1/users/12345/reset-link")) == (404, "user_not_found")


def test_a_link_that_is_asked_for_again_is_another_and_none_is_kept(served: Served) -> None:
    ada = served.set_up()
    eve = add_user(served, "eve@example.com")
    asked = [ada.post(f"/api/v1/users/{eve.id}/reset-link", headers={"Idempotency-Key": "k1"}) for _ in range(2)]
    assert [answer.status_code for answer in asked] == [201, 201]
    assert asked[0].json()["url"] != asked[1].json()["url"]
    mine = ada.get(f"{AUTH}/me").json()
    claim = f"{mine['actor']}@{mine['workspace_id']}:k1"
    assert served.keeps_nothing_of(claim)


def test_a_link_of_a_disabled_user_is_worth_nothing(served: Served) -> None:
    ada = served.set_up()
    eve = add_user(served, "eve@example.com")
    url = ada.post(f"/api/v1/users/{eve.id}/reset-link").json()["url"]
    edit_user(served, "eve@example.com", disabled_at=datetime.now(UTC))
    assert code(reset(served, token_in(url))) == (410, "ticket_refused")


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "\ud800" * 43, "A" * 86])
def test_a_guessed_token_resets_nothing(served: Served, token: str) -> None:
    body = f'{{"token": "{token.encode("unicode_escape").decode()}", "password": "{NEW}"}}'
    answer = served.browser().post(f"{AUTH}/password/reset", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (410, 422)
