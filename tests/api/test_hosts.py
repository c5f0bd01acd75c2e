"""Which hosts the API answers to, and that nothing is made of the header."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.api.served import Served

from shortly.api.hosts import name_of

Serve = Callable[..., Served]
OURS = {"base_url": "https://s.example", "extra_domains": ("go.example:8443",), "allowed_hosts": ("shortly.svc",)}


@pytest.mark.parametrize(
    "host",
    [
        *("s.example", "S.EXAMPLE", "s.example:443", "s.example:8000", "s.example.", "go.example", "go.example:8443"),
        *(
            "shortly.svc",
            "shortly.svc:8000",
            "localhost",
            "localhost:8000",
            "127.0.0.1",
            "127.0.0.1:8000",
            "10.1.2.3:8000",
        ),
        *("[::1]", "[::1]:8000", "[2001:db8::1]:8000"),
    ],
)
def test_the_api_answers_to_its_hosts_and_to_addresses(serve: Serve, host: str) -> None:
    served = serve(**OURS)
    assert served.client.get("/api/v1/links", headers={"Host": host}).status_code == 200
    assert served.client.get("/docs", headers={"Host": host}).status_code == 200


STRANGE = [
    *("evil.example", "s.example.evil.example", "xs.example", "s.example@evil.example", "localhost.evil.example"),
    *("127.0.0.1.evil.example", "127.1", "0x7f.1", "2130706433", "s.example:evil", "s.example:80:80", "[::1", "[::1]x"),
    *("[s.example]", "", ":80", "s.example,evil.example", "s.example evil", "s..example", "*", "null", "\x7f"),
]


@pytest.mark.parametrize("host", STRANGE)
def test_another_host_is_refused_in_one_sentence(serve: Serve, host: str) -> None:
    served = serve(**OURS)
    for path in ("/api/v1/links", "/", "/docs", "/openapi.json", "/api/v1/nothing"):
        answer = served.client.get(path, headers={"Host": host})
        assert (answer.status_code, answer.json()["code"]) == (421, "unknown_host")
        if len(host) > 2:
            assert host not in answer.text
    assert served.client.post("/api/v1/links", json={"target": "https://a.example"}, headers={"Host": host}).is_error
    assert served.slugs() == []


@pytest.mark.parametrize("host", ["", "evil.example", "backend:8000", "10.0.0.1:8000"])
def test_probes_and_scrapers_ask_by_any_name(serve: Serve, host: str) -> None:
    served = serve(**OURS)
    for path in ("/health", "/health/live", "/health/ready", "/metrics"):
        assert served.client.get(path, headers={"Host": host}).status_code == 200
    assert served.stranger.get("/metrics", headers={"Host": host}).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Host": "evil.example"},
        {"X-Forwarded-Proto": "http", "X-Forwarded-Port": "1"},
        {"Forwarded": "host=evil.example;proto=http;for=1.2.3.4"},
        {"X-Original-URL": "/api/v1/reports", "X-Rewrite-URL": "/metrics"},
        {"X-Host": "evil.example", "X-Forwarded-Server": "evil.example"},
        {"Host": "localhost"},
    ],
)
def test_addresses_are_made_of_base_url_alone(serve: Serve, headers: dict[str, str]) -> None:
    served = serve(base_url="https://s.example", trusted_proxies=("127.0.0.0/8",))
    new = {"target": "https://example.com/", "slug": "ab"}
    answer = served.client.post("/api/v1/links", json=new, headers=headers)
    assert answer.json()["short_url"] == "https://s.example/ab"
    assert "evil" not in answer.text + str(answer.headers)
    assert answer.headers["Location"] == "/api/v1/links/ab"


def test_two_hosts_are_none(serve: Serve) -> None:
    served = serve(**OURS)
    request = served.client.build_request(
        "GET", "/api/v1/links", headers=[("Host", "s.example"), ("Host", "s.example")]
    )
    assert served.client.send(request).status_code == 421


@given(st.text(max_size=60))
def test_any_header_has_a_name_or_none(host: str) -> None:
    name = name_of(host)
    assert "[" not in name or "[" in host[1:]
    assert name_of(f"{name}:80") in (name, name.removesuffix("."), "") or ":" in name or "[" in name
