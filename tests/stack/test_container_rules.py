"""The containers of the whole installation keep the rules of the CIS benchmark; one that does not is found."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.stack.engine import ROOT, STACK, Stack, docker, run

pytestmark = STACK

SCRIPT = ROOT / "scripts" / "container_rules.py"


def test_all_containers_keep_the_rules(stack: Stack) -> None:
    names = stack.compose("ps", "--quiet").split()
    assert len(names) >= 6
    done = run(sys.executable, SCRIPT, stdin=docker("inspect", *names))
    assert done.returncode == 0, done.stdout
    assert f"{len(names)} containers" in done.stderr


def test_a_container_with_too_many_rights_is_found(images: dict[str, str], tmp_path: Path) -> None:
    name = docker(
        "create", "--privileged", "--pid=host", "--user=0", f"--volume={tmp_path}/docker.sock:/x", images["IMAGE"]
    )
    try:
        done = run(sys.executable, SCRIPT, stdin=docker("inspect", name))
    finally:
        docker("rm", name)
    assert done.returncode == 1
    for number in ("4.1", "5.4", "5.10", "5.12", "5.15", "5.31"):
        assert f"CIS {number}:" in done.stdout
