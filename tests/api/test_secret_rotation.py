"""A secret is changed while two replicas run, one restarted after the other; nobody is signed out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from joserfc import jws
from tests.api.served import Served, settings_in

from shortly.accounts.rotation import retire, rotate
from shortly.accounts.secret import Secret

OLD, NEW = "o" * 48, "n" * 48
Replica = Callable[..., AbstractContextManager[Served]]
COOKIE = "shortly_session"


@pytest.fixture
def replica(tmp_path: Path) -> Replica:
    """Run a replica on the common data, with some value of JWT_SECRET."""

    @contextmanager
    def run(secret: str | None = None) -> Iterator[Served]:
        values = {} if secret is None else {"jwt_secret": secret}
        with Served(settings_in(tmp_path, **values)).open() as served:
            yield served

    return run


def signed_with(token: str, value: str) -> bool:
    """Say whether a token names a value's key as the one it was signed with."""
    key_id: str = jws.extract_compact(token.encode()).headers()["kid"]
    return key_id == Secret((value,)).keys("session")[0].id


def status(served: Served, token: str) -> int:
    """Return what a replica says to a session."""
    return served.stranger.get("/api/v1/auth/me", headers={"Cookie": f"{COOKIE}={token}"}).status_code


def sign_in(served: Served) -> str:
    return served.sign_in().cookies[COOKIE]


def test_sessions_outlive_a_change_that_rolls_over_two_replicas(replica: Replica) -> None:
    sessions: list[str] = []

    def check(first: Served, second: Served, value: tuple[str, str]) -> None:
        """Let somebody sign in on each; both must know all who did so before and now."""
        for served, expected in zip((first, second), value, strict=True):
            sessions.append(sign_in(served))
            assert signed_with(sessions[-1], expected)
        for served in (first, second):
            assert [status(served, token) for token in sessions] == [200] * len(sessions)

    with replica(OLD) as first, replica(OLD) as second:
        first.set_up()
        check(first, second, (OLD, OLD))
    for setting, before, value in (
        (f"{OLD},{NEW}", OLD, (OLD, OLD)),  # 1: all learn the new one
        (f"{NEW},{OLD}", f"{OLD},{NEW}", (NEW, OLD)),  # 2: all sign with it
    ):
        with replica(setting) as first, replica(before) as second:  # one has been restarted, the other has not
            check(first, second, value)
        with replica(setting) as first, replica(setting) as second:
            check(first, second, (value[0], value[0]))
    with replica(NEW) as first, replica(f"{NEW},{OLD}") as second:  # 3: sessions signed with the old one are over
        for token in sessions:
            assert status(first, token) == (200 if signed_with(token, NEW) else 401)
            assert status(second, token) == 200


def test_the_kept_secret_is_rotated_without_signing_anybody_out(replica: Replica, tmp_path: Path) -> None:
    with replica() as served:
        served.set_up()
        before = sign_in(served)
    rotate(tmp_path)
    with replica() as served:
        assert status(served, before) == 200
        after = sign_in(served)
        assert (
            jws.extract_compact(after.encode()).headers()["kid"]
            != jws.extract_compact(before.encode()).headers()["kid"]
        )
        now = served.services.clock()
    retire(tmp_path, now, at_once=True)
    with replica() as served:
        assert (status(served, before), status(served, after)) == (401, 200)


def test_a_value_that_was_never_set_signs_nothing(replica: Replica) -> None:
    with replica(OLD) as served:
        served.set_up()
        token = sign_in(served)
    with replica(NEW) as served:
        assert status(served, token) == 401
