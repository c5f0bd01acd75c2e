"""No screen jumps while it loads: what comes later has its place from the beginning."""

from __future__ import annotations

import httpx2
import pytest
from playwright.sync_api import expect
from tests.e2e.site import Site, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

MOST = 0.1
"""What Core Web Vitals call good."""
SCREENS = (
    "/",
    "/app/links",
    "/app/links/ab",
    "/app/broken",
    "/app/analytics",
    "/app/labels",
    "/app/domains",
    "/app/transfer",
    "/app/team",
    "/app/keys",
    "/app/audit",
    "/app/settings",
    "/app/system",
    "/app/security",
    "/app/people",
    "/app/reports",
)
OBSERVE = """
window.shifts = [];
new PerformanceObserver(list => {
  for (const shift of list.getEntries()) {
    if (shift.hadRecentInput) continue;
    const moved = shift.sources.map(({node}) => node?.outerHTML?.slice(0, 80) ?? node?.textContent?.slice(0, 40));
    window.shifts.push({value: shift.value, moved});
  }
}).observe({type: "layout-shift", buffered: true});
"""
SUM = "window.shifts.reduce((sum, shift) => sum + shift.value, 0)"


def test_the_observer_sees_what_jumps(site: Site) -> None:
    page = site.open()
    page.add_init_script(OBSERVE)
    page.goto(f"{site.url}/app/sign-in")
    expect(page.get_by_role("heading").first).to_be_visible()
    page.evaluate("document.body.style.marginTop = '300px'")
    wait_for(page, f"{SUM} > {MOST}", "the jump is seen")


@pytest.mark.parametrize("width", [1200, 360])
def test_no_screen_jumps_while_it_loads(site: Site, width: int) -> None:
    page = site.open(width=width)
    site.set_up(page)
    for slug in ("ab", "cd", "ef"):
        site.served.make_link(slug, tags=["spring"], title=f"The {slug}")
    assert httpx2.get(f"{site.url}/ab", follow_redirects=False).status_code == 302
    site.served.counted("ab", at_least=1)
    page.add_init_script(OBSERVE)
    jumps: dict[str, object] = {}
    for address in SCREENS:
        page.goto(f"{site.url}{address}")
        expect(page.get_by_role("heading", level=1).first).to_be_visible()
        page.wait_for_load_state("load")
        page.wait_for_timeout(700)  # for what comes after the heading
        if page.evaluate(SUM) > MOST:
            jumps[address] = page.evaluate("window.shifts")
    assert jumps == {}
