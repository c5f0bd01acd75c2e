"""Scripts of other origins: only those that CORS_ORIGINS names, without cookies, and preflights without a key."""

from collections.abc import Callable

import pytest
from tests.api.served import Served

Serve = Callable[..., Served]
APP = "https://app.example"
SIGN_IN = "/api/v1/auth/sign-in"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}


def allowed(headers: object) -> list[str]:
    return [name for name in dict(headers) if name.lower().startswith("access-control")]  # type: ignore[call-overload]


def test_no_other_origin_reads_anything_unless_configured(served: Served) -> None:
    for path in ("/api/v1/links", "/health", "/"):
        answer = served.client.get(path, headers={"Origin": APP})
        assert not allowed(answer.headers)
    answer = served.stranger.options("/api/v1/links", headers={"Origin": APP, **PREFLIGHT})
    assert answer.status_code == 401
    assert not allowed(answer.headers)


def test_a_configured_origin_may_ask_and_read(serve: Serve) -> None:
    served = serve(cors_origins=(APP, "http://localhost:5173"))
    ahead = served.stranger.options("/api/v1/links", headers={"Origin": APP, **PREFLIGHT})
    assert ahead.status_code == 204
    assert ahead.headers["Access-Control-Allow-Origin"] == APP
    assert "POST" in ahead.headers["Access-Control-Allow-Methods"]
    assert {"authorization", "content-type", "if-match", "idempotency-key"} <= {
        name.strip().lower() for name in ahead.headers["Access-Control-Allow-Headers"].split(",")
    }
    assert "Origin" in ahead.headers["Vary"]
    answer = served.client.get("/api/v1/links", headers={"Origin": "http://localhost:5173"})
    assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost:5173"
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]


def test_refusals_can_be_read_too(serve: Serve) -> None:
    served = serve(cors_origins=(APP,))
    for client, path, status in ((served.stranger, "/api/v1/links", 401), (served.client, "/api/v1/nothing", 404)):
        answer = client.get(path, headers={"Origin": APP})
        assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (status, APP)


def test_who_asks_too_often_can_read_that(serve: Serve) -> None:
    stranger = serve(cors_origins=(APP, "https://other.example"), limit_sign_in="1/hour").stranger
    stranger.post(SIGN_IN, json={})
    for origin in (APP, "https://other.example", APP):
        refused = stranger.post(SIGN_IN, json={}, headers={"Origin": origin})
        assert refused.status_code == 429
        assert refused.headers.get_list("Access-Control-Allow-Origin") == [origin]
        assert "Retry-After" in refused.headers["Access-Control-Expose-Headers"]
    other = stranger.post(SIGN_IN, json={}, headers={"Origin": "https://evil.example"})
    assert (other.status_code, allowed(other.headers)) == (429, [])
    assert other.headers["Vary"] == "Origin"


def test_preflights_are_no_tries(serve: Serve) -> None:
    stranger = serve(cors_origins=(APP,), limit_sign_in="1/hour").stranger
    for path in (SIGN_IN, "/api/v1/auth/passkeys/sign-in/start"):
        ahead = {stranger.options(path, headers={"Origin": APP, **PREFLIGHT}).status_code for _ in range(3)}
        assert ahead == {204}
    assert stranger.post(SIGN_IN, json={}).status_code != 429


def test_cookies_are_never_for_other_origins_and_no_origin_is_any(serve: Serve) -> None:
    served = serve(cors_origins=(APP,))
    for answer in (
        served.client.get("/api/v1/links", headers={"Origin": APP}),
        served.stranger.options("/api/v1/links", headers={"Origin": APP, **PREFLIGHT}),
    ):
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert answer.headers["Access-Control-Allow-Origin"] != "*"


@pytest.mark.parametrize(
    "origin",
    [
        *("https://evil.example", "http://app.example", "https://app.example:444", "https://app.example.evil.example"),
        *("https://xapp.example", "null", "", "https://app.example/", "https://app.example, https://evil.example"),
        *("HTTPS://APP.EXAMPLE", "https://user@app.example"),
    ],
)
def test_an_origin_that_is_only_alike_is_another(serve: Serve, origin: str) -> None:
    served = serve(cors_origins=(APP,))
    answer = served.client.get("/api/v1/links", headers={"Origin": origin})
    assert answer.status_code == 200
    assert not allowed(answer.headers)
    assert "Origin" in answer.headers["Vary"]
    ahead = served.stranger.options("/api/v1/links", headers={"Origin": origin, **PREFLIGHT})
    assert ahead.status_code == 401
    assert not allowed(ahead.headers)


def test_a_preflight_says_nothing_of_what_is_there(serve: Serve) -> None:
    served = serve(cors_origins=(APP,))
    answers = {
        (answer.status_code, answer.text)
        for path in ("/api/v1/links", "/api/v1/links/secret", "/api/v1/nothing")
        for answer in [served.stranger.options(path, headers={"Origin": APP, **PREFLIGHT})]
    }
    assert answers == {(204, "")}
