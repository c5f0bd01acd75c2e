"""Broken links: seen at home, in their list and on their page, and gone as soon as the target answers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, expect
from tests.e2e.site import Site, photograph, violations
from tests.outbound.by_number import ByNumber, running

from shortly.accounts.registry import Registry
from shortly.links.checks import BROKEN_AFTER, Finding, LinkChecks
from shortly.settings import load_settings
from shortly.store.opening import open_place

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.fixture
def server() -> Iterator[ByNumber]:
    """Run somebody's server."""
    with running() as server:
        yield server


@pytest.fixture
def site(chromium: Browser, tmp_path: Path, server: ByNumber) -> Iterator[Site]:
    """Run the service, which may ask that server."""
    settings = {"OUTBOUND_ALLOW": "127.0.0.1", "OUTBOUND_PORTS": str(server.server_port)}
    with Site(chromium, tmp_path, settings) as opened:
        yield opened


async def break_(site: Site, *slugs: str) -> None:
    """Let the targets have failed as often as it takes, the first time two days ago."""
    start = datetime.now(UTC) - timedelta(days=2, hours=1)
    async with open_place(site.served.data_dir, load_settings({"data_dir": site.served.data_dir})) as store:
        for hours in range(BROKEN_AFTER):
            registry = Registry(store, lambda hours=hours: start + timedelta(hours=hours))  # type: ignore[misc]
            for slug in slugs:
                link = await store.get_link("", slug)
                assert link is not None
                await LinkChecks(store, registry, nobody).note(link, Finding("bad_status", 404))


async def nobody(_: str) -> Finding:
    """Ask nobody."""
    raise AssertionError


def test_a_broken_link_is_seen_and_mended_by_an_answer(site: Site, server: ByNumber) -> None:
    page = site.open(bypass_csp=True)
    site.set_up(page)
    slugs = ["gone", *(f"gone-{nth}" for nth in range(3))]
    for slug in slugs:
        site.served.make_link(slug, target=server.url("/404"))
    with ThreadPoolExecutor(1) as apart:  # this thread has the event loop of the browser
        apart.submit(asyncio.run, break_(site, *slugs)).result(30)
    page.reload()
    section = page.get_by_role("region", name="Needs attention")
    expect(section).to_contain_text("The target answers 404. First noticed 2 days ago.")
    photograph(page, "home-broken")
    wrong = violations(page)
    section.get_by_role("link", name="All broken links").press("Enter")
    expect(page.get_by_role("heading", name="Broken links", level=1)).to_be_visible()
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        page.reload()  # a colour on its way to another one has no contrast to be measured
        expect(page.get_by_role("listitem").filter(has_text="The target answers 404")).to_have_count(len(slugs))
        wrong += violations(page)
        photograph(page, f"broken-filled-{scheme}")
        page.set_viewport_size({"width": 360, "height": 800})
        photograph(page, f"broken-filled-{scheme}-360")
    page.get_by_role("link", name=re.compile(r"\bgone$")).press("Enter")
    status = page.get_by_role("status").filter(has_text="The target answers")
    expect(status).to_have_text(re.compile(r"^The target answers 404\. Last asked .+\.$"))
    wrong += violations(page)  # dark, as a phone shows it
    photograph(page, "link-broken-dark-360")
    assert wrong == []
    server.is_well = True
    page.get_by_role("button", name="Check now").press("Enter")
    expect(status).to_have_text(re.compile(r"^The target answers\. Last asked"))
    page.set_viewport_size({"width": 1200, "height": 800})
    photograph(page, "link-mended")
    page.goto(f"{site.url}/app/broken")
    expect(page.get_by_role("listitem").filter(has_text="The target answers 404")).to_have_count(len(slugs) - 1)
    assert site.complaints == []
