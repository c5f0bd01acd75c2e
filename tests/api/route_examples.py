"""For each address of the API a request that makes sense, to something in a workspace of one's choice."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from functools import partial
from itertools import count
from typing import Any, NamedTuple

from msgspec import structs
from starlette.testclient import TestClient
from tests.api.served import PASSWORD, Served

from shortly.accounts.access import OPERATOR
from shortly.accounts.keys import SCOPES
from shortly.accounts.passkeys import Passkey
from shortly.accounts.people import Role, of_user
from shortly.accounts.registry import EPOCH
from shortly.accounts.sessions import From
from shortly.accounts.views import View
from shortly.api.reports import service_of
from shortly.api.share import service_of as sharing_of
from shortly.branding.branding import Logo

TARGET = "https://example.com/"
INSIDE = "http://10.1.2.3/"
"""Nobody is asked there."""
ROLES: tuple[Role, ...] = ("viewer", "editor", "admin")
STRANGER = "stranger"
INSTALLATION_ADMIN = "installation admin"
INSTALLATION_KEY = "`admin` + installation"


class Ask(NamedTuple):
    """A request."""

    path: str = ""
    """Nothing: the address as it is."""
    json: Any = None
    also: int = 200
    """A refusal that still means that the caller was let in."""
    once: bool = False
    """It ends the caller's session."""


class World:
    """An installation with callers of all kinds, all of them in the workspace ``ours``."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self._numbers = count(1)
        everything = served.services
        self.links, self.people = everything.links, everything.people
        self.workspaces, self.invitations = everything.workspaces, everything.invitations
        self.domains = everything.domains
        served.set_up()
        self.ours, self.theirs = self.workspace(), self.workspace()
        self.emails = {INSTALLATION_ADMIN: "ada@example.com"}
        for role in ROLES:
            self.emails[role] = f"{role}@example.com"
            self.run(self.people.add, OPERATOR, self.emails[role], password=PASSWORD, workspace_id=self.ours, role=role)
        self.ids = {caller: self.run(self.people.find, email).id for caller, email in self.emails.items()}
        operator = structs.replace(OPERATOR, workspace_id=self.ours)
        self.callers: dict[str, TestClient] = {STRANGER: served.browser()}
        self.callers |= {caller: self.signed_in(caller) for caller in (*ROLES, INSTALLATION_ADMIN)}
        for scope in SCOPES:
            self.callers[f"`{scope}`"] = self.with_key(served.new_key(scope, operator, scopes=[scope]))
        self.callers[INSTALLATION_KEY] = self.with_key(served.new_key("all", operator, installation=True))

    def run(self, function: Any, *arguments: Any, **named: Any) -> Any:
        """Call an async function of a service."""
        return self.served.run(partial(function, *arguments, **named))

    def signed_in(self, caller: str) -> TestClient:
        """Return a browser with a new session."""
        browser = self.served.sign_in(self.emails[caller])
        browser.headers["X-Workspace"] = str(self.ours)
        return browser

    def with_key(self, key: str) -> TestClient:
        """Return a client that sends a key."""
        client = self.served.browser()
        client.headers["X-Api-Key"] = key
        return client

    def name(self) -> str:
        """Return a name that nothing has yet."""
        return f"n{next(self._numbers)}"

    def workspace(self) -> int:
        """Make a workspace."""
        number: int = self.run(self.workspaces.create, OPERATOR, self.name()).id
        return number

    def link(self, workspace_id: int, target: str = TARGET) -> str:
        """Make a link."""
        slug = self.name()
        self.run(self.links.create, {"target": target, "slug": slug}, workspace=workspace_id)
        return slug

    def deleted_link(self, workspace_id: int) -> str:
        """Make a link and delete it."""
        slug = self.link(workspace_id)
        self.run(self.links.delete, slug)
        return slug

    def shared_link(self, workspace_id: int) -> str:
        """Make a link whose statistics are shared."""
        slug = self.link(workspace_id)
        caller = structs.replace(OPERATOR, workspace_id=workspace_id)
        self.run(sharing_of(self.served.services).share, caller, slug, None, None)
        return slug

    def user(self, workspace_id: int | None = None) -> int:
        """Make a user, who is a viewer of the workspace if one is named."""
        email = f"{self.name()}@example.com"
        number: int = self.run(self.people.add, OPERATOR, email, workspace_id=workspace_id).id
        return number

    def key(self, workspace_id: int, caller: str) -> int:
        """Make a key of the caller's own."""
        by = structs.replace(OPERATOR, workspace_id=workspace_id, user_id=self.ids.get(caller))
        number: int = self.run(self.served.services.keys.create, by, self.name(), scopes=["links:read"])[0].id
        return number

    def invitation(self, workspace_id: int) -> tuple[int, str]:
        """Invite somebody new; return the invitation's id and its token."""
        made = self.run(self.invitations.invite, OPERATOR, workspace_id, f"{self.name()}@example.com", "viewer")
        return made.invitation.id, made.link.partition("#")[2]

    def report(self, workspace_id: int) -> int:
        """Report a link; return the report's id."""
        reports = service_of(self.served.services)
        number: int = self.run(reports.report, self.link(workspace_id), None, reason="spam", details="", contact="").id
        return number

    def session(self, caller: str, workspace_id: int) -> int:
        """Begin a session of the caller's, or of somebody else's where it is not about ours; return its id."""
        user_id = self.ids.get(caller) if workspace_id == self.ours else None
        user = self.run(self.people.get, user_id or self.user())
        sessions = self.served.services.entrance.sessions
        number: int = self.run(sessions.sign_in, user, "password", second_factor=False, facts=From()).session.id
        return number

    def passkey(self, caller: str, workspace_id: int) -> int:
        """Make a passkey of the caller's, or of somebody else's where it is not about ours; return its id."""
        user_id = (self.ids.get(caller) if workspace_id == self.ours else None) or self.user()
        credential = b64encode(self.name().encode()).decode()
        key = Passkey(user_id=user_id, name="x", credential=credential, public_key="", created_at=EPOCH)
        number: int = self.run(self.served.services.entrance.registry.add, key).id
        return number

    def view(self, caller: str, workspace_id: int) -> int:
        """Save a view of the caller's, or of somebody else's where it is not about ours; return its id."""
        user_id = (self.ids.get(caller) if workspace_id == self.ours else None) or self.user()
        view = View(user_id=user_id, workspace_id=workspace_id, name=self.name())
        number: int = self.run(self.served.services.entrance.registry.add, view).id
        return number

    def proof(self, caller: str) -> dict[str, str]:
        """Return what somebody sends who may change how they come in; they have no second factor afterwards."""
        registry = self.served.services.entrance.registry
        for key in self.run(registry.all, Passkey, of_user(self.ids.get(caller, 0))):
            self.run(registry.remove, key)
        return {"password": PASSWORD}

    def reset_token(self) -> str:
        """Return the right to set somebody's password."""
        url: str = self.run(self.served.services.entrance.sign_in.reset_link, self.user())
        return url.partition("#token=")[2]

    def with_logo(self) -> Ask:
        """Give the installation a logo, and ask for the address as it is."""
        logo = Logo("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>")
        self.run(self.served.services.branding.change, OPERATOR, {"logo": logo})
        return Ask()

    def domain(self, workspace_id: int) -> str:
        """Make a domain of a workspace."""
        host = f"{self.name()}.example"
        self.run(self.domains.add, OPERATOR, host, workspace_id)
        return host

    def doomed(self, caller: str, workspace_id: int) -> int:
        """Return a workspace that the caller may delete without harm to the others."""
        return self.workspace() if caller in (INSTALLATION_ADMIN, INSTALLATION_KEY) else workspace_id


Example = Callable[[World, int, str], Ask]
"""Makes what a request is about, in a workspace, for a caller."""

LINK = "/api/v1/links"
BULK = "/api/v1/bulk/links"
KEYS = "/api/v1/keys"
USERS = "/api/v1/users"
SPACES = "/api/v1/workspaces"
AUTH = "/api/v1/auth"


def plain(_: World, __: int, ___: str) -> Ask:
    """Ask for the address as it is."""
    return Ask()


EXAMPLES: Mapping[str, Example] = {
    f"GET {LINK}": plain,
    f"POST {LINK}": lambda w, at, who: Ask(json={"target": TARGET, "slug": w.name()}),
    f"GET {LINK}/{{slug}}": lambda w, at, who: Ask(f"{LINK}/{w.link(at)}"),
    f"PATCH {LINK}/{{slug}}": lambda w, at, who: Ask(f"{LINK}/{w.link(at)}", {"title": "new"}),
    f"DELETE {LINK}/{{slug}}": lambda w, at, who: Ask(f"{LINK}/{w.link(at)}"),
    f"POST {BULK}": lambda w, at, who: Ask(json={"links": [{"target": TARGET}]}),
    f"PATCH {BULK}": lambda w, at, who: Ask(json={"edits": [{"slug": w.link(at), "changes": {"title": "new"}}]}),
    f"POST {BULK}/delete": lambda w, at, who: Ask(json={"links": [{"slug": w.link(at)}]}),
    f"POST {BULK}/restore": lambda w, at, who: Ask(json={"links": [{"slug": w.deleted_link(at)}]}),
    f"GET {LINK}/{{slug}}/qr": lambda w, at, who: Ask(f"{LINK}/{w.link(at)}/qr"),
    "GET /{slug}/qr": lambda w, at, who: Ask(f"/{w.link(at)}/qr"),
    "HEAD /{slug}/qr": lambda w, at, who: Ask(f"/{w.link(at)}/qr"),
    "GET /api/v1/views": plain,
    "POST /api/v1/views": lambda w, at, who: Ask(json={"name": w.name(), "query": "state=active"}),
    "PATCH /api/v1/views/{view_id}": lambda w, at, who: Ask(f"/api/v1/views/{w.view(who, at)}", {"name": w.name()}),
    "DELETE /api/v1/views/{view_id}": lambda w, at, who: Ask(f"/api/v1/views/{w.view(who, at)}"),
    "GET /api/v1/attention": plain,
    "GET /api/v1/attention/broken": plain,
    "GET /api/v1/checks/{slug}": lambda w, at, who: Ask(f"/api/v1/checks/{w.link(at)}"),
    "POST /api/v1/checks/{slug}": lambda w, at, who: Ask(f"/api/v1/checks/{w.link(at, INSIDE)}"),
    "GET /api/v1/tags": plain,
    "GET /api/v1/folders": plain,
    "GET /api/v1/slugs/{slug}": lambda w, at, who: Ask(f"/api/v1/slugs/{w.name()}"),
    "GET /api/v1/live": lambda w, at, who: Ask(f"/api/v1/live?follow=false&slug={w.link(at)}"),
    "GET /api/v1/stats": plain,
    "GET /api/v1/stats/export": plain,
    "GET /api/v1/stats/top": plain,
    "GET /api/v1/stats/visits": plain,
    f"GET {LINK}/{{slug}}/stats": lambda w, at, who: Ask(f"{LINK}/{w.link(at)}/stats"),
    f"GET {LINK}/{{slug}}/visits": lambda w, at, who: Ask(f"{LINK}/{w.link(at)}/visits"),
    f"GET {LINK}/{{slug}}/share": lambda w, at, who: Ask(f"{LINK}/{w.shared_link(at)}/share"),
    f"PUT {LINK}/{{slug}}/share": lambda w, at, who: Ask(f"{LINK}/{w.link(at)}/share", {}),
    f"DELETE {LINK}/{{slug}}/share": lambda w, at, who: Ask(f"{LINK}/{w.shared_link(at)}/share"),
    f"GET {LINK}/{{slug}}/export": lambda w, at, who: Ask(f"{LINK}/{w.link(at)}/export"),
    f"GET {KEYS}": plain,
    f"POST {KEYS}": lambda w, at, who: Ask(json={"name": w.name(), "scopes": ["links:read"]}),
    f"PATCH {KEYS}/{{key_id}}": lambda w, at, who: Ask(f"{KEYS}/{w.key(at, who)}", {"name": w.name()}),
    f"POST {KEYS}/{{key_id}}/rotate": lambda w, at, who: Ask(f"{KEYS}/{w.key(at, who)}/rotate", {}),
    f"DELETE {KEYS}/{{key_id}}": lambda w, at, who: Ask(f"{KEYS}/{w.key(at, who)}"),
    "PUT /api/v1/links/{slug}/ban": lambda w, at, who: Ask(f"/api/v1/links/{w.link(at)}/ban", {"reason": "spam"}),
    "DELETE /api/v1/links/{slug}/ban": lambda w, at, who: Ask(f"/api/v1/links/{w.link(at)}/ban"),
    "POST /api/v1/reports": lambda w, at, who: Ask(json={"slug": w.link(at), "reason": "spam"}),
    "GET /api/v1/reports": plain,
    "PATCH /api/v1/reports/{report_id}": lambda w, at, who: Ask(
        f"/api/v1/reports/{w.report(at)}", {"state": "dismissed"}
    ),
    "GET /api/v1/audit": plain,
    "GET /api/v1/audit/export": plain,
    f"GET {USERS}": plain,
    f"POST {USERS}": lambda w, at, who: Ask(json={"email": f"{w.name()}@example.com"}),
    f"GET {USERS}/{{user_id}}": lambda w, at, who: Ask(f"{USERS}/{w.user()}"),
    f"PATCH {USERS}/{{user_id}}": lambda w, at, who: Ask(f"{USERS}/{w.user()}", {"name": "new"}),
    f"DELETE {USERS}/{{user_id}}": lambda w, at, who: Ask(f"{USERS}/{w.user()}"),
    f"POST {USERS}/{{user_id}}/reset-link": lambda w, at, who: Ask(f"{USERS}/{w.user()}/reset-link"),
    f"DELETE {USERS}/{{user_id}}/sessions": lambda w, at, who: Ask(f"{USERS}/{w.user()}/sessions"),
    f"POST {USERS}/{{user_id}}/second-factor/remove": lambda w, at, who: Ask(
        f"{USERS}/{w.user()}/second-factor/remove"
    ),
    f"GET {SPACES}": plain,
    f"POST {SPACES}": lambda w, at, who: Ask(json={"name": w.name()}),
    f"GET {SPACES}/{{workspace_id}}": lambda w, at, who: Ask(f"{SPACES}/{at}"),
    f"PATCH {SPACES}/{{workspace_id}}": lambda w, at, who: Ask(f"{SPACES}/{at}", {"name": w.name()}),
    f"DELETE {SPACES}/{{workspace_id}}": lambda w, at, who: Ask(f"{SPACES}/{w.doomed(who, at)}"),
    f"GET {SPACES}/{{workspace_id}}/members": lambda w, at, who: Ask(f"{SPACES}/{at}/members"),
    f"POST {SPACES}/{{workspace_id}}/members": lambda w, at, who: Ask(
        f"{SPACES}/{at}/members", {"user_id": w.user(), "role": "viewer"}
    ),
    f"PATCH {SPACES}/{{workspace_id}}/members/{{user_id}}": lambda w, at, who: Ask(
        f"{SPACES}/{at}/members/{w.user(at)}", {"role": "editor"}
    ),
    f"DELETE {SPACES}/{{workspace_id}}/members/{{user_id}}": lambda w, at, who: Ask(
        f"{SPACES}/{at}/members/{w.user(at)}"
    ),
    f"GET {SPACES}/{{workspace_id}}/invitations": lambda w, at, who: Ask(f"{SPACES}/{at}/invitations"),
    f"POST {SPACES}/{{workspace_id}}/invitations": lambda w, at, who: Ask(
        f"{SPACES}/{at}/invitations", {"email": f"{w.name()}@example.com", "role": "viewer"}
    ),
    f"DELETE {SPACES}/{{workspace_id}}/invitations/{{invitation_id}}": lambda w, at, who: Ask(
        f"{SPACES}/{at}/invitations/{w.invitation(at)[0]}"
    ),
    "GET /api/v1/domains": plain,
    "POST /api/v1/domains": lambda w, at, who: Ask(json={"host": f"{w.name()}.example", "workspace_id": at}),
    "PATCH /api/v1/domains/{host}": lambda w, at, who: Ask(f"/api/v1/domains/{w.domain(at)}", {"workspace_id": None}),
    "DELETE /api/v1/domains/{host}": lambda w, at, who: Ask(f"/api/v1/domains/{w.domain(at)}"),
    "POST /api/v1/invitations/accept": lambda w, at, who: Ask(
        json={"token": w.invitation(at)[1], "password": PASSWORD}, also=409 if who in w.emails else 200
    ),
    f"GET {AUTH}/methods": plain,
    f"GET {AUTH}/setup": plain,
    f"GET {AUTH}/oidc/start": lambda w, at, who: Ask(also=303),
    f"GET {AUTH}/oidc/callback": lambda w, at, who: Ask(also=303),
    f"POST {AUTH}/setup": lambda w, at, who: Ask(
        json={"token": "x" * 43, "email": "eve@example.com", "password": PASSWORD}, also=410
    ),
    f"POST {AUTH}/sign-in": lambda w, at, who: Ask(
        json={"email": "viewer@example.com", "password": PASSWORD}, once=True
    ),
    f"POST {AUTH}/password/forgot": lambda w, at, who: Ask(json={"email": "nobody@example.com"}),
    f"POST {AUTH}/password/reset": lambda w, at, who: Ask(json={"token": w.reset_token(), "password": PASSWORD}),
    f"GET {AUTH}/me": plain,
    f"PATCH {AUTH}/me": lambda w, at, who: Ask(json={"name": "new"}),
    f"POST {AUTH}/sign-out": lambda w, at, who: Ask(once=True),
    f"GET {AUTH}/sessions": plain,
    f"DELETE {AUTH}/sessions": plain,
    f"DELETE {AUTH}/sessions/{{session_id}}": lambda w, at, who: Ask(f"{AUTH}/sessions/{w.session(who, at)}"),
    f"POST {AUTH}/password": lambda w, at, who: Ask(
        json={"password": "not the right one", "new_password": "another owl eats"}, also=422
    ),
    f"GET {AUTH}/totp": plain,
    f"POST {AUTH}/totp": lambda w, at, who: Ask(json=w.proof(who)),
    f"POST {AUTH}/totp/confirm": lambda w, at, who: Ask(json={}, also=422),
    f"POST {AUTH}/totp/recovery-codes": lambda w, at, who: Ask(json=w.proof(who), also=409),
    f"POST {AUTH}/totp/disable": lambda w, at, who: Ask(json=w.proof(who), also=409),
    f"POST {AUTH}/passkeys/sign-in/start": plain,
    f"POST {AUTH}/passkeys/sign-in": lambda w, at, who: Ask(json={}, also=422),
    f"POST {AUTH}/passkeys/start": lambda w, at, who: Ask(json=w.proof(who)),
    f"POST {AUTH}/passkeys": lambda w, at, who: Ask(json={}, also=422),
    f"GET {AUTH}/passkeys": plain,
    f"PATCH {AUTH}/passkeys/{{passkey_id}}": lambda w, at, who: Ask(
        f"{AUTH}/passkeys/{w.passkey(who, at)}", {"name": "new"}
    ),
    f"POST {AUTH}/passkeys/{{passkey_id}}/remove": lambda w, at, who: Ask(
        f"{AUTH}/passkeys/1/remove", {**w.proof(who), "password": "not the right one"}, also=422
    ),
    "GET /api/v1/branding": plain,
    "GET /api/v1/branding/logo": lambda w, at, who: w.with_logo(),
    "PATCH /api/v1/branding": lambda w, at, who: Ask(json={"name": w.name()}),
    "POST /api/v1/imports": lambda w, at, who: Ask(json={"rows": [{"target": TARGET}], "dry_run": True}),
    "GET /api/v1/exports/links": plain,
    "GET /api/v1/system": plain,
    "GET /api/v1/system/settings": plain,
    "GET /metrics": plain,
    "GET /health": plain,
    "GET /health/live": plain,
    "GET /health/ready": plain,
}
"""Method and address -> how to make a request."""
