"""One installation and a person's browser in front of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import httpx2
from playwright.sync_api import Browser, BrowserContext, Page, expect
from tests.faults.processes import wait_until
from tests.faults.served import Served

ROOT = Path(__file__).parent.parent.parent
PICTURES = ROOT / ".make" / "reports" / "screenshots"
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
EMAIL = "ada@example.com"
PASSWORD = "an owl eats at night"


class Site:
    """``shortly serve`` with the built app, and contexts of one browser; complaints of the pages are kept."""

    def __init__(self, browser: Browser, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self._browser = browser
        limits = {"LIMIT_SIGN_IN": "off", "LIMIT_ACCOUNT": "off", "LIMIT_STRANGERS": "off"}
        self.served = Served(folder / "site", settings={**limits, **(settings or {})})
        self.url = f"http://localhost:{self.served.port}"
        self.complaints: list[str] = []
        self._contexts: list[BrowserContext] = []

    def __enter__(self) -> Site:
        self.served.start()
        return self

    def __exit__(self, *_: object) -> None:
        for context in self._contexts:
            context.close()
        self.served.close()

    def setup_link(self) -> str:
        """Return the link that the server printed at its start."""
        pattern = re.compile(r"http\S+/app/setup#token=\S+")
        wait_until(
            lambda: bool(pattern.search(self.served.log.read_text())),
            within_s=10,
            what="the link for the set-up is printed",
            details=self.served.tail,
        )
        link: str = pattern.findall(self.served.log.read_text())[0]
        return link

    def open(
        self, *, width: int = 1200, height: int = 800, scheme: Literal["light", "dark"] = "light", **options: Any
    ) -> Page:
        """Return an empty page of a browser that nobody has used yet."""
        context = self._browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            reduced_motion="reduce",
            **{"locale": "en-GB", **options},
        )
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=self.url)
        self._contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console",
            lambda said: self.complaints.append(said.text) if "Content Security Policy" in said.text else None,
        )
        return page

    def set_up(self, page: Page) -> None:
        """Make the first account by the printed link; the home screen follows."""
        page.goto(self.setup_link())
        page.get_by_label("Name").fill("Ada")
        page.get_by_label("E-mail").fill(EMAIL)
        page.get_by_role("textbox", name="Password").fill(PASSWORD)
        page.get_by_role("button", name="Begin").click()
        page.get_by_role("button", name="Skip").click()
        expect(page.get_by_role("heading", name="Shorten a link")).to_be_visible()

    def answers(self, slug: str, status: int) -> None:
        """Wait until visitors of the slug get this status: what the screen shows may be there a moment earlier."""
        asked = f"{self.url}/{slug}"
        wait_until(
            lambda: httpx2.get(asked, follow_redirects=False).status_code == status,
            within_s=10,
            what=f"{asked} answers {status}",
        )

    def shorten(self, page: Page, target: str) -> str:
        """Paste an address, Enter; return the short link that is in the clipboard then."""
        expect(page.get_by_label("Long address")).to_be_focused()  # without a click or a key
        page.evaluate("address => navigator.clipboard.writeText(address)", target)
        page.keyboard.press("Control+v")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Copied", exact=True)).to_be_visible()
        copied: str = page.evaluate("navigator.clipboard.readText()")
        return copied


def wait_for(page: Page, expression: str, what: str) -> None:
    """Return as soon as the script's expression is true in the page.

    ``page.wait_for_function`` asks again by ``eval`` inside the page, which the Content Security Policy refuses.
    """
    wait_until(lambda: bool(page.evaluate(expression)), within_s=15, every_s=0.1, what=what)


def photograph(page: Page, name: str) -> None:
    """Keep a picture of the screen among the reports."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png")


def violations(page: Page, *, but: Sequence[str] = ()) -> list[str]:
    """Return what axe finds wrong with the screen, ``but`` by these rules; its context must have ``bypass_csp``."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE.read_text())
    found: list[dict[str, Any]] = page.evaluate(
        "rules => axe.run({rules: Object.fromEntries(rules.map(rule => [rule, {enabled: false}]))})"
        ".then(result => result.violations)",
        list(but),
    )
    return [f"{each['id']}: " + json.dumps([node["html"][:200] for node in each["nodes"]]) for each in found]
