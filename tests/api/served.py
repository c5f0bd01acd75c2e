"""The whole API over a real store, in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from copy import copy
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any

from fastapi import FastAPI
from httpx2 import Cookies, Headers
from starlette.testclient import TestClient

from shortly.accounts.access import OPERATOR, Caller
from shortly.accounts.keys import KeyService
from shortly.accounts.passwords import Passwords
from shortly.accounts.store import Claimed
from shortly.api.app import create_api
from shortly.api.services import JournalStatus, Services
from shortly.backup.known import KnownBackups
from shortly.blocklists import BlocklistKeeper
from shortly.branding.branding import BrandingService
from shortly.clicks.store import Batch
from shortly.clicks.visit import Visit
from shortly.counters import Counters, read_counters
from shortly.redirect.pages import Pages, Shown
from shortly.redirect.visitor import Addresses
from shortly.settings import Settings
from shortly.stats.live import LiveService
from shortly.stats.service import StatsService
from shortly.store import Store, open_store
from shortly.wiring import audit_log, entrance, link_checks, link_service, rate_limits, served_domains, teams, vouchers

PASSWORD = "an owl eats at night"
NO_UI = Path("/nowhere")
"""Tests do not depend on whether the web app was built."""
OWN_PAGE = {"X-CSRF": "1", "Sec-Fetch-Site": "same-origin"}
"""What browsers send from our own pages."""


class Served:
    """A running API: ``client`` sends a valid key with each request, ``stranger`` none."""

    def __init__(self, settings: Settings, ui: Path = NO_UI) -> None:
        self.settings = settings
        self.journal = JournalStatus(refusing=False, dropped=0)
        self.store: Store
        self.services: Services
        self.shown = Shown(Pages())
        self.app = create_api(settings, self._lifespan, ui)
        self._folded = 0

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[dict[str, object]]:
        store: Store = open_store(self.settings)
        BlocklistKeeper(self.settings).refresh()
        async with store:
            door = entrance(self.settings, store, passwords=Passwords(time_cost=1, memory_cost=8, parallelism=1))
            audit = audit_log(self.settings, door.registry)
            keys = KeyService(door.registry, audit)
            key, self.key = await keys.create(OPERATOR, token_hex(8), installation=True)
            self.actor = f"key:{key.id}"
            domains = served_domains(self.settings, door.registry)
            checks = link_checks(self.settings, store, door.registry)
            links = link_service(self.settings, store, domains, checks=checks)
            services_for_people = teams(self.settings, door.registry, links, audit, door.passwords, door.mail)
            people, workspaces, invitations, domain_service = services_for_people
            oidc, trusted_header = vouchers(self.settings, door, services_for_people, audit)
            with Counters(self.settings.counters_dir) as counters:
                self.store = store
                self.services = Services(
                    settings=self.settings,
                    store=store,
                    links=links,
                    checks=checks,
                    stats=StatsService(store, visit_days=self.settings.visit_retention_days),
                    live=LiveService(store, every_s=0.05),
                    keys=keys,
                    audit=audit,
                    branding=BrandingService(door.registry, audit),
                    shown=self.shown,
                    people=people,
                    workspaces=workspaces,
                    invitations=invitations,
                    domains=domain_service,
                    oidc=oidc,
                    trusted_header=trusted_header,
                    limits=rate_limits(self.settings, str, counters),
                    entrance=door,
                    addresses=Addresses(self.settings.trusted_networks),
                    counters=counters,
                    read_counters=lambda: read_counters(self.settings.counters_dir),
                    backups_known=KnownBackups(self.settings, door.registry, every_s=0).look,
                    journal_status=lambda: self.journal,
                    started_at=datetime.now(UTC),
                )
                yield {"services": self.services}
            await door.close()

    @contextmanager
    def open(self, peer: str = "testclient") -> Iterator[Served]:
        """Run the API; ``peer`` is the address that requests come from."""
        url = self.settings.base_url
        with TestClient(self.app, url, raise_server_exceptions=False, client=(peer, 50_000)) as self.stranger:
            self.client = copy(self.stranger)
            self.client.headers = {"Authorization": f"Bearer {self.key}"}
            yield self

    def run(self, function: Any, *arguments: Any) -> Any:
        """Call an async function on the API's event loop."""
        assert self.stranger.portal
        return self.stranger.portal.call(function, *arguments)

    def set_up(self, email: str = "ada@example.com", password: str = PASSWORD) -> TestClient:
        """Make the first person, and return a browser in which they are signed in."""
        browser = self.browser()
        token = self.run(self.services.entrance.setup.issue)
        answer = browser.post("/api/v1/auth/setup", json={"token": token, "email": email, "password": password})
        assert answer.status_code == 201, answer.text
        return browser

    def browser(self) -> TestClient:
        """Return a client with cookies of its own that sends what browsers send from our own pages."""
        browser = copy(self.stranger)
        browser.headers = Headers({**self.stranger.headers, **OWN_PAGE})
        browser.cookies = Cookies()
        return browser

    def sign_in(self, email: str = "ada@example.com", password: str = PASSWORD, **given: Any) -> TestClient:
        """Return a browser in which somebody has just signed in."""
        browser = self.browser()
        answer = browser.post("/api/v1/auth/sign-in", json={"email": email, "password": password, **given})
        assert answer.status_code == 200, answer.text
        return browser

    def new_key(self, name: str, by: Caller = OPERATOR, **fields: Any) -> str:
        """Return a second API key."""
        key: str = self.run(partial(self.services.keys.create, by, name, **fields))[1]
        return key

    def add(self, slug: str, target: str = "https://example.com/", **fields: Any) -> dict[str, Any]:
        """Make a link through the front door."""
        answer = self.client.post("/api/v1/links", json={"target": target, "slug": slug, **fields})
        assert answer.status_code == 201, answer.text
        link: dict[str, Any] = answer.json()
        return link

    def click(self, slug: str, visits: Sequence[dict[str, Any]]) -> None:
        """Count visits of a link, as the drain does."""
        link = self.run(self.services.links.get, slug)
        now_ms = int(datetime.now(UTC).timestamp() * 1000)
        start = self._folded
        placed = []
        for visit in visits:
            self._folded += 10
            placed.append((self._folded, Visit(link_id=link.id, **{"at_ms": now_ms, **visit})))
        self.run(self.services.store.fold, [Batch(segment="test", start=start, end=self._folded, visits=placed)])

    def keeps_nothing_of(self, claim: str) -> bool:
        """Say whether nobody has carried a request out under an idempotency key; from now on somebody has."""
        claimed = self.run(self.services.store.claim, claim, b"", self.services.clock())
        return isinstance(claimed, Claimed) and not claimed.again

    def slugs(self, **query: Any) -> list[str]:
        """Return the slugs of a list's first page."""
        answer = self.client.get("/api/v1/links", params=query)
        assert answer.status_code == 200, answer.text
        return [link["slug"] for link in answer.json()["items"]]


def settings_in(folder: Path, **values: Any) -> Settings:
    """Return settings with their data in a folder, without limits for those who ask often."""
    limits = dict.fromkeys(("limit_sign_in", "limit_account", "limit_strangers", "limit_recovery"), "off")
    return Settings(data_dir=folder, **{**limits, **values})
