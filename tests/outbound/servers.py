"""Other people's servers, on this machine: each says what a test wants it to say, byte for byte."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

Speak = Callable[[str, asyncio.StreamWriter], Awaitable[None]]
"""Request head and where to write -> the answer; the connection is closed afterwards."""


class Server:
    """A server and what it was asked."""

    def __init__(self, port: int, heads: list[str]) -> None:
        self.port = port
        self.heads = heads

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        """Return an address on this server."""
        return f"http://{host}:{self.port}{path}"


@asynccontextmanager
async def serving(
    speak: Speak | bytes, host: str = "127.0.0.1", port: int = 0, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    """Run a server; bytes are what it answers to everything."""
    heads: list[str] = []
    under_way: set[asyncio.Task[None]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        try:
            await converse(reader, writer)
        finally:
            writer.transport.abort()  # what was written has been drained, or nobody waits for it

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            heads.append(head)
            if isinstance(speak, bytes):
                writer.write(speak)
            else:
                await speak(head, writer)
            await writer.drain()
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(answer, host, port, ssl=tls)
    try:
        yield Server(server.sockets[0].getsockname()[1], heads)
    finally:
        server.close()
        for task in tuple(under_way):
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        await asyncio.sleep(0)  # transports take their leave in the loop's next turn


def ok(body: bytes = b"fine", *headers: str) -> bytes:
    """Return a whole answer."""
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def moved(location: str, status: int = 302) -> bytes:
    """Return a redirect."""
    return f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode("latin-1")


class Names:
    """A resolver that knows what a test says, and remembers what it was asked; addresses are their own names."""

    def __init__(self, **known: list[str] | list[list[str]]) -> None:
        self.known = {name.replace("_", "."): answers for name, answers in known.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        """Answer as the next name server would; a list of lists is gone through, one at each question."""
        self.asked.append(host)
        answers = self.known.get(host, [host])
        if answers and isinstance(answers[0], list):
            return answers.pop(0) if len(answers) > 1 else answers[0]
        return [address for address in answers if isinstance(address, str)]
