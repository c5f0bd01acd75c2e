"""Every screen: nothing that axe finds wrong in light and dark, and nothing that scrolls sideways on a phone."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.site import Site, photograph, violations

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

INSIDE = {
    "/": "home",
    "/app/links": "links",
    "/app/links/ab": "link",
    "/app/broken": "broken",
    "/app/analytics": "analytics",
    "/app/labels": "labels",
    "/app/domains": "domains",
    "/app/transfer": "transfer",
    "/app/settings": "settings",
    "/app/system": "system",
    "/app/share": "share",
    "/app/team": "team",
    "/app/keys": "keys",
    "/app/reports": "reports",
    "/app/audit": "audit",
    "/app/security": "security",
    "/app/people": "people",
    "/app/second-factor": "second-factor",
    "/app/welcome": "welcome",
    "/app/nowhere": "nowhere",
}
"""Address -> name of its pictures. A new screen goes here."""
OUTSIDE = {
    "/app/sign-in": "sign-in",
    "/app/forgot": "forgot",
    "/app/reset-password": "reset-password",
    "/app/setup": "setup",
    "/app/invitation#token=none": "invitation",
    "/ab+": "preview",
    "/none": "not-found",
    "/off": "gone",
    "/locked": "password",
    "/report?link=http://localhost/ab": "report",
    "/report?sent": "report-sent",
}
TITLES = (
    "Donaudampfschifffahrtsgesellschaftskapitänsmützenverkaufsausstellung im Herbst",
    "春の新作コレクション発表会のご案内と参加申し込みについて（全国の店舗で先着順に受け付けます）",
    "The annual report of the society, with everything that was said at its meeting, and by whom",
    "Sommer",
    "",
)
"""Of links, over and over: long ones that cannot be broken, or anywhere, and short ones."""
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def look_at(site: Site, page: Page, screens: dict[str, str], scheme: str) -> dict[str, list[str]]:
    """Return what is wrong, by screen."""
    wrong: dict[str, list[str]] = {}
    for address, name in screens.items():
        page.set_viewport_size({"width": 1200, "height": 800})
        page.goto(f"{site.url}{address}")
        expect(page.get_by_role("heading", level=1).first).to_be_visible()
        page.wait_for_timeout(400)  # for what comes after the heading
        found = violations(page)
        photograph(page, f"{name}-{scheme}")
        page.set_viewport_size({"width": 360, "height": 740})
        found += [f"{problem} (360 px)" for problem in violations(page)]
        if page.evaluate(SIDEWAYS) > 0:
            found.append(f"scrolls sideways by {page.evaluate(SIDEWAYS)} px at 360 px")
        photograph(page, f"{name}-{scheme}-360")
        if found:
            wrong[address] = found
    return wrong


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_screen_is_accessible_and_fits_a_phone(site: Site, scheme: Literal["light", "dark"]) -> None:
    page = site.open(scheme=scheme, bypass_csp=True)
    site.set_up(page)
    site.served.make_link(
        "ab", target="http://xn--mnchen-3ya.example/" + "long/" * 30, tags=["spring"], title="A title"
    )
    site.served.make_link("off", enabled=False)
    site.served.make_link("locked", password="ten brown owls")
    for nth in range(24):
        title = TITLES[nth % len(TITLES)]
        target = f"https://www.example.com/{'a-long-way/' * (nth % 7)}{nth}"
        site.served.make_link(f"link-{nth:02}", target=target, title=title, tags=["spring", "Ausstellung"][: nth % 3])
    wrong = look_at(site, page, INSIDE, scheme)
    stranger = site.open(scheme=scheme, bypass_csp=True)
    wrong |= look_at(site, stranger, OUTSIDE, scheme)
    assert wrong == {}
