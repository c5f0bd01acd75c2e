"""Lighthouse on the home screen of somebody who is signed in: `make lighthouse` prints scores, fails below the least.

A real server serves the built app; Debian's Chromium opens it on an emulated computer and an emulated phone. One run
says little on a busy machine, so the middle one of several counts; reports stay in ``.make/reports/lighthouse``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median_low
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # not this folder: the tests' server and browser are used

from playwright.sync_api import sync_playwright  # noqa: E402
from tests.e2e.site import FLAGS, Site  # noqa: E402

VERSION = "13.5.0"
REPORTS = ROOT / ".make" / "reports" / "lighthouse"
PRESETS = {"desktop": ["--preset=desktop"], "mobile": []}
LEAST = {"performance": 95, "accessibility": 95}
MOST = {"layout shift": 0.1, "KiB": 350, "requests": 32}
"""Until the home screen is there, on any machine; fonts and pictures, of which it has none, among them."""
METRICS = ("first-contentful-paint", "largest-contentful-paint", "total-blocking-time", "cumulative-layout-shift")
LINKS = ("offer", "autumn", "guide", "tickets", "survey")
RUN_S = 90
LOADED_S = 15
"""The screen listens to clicks for as long as it is open, so that Lighthouse would wait in vain for its last answer."""
TRIES = 3
"""Of one run; on a busy machine Lighthouse sometimes records nothing, and asks to be started again."""


class NoReport(Exception):
    """Lighthouse recorded nothing, again and again: it could not be fetched, or the machine is too busy for it."""


def main() -> None:
    """Measure, print, and exit with 1 when a score is below the least, or cannot be had at all."""
    parser = argparse.ArgumentParser(prog="make lighthouse", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="of each preset; the middle score counts")
    parser.add_argument("--preset", action="append", choices=PRESETS, help="only this one")
    parser.add_argument(
        "--steady",
        action="store_true",
        help="what a busy machine spoils is printed and not held",
    )
    wanted = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("lighthouse: chromium is not installed; as root on Debian, `make lighthouse` installs it")
    REPORTS.mkdir(parents=True, exist_ok=True)
    try:
        low = measure(chromium, wanted.preset or list(PRESETS), wanted.runs, steady=wanted.steady)
    except NoReport as reason:
        if not wanted.steady:
            sys.exit(str(reason))
        print(f"!!! THE HOME SCREEN WAS NOT LOOKED AT: {reason}")
        low = False
    sys.exit(1 if low else 0)


def measure(chromium: str, presets: list[str], runs: int, *, steady: bool) -> bool:
    """Run Lighthouse against a server of its own; return whether something that is held is not as it has to be."""
    low = False
    with tempfile.TemporaryDirectory(prefix="shortly-lighthouse-") as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        with Site(browser, Path(folder)) as site:
            headers = Path(folder) / "headers.json"
            headers.write_text(json.dumps({"Cookie": signed_in(site)}))
            browser.close()
            for preset in presets:
                options = [*PRESETS[preset], f"--extra-headers={headers}"]
                reports = [run(site.url + "/", chromium, options, REPORTS / f"{preset}-{nth}") for nth in range(runs)]
                low |= below_the_least(preset, reports, held={"accessibility"} if steady else set(LEAST))
                low |= beyond_the_most(preset, reports)
    return low


def signed_in(site: Site) -> str:
    """Make the first account and some links; return the cookies of its browser."""
    page = site.open()
    site.set_up(page)
    for slug in LINKS:
        site.served.make_link(slug, title=f"The {slug}")
    return "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in page.context.cookies())


def run(url: str, chromium: str, options: list[str], file: Path) -> dict[str, Any]:
    """Run Lighthouse once, and again where it recorded nothing; return its report, which stays as JSON and HTML."""
    command = [
        *("scripts/node.sh", "npx", "--yes", f"lighthouse@{VERSION}", url, "--quiet", "--output=json", "--output=html"),
        *(f"--output-path={file}", "--only-categories=performance,accessibility"),
        *(f"--max-wait-for-load={LOADED_S * 1000}", "--chrome-flags=" + " ".join(FLAGS)),
        *options,
    ]
    said = ""
    for _ in range(TRIES):
        try:
            done = subprocess.run(
                command,
                cwd=ROOT,
                env={**os.environ, "CHROME_PATH": chromium},
                capture_output=True,
                text=True,
                timeout=RUN_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            said = f"nothing within {RUN_S} s"
            continue
        if done.returncode == 0:
            report: dict[str, Any] = json.loads(Path(f"{file}.report.json").read_text())
            if report["finalDisplayedUrl"] != url:
                sys.exit(f"lighthouse: looked at {report['finalDisplayedUrl']} instead of {url}")
            return report
        said = done.stderr[-2000:]
    raise NoReport(f"lighthouse: no report in {TRIES} tries: {said}")


def below_the_least(preset: str, reports: list[dict[str, Any]], *, held: set[str]) -> bool:
    """Print the scores of one preset with what the middle run measured; return whether a held one is too low."""
    low = False
    for category, least in LEAST.items():
        scores = [round(report["categories"][category]["score"] * 100) for report in reports]
        score = median_low(scores)
        low |= score < least and category in held
        verdict = "ok" if score >= least else f"BELOW {least}" + ("" if category in held else ", not held here")
        print(f"{preset} {category}: {score} ({', '.join(map(str, sorted(scores)))}), {verdict}")
    middle = sorted(reports, key=lambda report: report["categories"]["performance"]["score"])[(len(reports) - 1) // 2]
    values = ", ".join(
        f"{metric.replace('-', ' ')} {middle['audits'][metric]['displayValue']}".replace("\xa0", " ")
        for metric in METRICS
    )
    print(f"  {values}; speed of this machine by Lighthouse: {middle['environment']['benchmarkIndex']}", flush=True)
    return low


def beyond_the_most(preset: str, reports: list[dict[str, Any]]) -> bool:
    """Print what hardly depends on the machine, by the best run; return whether something of it is too much."""
    audits = [report["audits"] for report in reports]
    found = {
        "layout shift": min(audit["cumulative-layout-shift"]["numericValue"] for audit in audits),
        "KiB": min(audit["total-byte-weight"]["numericValue"] for audit in audits) / 1024,
        "requests": min(len(audit["network-requests"]["details"]["items"]) for audit in audits),
    }
    print(f"{preset}: " + ", ".join(f"{name} {value:.3g} (at most {MOST[name]:g})" for name, value in found.items()))
    return any(value > MOST[name] for name, value in found.items())


if __name__ == "__main__":
    main()
