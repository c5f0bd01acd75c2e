"""The redirect over a real store and a real journal, driven as an ASGI server drives it."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from shortly.clicks.click import Click, decode_click
from shortly.clicks.journal import Journal, worker_folders
from shortly.clicks.segment import SegmentReader
from shortly.counters import Counters, read_counters
from shortly.links.domains import Domains
from shortly.links.link import Link
from shortly.links.service import LinkService
from shortly.links.slug import SlugRules
from shortly.links.target import TargetRules
from shortly.redirect.redirect import Message, Receive, Redirect, Scope, Send
from shortly.redirect.visitor import Addresses, Visitors
from shortly.store import Store


class Answer:
    """What a client got."""

    def __init__(self, messages: list[Message]) -> None:
        start, *bodies = messages
        self.status: int = start["status"]
        self.headers = {name.decode(): value.decode() for name, value in start["headers"]}
        self.body = b"".join(body.get("body", b"") for body in bodies)

    @property
    def location(self) -> str | None:
        return self.headers.get("location")


class Front:
    """A redirect under test, with its surroundings."""

    def __init__(self, store: Store, data_dir: Path, **options: Any) -> None:
        self.store = store
        self.data_dir = data_dir
        self.handed_on: list[str] = []
        self.salts = dict.fromkeys(range(40000), b"salt" * 4)
        slugs = options.pop("slugs", SlugRules())
        self.domains = Domains("sho.rt", options.pop("extra_domains", ()))
        self.links = LinkService(
            store,
            slugs=slugs,
            targets=TargetRules(own_hosts=["sho.rt"]),
            domains=self.domains,
        )
        self._opened = ExitStack()
        self.counters = self._opened.enter_context(Counters(data_dir / "counters"))
        self.journal = self._opened.enter_context(
            Journal(
                data_dir / "journal", segment_bytes=1 << 20, max_bytes=1 << 30, sync_ms=options.pop("sync_ms", 1000)
            )
        )
        self.app = Redirect(
            store=store,
            journal=self.journal,
            slugs=slugs,
            addresses=options.pop("addresses", Addresses(())),
            visitors=Visitors(self.salts),
            counters=self.counters,
            rest=self._rest,
            domains=self.domains.by_header,
            **options,
        )

    def close(self) -> None:
        self._opened.close()

    async def _rest(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.handed_on.append(scope.get("path", scope["type"]))
        await send({"type": "http.response.start", "status": 299, "headers": []})
        await send({"type": "http.response.body", "body": b"rest"})

    async def request(
        self,
        path: str,
        *,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        client: tuple[str, int] | None = ("203.0.113.7", 4711),
        query: bytes = b"",
    ) -> Answer:
        """Send one request; ``path`` is percent-decoded as servers do."""
        messages: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            messages.append(message)

        scope: Scope = {
            "type": "http",
            "method": method,
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query,
            "headers": [(n.lower().encode(), v.encode("latin-1")) for n, v in (headers or {}).items()],
            "client": client,
        }
        await self.app(scope, receive, send)
        return Answer(messages)

    async def link(self, slug: str = "ab", target: str = "https://example.com/", **fields: Any) -> Link:
        """Make a link."""
        workspace = fields.pop("workspace", 1)
        return await self.links.create({"slug": slug, "target": target, **fields}, workspace=workspace)

    def clicks(self) -> list[Click]:
        """Return what the journal holds."""
        found = []
        for worker in worker_folders(self.data_dir / "journal"):
            for segment in worker.segments:
                with SegmentReader(segment) as reader:
                    found += [decode_click(payload) for _, payload in reader.read(0).records]
        return found

    def counted(self) -> dict[str, int]:
        """Return the counters that are not zero."""
        return {name: value for name, value in read_counters(self.data_dir / "counters").items() if value}
