"""The form of a link sets everything that a link can do, builds campaign parameters, and designs its QR code."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import pytest
import segno
from playwright.sync_api import Locator, Page, expect
from tests.e2e.site import Site, photograph, wait_for
from tests.faults.processes import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

WANTED: dict[str, object] = {
    "target": "https://example.com/sale?size=9"
    "&utm_source=news+letter&utm_medium=mail&utm_campaign=spring&utm_content=top#shoes",
    "slug": "spring",
    "title": "Spring sale",
    "tags": ["red", "sale"],
    "folder": "Shop",
    "notes": "Until the shelves are empty.",
    "valid_from": "2026-03-01T00:00:00Z",  # Tokyo is nine hours ahead
    "expires_at": "2099-03-31T15:00:00Z",
    "max_clicks": 500,
    "fallback_target": "https://example.com/over",
    "status": 307,
    "forward_query": True,
    "crawlable": True,
    "cache_s": 60,
    "referrer_policy": "no-referrer",
}
UTM = {"Source": "news letter", "Medium": "mail", "Campaign": "spring", "Term": "x", "Content": "top"}
DARK, LIGHT, LOGO = "#0b3d91", "#fff4d6", "#00aa55"
PIXELS = """async png => {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), {width: image.width, height: image.height});
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const {data} = context.getImageData(0, 0, image.width, image.height);
  const hex = at => "#" + [0, 1, 2].map(one => data[at + one].toString(16).padStart(2, "0")).join("");
  return Array.from({length: image.height}, (_, y) =>
    Array.from({length: image.width}, (_, x) => hex(4 * (y * image.width + x))));
}"""
"""Of a picture, row by row."""


def stored(site: Site, slug: str) -> dict[str, Any]:
    link: dict[str, Any] = site.served.api.get(f"/api/v1/links/{slug}").json()
    return link


def unfold(dialog: Locator, *parts: str) -> None:
    for part in parts:
        dialog.get_by_role("button", name=part, exact=True).click()


def test_everything_that_a_link_can_do_is_set_in_the_form(site: Site) -> None:
    page = site.open(timezone_id="Asia/Tokyo")
    site.set_up(page)
    page.goto(f"{site.url}/app/links")
    page.get_by_role("button", name="New link").first.click()
    dialog = page.get_by_role("dialog", name="New link")
    unfold(dialog, "Tags, folder, notes", "Schedule and limits", "Redirect", "Campaign (UTM)")
    source = dialog.get_by_label("Source")
    expect(source).to_be_disabled()  # there is no target yet that it could be added to
    dialog.get_by_role("textbox", name="Target", exact=True).fill("https://example.com/sale?size=9#shoes")
    for name, value in UTM.items():
        dialog.get_by_label(name, exact=True).fill(value)
    dialog.get_by_label("Term", exact=True).fill("")
    expect(dialog.get_by_role("textbox", name="Target", exact=True)).to_have_value(str(WANTED["target"]))
    dialog.get_by_label("Slug").fill("spring")
    dialog.get_by_label("Title").fill("Spring sale")
    tags = dialog.get_by_role("combobox", name="Tags")
    tags.press_sequentially("red,sale")
    tags.press("Enter")
    dialog.get_by_role("combobox", name="Folder").fill("Shop")
    dialog.get_by_role("textbox", name="Notes").fill("Until the shelves are empty.")
    dialog.get_by_label("Valid from").fill("2026-03-01T09:00")
    dialog.get_by_label("Expires").fill("2099-04-01T00:00")
    dialog.get_by_label("Click limit").fill("500")
    dialog.get_by_label("Fallback target").fill("https://example.com/over")
    dialog.get_by_role("combobox", name="Status code").click()
    page.get_by_role("option", name=re.compile("^307")).click()
    dialog.get_by_role("switch", name="Pass the query string on").check()
    dialog.get_by_role("switch", name="Let search engines index it").check()
    dialog.get_by_label("Cache in browsers, in seconds").fill("60")
    dialog.get_by_role("combobox", name="Referrer policy").click()
    page.get_by_role("option", name="no-referrer", exact=True).click()
    photograph(page, "link-form-full")
    dialog.get_by_role("button", name="Create").click()
    expect(dialog).to_be_hidden()
    wait_until(lambda: "target" in stored(site, "spring"), within_s=10, what="the link is there")
    link = stored(site, "spring")
    assert {name: link[name] for name in link if name in WANTED} == WANTED

    page.get_by_role("button", name=re.compile("^Edit .*spring$")).click()  # it shows what it was given
    dialog = page.get_by_role("dialog", name="Edit spring")
    expect(dialog.get_by_label("Valid from")).to_have_value("2026-03-01T09:00")
    expect(dialog.get_by_label("Click limit")).to_have_value("500")
    unfold(dialog, "Campaign (UTM)")
    expect(dialog.get_by_label("Source")).to_have_value("news letter")
    assert site.complaints == []


def test_a_qr_code_is_drawn_in_colours_with_a_logo_and_leads_to_the_link(site: Site) -> None:
    page = site.open(accept_downloads=True)
    site.set_up(page)
    site.served.make_link("ab")
    page.goto(f"{site.url}/app/links")
    page.get_by_role("button", name=re.compile("^Edit .*ab$")).click()
    dialog = page.get_by_role("dialog", name="Edit ab")
    unfold(dialog, "QR code")
    picture = dialog.get_by_role("img", name=re.compile("QR code of"))
    expect(picture).to_be_visible()
    dialog.get_by_label("Code", exact=True).fill("#eeeeee")
    expect(dialog.get_by_text("Scanners may fail")).to_be_visible()
    dialog.get_by_label("Code", exact=True).fill(DARK)
    dialog.get_by_label("Background", exact=True).fill(LIGHT)
    expect(dialog.get_by_text("Scanners may fail")).to_have_count(0)
    size = dialog.get_by_role("slider", name=re.compile("Size"))
    size.press("End")
    expect(dialog.get_by_text("Size: 2048 px")).to_be_visible()
    size.press("Home")
    for _ in range(3):
        size.press("ArrowRight")
    expect(dialog.get_by_text("Size: 320 px")).to_be_visible()
    square = f"<rect width='9' height='9' fill='{LOGO}'/>"
    drawn = f"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'>{square}</svg>"
    choose = dialog.locator("input[type=file]")
    choose.set_input_files({"name": "big.png", "mimeType": "image/png", "buffer": b"x" * 600_000})
    expect(dialog.get_by_text("The logo is larger than 512 KB.")).to_be_visible()
    choose.set_input_files({"name": "logo.svg", "mimeType": "image/svg+xml", "buffer": drawn.encode()})
    expect(dialog.get_by_role("button", name="Remove the logo")).to_be_visible()
    shown = "decodeURIComponent(document.querySelector('img[alt^=\"QR code\"]').src)"
    for part in (f'stroke="{DARK}"', f'fill="{LIGHT}"', 'width="320', "<image "):
        wait_for(page, f"{shown}.includes({part!r})", f"the picture has {part}")
    photograph(page, "qr-designed")
    svg = downloaded(page, dialog, "SVG").read_text()
    assert svg.startswith("<svg")
    assert "data:image/svg+xml;base64," in svg
    pixels = page.evaluate(PIXELS, base64.b64encode(downloaded(page, dialog, "PNG").read_bytes()).decode())
    assert (len(pixels), len(pixels[0])) == (320, 320)
    code = segno.make_qr(f"{site.url}/ab", error="h", boost_error=False)
    width = code.symbol_size(border=4)[0]
    hidden = range(round(width * 0.37), round(width * 0.63) + 1)
    """Modules of a row, and rows, that the logo and its edge may cover."""
    for row, modules in enumerate(code.matrix_iter(border=4)):
        for column, module in enumerate(modules):
            if row in hidden and column in hidden:
                continue
            seen = pixels[int((row + 0.5) * 320 / width)][int((column + 0.5) * 320 / width)]
            assert seen == (DARK if module else LIGHT), f"module {row}, {column}"
    assert pixels[160][160] == LOGO
    assert site.complaints == []


def downloaded(page: Page, dialog: Locator, form: str) -> Path:
    with page.expect_download() as download:
        dialog.get_by_role("button", name=f"Download {form}").click()
    assert download.value.suggested_filename == f"qr-ab.{form.lower()}"
    return Path(download.value.path())
