"""The guarded client against real servers on this machine, friendly and hostile."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import subprocess
import zlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from tests.outbound.servers import Names, Server, moved, ok, serving

from shortly.errors import OutboundFailed, OutboundRefused, ShortlyError
from shortly.outbound.certificate import expiry_of
from shortly.outbound.client import Answer, Limits, Outbound
from shortly.outbound.rules import OutboundRules
from shortly.outbound.transport import GuardedTransport

pytestmark = pytest.mark.anyio
PATIENT = Limits(deadline_s=20)
HASTY = Limits(deadline_s=0.2)


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio."""
    return "asyncio"


@pytest.fixture
async def silent() -> AsyncIterator[Server]:
    """Run a server that hears, and never answers."""

    async def speak(_: str, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with serving(speak) as server:
        yield server


def free(resolver: Callable[..., object] | None = None) -> Outbound:
    """Return a client that may ask this machine."""
    rules = OutboundRules(ports=None, allow=["127.0.0.0/8", "::1/128"])
    return Outbound(rules, resolver=resolver or Names())  # type: ignore[arg-type]


def guarded(resolver: object | None = None) -> Outbound:
    """Return a client with the usual rules but for the ports, so that it is the address that is refused."""
    rules = OutboundRules(ports=None)
    return Outbound(rules) if resolver is None else Outbound(rules, resolver=resolver)  # type: ignore[arg-type]


async def fetch(answer: bytes, limits: Limits = PATIENT, *, beginning: bool = False) -> Answer:
    """Fetch what a server says."""
    async with serving(answer) as server:
        return await free().get(server.url(), limits=limits, beginning=beginning)


# --- what goes well ------------------------------------------------------------------------------------------


async def test_an_answer_comes_whole() -> None:
    async with serving(ok(b"hello", "X-Kind: plain")) as server:
        answer = await free().get(server.url("/a?b=c#d"))
    assert (answer.status, answer.body, answer.whole) == (200, b"hello", True)
    assert answer.headers["x-kind"] == "plain"
    assert answer.url == server.url("/a?b=c")
    head = server.heads[0]
    assert head.startswith("GET /a?b=c HTTP/1.1\r\n")
    assert f"Host: 127.0.0.1:{server.port}" in head
    assert "User-Agent: Shortly/" in head


async def test_a_status_is_an_answer() -> None:
    answer = await fetch(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    assert answer.status == 404


async def test_a_body_is_sent() -> None:
    async with serving(ok()) as server:
        answer = await free().post(server.url(), b'{"a":1}', headers={"Content-Type": "application/json"})
    assert answer.status == 200
    assert server.heads[0].startswith("POST / ")
    assert "Content-Length: 7" in server.heads[0]


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes), ("GZIP", gzip.compress)],
)
async def test_a_packed_answer_is_unpacked(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    answer = await fetch(ok(pack(b"hello" * 1000), f"Content-Encoding: {encoding}"))
    assert answer.body == b"hello" * 1000


async def test_redirects_are_followed_and_named() -> None:
    async def speak(head: str, writer: asyncio.StreamWriter) -> None:
        step = int(head.split("/")[1].split(" ")[0] or 0)
        writer.write(moved(f"/{step + 1}") if step < 5 else ok(b"there"))

    async with serving(speak) as server:
        answer = await free().get(server.url("/0"))
        assert (answer.body, answer.url) == (b"there", server.url("/5"))
        stay = await free().get(server.url("/0"), limits=Limits(redirects=0))
    assert (stay.status, stay.headers["location"]) == (302, "/1")


async def test_a_body_is_never_sent_on() -> None:
    async with serving(ok()) as other, serving(moved(other.url(), 307)) as server:
        answer = await free().post(server.url(), b"secret")
    assert answer.status == 307
    assert not other.heads


async def test_headers_stay_with_the_server_they_were_meant_for() -> None:
    async with serving(ok(b"x")) as other, serving(moved(other.url())) as server:
        await free().get(server.url(), headers={"Authorization": "Bearer canary", "X-Token": "canary"})
    assert "canary" in server.heads[0]
    assert "canary" not in other.heads[0]


async def test_nothing_is_remembered_between_requests() -> None:
    async with serving(ok(b"", "Set-Cookie: a=canary; Path=/")) as server:
        client = free()
        await client.get(server.url())
        await client.get(server.url())
    assert len(server.heads) == 2
    assert "canary" not in server.heads[1]


async def test_the_environment_is_not_asked_for_proxies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password canary")
    monkeypatch.setenv("NETRC", str(netrc))
    async with serving(ok(b"proxy")) as proxy, serving(ok(b"server")) as server:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
            monkeypatch.setenv(name, proxy.url())
        assert (await free().get(server.url())).body == b"server"
    assert "canary" not in server.heads[0]
    assert "uthorization" not in server.heads[0]


# --- never to the inside -------------------------------------------------------------------------------------

LOCAL = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.255.255.254",
    "0",
    "0.0.0.0",
    "2130706433",
    "017700000001",
    "0177.0.0.1",
    "0x7f000001",
    "0x7f.1",
    "0x7F.0x0.0x0.0x1",
    "127.0x0.0.01",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "127.0.0.1.",
    "%31%32%37.0.0.1",
    "127。0。0。1",
    "①②⑦.0.0.1",
    "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::127.0.0.1]",
    "[2002:7f00:1::]",
    "[fe80::1]",
    "[fec0::1]",
]


@pytest.mark.parametrize("host", LOCAL)
async def test_this_machine_is_not_asked_by_any_of_its_names(host: str) -> None:
    async with serving(ok()) as server:  # with the system's own resolver, which may not know every name
        with pytest.raises(ShortlyError):
            await guarded().get(server.url(host=host), limits=PATIENT)
    assert not server.heads


@pytest.mark.parametrize("host", LOCAL)
async def test_a_redirect_does_not_lead_to_this_machine(host: str) -> None:
    async with serving(ok()) as inner:
        target = inner.url(host=host).encode().decode("latin-1")
        async with serving(moved(target)) as outer:
            rules = OutboundRules(ports=None, allow=["outer.example"])
            names = Names(outer_example=["127.0.0.1"], localhost=["127.0.0.1"])
            with pytest.raises(ShortlyError):
                await Outbound(rules, resolver=names).get(outer.url(host="outer.example"), limits=PATIENT)
    assert len(outer.heads) == 1
    assert not inner.heads


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "unix:///run/x",
        "http://user:pw@outer.example/",
        "http://outer.example\\@127.0.0.1/",
        "//user@outer.example/",
        "http://outer.example:22/",
        "http://127.0.0.1#@outer.example/",
        "http://[",
        "\\\\127.0.0.1\\x",
    ],
)
async def test_a_redirect_to_an_odd_address_is_not_followed(location: str) -> None:
    async with serving(moved(location)) as outer:
        rules = OutboundRules(ports=[outer.port, 80], allow=["outer.example"])
        names = Names(outer_example=["127.0.0.1"])
        with pytest.raises(ShortlyError):
            await Outbound(rules, resolver=names).get(outer.url(host="outer.example"), limits=PATIENT)
    assert len(outer.heads) == 1


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["10.0.0.5"], ["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"], ["::1"], ["169.254.169.254"], []],
)
async def test_a_name_that_means_an_inner_address_is_refused(addresses: list[str]) -> None:
    async with serving(ok()) as server:
        with pytest.raises(OutboundRefused):
            await guarded(Names(evil_example=addresses)).get(server.url(host="evil.example"))
    assert not server.heads


async def test_a_name_that_changes_its_meaning_does_not_get_in() -> None:
    async with (
        serving(ok(b"outside"), "127.0.0.2") as outer,
        serving(ok(b"inside"), "127.0.0.1", outer.port) as inner,
    ):
        names = Names(evil_example=[["127.0.0.2"], ["127.0.0.1"]])
        client = Outbound(OutboundRules(ports=None, allow=["127.0.0.2"]), resolver=names)
        answer = await client.get(outer.url(host="evil.example"))
        assert answer.body == b"outside"
        assert names.asked == ["evil.example"]  # what was checked is what was asked
        with pytest.raises(OutboundRefused):
            await client.get(outer.url(host="evil.example"))
    assert not inner.heads


async def test_a_name_that_changes_its_meaning_between_redirects_does_not_get_in() -> None:
    async with (
        serving(moved("/again"), "127.0.0.2") as outer,
        serving(ok(b"inside"), "127.0.0.1", outer.port) as inner,
    ):
        names = Names(evil_example=[["127.0.0.2"], ["127.0.0.1"]])
        client = Outbound(OutboundRules(ports=None, allow=["127.0.0.2"]), resolver=names)
        with pytest.raises(OutboundRefused):
            await client.get(outer.url(host="evil.example"))
    assert len(outer.heads) == 1
    assert not inner.heads


async def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    async with serving(ok(b"second"), "127.0.0.3") as server:
        answer = await free(Names(two_example=["127.0.0.2", "127.0.0.3"])).get(server.url(host="two.example"))
    assert answer.body == b"second"


async def test_a_port_that_is_not_allowed_is_not_asked() -> None:
    async with serving(ok()) as server:
        with pytest.raises(OutboundRefused):
            await Outbound(OutboundRules(allow=["127.0.0.1"])).get(server.url())
    assert not server.heads


async def test_a_refusal_tells_nothing_of_the_inside() -> None:
    sentences = set()
    for addresses in (["10.0.0.1"], ["127.0.0.1"], ["169.254.169.254"], []):
        with pytest.raises(OutboundRefused) as refused:
            await guarded(Names(evil_example=addresses)).get("http://evil.example/")
        sentences.add(str(refused.value))
    assert len(sentences) == 1


@pytest.mark.parametrize("failure", [OSError("nope"), UnicodeError("label too long")])
async def test_a_name_nobody_knows_is_a_failure(failure: Exception) -> None:
    async def resolver(host: str, port: int) -> list[str]:
        raise OSError from failure

    with pytest.raises(OutboundFailed):
        await guarded(resolver).get("http://nobody.example/")


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "x.invalid", "a..example", "xn--a.example"])
async def test_the_system_s_resolver_never_raises_anything_else(host: str) -> None:
    with pytest.raises(ShortlyError):
        await guarded().get(f"http://{host}/", limits=PATIENT)


async def test_a_request_cannot_be_split_by_what_a_caller_passes_on() -> None:
    async with serving(ok()) as server:
        with pytest.raises(ShortlyError):
            await free().get(server.url("/a\r\nX-Evil: 1"))
        with pytest.raises((ShortlyError, ValueError)):
            await free().get(server.url(), headers={"X-A": "b\r\nX-Evil: 1"})
    assert "Evil" not in "".join(server.heads)


# --- limits --------------------------------------------------------------------------------------------------


async def test_redirects_in_a_circle_end() -> None:
    async with serving(moved("/")) as server:
        with pytest.raises(OutboundFailed, match="led on too often"):
            await free().get(server.url())
    assert len(server.heads) == 6


SMALL = Limits(max_bytes=10_000, deadline_s=20)


@pytest.mark.parametrize(
    "answer",
    [
        ok(b"x" * 10_001),
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 10_001,
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n" + b"x" * 20_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"100\r\n"
        + b"x" * 256
        + b"\r\n"
        + b"1\r\nx\r\n" * 11_000,
        ok(gzip.compress(bytes(10_000_000)), "Content-Encoding: gzip"),
        ok(zlib.compress(bytes(10_000_000)), "Content-Encoding: deflate"),
    ],
    ids=["length", "until the end", "a lie", "chunks", "gzip bomb", "deflate bomb"],
)
async def test_an_answer_that_is_too_large_is_refused(answer: bytes) -> None:
    with pytest.raises(OutboundFailed, match="too large"):
        await fetch(answer, SMALL)
    start = await fetch(answer, SMALL, beginning=True)
    assert len(start.body) == 10_000
    assert not start.whole


async def test_a_body_of_exactly_the_limit_is_taken() -> None:
    assert len((await fetch(ok(b"x" * 10_000), SMALL)).body) == 10_000


@pytest.mark.parametrize(
    "head",
    [b"X-A: " + b"a" * 2_000_000, b"X-A: a\r\n" * 200_000],
    ids=["one long header", "many headers"],
)
async def test_headers_that_do_not_end_are_refused(head: bytes) -> None:
    with pytest.raises(OutboundFailed):
        await fetch(b"HTTP/1.1 200 OK\r\n" + head, PATIENT)


@pytest.mark.parametrize(
    "piece",
    [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"],
)
async def test_answers_before_the_answer_end_some_time(piece: bytes) -> None:
    async def speak(_: str, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(piece * 1000)
            await writer.drain()

    async with serving(speak) as server:
        with pytest.raises(OutboundFailed, match="too large"):
            await free().get(server.url(), limits=Limits(deadline_s=60))


@pytest.mark.parametrize(
    "start",
    [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"],
    ids=["before the answer", "within headers", "within the body"],
)
async def test_a_server_that_drips_is_given_up(start: bytes) -> None:
    async def speak(_: str, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while not writer.is_closing():
            writer.write(b"x")  # each read succeeds at once: only the deadline for all of them ends this
            await writer.drain()
            await asyncio.sleep(0.01)

    async with serving(speak) as server:
        with pytest.raises(OutboundFailed, match="took too long"):
            await free().get(server.url(), limits=HASTY)


async def test_a_name_server_that_is_silent_is_given_up() -> None:
    async def resolver(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    with pytest.raises(OutboundFailed):
        await guarded(resolver).get("http://slow.example/", limits=HASTY)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"-ERR unknown command\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX\x00Y: 1\r\nContent-Length: 0\r\n\r\n",
        ok(b"not packed", "Content-Encoding: gzip"),
        ok(b"x", "Content-Encoding: br"),
        ok(b"x", "Content-Encoding: zstd"),
        ok(gzip.compress(gzip.compress(b"x")), "Content-Encoding: gzip, gzip"),
        ok(gzip.compress(gzip.compress(b"x")), "Content-Encoding: gzip", "Content-Encoding: gzip"),
    ],
)
async def test_nonsense_is_one_clear_error(answer: bytes) -> None:
    with pytest.raises(OutboundFailed):
        await fetch(answer)


async def test_requests_wait_for_their_turn() -> None:
    running = most = 0
    go_on = asyncio.Event()

    async def speak(_: str, writer: asyncio.StreamWriter) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 2:
            go_on.set()
        await go_on.wait()
        running -= 1
        writer.write(ok())

    async with serving(speak) as server:
        rules = OutboundRules(ports=None, allow=["127.0.0.1"])
        client = Outbound(rules, at_once=2)
        await asyncio.gather(*(client.get(server.url()) for _ in range(6)))
    assert most == 2


async def test_waiting_for_a_turn_is_part_of_the_time(silent: Server) -> None:
    client = Outbound(OutboundRules(ports=None, allow=["127.0.0.1"]), at_once=1)
    first = asyncio.create_task(client.get(silent.url(), limits=PATIENT))
    while not silent.heads:
        await asyncio.sleep(0)
    with pytest.raises(OutboundFailed, match="took too long"):
        await client.get(silent.url(), limits=HASTY)
    first.cancel()
    assert len(silent.heads) == 1


async def test_the_transport_keeps_the_limits_in_other_hands_too(silent: Server) -> None:
    rules = OutboundRules(ports=None, allow=["127.0.0.1"])
    hasty = GuardedTransport(rules, deadline_s=0.2)
    async with httpx2.AsyncClient(transport=hasty, timeout=None) as client:
        with pytest.raises(OutboundFailed, match="took too long"):
            await client.get(silent.url())
    async with serving(ok(b"x" * 1_000_000)) as server:
        small = GuardedTransport(rules, max_bytes=1_000)
        async with httpx2.AsyncClient(transport=small, timeout=None) as client:
            with pytest.raises(OutboundFailed, match="too large"):
                await client.get(server.url())
    async with httpx2.AsyncClient(transport=GuardedTransport(OutboundRules(ports=None))) as client:
        with pytest.raises(OutboundRefused):
            await client.get(silent.url())


# --- TLS -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a certificate for good.example, which is its own authority, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    made, key = folder / "good.pem", folder / "good.key"
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=good.example"
    command = [*words.split(), "-addext", "subjectAltName=DNS:good.example", "-keyout", str(key), "-out", str(made)]
    subprocess.run(command, check=True, capture_output=True)
    return made, key


async def ask_over_tls(certificate: tuple[Path, Path], host: str, tls: ssl.SSLContext | None) -> tuple[Answer, Server]:
    """Ask a server that has the certificate, by some name."""
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(*certificate)
    names = Names(good_example=["127.0.0.1"], other_example=["127.0.0.1"])
    client = Outbound(OutboundRules(ports=None, allow=["127.0.0.1"]), resolver=names, tls=tls)
    async with serving(ok(b"sealed"), tls=theirs) as server:
        return await client.get(f"https://{host}:{server.port}/", limits=PATIENT), server


async def test_a_server_proves_its_name_and_not_its_address(certificate: tuple[Path, Path]) -> None:
    answer, server = await ask_over_tls(certificate, "good.example", ssl.create_default_context(cafile=certificate[0]))
    assert answer.body == b"sealed"
    assert f"Host: good.example:{server.port}" in server.heads[0]


@pytest.mark.parametrize("host", ["other.example", "127.0.0.1"])
async def test_a_server_with_another_s_certificate_is_refused(certificate: tuple[Path, Path], host: str) -> None:
    with pytest.raises(OutboundFailed):
        await ask_over_tls(certificate, host, ssl.create_default_context(cafile=certificate[0]))


async def test_a_certificate_of_no_known_authority_is_refused(certificate: tuple[Path, Path]) -> None:
    with pytest.raises(OutboundFailed):
        await ask_over_tls(certificate, "good.example", None)


async def test_a_redirect_never_leads_from_https_to_http(certificate: tuple[Path, Path]) -> None:
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(*certificate)
    ours = ssl.create_default_context(cafile=certificate[0])
    rules = OutboundRules(ports=None, allow=["127.0.0.1"])
    async with serving(ok()) as plain, serving(moved(plain.url()), tls=theirs) as sealed:
        client = Outbound(rules, resolver=Names(good_example=["127.0.0.1"]), tls=ours)
        with pytest.raises(OutboundRefused):
            await client.get(f"https://good.example:{sealed.port}/", limits=PATIENT)
    assert len(sealed.heads) == 1
    assert not plain.heads


async def ask_expiry(certificate: tuple[Path, Path], host: str, tls: ssl.SSLContext | None) -> datetime:
    """Ask a server that has the certificate until when that is good."""
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(*certificate)
    names = Names(good_example=["127.0.0.1"], other_example=["127.0.0.1"])
    rules = OutboundRules(ports=None, private=True)
    async with serving(ok(), tls=theirs) as server:
        return await expiry_of(host, server.port, rules, tls=tls, resolver=names)


async def test_the_end_of_a_certificate_is_told(certificate: tuple[Path, Path]) -> None:
    until = await ask_expiry(certificate, "good.example", ssl.create_default_context(cafile=certificate[0]))
    assert timedelta(days=1.9) < until - datetime.now(UTC) <= timedelta(days=2)


async def test_why_a_certificate_is_not_accepted_is_told(certificate: tuple[Path, Path]) -> None:
    with pytest.raises(OutboundFailed, match="self-signed"):
        await ask_expiry(certificate, "good.example", None)
    with pytest.raises(OutboundFailed, match="Hostname mismatch"):
        await ask_expiry(certificate, "other.example", ssl.create_default_context(cafile=certificate[0]))


async def test_what_speaks_no_tls_has_no_certificate() -> None:
    async with serving(ok()) as server:
        with pytest.raises(OutboundFailed, match="did not answer with a certificate"):
            await expiry_of("127.0.0.1", server.port, OutboundRules(ports=None, private=True))


async def test_a_certificate_of_the_inside_is_not_asked_for() -> None:
    with pytest.raises(OutboundRefused):
        await expiry_of("169.254.169.254", 443, OutboundRules(ports=None, private=True))
