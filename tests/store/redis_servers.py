"""Real Redis servers on free loopback ports: one alone, a Cluster, and one primary with replicas and sentinels.

The session fixtures start each kind once for each process of the test run; a test that kills, pauses or promotes
starts its own with the context managers. Whatever was started is killed at the end, also when the test run is.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import redis

PROGRAM = os.environ.get("SHORTLY_TEST_REDIS_SERVER", "redis-server")
"""What is started: a name, or the path of another version, or of Valkey."""
PASSWORD = "p@ss/w:rd%?#"
"""Of every server; hostile to URLs that are put together carelessly."""
SERVICE = "shortly"
START_S = 20.0
QUIET = 'save ""\nauto-aof-rewrite-percentage 0\nrepl-diskless-sync-delay 0\nrepl-ping-replica-period 1\n'
DURABLE = "appendonly yes\nappendfsync everysec\n"


class RedisServer:
    """One ``redis-server`` process with a folder of its own, which a restart finds again."""

    def __init__(self, folder: Path, config: str = DURABLE, *, password: str | None = PASSWORD, tls: str = "") -> None:
        """``tls`` replaces the line that names the port, and may hold a ``{port}``."""
        self.folder = folder
        self.port = free_port()
        self.password = password
        self.socket = folder / "s"
        self._tls = bool(tls)
        self._process: subprocess.Popen[bytes] | None = None
        lines = [tls.format(port=self.port) or f"port {self.port}", "bind 127.0.0.1", f"dir {folder}", QUIET, config]
        if password:
            lines += [f'requirepass "{password}"', f'masterauth "{password}"']
        if tls or "cluster-enabled" not in config:
            lines.append(f"unixsocket {self.socket}")
        self._write("\n".join(lines))

    def _write(self, config: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "redis.conf").write_text(config + "\n")

    @property
    def url(self) -> str:
        """``STORE_URL`` of this server alone."""
        return f"redis://:{quote(self.password or '', safe='')}@127.0.0.1:{self.port}/0"

    @property
    def process_id(self) -> int:
        """Of the process that runs."""
        assert self._process is not None
        return self._process.pid

    def start(self, *extra: str) -> None:
        """Start, and wait until it answers. To be called from the main thread, with which it dies."""
        program = shutil.which(PROGRAM)
        if program is None:
            pytest.fail(f"{PROGRAM} is missing; install it by: scripts/system-packages.sh redis-server")
        guard = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        with (self.folder / "log").open("ab") as output:
            self._process = subprocess.Popen(
                [*guard, program, str(self.folder / "redis.conf"), *extra], stdout=output, stderr=output
            )
        wait_until(f"{self.folder / 'log'}: the server does not start", self._answers)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Let it hang: it accepts connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """End the pause."""
        self._signal(signal.SIGCONT)

    def command(self, *args: Any) -> Any:
        """Return the reply to one command, by another client's connection."""
        with self.client() as client:
            return client.execute_command(*args)

    def client(self, **options: Any) -> redis.Redis:
        """Return a blocking client, an observer that has nothing to do with the code under test."""
        if self._tls:
            options = {"unix_socket_path": str(self.socket), **options}
        else:
            options = {"host": "127.0.0.1", "port": self.port, **options}
        return redis.Redis(password=self.password, socket_timeout=5, decode_responses=True, protocol=2, **options)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            tail = (self.folder / "log").read_text(errors="replace")[-1500:]
            raise AssertionError(f"redis-server ended with {self._process.returncode}: {tail}")
        return bool(self.command("PING"))


class RedisServers:
    """Several servers that make one store, and its URL."""

    def __init__(self, url: str, servers: Sequence[RedisServer], sentinels: Sequence[RedisServer] = ()) -> None:
        self.url = url
        self.servers = list(servers)
        self.sentinels = list(sentinels)

    def flush(self) -> None:
        """Empty the store."""
        for server in self.servers:
            if server.command("ROLE")[0] == "master":
                server.command("FLUSHALL")

    def primaries(self) -> list[RedisServer]:
        """Return the servers that take writes now; those that do not answer are none."""
        found = []
        for server in self.servers:
            with contextlib.suppress(redis.RedisError):
                if server.command("ROLE")[0] == "master":
                    found.append(server)
        return found


# --- starting and ending -------------------------------------------------------------------------------------


@contextlib.contextmanager
def single_server(config: str = DURABLE, **options: Any) -> Iterator[RedisServer]:
    """Run one server."""
    with _folder() as folder, _running(RedisServer(folder / "0", config, **options)) as server:
        yield server


@contextlib.contextmanager
def cluster(*, replicas: int = 0, tls: str = "") -> Iterator[RedisServers]:
    """Run a Cluster of three primaries, each with so many replicas; ``tls`` as ``RedisServer`` takes it."""
    with _folder() as folder, contextlib.ExitStack() as stack:
        servers = []
        for number in range(3 * (1 + replicas)):
            servers.append(stack.enter_context(_running(RedisServer(folder / str(number), _cluster_config(), tls=tls))))
        first = servers[0]
        for number, server in enumerate(servers):
            server.command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            if number < 3:
                start, end = number * 16384 // 3, (number + 1) * 16384 // 3 - 1
                server.command("CLUSTER", "ADDSLOTSRANGE", start, end)
        bus = first.command("CONFIG", "GET", "cluster-port")[1]
        for server in servers[1:]:
            server.command("CLUSTER", "MEET", "127.0.0.1", first.port, bus)
        wait_until("the nodes know each other", lambda: all(_known(server) == len(servers) for server in servers))
        for number, server in enumerate(servers[3:]):
            server.command("CLUSTER", "REPLICATE", servers[number % 3].command("CLUSTER", "MYID"))
        wait_until("the Cluster is whole", lambda: all(_is_whole(server) for server in servers))
        wait_until("the replicas follow", lambda: all(_follows(server) for server in servers[3:]))
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in servers[:2])  # the others are to be found out
        yield RedisServers(f"redis+cluster://:{quote(PASSWORD, safe='')}@{hosts}", servers)


@contextlib.contextmanager
def managed_cluster() -> Iterator[RedisServers]:
    """Run a Cluster as hosted ones are: TLS alone, and a user who may do no more than docs/redis.md asks for."""
    with _folder() as folder:
        make_certificates(folder)
        tls = (
            f"port 0\ntls-port {{port}}\ntls-cluster yes\ntls-replication yes\ntls-auth-clients no\n"
            f"tls-cert-file {folder}/own.pem\ntls-key-file {folder}/own.key\ntls-ca-cert-file {folder}/ca.pem"
        )
        with cluster(tls=tls) as servers:
            for server in servers.servers:
                server.command(*documented_rights())
            hosts = servers.url.rpartition("@")[2]
            servers.url = f"rediss+cluster://shortly:PASSWORD@{hosts}?ssl_ca_certs={folder}/ca.pem"
            yield servers


def documented_rights() -> list[str]:
    """Return the command of docs/redis.md that makes a user, and what newer servers add to it."""
    text = (Path(__file__).parents[2] / "docs" / "redis.md").read_text()
    found = re.search(r"^redis-cli (ACL SETUSER .*?)^```", text, re.MULTILINE | re.DOTALL)
    assert found is not None, "the user of docs/redis.md is gone"
    name, version = server_version()
    newer = [] if name == "redis" and version < (7, 2) else ["+waitaof", "+client|setinfo"]
    return [*shlex.split(found[1].replace("\\\n", " ")), *newer]


def make_certificates(folder: Path) -> None:
    """Make ``ca.pem`` and ``other.pem`` of two authorities, and ``own.pem`` and ``own.key`` of the first for us."""

    def openssl(*args: str) -> None:
        subprocess.run(["openssl", *args], cwd=folder, check=True, capture_output=True)

    for name in ("ca", "other"):
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key")
        use = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")  # Python 3.13 asks for it
        openssl("req", "-x509", *key, *use, "-out", f"{name}.pem", "-days", "2", "-subj", f"/CN={name}")
    openssl(
        *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-keyout", "own.key", "-out", "own.csr", "-subj", "/CN=localhost"),
    )
    (folder / "extensions").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nauthorityKeyIdentifier=keyid\n")
    openssl(
        *("x509", "-req", "-in", "own.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
        *("-days", "2", "-extfile", "extensions", "-out", "own.pem"),
    )


@contextlib.contextmanager
def another_node(servers: RedisServers) -> Iterator[RedisServer]:
    """Run one more primary of a Cluster, which has no slots yet, and join it."""
    with _folder() as folder, _running(RedisServer(folder / "0", _cluster_config())) as server:
        server.command("CLUSTER", "SET-CONFIG-EPOCH", len(servers.servers) + 100)
        first = servers.servers[0]
        server.command("CLUSTER", "MEET", "127.0.0.1", first.port, first.command("CONFIG", "GET", "cluster-port")[1])
        known = len(servers.servers) + 1
        wait_until("the nodes know each other", lambda: all(_known(one) == known for one in (*servers.servers, server)))
        wait_until("the new node finds the Cluster whole", lambda: _is_whole(server))
        yield server


def slots_of(server: RedisServer) -> list[int]:
    """Return the slots that a node of a Cluster has, by its own account."""
    slots = server.command("CLUSTER", "SLOTS")
    return [slot for first, last, (_, port, *_), *_ in slots if port == server.port for slot in range(first, last + 1)]


def move_slot(servers: RedisServers, slot: int, source: RedisServer, target: RedisServer, *, some: int = 10) -> None:
    """Move a slot to another primary, so many keys at once, as ``redis-cli --cluster reshard`` does."""
    source_id, target_id = source.command("CLUSTER", "MYID"), target.command("CLUSTER", "MYID")
    target.command("CLUSTER", "SETSLOT", slot, "IMPORTING", source_id)
    source.command("CLUSTER", "SETSLOT", slot, "MIGRATING", target_id)
    with source.client() as mover:
        while names := mover.execute_command("CLUSTER", "GETKEYSINSLOT", slot, some):
            mover.execute_command(
                "MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "AUTH", target.password, "KEYS", *names
            )
    for server in (target, source, *servers.servers):
        server.command("CLUSTER", "SETSLOT", slot, "NODE", target_id)


@contextlib.contextmanager
def sentinel_trio() -> Iterator[RedisServers]:
    """Run a primary, two replicas and three sentinels, of which two agree that the primary is down after a second."""
    with _folder() as folder, contextlib.ExitStack() as stack:
        primary = stack.enter_context(_running(RedisServer(folder / "0")))
        servers = [primary]
        for number in (1, 2):
            config = f"{DURABLE}replicaof 127.0.0.1 {primary.port}\n"
            servers.append(stack.enter_context(_running(RedisServer(folder / str(number), config))))
        wait_until("the replicas follow", lambda: primary.command("INFO", "replication")["connected_slaves"] == 2)
        wait_until("the replicas are in step", lambda: all(_follows(server) for server in servers[1:]))
        sentinels = []
        for number in range(3):
            sentinel = Sentinel(folder / f"s{number}", primary)
            stack.callback(sentinel.kill)
            sentinel.start("--sentinel")
            sentinels.append(sentinel)
        wait_until("the sentinels agree", lambda: all(_knows_all(sentinel) for sentinel in sentinels))
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in sentinels)
        secret = quote(PASSWORD, safe="")
        yield RedisServers(
            f"redis+sentinel://:{secret}@{hosts}/{SERVICE}?sentinel_password={secret}", servers, sentinels
        )


class Sentinel(RedisServer):
    """A sentinel, which rewrites its own configuration."""

    def __init__(self, folder: Path, primary: RedisServer) -> None:
        super().__init__(folder)
        self._write(
            f'port {self.port}\nbind 127.0.0.1\ndir {folder}\nrequirepass "{PASSWORD}"\n'
            f'sentinel sentinel-pass "{PASSWORD}"\n'
            f"sentinel monitor {SERVICE} 127.0.0.1 {primary.port} 2\n"
            f'sentinel auth-pass {SERVICE} "{PASSWORD}"\n'
            f"sentinel down-after-milliseconds {SERVICE} 1000\n"
            f"sentinel failover-timeout {SERVICE} 5000\n"
        )


def server_version() -> tuple[str, tuple[int, ...]]:
    """Return ``redis`` or ``valkey`` and the version of the program that the tests start."""
    told = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.match(r"(\w+) server v=(\d+)\.(\d+)", told)
    assert found is not None, told
    return found[1].lower(), (int(found[2]), int(found[3]))


def wait_until(what: str, is_so: Callable[[], bool], *, seconds: float = START_S) -> None:
    """Wait for a condition on servers, and fail by its name."""
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(redis.RedisError, OSError):
            if is_so():
                return
        assert time.monotonic() < end, f"not in {seconds:g} s: {what}"
        time.sleep(0.02)


def free_port() -> int:
    """Return a port that nobody has, below those that the kernel gives to outgoing connections."""
    for _ in range(200):
        port = random.randint(20000, 32000)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """Give a folder whose name is short enough for a Unix socket in it."""
    with tempfile.TemporaryDirectory(prefix="shortly-redis-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextlib.contextmanager
def _running(server: RedisServer) -> Iterator[RedisServer]:
    try:
        server.start()
        yield server
    finally:
        server.kill()


def _cluster_config() -> str:
    return f"{DURABLE}cluster-enabled yes\ncluster-port {free_port()}\ncluster-node-timeout 2000\n"


def _known(server: RedisServer) -> int:
    return len(server.command("CLUSTER", "NODES").splitlines())


def _is_whole(server: RedisServer) -> bool:
    return "cluster_state:ok" in server.command("CLUSTER", "INFO")


def _follows(server: RedisServer) -> bool:
    role = server.command("ROLE")
    return bool(role[0] == "slave" and role[3] == "connected")


def _knows_all(sentinel: RedisServer) -> bool:
    reply = sentinel.command("SENTINEL", "MASTER", SERVICE)
    state = dict(zip(reply[::2], reply[1::2], strict=True))
    return int(state["num-other-sentinels"]) == 2 and int(state["num-slaves"]) == 2


# --- fixtures ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def session_redis_server() -> Iterator[RedisServer]:
    """Give the server that the tests of this process share."""
    with single_server() as server:
        yield server


@pytest.fixture(scope="session")
def session_redis_cluster() -> Iterator[RedisServers]:
    """Give the Cluster that the tests of this process share."""
    with cluster() as servers:
        yield servers


@pytest.fixture(scope="session")
def session_redis_managed() -> Iterator[RedisServers]:
    """Give the Cluster as hosted ones are that the tests of this process share."""
    with managed_cluster() as servers:
        yield servers


@pytest.fixture
def redis_managed(session_redis_managed: RedisServers) -> RedisServers:
    """Give a running, empty Cluster as hosted ones are."""
    session_redis_managed.flush()
    return session_redis_managed


@pytest.fixture(scope="session")
def session_redis_sentinels() -> Iterator[RedisServers]:
    """Give the sentinels that the tests of this process share."""
    with sentinel_trio() as servers:
        yield servers


@pytest.fixture
def redis_server(session_redis_server: RedisServer) -> RedisServer:
    """Give a running, empty server."""
    session_redis_server.command("FLUSHALL")
    return session_redis_server


@pytest.fixture
def redis_cluster(session_redis_cluster: RedisServers) -> RedisServers:
    """Give a running, empty Cluster of three primaries."""
    session_redis_cluster.flush()
    return session_redis_cluster


@pytest.fixture
def redis_sentinels(session_redis_sentinels: RedisServers) -> RedisServers:
    """Give a running, empty primary with two replicas and three sentinels."""
    session_redis_sentinels.flush()
    return session_redis_sentinels
