"""How long people wait for links while they type what they look for, letter by letter, when there are many."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from urllib.parse import quote

from bench.api import Api, new_key
from bench.links import slug_of
from bench.samples import ms, percentile
from bench.servers import Shortly
from bench.stage import SERVER_CORE, Run
from bench.table import Row

ROUNDS = 5
TARGET_S = 0.1
TYPED = (
    "garden",  # a word of thousands of titles and addresses
    "Coffee market",  # capitals, and two words
    "www.winter-shop.example",  # a host; its first letters are in every link
    "article=123456",  # one link, by the end of its address
    slug_of(654_321),
    "newslettre",  # mistyped: found until the last but one letter, then nothing
)
ASKED = {
    "list of links": "sort=-created_at&limit=100",  # web/src/features/links/queries.ts
    "palette": "sort=-created_at&limit=6",  # web/src/features/shortcuts/Palette.tsx
}
"""Who asks -> with what besides the search."""


def measure(run: Run) -> Iterator[Row]:
    """Type each word, and ask after every letter; the web app waits a moment for the next one, which is left out."""
    folder = run.large_folder
    key = new_key(folder)
    took_s: dict[str, dict[str, list[float]]] = {who: {} for who in ASKED}
    with Shortly(folder, core=SERVER_CORE, path=f"/{slug_of(0)}") as server, Api(server.port, key) as api:
        for nth in range(run.size(ROUNDS, 1) + 1):
            for who, query in ASKED.items():
                for letters in typed():
                    seconds = answer_s(api, f"search={quote(letters)}&{query}")
                    if nth:  # the first round fills memories
                        took_s[who].setdefault(letters, []).append(seconds)
    for who, of in took_s.items():
        every = [seconds for each in of.values() for seconds in each]
        slowest = max(of, key=lambda letters: median(of[letters]))
        yield Row(
            stage="search",
            what=f"search letter by letter in {run.many_links.count:,} links: {who}",
            measured=f"p95 {ms(percentile(every, 95))}, median {ms(median(every))}; "
            f"slowest: {slowest!r}, median {ms(median(of[slowest]))}",
            target=f"p95 under {ms(TARGET_S)}",
            met=percentile(every, 95) < TARGET_S,
            data={"took_s": of},
        )


def typed() -> Iterator[str]:
    """Yield what the field holds after each letter; spaces at the end are not asked for."""
    for word in TYPED:
        for end in range(1, len(word) + 1):
            if not word[:end].endswith(" "):
                yield word[:end]


def answer_s(api: Api, query: str) -> float:
    """Ask for the first page; like the web app, ask on while it is empty and there may be more. Return the seconds."""
    answer = api.request("GET", f"/links?{query}")
    seconds = answer.seconds
    while not answer.body["items"] and (cursor := answer.body["next_cursor"]):
        answer = api.request("GET", f"/links?{query}&cursor={quote(cursor)}")
        seconds += answer.seconds
    return seconds
