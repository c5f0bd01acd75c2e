"""Sessions on the service as it runs: ended on one worker, they have ended on all, and on every replica."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from urllib.parse import quote

import httpx2
import pyotp
import pytest
from aiosmtpd.smtp import AuthResult
from tests.accounts.mail_servers import Letterbox, mail_server
from tests.faults.conftest import MakeServed
from tests.faults.conftest import make_served as make_served
from tests.faults.processes import wait_until
from tests.faults.served import Served, free_port
from tests.store.redis_servers import PASSWORD as PASSWORD_OF_REDIS
from tests.store.redis_servers import RedisServer, single_server

pytestmark = pytest.mark.faults

AUTH = "/api/v1/auth"
EMAIL, PASSWORD = "ada@example.com", "canary-owl eats at night"
LIMITS = dict.fromkeys(("LIMIT_SIGN_IN", "LIMIT_ACCOUNT", "LIMIT_STRANGERS"), "off")
ADMIN = {"ADMIN_EMAIL": EMAIL, "ADMIN_PASSWORD": PASSWORD, **LIMITS}
OWN_PAGE = {"X-CSRF": "1", "Sec-Fetch-Site": "same-origin"}
BLOCKLIST = "https://lists.invalid/hosts?token=canary-in-the-list-s-address"
ASKED = 40
"""Connections of their own, so that each worker gets some."""


def sign_in(served: Served, **given: str) -> httpx2.Client:
    """Return a browser in which somebody has just signed in; each request takes a new connection."""
    browser = httpx2.Client(
        base_url=str(served.api.base_url),
        headers=OWN_PAGE,
        trust_env=False,
        timeout=10,
        limits=httpx2.Limits(max_keepalive_connections=0),
    )
    answer = browser.post(f"{AUTH}/sign-in", json={"email": EMAIL, "password": PASSWORD, **given})
    assert answer.status_code == 200, answer.text
    return browser


def copied(browser: httpx2.Client) -> dict[str, str]:
    """Return what a thief has."""
    return {"Cookie": f"shortly_session={browser.cookies['shortly_session']}"}


def statuses(served: Served, cookie: dict[str, str]) -> set[int]:
    """Return what all workers say to a session."""
    with httpx2.Client(
        base_url=str(served.api.base_url), trust_env=False, limits=httpx2.Limits(max_keepalive_connections=0)
    ) as thief:
        return {thief.get(f"{AUTH}/me", headers=cookie).status_code for _ in range(ASKED)}


@pytest.fixture
def store() -> Iterator[RedisServer]:
    """Run a Redis of the test's own."""
    with single_server() as server:
        yield server


def test_a_stolen_cookie_is_worth_nothing_on_any_worker_after_sign_out(make_served: MakeServed) -> None:
    served = make_served(workers=2, settings=ADMIN)
    served.start()
    browser = sign_in(served)
    stolen = copied(browser)
    assert statuses(served, stolen) == {200}
    assert browser.post(f"{AUTH}/sign-out").status_code == 204
    assert statuses(served, stolen) == {401}


def test_nor_on_another_replica(store: RedisServer, make_served: MakeServed) -> None:
    shared = {**ADMIN, "STORE_URL": store.url, "JWT_SECRET": "s" * 48}
    first, second = (make_served(workers=2, settings=shared) for _ in range(2))
    first.start()
    second.start()
    browser = sign_in(first)
    stolen = copied(browser)
    assert statuses(first, stolen) == statuses(second, stolen) == {200}
    assert browser.post(f"{AUTH}/sign-out").status_code == 204
    ended = time.monotonic()
    assert second.api.get(f"{AUTH}/me", headers={**stolen, "Authorization": ""}).status_code == 401
    assert time.monotonic() - ended < 1
    assert statuses(first, stolen) == statuses(second, stolen) == {401}
    watched = sign_in(second)
    with watched.stream("GET", "/api/v1/live") as live:
        lines = live.iter_lines()
        assert next(line for line in lines if line.startswith("event:")) == "event: hour"
        assert sign_in(first).delete(f"{AUTH}/sessions").json()["ended"] >= 1
        ended = time.monotonic()
        assert [line for line in lines if line.startswith("event:")] == []
        assert time.monotonic() - ended < 6  # it looks every two seconds, and checks before it tells anything
    other, third = sign_in(second), sign_in(first)
    assert third.delete(f"{AUTH}/sessions").json()["ended"] >= 1
    assert statuses(second, copied(other)) == {401}


def test_a_revoked_key_is_worth_nothing_on_another_replica(store: RedisServer, make_served: MakeServed) -> None:
    shared = {**ADMIN, "STORE_URL": store.url, "JWT_SECRET": "s" * 48}
    first, second = (make_served(workers=2, settings=shared) for _ in range(2))
    first.start()
    second.start()
    browser = sign_in(first)
    made, turned = (
        browser.post("/api/v1/keys", json={"name": name, "scopes": ["links:read"]}).json() for name in ("a", "b")
    )

    def answers(key: str) -> set[int]:
        """Return what all workers of the other replica say to a key."""
        bearer = {"Authorization": f"Bearer {key}"}
        return {second.api.get("/api/v1/links", headers=bearer).status_code for _ in range(ASKED)}

    assert answers(made["key"]) == answers(turned["key"]) == {200}
    assert browser.delete(f"/api/v1/keys/{made['id']}").status_code == 204
    ended = time.monotonic()
    assert second.api.get("/api/v1/links", headers={"Authorization": f"Bearer {made['key']}"}).status_code == 401
    assert time.monotonic() - ended < 1
    assert browser.post(f"/api/v1/keys/{turned['id']}/rotate").status_code == 200
    assert answers(made["key"]) == answers(turned["key"]) == {401}


def test_no_secret_is_in_any_log_line(store: RedisServer, make_served: MakeServed) -> None:
    letterbox = Letterbox()
    with mail_server(letterbox, authenticator=lambda *_: AuthResult(success=True), auth_require_tls=False) as port:
        mail = {
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(port),
            "SMTP_TLS": "none",
            "SMTP_USERNAME": "shortly",
            "SMTP_PASSWORD": "canary-of-the-mail-server",
            "MAIL_FROM": "l@s.example",
        }
        provider = {
            "OIDC_ISSUER": f"http://127.0.0.1:{free_port()}",  # nobody is there, which is logged
            "OIDC_CLIENT_ID": "shortly",
            "OIDC_CLIENT_SECRET": "canary-of-the-identity-provider",
        }
        given = {"STORE_URL": store.url, "LOG_LEVEL": "debug", "LIMIT_RECOVERY": "off", "BLOCKLIST_URLS": BLOCKLIST}
        served = make_served(workers=2, settings={**ADMIN, **mail, **provider, **given})
        served.start()
        browser = sign_in(served)
        secrets = [PASSWORD, browser.cookies["shortly_session"], browser.cookies["shortly_device"], served.key]
        bad = browser.post(f"{AUTH}/sign-in", json={"email": "canary@example.com", "password": "canary-wrong-one"})
        assert bad.status_code == 401
        browser.post(f"{AUTH}/sign-in", content=b'{"email": "canary@example.com", "password": "canary-cut-off')
        started = browser.post(f"{AUTH}/totp", json={"password": PASSWORD}).json()
        app = pyotp.TOTP(started["secret"])
        code = app.now()
        confirmed = browser.post(f"{AUTH}/totp/confirm", json={"code": code})
        assert confirmed.status_code == 200, confirmed.text
        recovery = confirmed.json()["recovery_codes"]
        other = sign_in(served, code=recovery[0])
        secrets += [started["secret"], started["uri"], code, *recovery, other.cookies["shortly_session"]]
        made = served.api.post("/api/v1/keys", json={"name": "canary", "scopes": ["links:read"]})
        secrets.append(made.json()["key"])
        served.api.get(f"/api/v1/links?password=canary-in-the-query&api_key={served.key}")
        assert browser.get(f"{AUTH}/oidc/start", follow_redirects=False).status_code == 303
        invited = {"email": "eve@example.com", "role": "viewer"}
        assert browser.post("/api/v1/workspaces/1/invitations", json=invited).status_code == 201
        wait_until(lambda: len(letterbox.mails) == 1, within_s=10, what="an invitation arrives")
        invitation = re.search(r"/app/invitation#([\w-]{43})", letterbox.texts()[0])
        assert invitation
        joined = browser.post(
            "/api/v1/invitations/accept",
            json={"token": invitation[1], "password": "canary-hen is up at six"},
            headers={"Cookie": ""},
        )
        secrets += [invitation[1], "canary-hen is up at six"]
        handed = browser.post(f"/api/v1/users/{joined.json()['user_id']}/reset-link")
        assert handed.status_code == 201, handed.text
        secrets.append(handed.json()["url"].rpartition("=")[2])
        assert browser.post(f"{AUTH}/password/forgot", json={"email": EMAIL}).status_code == 202
        wait_until(lambda: len(letterbox.mails) == 2, within_s=10, what="a mail arrives")
        found = re.search(r"#token=([\w-]{43})", letterbox.texts()[1])
        assert found
        new = "canary-fox sleeps by day"
        reset = browser.post(f"{AUTH}/password/reset", json={"token": found[1], "password": new})
        assert reset.status_code == 204
        secrets += [found[1], new, "canary-wrong-one", "canary-cut-off", "canary-in-the-query"]
        challenge = browser.post(f"{AUTH}/passkeys/sign-in/start").json()["publicKey"]["challenge"]
        secrets.append(challenge)
        secrets += [mail["SMTP_PASSWORD"], provider["OIDC_CLIENT_SECRET"], PASSWORD_OF_REDIS]
        secrets += [quote(PASSWORD_OF_REDIS, safe=""), "canary-in-the-list-s-address"]
        secrets.append((served.data_dir / "jwt_secret").read_text().strip())
        assert served.stop() == 0
    log = served.log.read_text(errors="replace")
    assert "/api/v1/auth/sign-in" in log
    assert '"level": "debug"' in log
    assert [secret for secret in secrets if secret in log] == []
    assert [part for part in log.splitlines() if "canary" in part] == []


def test_the_link_of_a_first_start_makes_the_first_admin(make_served: MakeServed) -> None:
    served = make_served(workers=2)
    served.start()
    found = re.search(r"^Set Shortly up .*/app/setup#token=([\w-]{43})$", served.log.read_text(), re.MULTILINE)
    assert found
    given = {"token": found[1], "email": EMAIL, "password": PASSWORD}
    assert httpx2.post(f"{served.api.base_url}{AUTH}/setup", json=given, trust_env=False).status_code == 201
    assert httpx2.post(f"{served.api.base_url}{AUTH}/setup", json=given, trust_env=False).status_code == 410
    sign_in(served)
