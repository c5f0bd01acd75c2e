"""What an installation holds: filled by commands, told by commands, and lost."""

import asyncio
import json
import shutil
import time
from pathlib import Path
from typing import Any

from obstore.store import S3Store
from tests.cli.runs import Ask

from shortly.clicks.click import Click, encode_click
from shortly.clicks.journal import Journal
from shortly.drainer import Drainer
from shortly.settings import load_settings
from shortly.store import open_store


def fill(ask: Ask) -> dict[str, Any]:
    """Fill the installation: links of all kinds, a key, people, clicks; return what commands tell of it."""
    ask("add", "https://example.com/plain", "--slug", "plain", "--tag", "a", "--tag", "b", "--title", "Zürich")
    ask("add", "https://example.com/limited", "--slug", "limited", "--max-clicks", "5", "--notes", "first\nsecond")
    ask("add", "https://example.com/other", "--slug", "other", "--domain", "go.example", "--folder", "spring")
    ask("edit", "plain", "--slug", "renamed")
    ask("key", "create", "ci")
    ask("user", "add", "ada@example.com", "--admin", given="an owl eats at night\n")
    click("renamed", times=7)
    click("limited", times=3)
    return everything(ask)


def click(slug: str, *, times: int) -> None:
    """Write clicks of a link down as a worker does, and let the drain count them."""
    settings = load_settings()
    link_id = id_of(slug)
    with Journal(settings.journal_dir, segment_bytes=1 << 20, max_bytes=8 << 20, sync_ms=1000) as journal:
        for number in range(times):
            at_ms = time.time_ns() // 10**6
            journal.append(
                encode_click(Click(at_ms, link_id, 0, False, number.to_bytes(8), "", "", "Mozilla/5.0", "", "", ""))
            )
    drainer = Drainer(settings)
    drainer.start()
    drainer.finish()


def id_of(slug: str) -> int:
    """Return a link's id, which is what the journal knows it by."""

    async def find() -> int:
        async with open_store(load_settings()) as store:
            link = await store.get_link("", slug)
            assert link is not None
            return link.id

    return asyncio.run(find())


def everything(ask: Ask) -> dict[str, Any]:
    """Return each link with all its fields, its statistics, keys, people and the audit log."""
    links = ask("list", "--limit", "100")["items"]
    kept: dict[str, Any] = {"links": sorted(links, key=lambda link: link["slug"])}
    kept["stats"] = {link["slug"]: ask("stats", link["short_url"]) for link in links}
    kept["keys"] = ask("key", "list")
    kept["people"] = ask("user", "list")
    kept["audit"] = ask("audit")
    told: dict[str, Any] = json.loads(json.dumps(kept), object_pairs_hook=without_clock)
    return told


def without_clock(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Leave out what depends on when one asks."""
    return {name: value for name, value in pairs if name not in ("from", "until", "since", "series", "buckets")}


def wipe(installation: Path) -> None:
    """Lose the machine: all but the backups is gone."""
    for path in installation.iterdir():
        if path.name != "backups":
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def bucket(endpoint: str, name: str) -> S3Store:
    """Return a client of one of the buckets."""
    return S3Store(
        name,
        endpoint=endpoint,
        region="eu-central-1",
        access_key_id="x",
        secret_access_key="x",
        client_options={"allow_http": True},
    )
