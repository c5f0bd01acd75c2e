"""The lock of links that have a password: a page without scripts that asks for it, and what becomes of an answer.

Only wrong passwords count against a link, so that any number of people may open it from one office; and whatever
strangers try, a network from which nobody did keeps its first tries.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from http import HTTPStatus
from urllib.parse import quote

from starlette.requests import Request

from shortly.abuse.rates import RateLimits, Standing
from shortly.abuse.rates import network_of as client_of
from shortly.accounts.passes import Passes
from shortly.accounts.passwords import Passwords
from shortly.api.cross_site import check_own_site
from shortly.api.forms import fields_of, origin_of
from shortly.api.limits import headers_of, refusal_headers
from shortly.api.origin import address_of
from shortly.clicks.click import Outcome
from shortly.errors import Busy, CrossSiteRequest, InvalidInput
from shortly.links.link import Redirection
from shortly.links.passwords import MAX_PASSWORD
from shortly.redirect.answer import EMPTY_BODY, NEVER_KEEP, NO_INDEX, with_query
from shortly.redirect.languages import Texts, language_of
from shortly.redirect.pages import Form, Headers, Shown, headers_for
from shortly.redirect.redirect import RawHeaders, Receive, Scope
from shortly.redirect.visitor import Addresses, network_of
from shortly.settings import Settings

SECURE_NAME = b"__Secure-shortly-link"
PLAIN_NAME = b"shortly_link"
MAX_PASSES = 8
"""Cookies of the name that are looked at; a link with several segments may lie below others that have a password."""
CROWDED_TRIES = 3
"""Wrong passwords that a network may send for a link for which strangers have sent all that they may."""


class PasswordPage:
    """See ``redirect.Lock``.

    Args:
        shown: The public pages, in the present branding.
        limits: How many passwords may be tried.
        addresses: Finds out who asks.
        passwords: Checks hashes.
        passes: Makes and recognises what a browser keeps.
        settings: The installation's.
    """

    def __init__(
        self,
        shown: Shown,
        limits: RateLimits,
        addresses: Addresses,
        passwords: Passwords,
        passes: Passes,
        settings: Settings,
    ) -> None:
        self._shown = shown
        self._limits = limits
        self._addresses = addresses
        self._passwords = passwords
        self._passes = passes
        self._base_url = settings.base_url
        self._secure = settings.has_https
        self._name = SECURE_NAME if self._secure else PLAIN_NAME

    async def is_open(self, redirection: Redirection, headers: RawHeaders) -> bool:
        """Say whether a request comes from a browser in which the link's password was given a short while ago."""
        stored = redirection.password_hash or ""
        return any(
            self._passes.opens(token, redirection.link_id, stored) for token in tokens_named(self._name, headers)
        )

    async def answer(self, redirection: Redirection, scope: Scope, receive: Receive) -> Form:
        """Return the page that asks, or what becomes of a password that was sent."""
        if scope["method"] != "POST":
            return self._page(scope, HTTPStatus.FORBIDDEN)
        request = Request(scope, receive)
        try:
            check_own_site(scope["headers"], origin_of(request, self._base_url), with_cookie=False)
        except CrossSiteRequest:  # somebody makes browsers of others try: asks them, and counts nothing
            return self._page(scope, HTTPStatus.FORBIDDEN)
        address = address_of(scope, self._addresses)
        network = f"{redirection.link_id} {network_of(address).decode()}"
        refusal = await self._refusal(str(redirection.link_id), network, client_of(address))
        if refusal is not None:
            return self._refused(scope, refusal)
        try:
            password = (await fields_of(request)).get("password", "")
            right = len(password) <= MAX_PASSWORD and await self._passwords.check(password, redirection.password_hash)
        except InvalidInput:
            right = False
        except Busy:
            return self._shown.pages.unavailable.for_request(dict(scope["headers"]))
        if right:
            return self._opened(redirection, scope)
        await self._limits.count("unlock_crowd", str(redirection.link_id))
        standing = await self._limits.count("unlock_link", network)
        further = [] if standing is None else headers_of(standing)
        return self._page(scope, HTTPStatus.FORBIDDEN, "protected_wrong", further)

    async def _refusal(self, link: str, network: str, client: str) -> Standing | None:
        """Return why no password is taken now; None: one is, and it is counted as the client's."""
        of_client = await self._limits.count("unlock", client)
        if of_client is not None and of_client.refused:
            return of_client
        of_network = await self._limits.look("unlock_link", network)
        if of_network is not None and of_network.refused:
            return await self._limits.count("unlock_link", network)
        of_crowd = await self._limits.look("unlock_crowd", link)
        tries = CROWDED_TRIES if of_network is None else of_network.limit - of_network.remaining
        if of_crowd is not None and of_crowd.refused and tries >= CROWDED_TRIES:
            return await self._limits.count("unlock_crowd", link)
        return None

    # --- answers -------------------------------------------------------------------------------------------------

    def _opened(self, redirection: Redirection, scope: Scope) -> Form:
        """Return the way to the link itself, which leads on from there and counts the click.

        Browsers get it as a page that leaves at once: what a form is sent to may not redirect, by way of the link, to
        where ``form-action 'self'`` does not let it.
        """
        place = "/" + quote(scope["path"].lstrip("/"))
        token = self._passes.issue(redirection.link_id, redirection.password_hash or "")
        max_age = int(self._passes.lifetime.total_seconds())
        flags = "HttpOnly; SameSite=Lax; Secure" if self._secure else "HttpOnly; SameSite=Lax"
        cookie = f"={token}; Path={place}; Max-Age={max_age}; {flags}"
        location = with_query(place, scope["query_string"])
        headers: Headers = [(b"set-cookie", self._name + cookie.encode())]
        given = dict(scope["headers"])
        if b"text/html" in given.get(b"accept", b""):
            return self._left(location, language_of(given.get(b"accept-language", b"")), headers)
        headers += [
            (b"location", location.encode()),
            NEVER_KEEP,
            NO_INDEX,
            EMPTY_BODY,
        ]
        return {"type": "http.response.start", "status": HTTPStatus.SEE_OTHER.value, "headers": headers}, b""

    def _left(self, location: str, language: str, headers: Headers) -> Form:
        """Return the page that leaves at once, without a referrer: the click does not come from it."""
        pages = self._shown.pages
        texts = pages.languages[language]
        on = f'<p><a class="go" rel="nofollow" href="{escape(location)}">{escape(texts.go_on)}</a></p>'
        body = pages.look.html(language, texts, texts.protected_opened, (on,))
        headers += [
            *headers_for(pages.look.policy),
            (b"refresh", f"0;url={location}".encode()),
            (b"content-language", language.encode()),
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
        ]
        return {"type": "http.response.start", "status": HTTPStatus.OK.value, "headers": headers}, body

    def _refused(self, scope: Scope, standing: Standing) -> Form:
        further = refusal_headers(standing)
        return self._page(scope, HTTPStatus.TOO_MANY_REQUESTS, "protected_too_many", further)

    def _page(self, scope: Scope, status: HTTPStatus, error: str = "", further: Headers | None = None) -> Form:
        """Return the page that asks; programs that want JSON get what there is of it."""
        headers, pages = dict(scope["headers"]), self._shown.pages
        accept = headers.get(b"accept", b"")
        if b"json" in accept and b"text/html" not in accept:
            limited = status is HTTPStatus.TOO_MANY_REQUESTS
            start, body = (pages.too_many if limited else pages.of_outcome[Outcome.PROTECTED]).for_request(headers)
            return {**start, "headers": [*start["headers"], *(further or ())]}, body
        language = language_of(headers.get(b"accept-language", b""))
        texts = pages.languages[language]
        body = pages.look.html(language, texts, texts.protected_title, form(texts, error))
        answer_headers: Headers = [
            *((name, value) for name, value in headers_for(pages.look.form_policy) if name != b"referrer-policy"),
            (b"referrer-policy", b"same-origin"),  # without one, browsers send forms with the origin "null"
            (b"content-language", language.encode()),
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
            *(further or ()),
        ]
        return {"type": "http.response.start", "status": status.value, "headers": answer_headers}, body


def form(texts: Texts, error: str = "") -> Iterator[str]:
    """Yield the form; it goes to the address that it was shown at, with the query string.

    Args:
        texts: In the visitor's language.
        error: Name of the text that says what was wrong.
    """
    described, invalid = "about", ""
    yield f'<p class="soft" id="about">{escape(texts.protected)}</p><form method="post">'
    if error:
        described, invalid = "wrong about", ' aria-invalid="true"'
        yield f'<p class="warn" role="alert" id="wrong">{escape(getattr(texts, error))}</p>'
    yield (
        f'<label>{escape(texts.protected_label)}<input name="password" type="password" required autofocus '
        f'maxlength="{MAX_PASSWORD}" autocomplete="current-password" aria-describedby="{described}"'
        f"{invalid}></label>"
    )
    yield f'<button class="go">{escape(texts.protected_open)}</button></form>'


def tokens_named(wanted: bytes, headers: RawHeaders) -> Iterator[bytes]:
    """Yield the values of the first cookies of a name, as many as ``MAX_PASSES``."""
    found = 0
    for name, value in headers:
        if name == b"cookie" and wanted in value:
            for part in value.split(b";"):
                key, _, token = part.strip().partition(b"=")
                if key == wanted and found < MAX_PASSES:
                    found += 1
                    yield token
