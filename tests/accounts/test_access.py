"""What roles amount to, and who may give them."""

from datetime import UTC, datetime
from typing import get_args

import pytest

from shortly.accounts.access import EVERYWHERE, OF_ROLE, OF_SCOPE, OPERATOR, RUNNING, Caller, caller_for
from shortly.accounts.people import Member, Role, User
from shortly.errors import Forbidden, Unauthenticated

NOW = datetime(2026, 11, 1, tzinfo=UTC)
ROLES: tuple[Role, ...] = get_args(Role)


def user(**fields: object) -> User:
    return User(**{"id": 7, "email": "ada@example.com", "created_at": NOW, **fields})  # type: ignore[arg-type]


def member(workspace_id: int, role: Role, user_id: int = 7) -> Member:
    return Member(user_id=user_id, workspace_id=workspace_id, role=role, created_at=NOW)


@pytest.mark.parametrize("role", ROLES)
def test_a_member_has_the_permissions_of_their_role(role: Role) -> None:
    caller = caller_for(user(), member(3, role), 3, "203.0.113.0")
    assert caller.permissions == OF_ROLE[role]
    assert (caller.actor, caller.user_id, caller.workspace_id, caller.origin) == ("user:7", 7, 3, "203.0.113.0")


@pytest.mark.parametrize("wrong", [None, member(4, "admin"), member(3, "admin", user_id=8)])
def test_a_membership_of_somebody_else_or_elsewhere_gives_nothing(wrong: Member | None) -> None:
    assert caller_for(user(), wrong, 3, "").permissions == frozenset()


def test_who_looks_after_the_installation_is_an_admin_everywhere() -> None:
    assert caller_for(user(admin=True), None, 9, "").permissions == RUNNING | EVERYWHERE
    assert caller_for(user(admin=True), member(9, "viewer"), 9, "").permissions == RUNNING | EVERYWHERE


def test_a_disabled_user_is_nobody() -> None:
    with pytest.raises(Unauthenticated):
        caller_for(user(admin=True, disabled_at=NOW), member(3, "admin"), 3, "")


def test_each_role_may_do_what_the_one_below_it_may() -> None:
    assert OF_ROLE["viewer"] < OF_ROLE["editor"] < OF_ROLE["admin"]
    assert all(permissions <= RUNNING for scope, permissions in OF_SCOPE.items() if scope != "metrics:read")
    assert OF_SCOPE["metrics:read"] == {"metrics:read"}
    assert not EVERYWHERE & RUNNING


def test_nobody_makes_others_more_than_they_are_themselves() -> None:
    looks_after_people = Caller(actor="key:1", permissions=OF_SCOPE["users:*"])
    looks_after_people.require_giving("viewer", "editor")
    with pytest.raises(Forbidden):
        looks_after_people.require_giving("admin")
    Caller(actor="user:7", permissions=RUNNING).require_giving("admin")
    OPERATOR.require_giving(*ROLES)
