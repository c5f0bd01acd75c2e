"""The frame around all public pages: one small HTML file each, without scripts, in the installation's colours."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from html import escape

from shortly.branding.branding import Branding
from shortly.branding.colour import readable, text_on
from shortly.redirect.languages import Texts

LIGHT, DARK = "#fafafa", "#15171c"
"""What pages are shown on."""
LOGO_PATH = "/api/v1/branding/logo"
STYLE = (
    "*{{box-sizing:border-box}}"
    ":root{{color-scheme:light dark;--fg:#1f2430;--soft:#4a5060;--bg:{light};--card:#fff;--line:#8a90a0;"
    "--accent:{on_light};--warn:#8a3b00;--warnbg:#fff3e2}}"
    "@media(prefers-color-scheme:dark){{:root{{--fg:#eceef3;--soft:#b3b9c6;--bg:{dark};--card:#1d2027;--line:#7d8494;"
    "--accent:{on_dark};--warn:#ffc078;--warnbg:#33240f}}}}"
    "body{{font:1.05rem/1.6 system-ui,sans-serif;margin:0;min-height:100vh;display:flex;flex-direction:column;"
    "color:var(--fg);background:var(--bg);overflow-wrap:anywhere;border-top:4px solid {accent}}}"
    "header,main,footer{{width:100%;max-width:38rem;margin:0 auto;padding:1rem 1.25rem}}"
    "header{{font-weight:700}}header img{{height:2rem;max-width:12rem;object-fit:contain;display:block}}"
    "header a{{color:inherit;text-decoration:none}}"
    "main{{flex:1;padding-top:9vh}}h1{{font-size:1.6rem;line-height:1.3;margin:0 0 .5rem}}p{{margin:0 0 1rem}}"
    ".soft,footer{{color:var(--soft)}}a{{color:var(--accent)}}"
    ".target{{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.75rem 1rem}}"
    ".target b{{display:block}}"
    ".warn{{background:var(--warnbg);color:var(--warn);border-radius:.5rem;padding:.6rem 1rem}}"
    ".go{{display:inline-block;font:inherit;font-weight:600;border:0;border-radius:.5rem;padding:.6rem 1.4rem;"
    "background:{accent};color:{on_accent};text-decoration:none;cursor:pointer}}"
    "label{{display:block;margin:0 0 1rem;font-weight:600}}"
    "input,select,textarea{{display:block;width:100%;font:inherit;margin-top:.25rem;padding:.5rem .7rem;"
    "color:var(--fg);background:var(--card);border:1px solid var(--line);border-radius:.5rem}}"
    "textarea{{min-height:7rem}}:focus-visible{{outline:3px solid var(--accent);outline-offset:2px}}"
    "h2{{font-size:1.15rem;margin:1.75rem 0 .25rem}}table{{width:100%;border-collapse:collapse;margin-bottom:1rem}}"
    "tr>*{{text-align:start;font-weight:400;padding:.3rem 0;border-bottom:1px solid var(--card)}}"
    "thead *{{color:var(--soft)}}td{{text-align:end;font-variant-numeric:tabular-nums;white-space:nowrap}}"
    "figure{{margin:1rem 0}}svg{{display:block;width:100%;height:10rem;fill:var(--accent);"
    "border-bottom:1px solid var(--line)}}"
    "figcaption{{display:flex;justify-content:space-between;color:var(--soft);font-size:.9rem}}"
    ".sums{{display:flex;gap:2.5rem;margin:1rem 0}}.sums dt{{color:var(--soft)}}"
    ".sums dd{{margin:0;font-size:1.8rem;font-weight:700}}summary{{cursor:pointer;padding:.25rem 0}}"
    ".tabs a{{display:inline-block;padding:.25rem .5rem;margin-inline-end:.5rem}}"
    ".tabs a[aria-current]{{font-weight:700;text-decoration:none;border-bottom:2px solid var(--accent)}}"
    "footer a{{margin-right:1.25rem;display:inline-block;padding:.25rem 0}}"
)


class Look:
    """How public pages of one branding look.

    Args:
        branding: The installation's.
    """

    def __init__(self, branding: Branding) -> None:
        accent = branding.accent
        self._branding = branding
        self._style = STYLE.format(
            light=LIGHT,
            dark=DARK,
            accent=accent,
            on_accent=text_on(accent),
            on_light=readable(accent, LIGHT),
            on_dark=readable(accent, "#1d2027"),
        )
        fingerprint = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        self.policy = (
            f"default-src 'none'; style-src 'sha256-{fingerprint}'; img-src 'self'; base-uri 'none'; "
            "form-action 'none'; frame-ancestors 'none'"
        )
        self.form_policy = self.policy.replace("form-action 'none'", "form-action 'self'")
        name = escape(branding.name)
        mark = f'<img src="{LOGO_PATH}?v={branding.version}" alt="{name}">' if branding.logo else name
        self._header = f'<a href="{escape(branding.home_url)}">{mark}</a>' if branding.home_url else mark

    def html(self, language: str, texts: Texts, title: str, body: Iterable[str]) -> bytes:
        """Return a whole page.

        Args:
            language: What ``texts`` are written in.
            texts: For the footer.
            title: Plain text, for the heading and the window.
            body: HTML that follows the heading; whoever made it has escaped what is not theirs.
        """
        branding = self._branding
        links = [(branding.imprint_url, texts.imprint), (branding.privacy_url, texts.privacy)]
        footer = "".join(f'<a href="{escape(url)}">{escape(text)}</a>' for url, text in links if url)
        return "".join(
            (
                f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">',
                '<meta name="viewport" content="width=device-width,initial-scale=1">',
                f'<title>{escape(title)} · {escape(branding.name)}</title><link rel="icon" href="/favicon.ico">',
                f"<style>{self._style}</style></head><body><header>{self._header}</header>",
                f"<main><h1>{escape(title)}</h1>",
                *body,
                "</main>",
                f"<footer>{footer}</footer>" if footer else "",
                "</body></html>",
            )
        ).encode()
