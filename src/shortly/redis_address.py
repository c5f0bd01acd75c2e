"""Where the servers are and how to be let in, as ``STORE_URL`` or the ``REDIS_*`` settings say."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Literal, Self
from urllib.parse import parse_qsl, unquote

Kind = Literal["single", "sentinel", "cluster"]

PORT = 6379
SENTINEL_PORT = 26379
MAX_HOSTS = 64
FORMS = (
    "must be redis://, rediss://, unix://, redis+sentinel:// or redis+cluster:// "
    "(rediss+sentinel:// and rediss+cluster:// with TLS)"
)
_SCHEMES: dict[str, tuple[Kind, bool]] = {
    "redis": ("single", False),
    "rediss": ("single", True),
    "unix": ("single", False),
    "redis+sentinel": ("sentinel", False),
    "rediss+sentinel": ("sentinel", True),
    "redis+cluster": ("cluster", False),
    "rediss+cluster": ("cluster", True),
}
_TLS_FIELDS = {"ssl_ca_certs": "ca", "ssl_certfile": "cert", "ssl_keyfile": "key"}


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM form; ``ca`` None trusts what the machine trusts, ``cert`` and ``key`` are the client's own."""

    ca: str | None = None
    cert: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """One server, the sentinels of one primary, or some nodes of a Cluster; its text form has no password."""

    kind: Kind = "single"
    hosts: tuple[tuple[str, int], ...] = ()
    """Name or IP address, and port; empty where ``path`` is set."""
    path: str | None = None
    """The Unix socket."""
    service: str | None = None
    """What the sentinels call the primary."""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    db: int = 0
    tls: Tls | None = None
    sentinel_username: str | None = None
    sentinel_password: str | None = field(default=None, repr=False)

    def with_defaults(self, *, username: str | None, password: str | None, tls: Tls) -> Self:
        """Return it with what it does not say itself filled in, ``tls`` only where it asks for TLS."""
        return replace(
            self,
            username=self.username or username,
            password=self.password or password,
            tls=self.tls and Tls(self.tls.ca or tls.ca, self.tls.cert or tls.cert, self.tls.key or tls.key),
        )

    def __str__(self) -> str:
        """Name the servers for logs, without credentials."""
        if self.path is not None:
            return f"unix://{self.path}"
        scheme = ("rediss" if self.tls else "redis") + ("" if self.kind == "single" else f"+{self.kind}")
        hosts = ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.hosts)
        return f"{scheme}://{hosts}" + (f"/{self.service}" if self.service else "")


def parse_address(url: str) -> Address:
    """Return what a store URL names.

    Raises:
        ValueError: It is none; the message is a sentence without its full stop, and repeats nothing of the URL.
    """
    parts = re.fullmatch(r"([A-Za-z+]{1,20})://([^/?#]*)(/[^?#]*)?(?:\?([^#]*))?", url)
    if not parts or not url.isprintable() or parts[1].lower() not in _SCHEMES:
        raise ValueError(FORMS)
    scheme, netloc, path, query = parts[1].lower(), parts[2], unquote(parts[3] or ""), parts[4] or ""
    if netloc.count("@") > 1:
        raise ValueError("must have the @ of its user name or password percent-encoded, as %40")
    kind, tls = _SCHEMES[scheme]
    credentials, _, hosts = netloc.rpartition("@")
    username, _, password = credentials.partition(":")
    options = dict(parse_qsl(query, keep_blank_values=True))
    address = Address(
        kind=kind,
        hosts=() if scheme == "unix" else _hosts_of(hosts, SENTINEL_PORT if kind == "sentinel" else PORT),
        path=_socket_of(hosts, path) if scheme == "unix" else None,
        service=_service_of(path) if kind == "sentinel" else None,
        username=unquote(username) or None,
        password=unquote(password) or None,
        db=_db_of(kind, "" if scheme == "unix" else path, options.pop("db", "")),
        tls=Tls(**{name: options.pop(option, None) or None for option, name in _TLS_FIELDS.items()}) if tls else None,
        sentinel_username=(options.pop("sentinel_username", None) or None) if kind == "sentinel" else None,
        sentinel_password=(options.pop("sentinel_password", None) or None) if kind == "sentinel" else None,
    )
    if options:
        raise ValueError(f"has the unknown option {sorted(options)[0][:40]!r}")
    if address.tls and (address.tls.cert is None) != (address.tls.key is None):
        raise ValueError("must name both the client certificate and its key, or neither")
    if len(address.hosts) > 1 and kind == "single":
        raise ValueError("names several servers, which only redis+sentinel:// and redis+cluster:// may")
    return address


def _hosts_of(text: str, port: int) -> tuple[tuple[str, int], ...]:
    hosts = []
    for item in text.split(","):
        found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9._-]{1,253}))(?::([0-9]{1,5}))?", item)
        if not found or not 0 < int(found[3] or port) < 65536:
            raise ValueError("must name its servers as host or host:port, separated by commas")
        hosts.append((found[1] or found[2], int(found[3] or port)))
    if len(hosts) > MAX_HOSTS:
        raise ValueError(f"names more than {MAX_HOSTS} servers")
    return tuple(hosts)


def _socket_of(host: str, path: str) -> str:
    if host or len(path) < 2 or not path.isprintable():
        raise ValueError("must name a socket as unix:///path")
    return path


def _service_of(path: str) -> str:
    service = path.strip("/").split("/")[0]
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", service):
        raise ValueError("must end in the name that the sentinels give the primary, as in redis+sentinel://host/name")
    return service


def _db_of(kind: Kind, path: str, option: str) -> int:
    """Return the number of the database: of the path, behind the service's name, or of the option."""
    rest = path.strip("/").split("/")[1:] if kind == "sentinel" else path.strip("/").split("/")
    number = "/".join(rest) or option
    if not number:
        return 0
    if not re.fullmatch(r"[0-9]{1,5}", number) or (kind == "cluster" and int(number)):
        raise ValueError("must end in the number of a database, which in a Cluster is 0, or in nothing")
    return int(number)
