"""The health check on a service that runs, and whom it tells when something is wrong."""

import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.accounts.mail_servers import Letterbox, mail_server
from tests.faults.conftest import make_served
from tests.faults.processes import kill, wait_until
from tests.faults.served import SHORTLY, Served, free_port
from tests.store.redis_servers import redis_server, session_redis_server

__all__ = ["make_served", "redis_server", "session_redis_server"]

UNIT = Path(__file__).parent.parent.parent / "deploy" / "host" / "systemd" / "shortly-healthcheck.service"
Posted = list[dict[str, Any]]


@pytest.fixture
def hook() -> Iterator[tuple[str, Posted, list[int]]]:
    """Run a chat service; yield its address, what was posted, and the status that it answers with."""
    posted: Posted = []
    status = [200]

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status[0])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", free_port()), Hook) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/hook", posted, status
        server.shutdown()


def look(service: Served, *arguments: str, **settings: str) -> tuple[int, dict[str, dict[str, Any]], str]:
    """Run the real command beside a service; return its exit code, findings by name, and what it said."""
    service._environment.update(settings)
    process = service.command_line("healthcheck", "--json", *arguments)
    out, errors = process.communicate(timeout=60)
    answer = json.loads(out)
    return process.returncode, {check["name"]: check for check in answer["checks"]}, errors


def problems(checks: dict[str, dict[str, Any]]) -> list[str]:
    assert all(check["advice"] for check in checks.values() if check["state"] == "problem")
    return sorted(name for name, check in checks.items() if check["state"] == "problem")


def alerts_to(url: str, port: int) -> dict[str, str]:
    """Return the settings that send alerts to a webhook and to a mail server on this port."""
    return {
        "ALERT_WEBHOOK_URL": url,
        "ALERT_EMAIL": "ops@example.com",
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(port),
        "SMTP_TLS": "none",
        "MAIL_FROM": "links@example.com",
    }


@pytest.mark.slow
def test_each_thing_that_is_wrong_is_found_told_and_told_to_be_well_again(
    make_served: Callable[..., Served], hook: tuple[str, Posted, list[int]]
) -> None:
    url, posted, status = hook
    service = make_served()
    service.start()
    letters = Letterbox()
    with mail_server(letters) as port:
        told = alerts_to(url, port)
        code, checks, _ = look(service, **told)
        assert (code, problems(checks)) == (1, ["backup"])
        assert not posted, "nobody asked for an alert"

        status[0] = 500
        code, _, errors = look(service, "--alert")
        assert code == 1
        assert "ALERT_WEBHOOK_URL answered 500" in errors
        assert url not in errors

        status[0] = 200
        look(service, "--alert")
        assert posted[-1]["healthy"] is False
        assert [problem["name"] for problem in posted[-1]["problems"]] == ["backup"]
        assert "There is no backup." in posted[-1]["text"]
        assert "There is no backup." in letters.texts()[-1]

        made = service.command_line("backup", "create")
        assert made.wait(60) == 0
        made.communicate()
        code, checks, _ = look(service, "--alert")
        assert (code, problems(checks)) == (0, [])
        assert posted[-1]["healthy"] is True
        assert "well again" in letters.mails[-1]["Subject"]
        count = len(posted)
        look(service, "--alert")
        assert len(posted) == count, "who is well is not told of again and again"

    victim = service.workers()[0]
    kill(victim)
    wait_until(lambda: victim not in service.workers(), within_s=10, what="the worker has ended")
    service.wait_until_ready()
    assert service.metrics()["shortly_workers_restarted_total"] == 1
    code, checks, _ = look(service)
    assert (code, problems(checks)) == (1, ["restarts"])
    assert checks["restarts"]["message"].startswith("1 workers")

    strict = {"ALERT_LATENCY_MS": "1", "ALERT_DISK_PERCENT": "1"}
    code, checks, _ = look(service, **strict)
    assert {"latency", "restarts"} <= set(problems(checks))


@pytest.mark.slow
@pytest.mark.parametrize("store", ["sqlite", "redis"])
def test_a_service_that_was_killed_and_started_anew_is_told_of_until_somebody_heard(
    make_served: Callable[..., Served],
    hook: tuple[str, Posted, list[int]],
    store: str,
    request: pytest.FixtureRequest,
) -> None:
    url, posted, _ = hook
    told = {"ALERT_WEBHOOK_URL": url, "ALERT_BACKUP_HOURS": "0", "ALERT_LATENCY_MS": "20000"}
    if store == "redis":
        told["STORE_URL"] = request.getfixturevalue("redis_server").url
    service = make_served(settings=told)
    service.start()
    service.stop()  # as an operator does
    service.start()
    code, checks, _ = look(service)
    assert (code, problems(checks)) == (0, [])

    service.kill_all()  # as the kernel does that is out of memory, or an engine
    service.start()
    code, checks, _ = look(service, "--alert")
    assert (code, problems(checks)) == (1, ["restarts"])
    assert checks["restarts"]["message"].startswith("1 times the whole service ended")
    assert service.metrics()["shortly_services_ended_unasked_total"] == 1
    assert [problem["name"] for problem in posted[-1]["problems"]] == ["restarts"]
    code, checks, _ = look(service, "--alert")
    assert (code, problems(checks)) == (0, [])
    assert posted[-1]["healthy"] is True


def beside(service: Served, told: dict[str, str], as_timer: str, folder: Path) -> int:
    """Run what a timer runs, with nothing around it but what systemd or cron gives; return its exit code.

    The environment file is in the form that both systemd and a shell read.
    """
    names = ("DATA_DIR", "BASE_URL", "HOST", "PORT", "WORKERS")
    settings = {**{name: service._environment[name] for name in names}, **told}
    file = folder / "shortly.env"
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    (line,) = re.findall(r"^ExecStart=(.+)$", UNIT.read_text(), re.MULTILINE)
    command = line.replace("/opt/shortly/bin/shortly", SHORTLY)
    bare = {"PATH": "/usr/bin:/bin"}
    if as_timer == "systemd":
        done = subprocess.run(command.split(), env={**bare, **settings}, cwd=service.data_dir, capture_output=True)
    else:
        script = f"set -a; . {file}; {command}"
        env = {**bare, "HOME": str(folder), "SHELL": "/bin/sh", "LOGNAME": "root"}
        done = subprocess.run(["/bin/sh", "-c", script], env=env, cwd=folder, capture_output=True)
    assert b"Traceback" not in done.stderr, done.stderr
    return done.returncode


@pytest.mark.slow
@pytest.mark.parametrize("as_timer", ["systemd", "cron"])
def test_what_timers_run_tells_by_webhook_and_mail_with_next_to_nothing_around_it(
    make_served: Callable[..., Served], hook: tuple[str, Posted, list[int]], tmp_path: Path, as_timer: str
) -> None:
    url, posted, _ = hook
    service = make_served()
    service.start()
    letters = Letterbox()
    with mail_server(letters) as port:
        told = alerts_to(url, port) | {"ALERT_BACKUP_HOURS": "0"}
        assert beside(service, told, as_timer, tmp_path) == 0
        assert not posted
        assert not letters.mails
        service.stop()
        assert beside(service, told, as_timer, tmp_path) == 1
        assert {problem["name"] for problem in posted[-1]["problems"]} == {"health", "journal"}
        assert letters.mails[-1]["To"] == "ops@example.com"
        assert "- health:" in letters.texts()[-1]
        service.start()
        assert beside(service, told, as_timer, tmp_path) == 0
        assert posted[-1]["healthy"] is True
        assert len(letters.mails) == 2


@pytest.mark.slow
def test_a_service_that_is_off_is_a_problem_and_an_old_backup_too(make_served: Callable[..., Served]) -> None:
    service = make_served()
    service.start()
    made = service.command_line("backup", "create")
    made.communicate(timeout=60)
    (card,) = (service.data_dir / "backups").glob("*.json")
    content = json.loads(card.read_text())
    content["created_at"] = (datetime.now(UTC) - timedelta(hours=27)).isoformat()
    card.write_text(json.dumps(content))
    service.stop()
    code, checks, _ = look(service)
    assert code == 1
    assert problems(checks) == ["backup", "health", "journal"]
    assert "27 hours" in checks["backup"]["message"]
    _, checks, _ = look(service, ALERT_BACKUP_HOURS="0")
    assert "backup" not in checks


@pytest.mark.slow
def test_an_https_address_without_a_certificate_is_a_problem(make_served: Callable[..., Served]) -> None:
    service = make_served()
    service.start()
    code, checks, _ = look(service, "--url", f"https://127.0.0.1:{service.port}")
    assert code == 1
    assert "did not answer with a certificate" in checks["certificate"]["message"]


@pytest.mark.parametrize(
    "settings",
    [{"ALERT_WEBHOOK_URL": "ftp://x"}, {"ALERT_EMAIL": "ops@example.com"}, {"ALERT_DISK_PERCENT": "101"}],
)
def test_a_bad_setting_is_one_sentence(cli: Any, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    result = cli("healthcheck")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
