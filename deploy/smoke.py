"""Ask an installation what every good one answers: smoke.py URL; the exit code says whether it did. Changes nothing."""

import json
import secrets
import ssl
import sys
import urllib.error
import urllib.request

TIMEOUT_S = 5


class Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect."""

    def redirect_request(self, *_: object) -> None:
        """Return nothing: the redirect is the answer."""


def ask(base: str, path: str) -> tuple[int, bytes]:
    """Return status and body."""
    context = ssl._create_unverified_context()  # a first certificate is of the installation's own making
    opener = urllib.request.build_opener(Stay, urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(base.rstrip("/") + path, timeout=TIMEOUT_S) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as other:
        return other.code, other.read()


def main() -> None:
    """Ask, and say what is not as it should be."""
    base = sys.argv[1]
    wrong = []
    for path, wanted in (
        ("/health/live", 200),
        ("/health/ready", 200),
        ("/api/v1/auth/me", 401),
        ("/app/", 200),
        ("/openapi.json", 200),
        (f"/smoke-{secrets.token_hex(8)}", 404),
    ):
        try:
            status, body = ask(base, path)
        except OSError as failure:
            wrong.append(f"{path}: {failure}")
            continue
        if status != wanted:
            wrong.append(f"{path}: {status} instead of {wanted}")
        elif path == "/health/ready" and json.loads(body).get("status") != "ok":
            wrong.append(f"{path}: {body[:200]!r}")
    for line in wrong:
        print(f"smoke: {line}", file=sys.stderr)
    print(f"smoke: {'FAILED' if wrong else 'ok'}", file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
