"""Schemathesis sends what the OpenAPI document allows, and what it does not, and holds the answers against it."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok
from schemathesis.python.asgi import ASGIClient, get_client, shutdown_lifespans
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from structlog.testing import capture_logs
from tests.api.served import Served, settings_in

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
DOCUMENT = schemathesis.openapi.from_dict(
    Served(settings_in(Path("unused"))).app.openapi(),
    config=SchemathesisConfig.from_dict({"generation": {"with-security-parameters": False}}),
)
CASES = [
    pytest.param(operation, mode, id=f"{operation.definition.raw['operationId']}-{mode.name.lower()}")
    for operation in (result.ok() for result in DOCUMENT.get_all_operations() if isinstance(result, Ok))
    if operation.path != "/api/v1/live"  # never ends; test_bad_input has what it refuses
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or operation.body or operation.query or operation.headers
]
"""Each operation with input as it should be, and where it has any input, with input as it should not be."""
HOST = "go.example"
LINKS = [{"target": "https://example.com/", "slug": slug} for slug in ("0", "00", "abc", "spring")]

NEEDS_MORE = (
    "/api/v1/auth/",
    "/api/v1/users",
    "/api/v1/keys",
    "/api/v1/workspaces/",
    "/api/v1/invitations",
    "/api/v1/reports",
    "/api/v1/links/{slug}/ban",
    "/api/v1/branding/logo",
    "/api/v1/views",
)
"""Below them operations go well only for what is there, somebody, a logo, a session, a token out of a mail, or another
key."""

pytestmark = pytest.mark.slow


@pytest.fixture
def fuzzed(tmp_path: Path) -> Iterator[ASGIClient]:
    """Run the API on the event loop that Schemathesis sends its requests from; with links, one shared, and a domain."""
    served = Served(settings_in(tmp_path, base_url="http://testserver", multi_segment_slugs=True, unicode_slugs=True))
    with capture_logs(), get_client(cast(Any, served.app)) as client:
        client.headers["Authorization"] = f"Bearer {served.key}"
        assert client.post("/api/v1/bulk/links", json={"links": LINKS}).json()["succeeded"] == len(LINKS)
        assert client.put("/api/v1/links/spring/share", json={}).status_code < 300
        assert client.post("/api/v1/domains", json={"host": HOST}).status_code == 201
        yield client
        shutdown_lifespans()


def usable(case: Case[Any]) -> None:
    """Put into a request what the document cannot say: a target that is one, a link that exists, a real period."""
    for entry in entries_of(case.body):
        for values in (entry, entry.get("changes", {})):
            for name in ("target", "fallback_target"):
                if values.get(name) is not None:
                    values[name] = "https://example.com/"
        for name in ("slug", "version"):
            if name in entry and "target" not in entry:
                entry[name] = {"slug": "spring", "version": 1}[name]
            elif name in entry:
                del entry[name]
        entry.pop("domain", None)
        entry.get("changes", {}).pop("slug", None)
    if "slug" in case.path_parameters:
        case.path_parameters["slug"] = "spring"
    if "host" in case.path_parameters:
        case.path_parameters["host"] = HOST
        if isinstance(case.body, dict):
            case.body["workspace_id"] = None
    for name in ("domain", "period", "since", "until", "tz", "step", "cursor"):
        case.query.pop(name, None)
    case.headers.pop("If-Match", None)


def entries_of(body: Any) -> list[dict[str, Any]]:
    """Return the links that a body speaks of."""
    if not isinstance(body, dict):
        return []
    return next((body[name] for name in ("links", "edits") if name in body), [body])


@pytest.mark.parametrize(("operation", "mode"), CASES)
def test_every_answer_is_as_the_document_says(
    fuzzed: ASGIClient, operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode
) -> None:
    answered = Counter[int]()

    @given(case=operation.as_strategy(generation_mode=mode), repaired=st.booleans())
    @settings(
        max_examples=25,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def fuzz(case: Case[Any], repaired: bool) -> None:
        if repaired and mode is GenerationMode.POSITIVE:
            usable(case)
        for name in [name for name in case.headers if name.lower() == "host"]:
            del case.headers[name]  # says which server is meant, not what it is asked
        answer = case.call_and_validate("http://testserver", session=fuzzed, checks=CHECKS)
        answered[answer.status_code] += 1

    fuzz()
    if mode is GenerationMode.POSITIVE and not operation.path.startswith(NEEDS_MORE):
        assert any(status < 300 for status in answered), f"nothing went well: {answered}"
