"""An OpenID Connect provider in a process of its own: oidc-provider-mock, which misbehaves where a test asks for it."""

# mypy: disable-error-code="untyped-decorator"
# Flask has no types of its own here: its app is Any.

from __future__ import annotations

import hmac
import json
import subprocess
import sys
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2


class IdentityProvider:
    """A running provider."""

    def __init__(self, port: int, process: subprocess.Popen[str]) -> None:
        self.issuer = f"http://localhost:{port}"
        self._process = process

    def knows(self, subject: str, **claims: Any) -> None:
        """Let it know somebody, or know something else about them."""
        httpx2.put(f"{self.issuer}/users/{subject}", json=claims).raise_for_status()

    def misbehaves(self, **how: Any) -> None:
        """Let it answer otherwise from now on: ``claims`` of ID tokens, ``sign`` with, ``description``, ``iss``."""
        httpx2.put(f"{self.issuer}/test/misbehave", json=how).raise_for_status()

    def rotates(self) -> None:
        """Let it sign with another key from now on."""
        httpx2.post(f"{self.issuer}/test/rotate").raise_for_status()

    def asked(self, path: str) -> int:
        """Return how often an address was asked for since ``misbehaves`` was called last."""
        count: int = httpx2.get(f"{self.issuer}/test/asked").json().get(path, 0)
        return count

    def lets_in(self, url: str, subject: str) -> str:
        """Return where a browser is sent back to when somebody signs in at the address that it was sent to."""
        answer = httpx2.post(url, data={"sub": subject}, follow_redirects=False)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def turns_away(self, url: str) -> str:
        """Return where a browser is sent back to when somebody changes their mind."""
        answer = httpx2.post(url, data={"action": "deny"}, follow_redirects=False)
        return answer.headers["Location"]


@contextmanager
def run_provider() -> Iterator[IdentityProvider]:
    """Run a provider on a free port."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.api.identity_provider"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout
            yield IdentityProvider(int(process.stdout.readline()), process)
        finally:
            process.kill()


def encoded(part: dict[str, Any]) -> str:
    """Return a part of a token."""
    return urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def serve() -> None:
    """Run the provider in this process, and print its port."""
    import oidc_provider_mock  # type: ignore[import-untyped]
    import werkzeug.serving
    from authlib import jose  # type: ignore[import-untyped]
    from flask import Response, g, jsonify, request
    from joserfc import jwt
    from joserfc.jwk import KeySet, RSAKey

    app: Any = oidc_provider_mock.app()
    how: dict[str, Any] = {}
    asked: dict[str, int] = {}

    @app.before_request
    def count() -> None:
        asked[request.path] = asked.get(request.path, 0) + 1

    @app.put("/test/misbehave")
    def misbehave() -> Any:
        how.clear()
        how.update(request.get_json())
        asked.clear()
        return "", 204

    @app.post("/test/rotate")
    def rotate() -> Any:
        is_new = isinstance(g.oidc_provider_mock_storage.jwk, RSAKey)
        g.oidc_provider_mock_storage.jwk = (
            RSAKey.generate_key(2048) if is_new else jose.RSAKey.generate_key(is_private=True)
        )
        return "", 204

    def key_pair() -> RSAKey:
        """Return what it signs with; before 0.4, which needs Python 3.12, it had keys of authlib's."""
        pair = g.oidc_provider_mock_storage.jwk
        return pair if isinstance(pair, RSAKey) else RSAKey.import_key(pair.as_dict(is_private=True))

    @app.get("/test/asked")
    def tell() -> Any:
        return jsonify(asked)

    def signed(claims: dict[str, Any]) -> str:
        pair = key_pair()
        kid = pair.kid or pair.thumbprint()
        match how.get("sign", "right"):
            case "none":
                return f"{encoded({'alg': 'none'})}.{encoded(claims)}."
            case "shared":
                head = encoded({"alg": "HS256", "kid": kid}) + "." + encoded(claims)
                proof = hmac.digest(pair.as_pem(private=False), head.encode(), "sha256")
                return f"{head}.{urlsafe_b64encode(proof).rstrip(b'=').decode()}"
            case "stranger":
                return jwt.encode({"alg": "RS256", "kid": kid}, claims, RSAKey.generate_key(2048), ["RS256"])
            case "unknown":
                return jwt.encode({"alg": "RS256", "kid": "nobody"}, claims, RSAKey.generate_key(2048), ["RS256"])
            case "damaged":
                head, body, signature = jwt.encode({"alg": "RS256", "kid": kid}, claims, pair, ["RS256"]).split(".")
                return f"{head}.{body[:-4]}AAAA.{signature}"
        return jwt.encode({"alg": "RS256", "kid": kid}, claims, pair, ["RS256"])

    @app.after_request
    def spoil(response: Response) -> Response:
        if request.path == "/oauth2/token" and ("claims" in how or "sign" in how) and response.status_code == 200:
            answer = response.get_json()
            public = KeySet([key_pair()])
            claims = dict(jwt.decode(answer["id_token"], public, ["RS256"]).claims)
            for name, value in how.get("claims", {}).items():
                claims[name] = value
                if value is None:
                    del claims[name]
            response.set_data(json.dumps({**answer, "id_token": signed(claims)}))
        if request.path == "/.well-known/openid-configuration":
            response.set_data(json.dumps({**response.get_json(), **how.get("description", {})}))
        return response

    server = werkzeug.serving.make_server("localhost", 0, app, threaded=True)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    serve()
