"""compose.monitoring.yaml beside the installation: what it measures, what it draws, and whom it tells of trouble."""

from __future__ import annotations

import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import pytest
from tests.stack.engine import NEEDED, ROOT, STACK, Stack, docker, run

pytestmark = STACK

MONITORING = ROOT / "deploy" / "monitoring"
SERVICES = ("prometheus", "alertmanager", "blackbox-exporter", "nginx-exporter", "redis-exporter")
"""All but Grafana, whose dashboard is tried query by query."""
IMAGES = (
    "prom/prometheus:v3.5.3",
    "prom/alertmanager:v0.33.1",
    "prom/blackbox-exporter:v0.28.0",
    "nginx/nginx-prometheus-exporter:1.5.1",
    "oliver006/redis_exporter:v1.86.0",
)
OFF_WITHOUT_TLS = "probe_ssl_earliest_cert_expiry"
Told = list[dict[str, Any]]


@pytest.fixture(scope="module")
def tools() -> None:
    """Have the images, or say that nothing was tried."""
    for image in IMAGES:
        if run("docker", "image", "inspect", image).returncode and run("docker", "pull", "--quiet", image).returncode:
            sentence = f"{image} is not here and cannot be pulled: monitoring and alerts were NOT tried"
            pytest.fail(sentence) if NEEDED in os.environ else pytest.skip(sentence)


@pytest.fixture(scope="module")
def told(stack: Stack) -> Iterator[tuple[Told, str]]:
    """Take what Alertmanager posts; yield it with the address."""
    posted: Told = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    gateway = docker("network", "inspect", "-f", "{{(index .IPAM.Config 0).Gateway}}", f"{stack.project}_front")
    with ThreadingHTTPServer((gateway, 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield posted, f"http://{gateway}:{server.server_address[1]}/{secrets.token_hex(8)}"
        server.shutdown()


@pytest.fixture(scope="module")
def watched(
    stack: Stack, tools: None, told: tuple[Told, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """Start what watches beside the installation, and take it away again."""
    own = tmp_path_factory.mktemp("secrets")
    own.chmod(0o755)
    (own / "alert_webhook").write_text(told[1])
    templates = tmp_path_factory.mktemp("templates")  # some builds read them from files
    templates.chmod(0o755)
    for name in ("default.tmpl", "email.tmpl"):
        (templates / name).touch()
    volumes = [f"{own}:/run/own-secrets:ro", f"{templates}:/usr/share/prometheus/alertmanager:ro"]
    asking = (MONITORING / "prometheus.yaml").read_text()
    assert asking.count("_interval: 15s") == 2
    (own / "prometheus.yaml").write_text(asking.replace("_interval: 15s", "_interval: 3s"))  # it is waited for
    services = {
        "alertmanager": {"volumes": volumes},
        "prometheus": {"volumes": [f"{own}/prometheus.yaml:/etc/prometheus/prometheus.yaml:ro"]},
    }
    override = own / "compose.yaml"
    override.write_text(json.dumps({"services": services}))  # YAML, too
    before = dict(stack.environment)
    stack.environment |= {
        "COMPOSE_FILE": os.pathsep.join(("compose.yaml", "compose.monitoring.yaml", str(override))),
        "PROMETHEUS_PORT": "0",
        "ALERTMANAGER_PORT": "0",
    }
    try:
        stack.up("--no-recreate", "--scale", "backend=3", *SERVICES)
        yield stack
    finally:
        stack.compose("rm", "--stop", "--force", "--volumes", *SERVICES, "monitoring")
        stack.environment = before
        for name in ("monitoring", "prometheus", "alertmanager"):
            run("docker", "volume", "rm", f"{stack.project}_{name}")
        run("docker", "network", "rm", f"{stack.project}_monitoring")


def ask(stack: Stack, expression: str) -> list[dict[str, Any]]:
    """Return what Prometheus says to an expression now."""
    address = docker("port", stack.ids("prometheus")[0], "9090/tcp").splitlines()[0]
    assert address.startswith("127.0.0.1:")  # for this machine alone
    with urlopen(f"http://{address}/api/v1/query?query={quote(expression)}", timeout=10) as answer:
        found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
    return found


def wait(what: Callable[[], object], *, within_s: float) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.5)


def test_the_rules_tell_of_each_trouble_and_of_nothing_else(tools: None) -> None:
    see = ("docker", "run", "--rm", "--network", "none", "--volume", f"{MONITORING}:/etc/prometheus:ro")
    for command in (
        ("promtool", IMAGES[0], "check", "rules", "--lint=all", "--lint-fatal", "/etc/prometheus/rules.yaml"),
        ("promtool", IMAGES[0], "test", "rules", "/etc/prometheus/rules.test.yaml"),
        ("amtool", IMAGES[1], "check-config", "/etc/prometheus/alertmanager.yaml"),
    ):
        done = run(*see, "--entrypoint", *command)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "SUCCESS" in done.stdout


def test_every_alert_has_a_test_of_its_own() -> None:
    alerts = {line.split()[-1] for line in (MONITORING / "rules.yaml").read_text().splitlines() if "- alert:" in line}
    tests = (MONITORING / "rules.test.yaml").read_text()
    assert len(alerts) >= 10
    assert not {alert for alert in alerts if f'alertname="{alert}"' not in tests}


def test_everything_is_measured_and_the_dashboard_draws_it(watched: Stack) -> None:
    check = ("promtool", "check", "config", "--lint=all", "/etc/prometheus/prometheus.yaml")
    assert "SUCCESS" in docker("exec", watched.ids("prometheus")[0], *check)
    jobs = {"shortly", "nginx", "redis", "site-http", "prometheus", "alertmanager"}
    wait(lambda: {one["metric"]["job"] for one in ask(watched, "up == 1")} >= jobs, within_s=60)
    wait(lambda: ask(watched, "rate(shortly_api_requests_total[1m])"), within_s=60)
    dashboard = json.loads((MONITORING / "grafana" / "dashboards" / "shortly.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len(expressions) >= 15
    for expression in expressions:
        if OFF_WITHOUT_TLS not in expression:
            assert ask(watched, expression.replace("$__rate_interval", "1m")), expression


def test_who_looks_after_it_is_told_that_redis_is_away_and_that_it_is_back(
    watched: Stack, told: tuple[Told, str]
) -> None:
    posted, _ = told

    def tells(state: str) -> bool:
        return any(
            alert["labels"]["alertname"] == "ShortlyRedisAway" and alert["status"] == state
            for post in posted
            for alert in post["alerts"]
        )

    (redis,) = watched.ids("redis")
    docker("kill", redis)
    try:
        wait(lambda: tells("firing"), within_s=150)
    finally:
        docker("start", redis)
    summaries = {alert["annotations"]["summary"] for post in posted for alert in post["alerts"]}
    assert "Redis does not answer." in summaries
    alerting = {alert["labels"]["alertname"] for post in posted for alert in post["alerts"]}
    assert "ShortlyDown" not in alerting  # that follows from it
    wait(lambda: not ask(watched, 'ALERTS{alertname="ShortlyRedisAway"}'), within_s=60)


def test_the_secrets_of_those_who_watch_are_their_own(watched: Stack) -> None:
    mounted: dict[str, set[str]] = {}
    for service in (*SERVICES, "backend"):
        (inspected,) = json.loads(docker("inspect", watched.ids(service)[0]))
        mounted[service] = {Path(mount["Destination"]).name for mount in inspected["Mounts"]}
        if service != "backend":
            assert inspected["HostConfig"]["ReadonlyRootfs"] is True
            assert inspected["HostConfig"]["CapDrop"] == ["ALL"]
            assert inspected["HostConfig"]["Memory"] > 0
    assert {service for service, folders in mounted.items() if "monitoring" in folders} == {
        "prometheus",
        "redis-exporter",
    }
