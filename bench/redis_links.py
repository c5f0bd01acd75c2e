"""A million links in Redis, loaded once by the real import and kept on the disk as the server wrote them."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Self

import msgspec
from msgspec import Struct

from bench.links import RECIPE
from bench.process import ROOT, Failed, Process
from bench.redis_server import RedisServer

LAYOUT = (
    "keys.py", "records.py", "grams.py", "index.py", "schema.py", "scripts/postings.lua", "scripts/apply_index.lua",
)  # fmt: skip
"""The files of the engine that say how links are kept."""
LOAD_S = 1800
FIGURES = "load.json"


class Loaded(Struct, frozen=True, kw_only=True):
    """How the import went."""

    links: int
    seconds: float
    """Without those of making the links up."""
    processor_s: float
    """What of that the importing process was computing."""
    server_s: float = 0.0
    """The same of the server."""
    memory: int = 0
    """Bytes that the server needs for them."""
    load_average: float = 0.0
    """When the import began."""


class RedisLinks(Struct, frozen=True):
    """A folder that a server may be started on; a copy of it, for it is to stay as it is."""

    folder: Path
    loaded: Loaded
    fresh: bool
    """This run has loaded them."""

    @classmethod
    def cached(cls, cache: Path, count: int, say: Callable[[str], None], *, server_core: int, core: int) -> Self:
        """Return the first links as a server keeps them; loads them when the engine keeps them in another way now."""
        key = fingerprint()
        folder = cache / f"{count}-redis-{key}"
        fresh = not folder.exists()
        if fresh:
            for old in cache.glob(f"{count}-redis-*"):
                shutil.rmtree(old)
            say(f"importing {count:,} links into Redis; the next run finds them in {cache}")
            unfinished = cache / f"unfinished-redis-{count}"
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(parents=True)
            loaded = load(unfinished, count, server_core=server_core, core=core)
            (unfinished / FIGURES).write_bytes(msgspec.json.encode(loaded))
            unfinished.rename(folder)
        return cls(folder, msgspec.json.decode((folder / FIGURES).read_bytes(), type=Loaded), fresh)


def fingerprint() -> str:
    """Return what changes when the engine keeps links in another way."""
    engine = ROOT / "src" / "shortly" / "store" / "redis"
    digest = hashlib.sha256(str(RECIPE).encode())
    for name in LAYOUT:
        digest.update((engine / name).read_bytes())
    return digest.hexdigest()[:12]


def load(folder: Path, count: int, *, server_core: int, core: int, profile: bool = False) -> Loaded:
    """Import links into a new server whose files come to lie in the folder."""
    log = folder / "import.log"
    command = [sys.executable, "-m", "bench.import_once", str(count), *(["--profile"] if profile else [])]
    load_average = os.getloadavg()[0]
    with RedisServer(folder, core=server_core) as server:
        memory, server_s = server.used_memory(), server.cpu_s()
        environment = {"PYTHONPATH": str(ROOT), "DATA_DIR": str(folder / "data"), "STORE_URL": server.url}
        with Process(command, core=core, environment=environment, log=log) as process:
            process.wait(LOAD_S)
        server_s = server.cpu_s() - server_s
        server.compact()
        memory = server.used_memory() - memory
    output = log.read_text(encoding="utf-8").strip()
    if profile:
        print(output, file=sys.stderr)
    try:
        got = msgspec.json.decode(output.rpartition("\n")[2], type=Loaded)
    except msgspec.DecodeError:
        raise Failed(f"the import failed:\n{output[-2000:]}") from None
    return msgspec.structs.replace(got, server_s=server_s, memory=memory, load_average=load_average)
