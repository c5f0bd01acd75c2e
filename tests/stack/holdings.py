"""What an installation holds, told through its doors, to be compared after everything was lost."""

from __future__ import annotations

import json
from typing import Any

from tests.stack.engine import Stack

LINKS: list[dict[str, Any]] = [
    {"slug": "plain", "target": "https://example.com/plain", "title": "Zürich", "tags": ["a", "b"]},
    {"slug": "limited", "target": "https://example.com/limited", "max_clicks": 5, "notes": "first\nsecond"},
    {"slug": "other", "target": "https://example.com/other", "folder": "spring", "status": 307},
]
CLICKS = {"plain": 7, "limited": 3}
PERSON = {"email": "ada@example.com", "password": "an owl eats at night"}


def fill(stack: Stack, key: str) -> None:
    """Make links of several kinds and a person, and follow some of the links until that is counted."""
    person = stack.script(
        "docker", "compose", "exec", "--no-TTY", "backend", "sh", "-c",
        f"echo {PERSON['password']} | shortly user add {PERSON['email']} --admin --password-file -",
    )  # fmt: skip
    assert person.returncode == 0, person.stderr
    for link in LINKS:
        made = stack.ask("/api/v1/links", key=key, body=link)
        assert made.status == 201, made.body
    for slug, clicks in CLICKS.items():
        for _ in range(clicks):
            assert stack.ask(f"/{slug}").status == 302
        stack.wait_until_counted(slug, key, clicks, within_s=20)


def sign_in(stack: Stack) -> str:
    """Return the cookies of a session of the person."""
    told = stack.ask("/api/v1/auth/sign-in", body=PERSON).headers["set-cookie"]
    return "; ".join(line.partition(";")[0] for line in told.splitlines())


def everything(stack: Stack, key: str) -> dict[str, Any]:
    """Return all links, the newest with each of their fields, the statistics of ours, keys and people."""
    links = stack.ask("/api/v1/links?limit=100", key=key).json["items"]
    named = [link["slug"] for link in links if link["slug"] in {one["slug"] for one in LINKS}]
    return {
        "exported": stack.ask("/api/v1/exports/links?format=json", key=key).body.splitlines(),
        "links": links,
        "clicks": {slug: stack.clicks_of(slug, key) for slug in named},
        "stats": {slug: stack.ask(f"/api/v1/links/{slug}/stats", key=key).json for slug in named},
        "keys": [
            {name: value for name, value in each.items() if name != "last_used_at"}
            for each in stack.ask("/api/v1/keys", key=key).json["items"]
        ],
        "people": json.loads(stack.compose("exec", "--no-TTY", "backend", "shortly", "user", "list", "--json")),
    }
