"""Every refusal on the wire: RFC 9457 ``application/problem+json``, with a stable ``code`` and the offending ``field``.

``type`` is ``/docs/errors#CODE``, where the code is explained. ``STATUS`` is the one place where errors meet HTTP.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from shortly import errors
from shortly.errors import ShortlyError

MEDIA_TYPE = "application/problem+json"
MAX_FIELD = 128
MAX_DETAIL = 1000


# --- refusals that only HTTP knows ---------------------------------------------------------------------------


class NotFound(ShortlyError):
    """Nothing is at this address."""

    code = "not_found"

    def __init__(self) -> None:
        super().__init__("There is nothing at this address.")


class UnknownHost(ShortlyError):
    """The API and the pages are not served under the host that was asked for."""

    code = "unknown_host"

    def __init__(self) -> None:
        super().__init__(
            "This host is not served here; BASE_URL, EXTRA_DOMAINS, ALLOWED_HOSTS and the domains say which are."
        )


class MethodNotAllowed(ShortlyError):
    """The address exists, but not for this method; the Allow header names those it has."""

    code = "method_not_allowed"

    def __init__(self) -> None:
        super().__init__("This method is not for this address; the Allow header names those that are.")


class MalformedRequest(ShortlyError):
    """The body is not valid JSON in UTF-8, or a header is malformed."""

    code = "malformed_request"


class BodyTooLarge(ShortlyError):
    """The request body is larger than MAX_BODY_MB, or than the 64 KiB that strangers may send."""

    code = "body_too_large"

    def __init__(self) -> None:
        super().__init__("The request body is too large.")


class NotJson(ShortlyError):
    """The body was not sent as JSON."""

    code = "not_json"

    def __init__(self) -> None:
        super().__init__("Send the body as JSON, with the header 'Content-Type: application/json'.")


class InternalError(ShortlyError):
    """Something went wrong inside; the log has more under the request id."""

    code = "internal_error"

    def __init__(self) -> None:
        super().__init__("Something went wrong inside; the log has more under this answer's X-Request-Id.")


STATUS: dict[type[ShortlyError], HTTPStatus] = {
    ShortlyError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.TooManyPasswords: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.OutOfReach: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidTarget: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.TargetBlocked: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidSlug: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.ReservedSlug: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.UnknownDomain: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidCursor: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.RangeTooLarge: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.SlugTaken: HTTPStatus.CONFLICT,
    errors.LinkNotFound: HTTPStatus.NOT_FOUND,
    errors.LinkChanged: HTTPStatus.PRECONDITION_FAILED,
    errors.KeyNotFound: HTTPStatus.NOT_FOUND,
    errors.KeyNameTaken: HTTPStatus.CONFLICT,
    errors.Unauthenticated: HTTPStatus.UNAUTHORIZED,
    errors.SignInRefused: HTTPStatus.UNAUTHORIZED,
    errors.SecondFactorNeeded: HTTPStatus.UNAUTHORIZED,
    errors.WrongCode: HTTPStatus.UNAUTHORIZED,
    errors.PasskeyRefused: HTTPStatus.UNAUTHORIZED,
    errors.PasskeyUnusable: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.UnconfirmedCode: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.PasskeyNotFound: HTTPStatus.NOT_FOUND,
    errors.PasskeysFull: HTTPStatus.CONFLICT,
    errors.RecentSignInNeeded: HTTPStatus.FORBIDDEN,
    errors.SecondFactorExists: HTTPStatus.CONFLICT,
    errors.SecondFactorMissing: HTTPStatus.CONFLICT,
    errors.SecondFactorRequired: HTTPStatus.FORBIDDEN,
    errors.SecondFactorUnreadable: HTTPStatus.CONFLICT,
    errors.IdentityRefused: HTTPStatus.FORBIDDEN,
    errors.WrongPassword: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.WeakPassword: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.TicketRefused: HTTPStatus.GONE,
    errors.SetupDone: HTTPStatus.GONE,
    errors.SessionNotFound: HTTPStatus.NOT_FOUND,
    errors.SessionNeeded: HTTPStatus.FORBIDDEN,
    errors.CrossSiteRequest: HTTPStatus.FORBIDDEN,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.RecordChanged: HTTPStatus.CONFLICT,
    errors.NameTaken: HTTPStatus.CONFLICT,
    errors.UserNotFound: HTTPStatus.NOT_FOUND,
    errors.EmailTaken: HTTPStatus.CONFLICT,
    errors.LastAdmin: HTTPStatus.CONFLICT,
    errors.WorkspaceNotFound: HTTPStatus.NOT_FOUND,
    errors.WorkspaceInUse: HTTPStatus.CONFLICT,
    errors.WorkspacesFull: HTTPStatus.CONFLICT,
    errors.DomainNotFound: HTTPStatus.NOT_FOUND,
    errors.DomainTaken: HTTPStatus.CONFLICT,
    errors.DomainInUse: HTTPStatus.CONFLICT,
    errors.MemberNotFound: HTTPStatus.NOT_FOUND,
    errors.AlreadyMember: HTTPStatus.CONFLICT,
    errors.InvitationNotFound: HTTPStatus.NOT_FOUND,
    errors.SignInFirst: HTTPStatus.CONFLICT,
    errors.RateLimited: HTTPStatus.TOO_MANY_REQUESTS,
    errors.TooManyStreams: HTTPStatus.TOO_MANY_REQUESTS,
    errors.LinkBanned: HTTPStatus.FORBIDDEN,
    errors.ReportNotFound: HTTPStatus.NOT_FOUND,
    errors.NotShared: HTTPStatus.NOT_FOUND,
    errors.ViewNotFound: HTTPStatus.NOT_FOUND,
    errors.ViewsFull: HTTPStatus.CONFLICT,
    errors.IdempotencyMismatch: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.IdempotencyInProgress: HTTPStatus.CONFLICT,
    errors.InvalidSettings: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.StoreEmptied: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.Busy: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.MailRefused: HTTPStatus.BAD_GATEWAY,
    errors.StoreDamaged: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.StorageFull: HTTPStatus.INSUFFICIENT_STORAGE,
    errors.StoreTooNew: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.MigrationChanged: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.SecretKept: HTTPStatus.CONFLICT,
    errors.OutboundRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.OutboundFailed: HTTPStatus.BAD_GATEWAY,
    errors.BackupNotFound: HTTPStatus.NOT_FOUND,
    errors.BackupsLost: HTTPStatus.BAD_GATEWAY,
    errors.BackupDamaged: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.BackupNeedsKey: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.BackupPlaceFailed: HTTPStatus.BAD_GATEWAY,
    errors.MomentNotKept: HTTPStatus.NOT_FOUND,
    errors.ChangesMissing: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.BackupIncomplete: HTTPStatus.SERVICE_UNAVAILABLE,
    NotFound: HTTPStatus.NOT_FOUND,
    UnknownHost: HTTPStatus.MISDIRECTED_REQUEST,
    MethodNotAllowed: HTTPStatus.METHOD_NOT_ALLOWED,
    MalformedRequest: HTTPStatus.BAD_REQUEST,
    BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    NotJson: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    InternalError: HTTPStatus.INTERNAL_SERVER_ERROR,
}

HEADERS: dict[type[ShortlyError], Mapping[str, str]] = {
    errors.Unauthenticated: {"WWW-Authenticate": 'Bearer realm="shortly"'},
    errors.SecondFactorNeeded: {"WWW-Authenticate": 'Bearer realm="shortly"'},
    errors.PasskeyRefused: {"WWW-Authenticate": 'Bearer realm="shortly"'},
    errors.WrongCode: {"WWW-Authenticate": 'Bearer realm="shortly"'},
    errors.SignInRefused: {"WWW-Authenticate": 'Bearer realm="shortly"'},
    errors.StoreUnavailable: {"Retry-After": "2"},
    errors.StoreEmptied: {"Retry-After": "30"},
    errors.Busy: {"Retry-After": "5"},
    errors.IdempotencyInProgress: {"Retry-After": "1"},
}


class Problem(BaseModel):
    """Why a request was refused (RFC 9457)."""

    type: str = Field(description="Address of the explanation.", examples=["/docs/errors#slug_taken"])
    title: str = Field(description="What kind of problem it is.", examples=[inspect.getdoc(errors.SlugTaken)])
    status: int = Field(description="The HTTP status.", examples=[409])
    detail: str = Field(description="One sentence for people.", examples=["The slug 'abc' is already in use."])
    code: str = Field(description="The kind of problem, for programs; never changes.", examples=["slug_taken"])
    field: str | None = Field(None, description="The offending input field.", examples=["slug"])


def status_of(kind: type[ShortlyError]) -> HTTPStatus:
    """Return the status of an error class, or of the nearest one above it."""
    return next(STATUS[ancestor] for ancestor in kind.__mro__ if ancestor in STATUS)


def title_of(kind: type[ShortlyError]) -> str:
    """Return what kind of problem a class is: the first line of its docstring."""
    return (kind.__doc__ or kind.code).partition("\n")[0]


def problem_of(refusal: ShortlyError) -> dict[str, Any]:
    """Return the body that tells of a refusal."""
    kind = type(refusal)
    problem: dict[str, Any] = {
        "type": f"/docs/errors#{kind.code}",
        "title": title_of(kind),
        "status": int(status_of(kind)),
        "detail": str(refusal)[:MAX_DETAIL],
        "code": kind.code,
    }
    if refusal.field is not None:
        problem["field"] = refusal.field[:MAX_FIELD]
    return problem


def encode_problem(refusal: ShortlyError) -> bytes:
    """Return the body as bytes; lone surrogates that came in as JSON escapes become question marks."""
    return json.dumps(problem_of(refusal), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def answer_problem(refusal: ShortlyError, headers: Mapping[str, str] | None = None) -> Response:
    """Return the whole answer to a refused request."""
    kind = type(refusal)
    own = next((HEADERS[ancestor] for ancestor in kind.__mro__ if ancestor in HEADERS), {})
    if isinstance(refusal, errors.RateLimited):
        own = {"Retry-After": str(refusal.retry_after_s)}
    return Response(encode_problem(refusal), status_of(kind), media_type=MEDIA_TYPE, headers={**own, **(headers or {})})


def problems(*kinds: type[ShortlyError]) -> dict[int | str, dict[str, Any]]:
    """Return the ``responses`` of a route that may refuse in these ways, for the OpenAPI document."""
    by_status: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        title, status = title_of(kind), int(status_of(kind))
        by_status.setdefault(status, {})[kind.code] = {
            "summary": title,
            "value": {
                "type": f"/docs/errors#{kind.code}",
                "title": title,
                "status": status,
                "detail": title,
                "code": kind.code,
            },
        }
    return {status: refusal(examples) for status, examples in by_status.items()}


def refusal(examples: Mapping[str, Any]) -> dict[str, Any]:
    """Return the OpenAPI response of one status, from an example for each code."""
    return {
        "description": " ".join(f"`{code}`: {example['summary']}" for code, example in examples.items()),
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": dict(examples)}},
    }


# --- what the framework raises -------------------------------------------------------------------------------

FRAMEWORK: dict[int, type[NotFound | MethodNotAllowed | BodyTooLarge]] = {
    404: NotFound,
    405: MethodNotAllowed,
    413: BodyTooLarge,
}


async def answer_shortly_error(_: Request, refusal: Exception) -> Response:
    """Answer a refusal of a service."""
    assert isinstance(refusal, ShortlyError)  # noqa: S101
    return answer_problem(refusal)


async def answer_http_exception(request: Request, exception: Exception) -> Response:
    """Answer what the framework refuses: no such address, no such method, a body that cannot be read."""
    assert isinstance(exception, HTTPException)  # noqa: S101
    if exception.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return answer_problem(MethodNotAllowed(), {"Allow": ", ".join(methods_at(request))})
    if exception.status_code in FRAMEWORK:
        return answer_problem(FRAMEWORK[exception.status_code]())
    if exception.status_code == HTTPStatus.BAD_REQUEST:
        return answer_problem(MalformedRequest("The body is not valid JSON in UTF-8."))
    return answer_problem(InternalError())


async def answer_validation_error(_: Request, exception: Exception) -> Response:
    """Answer input that does not fit its model."""
    assert isinstance(exception, RequestValidationError)  # noqa: S101
    errors = exception.errors()
    first = errors[0]
    if first["type"] == "json_invalid":
        return answer_problem(MalformedRequest(f"The body is not valid JSON (at character {first['loc'][-1]})."))
    if first["loc"] == ("body",) and isinstance(exception.body, bytes):
        return answer_problem(NotJson())
    return answer_problem(refusal_of(errors))


def refusal_of(found: Sequence[Mapping[str, Any]], *, skip: int = 1) -> errors.InvalidInput:
    """Return the first of Pydantic's errors as one clear sentence; the input itself is never repeated.

    Args:
        found: The errors, at least one.
        skip: How many leading parts of the location do not belong to the field's path.
    """
    first = found[0]
    field = ".".join(str(part)[:64] for part in first["loc"][skip:])[:MAX_FIELD]
    match first["type"]:
        case "missing" if not field:
            return errors.InvalidInput("A JSON body is needed.")
        case "missing":
            return errors.InvalidInput(f"The field {field!r} is missing.", field=field)
        case "extra_forbidden":
            return errors.InvalidInput(f"There is no field {field!r} here.", field=field)
        case "model_attributes_type" | "model_type" | "dict_type" if not field:
            return errors.InvalidInput("The JSON must be an object.")
    message = str(first["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    sentence = f"The field {field!r}: {message}." if field else f"The input {message}."
    return errors.InvalidInput(sentence, field=field or None)


def methods_at(request: Request) -> list[str]:
    """Return every method that the request's address has."""
    methods: set[str] = set()
    for route in iter_route_contexts(request.app.routes):
        if route.methods and route.path_regex.match(request.scope["path"]):
            methods |= route.methods
    return sorted(methods | {"HEAD"} if "GET" in methods else methods)
