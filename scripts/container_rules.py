"""Hold running containers against the rules for them of the CIS Docker Benchmark 1.6 (sections 4 and 5).

    docker inspect $(docker compose ps --quiet) | python3 scripts/container_rules.py

Prints what is broken, a line each, and ends with 1 if anything is. Sections 1 to 3, the host and the daemon, are for
whoever looks after the machine. Not held: 5.14 ends a service for good after five ends, which a link shortener must not
do, so any restart policy will do; 5.13 asks for one interface, and nginx serves all.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

Container = dict[str, Any]

HOST_FOLDERS = ("/", "/boot", "/dev", "/etc", "/lib", "/proc", "/sys", "/usr", "/var/run", "/run")
ALLOWED_CAPABILITIES: frozenset[str] = frozenset()
LONG_RUNNING = ("unless-stopped", "always", "on-failure")


class Rule(NamedTuple):
    """One rule: its number in the benchmark, what it asks for, and whether a container keeps it."""

    number: str
    asks: str
    keeps: Callable[[Container], bool]


def host(container: Container) -> dict[str, Any]:
    """Return how the engine was asked to run it."""
    found: dict[str, Any] = container["HostConfig"]
    return found


def binds(container: Container) -> list[str]:
    """Return the host's paths that it sees."""
    return [mount["Source"] for mount in container["Mounts"] if mount["Type"] == "bind"]


def options(container: Container) -> list[str]:
    """Return its security options."""
    return list(host(container).get("SecurityOpt") or [])


def runs_on(container: Container) -> bool:
    """Say whether it is a service, and no task that ends by itself."""
    return host(container)["RestartPolicy"]["Name"] in LONG_RUNNING


def is_limited(container: Container, name: str) -> bool:
    """Say whether there is a limit above zero."""
    return (host(container).get(name) or 0) > 0


def has_processor_limit(container: Container) -> bool:
    """Say whether one of the ways to limit processors is used."""
    return any(is_limited(container, name) for name in ("NanoCpus", "CpuQuota", "CpuShares"))


RULES = (
    Rule("4.1", "a user that is not root", lambda c: c["Config"]["User"].split(":")[0] not in ("", "0", "root")),
    Rule("4.6", "a health check", lambda c: not runs_on(c) or bool((c["State"].get("Health") or {}).get("Status"))),
    Rule("5.2", "a seccomp profile", lambda c: not any("seccomp=unconfined" in option for option in options(c))),
    Rule("5.3", "no capabilities", lambda c: set(host(c).get("CapAdd") or []) <= ALLOWED_CAPABILITIES),
    Rule("5.3", "all capabilities dropped", lambda c: "ALL" in (host(c).get("CapDrop") or [])),
    Rule("5.4", "not privileged", lambda c: not host(c)["Privileged"]),
    Rule("5.5", "none of the host's own folders", lambda c: not any(path in HOST_FOLDERS for path in binds(c))),
    Rule("5.7", "no privileged port inside", lambda c: all(port >= 1024 for port in inner_ports(c))),
    Rule("5.9", "a network of its own", lambda c: host(c)["NetworkMode"] != "host"),
    Rule("5.10", "a limit on memory", lambda c: is_limited(c, "Memory")),
    Rule("5.11", "a limit on processors", has_processor_limit),
    Rule("5.12", "a root file system that is read only", lambda c: host(c)["ReadonlyRootfs"] is True),
    Rule("5.15", "process ids of its own", lambda c: host(c)["PidMode"] != "host"),
    Rule("5.16", "shared memory of its own", lambda c: host(c)["IpcMode"] != "host"),
    Rule("5.17", "no devices of the host", lambda c: not host(c).get("Devices")),
    Rule("5.19", "no shared mounts", lambda c: all(mount.get("Propagation") != "shared" for mount in c["Mounts"])),
    Rule("5.20", "a host name of its own", lambda c: host(c)["UTSMode"] != "host"),
    Rule("5.25", "no new privileges", lambda c: any(option.startswith("no-new-privileges") for option in options(c))),
    Rule("5.28", "a limit on processes", lambda c: is_limited(c, "PidsLimit")),
    Rule("5.30", "user ids of its own", lambda c: host(c)["UsernsMode"] != "host"),
    Rule("5.31", "not the engine's socket", lambda c: not any(path.endswith("docker.sock") for path in binds(c))),
)


def inner_ports(container: Container) -> Iterator[int]:
    """Yield the ports inside that are published."""
    for name in host(container).get("PortBindings") or {}:
        yield int(name.split("/")[0])


def broken(container: Container) -> list[Rule]:
    """Return the rules that a container does not keep."""
    return [rule for rule in RULES if not rule.keeps(container)]


def main() -> int:
    """Judge what ``docker inspect`` printed; returns the exit code."""
    containers: list[Container] = json.load(sys.stdin)
    if not containers:
        print("there is no container to look at", file=sys.stderr)
        return 2
    complaints = [(container["Name"].lstrip("/"), rule) for container in containers for rule in broken(container)]
    for name, rule in complaints:
        print(f"{name}: CIS {rule.number}: wanted: {rule.asks}")
    print(f"{len(containers)} containers, {len(RULES)} rules, {len(complaints)} broken", file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
