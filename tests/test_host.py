"""The host kit, held against the programs that read it: systemd, logrotate, ufw."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HOST = ROOT / "deploy" / "host"
UNITS = sorted((HOST / "systemd").iterdir())
SHORTLY = Path(sys.executable).with_name("shortly")
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"


def program(name: str) -> str:
    """Return where a program is, or skip and say which one is missing; the install stage of CI brings all of them."""
    found = shutil.which(name, path=PATH)
    if found is None:
        pytest.skip(f"{name} is not installed: scripts/system-packages.sh systemd-analyze logrotate ufw")
    return found


def run(*command: str | Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, env={**os.environ, "PATH": PATH, **variables}, capture_output=True, text=True, timeout=120, check=False
    )


def test_systemd_takes_every_unit_without_a_word(tmp_path: Path) -> None:
    analyze = program("systemd-analyze")
    for unit in UNITS:
        text = (
            unit.read_text().replace("/opt/shortly/bin/shortly", str(SHORTLY)).replace("/usr/bin/certbot", "/bin/true")
        )
        (tmp_path / unit.name).write_text(text)
    answer = run(analyze, "verify", *sorted(tmp_path.iterdir()))
    assert answer.returncode == 0
    assert answer.stdout + answer.stderr == ""


def test_a_misspelt_directive_would_be_noticed(tmp_path: Path) -> None:
    unit = tmp_path / "shortly.service"
    unit.write_text((HOST / "systemd" / "shortly.service").read_text().replace("ProtectHome", "ProtectHoem"))
    assert "ProtectHoem" in run(program("systemd-analyze"), "verify", unit).stderr


@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit.suffix == ".service"], ids=lambda unit: unit.name)
def test_the_units_are_as_hardened_as_the_documentation_says(unit: Path) -> None:
    analyze = program("systemd-analyze")
    (line,) = [
        row
        for row in (ROOT / "docs" / "host.md").read_text().splitlines()
        if row.startswith("|") and f"`{unit.name}`" in row and re.search(r"\d\.\d \|$", row)
    ]
    stated = float(line.rstrip("| ").rpartition(" ")[2])
    answer = run(analyze, "security", "--offline=true", "--no-pager", f"--threshold={round(stated * 10)}", unit)
    assert answer.returncode == 0, answer.stdout[-200:]


def test_each_timer_has_its_service_and_a_time_that_comes() -> None:
    analyze = program("systemd-analyze")
    timers = [unit for unit in UNITS if unit.suffix == ".timer"]
    assert len(timers) == 3
    for timer in timers:
        assert timer.with_suffix(".service").exists()
        (when,) = re.findall(r"^OnCalendar=(.+)$", timer.read_text(), re.MULTILINE)
        assert "Next elapse" in run(analyze, "calendar", when).stdout


def test_logrotate_rotates_and_the_service_goes_on_writing(tmp_path: Path) -> None:
    rotate = program("logrotate")
    dry = run(rotate, "-d", "-s", tmp_path / "state", HOST / "logrotate.conf")
    assert dry.returncode == 0
    assert not re.search(r"^error:", dry.stdout + dry.stderr, re.MULTILINE), dry.stderr
    logs = tmp_path / "logs"
    logs.mkdir(mode=0o750)
    config = tmp_path / "logrotate.conf"
    config.write_text((HOST / "logrotate.conf").read_text().replace("/var/log/shortly", str(logs)))
    config.chmod(0o644)
    with (logs / "shortly.log").open("a") as log:  # as systemd's append: does
        log.write("before\n")
        log.flush()
        forced = run(rotate, "-f", "-s", tmp_path / "state", config)
        assert not re.search(r"^error:", forced.stdout + forced.stderr, re.MULTILINE), forced.stderr
        log.write("after\n")
    assert (logs / "shortly.log").read_text() == "after\n"
    (rotated,) = logs.glob("shortly.log-*")
    assert rotated.read_text() == "before\n"


def test_the_firewall_opens_three_doors() -> None:
    program("ufw")
    if os.geteuid() != 0:
        pytest.skip("ufw shows its rules to root alone")
    answer = run(HOST / "firewall.sh", "--dry-run", SSH_PORT="2222")
    assert answer.returncode == 0, answer.stderr
    assert "ERROR" not in answer.stdout + answer.stderr
    assert set(re.findall(r"^### tuple ### (\w+) (\w+) (\d+)", answer.stdout, re.MULTILINE)) >= {
        ("limit", "tcp", "2222"),
        ("allow", "tcp", "80"),
        ("allow", "tcp", "443"),
        ("allow", "udp", "443"),
    }
    assert run(HOST / "firewall.sh", SSH_PORT="22; reboot").returncode == 2
