"""A POST that carries an ``Idempotency-Key`` is carried out once, however often its client sends it."""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shortly.accounts.secret import Secret
from shortly.accounts.store import Answered
from shortly.api.authentication import ANONYMOUS
from shortly.api.problems import MalformedRequest
from shortly.api.services import Services
from shortly.errors import IdempotencyInProgress, IdempotencyMismatch, ShortlyError
from shortly.links.attempt import Attempt

KEY = re.compile(rb"[\x21-\x7e]{1,255}")
NEVER_KEPT = ("/api/v1/auth/", "/api/v1/keys", "/api/v1/users", "/api/v1/workspaces")
"""Below these, answers may hold a secret: keys, recovery codes, links that invite or let choose a password."""
KEPT_HEADERS = frozenset({"content-type", "location", "etag"})


class Idempotency:
    """ASGI middleware that keeps answers to successful POSTs, and gives them again.

    Keys belong to one caller in one workspace each.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, or repeat the answer that it got before."""
        keys = [value for name, value in scope.get("headers", ()) if name == b"idempotency-key"]
        if not keys or not applies(scope):
            await self.app(scope, receive, send)
            return
        if len(keys) > 1 or not KEY.fullmatch(keys[0]):
            raise MalformedRequest(
                "The Idempotency-Key must be 1 to 255 visible ASCII characters.", field="Idempotency-Key"
            )
        body = await read_body(receive)
        if body is None:
            return
        services: Services = scope["state"]["services"]
        store = services.store
        caller = scope["state"]["caller"]
        key = f"{caller.actor}@{caller.workspace_id}:{keys[0].decode('ascii')}"
        fingerprint, *older = fingerprints_of(scope, body, services.entrance.secret)
        claim = await store.claim(key, fingerprint, services.clock())
        if isinstance(claim, Answered):
            await repeat(claim, (fingerprint, *older))(scope, receive, send)
            return
        scope["state"]["attempt"] = Attempt(claim.seed, claim.since, again=claim.again)
        recording = Recording(send)
        try:
            await self.app(scope, replay(body, receive), recording)
        except Exception:
            await store.lapse(key)
            raise
        if 200 <= recording.status < 300:
            with suppress(ShortlyError):  # what is done is done, and the client shall hear of it
                await store.answer(key, recording.answered(fingerprint))
        elif recording.status >= 500:
            await store.lapse(key)
        else:
            await store.release(key)
        await recording.send_all()


class Recording:
    """A ``send`` that keeps the answer back until it is stored: a client never hears what could not be repeated."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._messages: list[Message] = []
        self.status = 0
        self.headers: dict[str, str] = {}
        self.chunks: list[bytes] = []

    async def __call__(self, message: Message) -> None:
        """Keep one message."""
        self._messages.append(message)
        if message["type"] == "http.response.start":
            self.status = message["status"]
            for name, value in message.get("headers", ()):
                if name.decode("latin-1").lower() in KEPT_HEADERS:
                    self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")
        else:
            self.chunks.append(message.get("body", b""))

    def answered(self, fingerprint: bytes) -> Answered:
        """Return the answer as it is stored."""
        return Answered(fingerprint=fingerprint, status=self.status, headers=self.headers, body=b"".join(self.chunks))

    async def send_all(self) -> None:
        """Send what was kept back."""
        for message in self._messages:
            await self._send(message)


def applies(scope: Scope) -> bool:
    """Say whether an answer to this request may be kept: not a stranger's, and none with a secret in it."""
    if scope["type"] != "http" or scope["method"] != "POST" or scope["path"].startswith(NEVER_KEPT):
        return False
    return "caller" in scope["state"] and scope["state"]["caller"].actor != ANONYMOUS


async def read_body(receive: Receive) -> bytes | None:
    """Return the whole body, or None when the client went away."""
    chunks = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a ``receive`` that gives the body once more, and then what else comes from the client."""
    waiting = [body]

    async def receive_again() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return receive_again


def fingerprints_of(scope: Scope, body: bytes, secret: Secret) -> list[bytes]:
    """Return what tells one request from another, by each value of the secret, newest first.

    It needs a key: a link's password is in the body, and would be guessed from a hash that anybody can compute.
    """
    digests = [hmac.new(key.value, digestmod=sha256) for key in secret.keys("idempotency")]
    for digest in digests:
        for part in (scope["method"].encode(), scope["path"].encode("utf-8", "surrogateescape"), scope["query_string"]):
            digest.update(len(part).to_bytes(4) + part)
        digest.update(body)
    return [digest.digest() for digest in digests]


def repeat(earlier: Answered, fingerprints: Sequence[bytes]) -> Response:
    """Return the earlier answer, or raise why there is none for this request."""
    if earlier.fingerprint not in fingerprints:
        raise IdempotencyMismatch
    if not earlier.status:
        raise IdempotencyInProgress
    return Response(earlier.body, earlier.status, headers={**earlier.headers, "Idempotency-Replayed": "true"})
