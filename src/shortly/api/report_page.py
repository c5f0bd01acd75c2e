"""The form by which anybody reports a link, without scripts; what it sends is taken in as by ``/api/v1/reports``."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from http import HTTPStatus
from typing import get_args

from fastapi import APIRouter, Request, Response

from shortly.abuse.rates import network_of
from shortly.abuse.reports import MAX_CONTACT, MAX_DETAILS, Reason
from shortly.api.cross_site import check_own_site
from shortly.api.forms import Fields, fields_of, origin_of
from shortly.api.origin import address_of
from shortly.api.paths import normal
from shortly.api.reports import MAX_SHORT_URL, service_of
from shortly.api.services import AllServices, Services
from shortly.errors import InvalidInput, LinkNotFound, RateLimited, ShortlyError, UnknownDomain
from shortly.redirect.languages import Texts, language_of
from shortly.redirect.pages import headers_for

router = APIRouter(include_in_schema=False)


@router.get("/report")
async def get_report_form(request: Request, services: AllServices) -> Response:
    """Show the form, or that a report has arrived."""
    texts, language = texts_for(request, services)
    if "sent" in request.query_params:
        body = (f'<p class="soft">{escape(texts.report_sent)}</p>',)
        return page(services, language, texts.report_sent_title, body, HTTPStatus.OK)
    link = request.query_params.get("link", "")[:MAX_SHORT_URL]
    return page(services, language, texts.report_title, form(texts, {"link": link}), HTTPStatus.OK)


@router.post("/report")
async def send_report(request: Request, services: AllServices) -> Response:
    """Take a report in and say thank you; otherwise show the form again, with all that was written."""
    check_own_site(request.scope["headers"], origin_of(request, services.settings.base_url), with_cookie=False)
    texts, language = texts_for(request, services)
    fields: Fields = {}
    try:
        await services.limits.take("report", network_of(address_of(request.scope, services.addresses)))
        fields = await fields_of(request)
        await take_in(fields, services)
    except ShortlyError as refusal:
        sentence, status = sentence_about(refusal, texts)
        answer = page(services, language, texts.report_title, form(texts, fields, sentence), status)
        if isinstance(refusal, RateLimited):
            answer.headers["Retry-After"] = str(refusal.retry_after_s)
        return answer
    return Response(status_code=HTTPStatus.SEE_OTHER, headers={"Location": "/report?sent"})


async def take_in(fields: Fields, services: Services) -> None:
    """Store the report, or raise why it cannot be."""
    reports = service_of(services)
    reason = next((known for known in get_args(Reason) if known == fields.get("reason")), None)
    if reason is None:
        raise InvalidInput("A reason is needed.", field="reason")
    slug, domain = reports.place_of(fields.get("link", "").strip())
    details, contact = fields.get("details", ""), fields.get("contact", "")
    await reports.report(normal(slug.removesuffix("+")), domain, reason=reason, details=details, contact=contact)


def sentence_about(refusal: ShortlyError, texts: Texts) -> tuple[str, HTTPStatus]:
    """Return what to tell people of a refusal, and its status."""
    match refusal:
        case LinkNotFound() | UnknownDomain():
            return texts.report_unknown, HTTPStatus.NOT_FOUND
        case InvalidInput():
            return texts.report_invalid, HTTPStatus.UNPROCESSABLE_ENTITY
        case RateLimited():
            return texts.report_too_many, HTTPStatus.TOO_MANY_REQUESTS
        case _:
            return texts.report_failed, HTTPStatus.SERVICE_UNAVAILABLE


def texts_for(request: Request, services: Services) -> tuple[Texts, str]:
    """Return the texts in the visitor's language, and which that is."""
    language = language_of(request.headers.get("accept-language", "").encode("latin-1"))
    return services.shown.pages.languages[language], language


def page(
    services: Services, language: str, title: str, body: Iterator[str] | tuple[str, ...], status: HTTPStatus
) -> Response:
    """Return a public page that may hold a form."""
    pages = services.shown.pages
    html = pages.look.html(language, pages.languages[language], title, body)
    headers = {name.decode(): value.decode() for name, value in headers_for(pages.look.form_policy)}
    headers["referrer-policy"] = "same-origin"  # without one, browsers send forms with the origin "null"
    headers["content-language"] = language
    return Response(html, status, headers=headers, media_type="text/html")


def form(texts: Texts, fields: Fields, error: str = "") -> Iterator[str]:
    """Yield the form, filled in with what was written before."""
    yield f'<p class="warn" role="alert">{escape(error)}</p>' if error else ""
    yield f'<p class="soft">{escape(texts.report_intro)}</p><form method="post" action="/report">'
    yield (
        f'<label>{escape(texts.report_address)}<input name="link" required maxlength="{MAX_SHORT_URL}" '
        f'inputmode="url" autocapitalize="none" value="{escape(fields.get("link", ""))}"></label>'
    )
    yield f'<label>{escape(texts.report_reason)}<select name="reason" required><option value=""></option>'
    for reason in get_args(Reason):
        chosen = " selected" if fields.get("reason") == reason else ""
        yield f'<option value="{reason}"{chosen}>{escape(texts.reasons[reason])}</option>'
    yield "</select></label>"
    yield (
        f'<label>{escape(texts.report_details)}<textarea name="details" maxlength="{MAX_DETAILS}">'
        f"{escape(fields.get('details', ''))}</textarea></label>"
    )
    yield (
        f'<label>{escape(texts.report_contact)}<input name="contact" maxlength="{MAX_CONTACT}" '
        f'autocomplete="email" value="{escape(fields.get("contact", ""))}"></label>'
    )
    yield f'<button class="go">{escape(texts.report_send)}</button></form>'
