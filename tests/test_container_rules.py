"""The rules for containers find what breaks them; tests/stack holds the real ones against them."""

from __future__ import annotations

import copy
import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parent.parent / "scripts" / "container_rules.py"
RULES = runpy.run_path(str(SCRIPT))

GOOD: dict[str, Any] = {
    "Name": "/good",
    "Config": {"User": "10001:10001"},
    "State": {"Health": {"Status": "healthy"}},
    "Mounts": [{"Type": "volume", "Source": "/var/lib/docker/volumes/x/_data", "Propagation": ""}],
    "HostConfig": {
        "RestartPolicy": {"Name": "unless-stopped"},
        "SecurityOpt": ["no-new-privileges:true"],
        "CapAdd": None,
        "CapDrop": ["ALL"],
        "Privileged": False,
        "NetworkMode": "edge",
        "PortBindings": {"8080/tcp": [{"HostIp": "", "HostPort": "80"}]},
        "Memory": 1 << 28,
        "NanoCpus": 10**9,
        "PidsLimit": 64,
        "ReadonlyRootfs": True,
        "PidMode": "",
        "IpcMode": "private",
        "UTSMode": "",
        "UsernsMode": "",
        "Devices": None,
    },
}

BAD: list[tuple[str, dict[str, Any]]] = [
    ("4.1", {"Config": {"User": "0:0"}}),
    ("4.1", {"Config": {"User": ""}}),
    ("4.6", {"State": {}}),
    ("5.2", {"HostConfig": {"SecurityOpt": ["no-new-privileges:true", "seccomp=unconfined"]}}),
    ("5.3", {"HostConfig": {"CapAdd": ["CAP_NET_ADMIN"]}}),
    ("5.3", {"HostConfig": {"CapDrop": None}}),
    ("5.4", {"HostConfig": {"Privileged": True}}),
    ("5.5", {"Mounts": [{"Type": "bind", "Source": "/etc"}]}),
    ("5.7", {"HostConfig": {"PortBindings": {"80/tcp": []}}}),
    ("5.9", {"HostConfig": {"NetworkMode": "host"}}),
    ("5.10", {"HostConfig": {"Memory": 0}}),
    ("5.11", {"HostConfig": {"NanoCpus": 0}}),
    ("5.12", {"HostConfig": {"ReadonlyRootfs": False}}),
    ("5.15", {"HostConfig": {"PidMode": "host"}}),
    ("5.16", {"HostConfig": {"IpcMode": "host"}}),
    ("5.17", {"HostConfig": {"Devices": [{"PathOnHost": "/dev/sda"}]}}),
    ("5.19", {"Mounts": [{"Type": "volume", "Source": "/x", "Propagation": "shared"}]}),
    ("5.20", {"HostConfig": {"UTSMode": "host"}}),
    ("5.25", {"HostConfig": {"SecurityOpt": None}}),
    ("5.28", {"HostConfig": {"PidsLimit": None}}),
    ("5.30", {"HostConfig": {"UsernsMode": "host"}}),
    ("5.31", {"Mounts": [{"Type": "bind", "Source": "/var/run/docker.sock"}]}),
]


def with_changes(changes: dict[str, Any]) -> dict[str, Any]:
    """Return the good container with something else in places."""
    container = copy.deepcopy(GOOD)
    for name, value in changes.items():
        container[name] = {**container[name], **value} if isinstance(value, dict) and value else value
    return container


def test_a_good_container_breaks_none() -> None:
    assert RULES["broken"](GOOD) == []


@pytest.mark.parametrize(("number", "changes"), BAD)
def test_each_rule_finds_what_breaks_it(number: str, changes: dict[str, Any]) -> None:
    assert [rule.number for rule in RULES["broken"](with_changes(changes))] == [number]


def test_every_rule_is_broken_by_one_of_these() -> None:
    assert {rule.number for rule in RULES["RULES"]} == {number for number, _ in BAD}


def test_the_script_names_the_container_the_rule_and_its_wish() -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT],
        input=json.dumps([GOOD, with_changes({"Config": {"User": "root"}, "Name": "/worse"})]),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stdout == "worse: CIS 4.1: wanted: a user that is not root\n"
    assert "2 containers" in done.stderr


def test_nothing_to_look_at_is_no_success() -> None:
    done = subprocess.run([sys.executable, SCRIPT], input="[]", capture_output=True, text=True)
    assert done.returncode == 2
