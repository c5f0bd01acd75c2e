"""The whole installation as compose.yaml describes it, with three backends."""

from __future__ import annotations

import json
import re

import pytest
from tests.stack.engine import STACK, Stack, docker, run

pytestmark = STACK

SERVICES = ("nginx", "frontend", "backend", "redis", "certificates", "backup")


def test_it_serves_the_app_the_api_and_short_links_without_any_edits(stack: Stack) -> None:
    key = stack.make_key()
    made = stack.ask("/api/v1/links", key=key, body={"target": "https://example.com/", "slug": "front"})
    assert made.status == 201, made.body
    assert made.json["short_url"] == "http://localhost/front"
    followed = stack.ask("/front")
    assert (followed.status, followed.headers["location"]) == (302, "https://example.com/")
    for path in ("/", "/app", "/app/links"):
        page = stack.ask(path)
        assert page.status == 200
        assert b'<div id="root">' in page.body
    assert stack.ask("/health").json["status"] == "ok"
    assert stack.ask("/docs").status == 200
    assert stack.ask("/no-such-link").status == 404


@pytest.mark.parametrize(
    "files",
    [
        ("compose.yaml",),
        ("compose.yaml", "compose.monitoring.yaml"),
        ("compose.single.yaml",),
        ("compose.dev.yaml",),
    ],
    ids="+".join,
)
def test_compose_takes_the_files_as_they_are(files: tuple[str, ...]) -> None:
    docker("compose", *(word for file in files for word in ("--file", file)), "--profile", "*", "config", "--quiet")


def test_only_nginx_is_published(stack: Stack) -> None:
    for service in SERVICES:
        for container in stack.ids(service):
            bindings = json.loads(docker("inspect", "-f", "{{json .HostConfig.PortBindings}}", container))
            assert bool(bindings) is (service == "nginx"), service


def test_redis_is_reached_by_the_backend_alone(stack: Stack) -> None:
    (redis,) = stack.ids("redis")
    addresses = docker("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}", redis).split()
    reach = "import socket, sys; socket.create_connection((sys.argv[1], 6379), 3); print('reached')"
    for host in ("redis", *addresses):
        assert stack.compose("exec", "--no-TTY", "backend", "python", "-c", reach, host) == "reached"
        for service in ("nginx", "frontend"):
            inside = ("docker", "exec", stack.ids(service)[0])
            attempt = run(*inside, "curl", "--silent", "--max-time", "3", f"telnet://{host}:6379")
            assert attempt.returncode in (6, 7, 28), f"{service} reaches {host}: {attempt}"
            # the same command does reach what it may reach
            allowed = run(*inside, "curl", "--silent", "--max-time", "3", "http://backend:8000/health/live")
            assert allowed.returncode == 0


def test_redis_asks_for_a_password_and_keeps_everything(stack: Stack) -> None:
    (redis,) = stack.ids("redis")
    assert "NOAUTH" in docker("exec", redis, "redis-cli", "get", "x")
    ask = 'REDISCLI_AUTH="$(cat /run/secrets/redis_password)" redis-cli config get '
    assert docker("exec", redis, "sh", "-c", ask + "appendonly").split() == ["appendonly", "yes"]
    assert docker("exec", redis, "sh", "-c", ask + "maxmemory-policy").split()[1] == "noeviction"
    password = docker("exec", redis, "cat", "/run/secrets/redis_password")
    assert len(password) >= 32
    assert password not in docker("inspect", redis)
    assert password not in docker("top", redis)


@pytest.mark.parametrize("service", SERVICES)
def test_containers_have_no_rights_and_can_write_nowhere(stack: Stack, service: str) -> None:
    for container in stack.ids(service):
        (inspected,) = json.loads(docker("inspect", container))
        host = inspected["HostConfig"]
        assert inspected["Config"]["User"] not in ("", "0", "root")
        assert host["ReadonlyRootfs"] is True
        assert host["CapDrop"] == ["ALL"]
        assert not host["CapAdd"]
        assert host["Privileged"] is False
        assert "no-new-privileges:true" in host["SecurityOpt"]
        assert host["Memory"] > 0
        assert host["NanoCpus"] > 0
        assert host["PidsLimit"] > 0
        assert host["LogConfig"]["Config"] == {"max-file": "5", "max-size": "10m"}
        assert not any("docker.sock" in mount["Source"] for mount in inspected["Mounts"])
        status = docker("exec", container, "cat", "/proc/1/status")
        assert re.search(r"^CapEff:\t0+$", status, re.MULTILINE)
        assert re.search(r"^NoNewPrivs:\t1$", status, re.MULTILINE)
        assert not re.search(r"^Uid:\t0\t", status, re.MULTILINE)
        for path in ("/x", "/etc/x", "/usr/bin/x", "/opt/x"):
            refused = run("docker", "exec", container, "touch", path)
            assert refused.returncode != 0
            assert "Read-only file system" in refused.stderr, refused.stderr


def test_metrics_and_inner_pages_are_not_public(stack: Stack) -> None:
    key = stack.make_key()
    for path in (
        "/metrics",
        "/metrics/",
        "//metrics",
        "/METRICS",
        "/%6detrics",
        "/metrics?x",
        "/status",
        "/stub_status",
    ):
        answer = stack.ask(path, key=key)
        assert answer.status == 404, path
        assert b"shortly_" not in answer.body
        assert b"Active connections" not in answer.body


def test_a_forged_address_does_not_get_around_a_limit(stack: Stack) -> None:
    statuses = [
        stack.ask(
            "/api/v1/auth/sign-in",
            body={"email": "nobody@example.com", "password": f"wrong password {number}"},
            headers={"X-Forwarded-For": f"203.0.113.{number}", "X-Real-IP": f"203.0.113.{number}"},
        ).status
        for number in range(1, 40)
    ]
    assert 429 in statuses, statuses


def test_the_access_log_is_json_without_addresses(stack: Stack) -> None:
    stack.ask("/logged?secret=of-the-visitor", headers={"Referer": "https://elsewhere.example/"})
    (nginx,) = stack.ids("nginx")
    lines = docker("logs", nginx).splitlines()
    entries = [json.loads(line) for line in lines if line.startswith("{")]
    (entry,) = [entry for entry in entries if entry["path"] == "/logged"]
    assert (entry["method"], entry["status"]) == ("GET", 404)
    everything = json.dumps(entries)
    assert "of-the-visitor" not in everything
    assert "elsewhere.example" not in everything
    assert not re.search(r"\b(\d{1,3}\.){3}\d{1,3}\b", everything)


def test_bodies_and_headers_that_are_too_large_are_refused(stack: Stack) -> None:
    assert stack.ask("/api/v1/links", body={"target": "x" * (9 << 20)}).status == 413
    assert stack.ask("/" + "x" * 9000).status == 414
    assert stack.ask("/x", headers={"X-Much": "x" * 9000}).status == 400


def test_nginx_keeps_its_connections_to_the_backends(stack: Stack) -> None:
    def connections() -> int:
        """Count those to port 8000 that are open or were closed within the last minute."""
        lines = docker("exec", stack.ids("nginx")[0], "cat", "/proc/net/tcp").splitlines()[1:]
        return sum(line.split()[2].endswith(f":{8000:04X}") for line in lines)

    before = connections()
    for _ in range(60):
        assert stack.ask("/health/live").status == 200
    assert connections() - before < 30


def test_the_configuration_of_nginx_is_valid(stack: Stack) -> None:
    for service in ("nginx", "frontend"):
        docker("exec", stack.ids(service)[0], "nginx", "-t", "-q")


def test_the_frontend_answers_as_the_backend_does(stack: Stack) -> None:
    """The same headers, but for those that servers make up themselves."""
    asset = re.search(rb'src="(/assets/[^"]+\.js)"', stack.ask("/app/").body)
    assert asset is not None
    own = {"date", "server", "connection", "etag", "last-modified", "accept-ranges", "content-length", "vary"}
    own |= {"x-request-id"}
    code = (
        "import http.client, json, sys; c = http.client.HTTPConnection('127.0.0.1', 8000);"
        "c.request('GET', sys.argv[1], headers={'Host': 'localhost', 'Accept-Encoding': sys.argv[2]});"
        "a = c.getresponse(); b = a.read();"
        "print(json.dumps([a.status, {n.lower(): v for n, v in a.getheaders()}, len(b)]))"
    )
    for path in ("/app/", asset[1].decode(), "/manifest.webmanifest"):
        for coding in ("identity", "gzip", "gzip, br"):
            if path == "/app/" and "br" in coding:
                continue  # a page of a thousand bytes: gzip is enough
            through = stack.ask(path, headers={"Accept-Encoding": coding})
            printed = stack.compose("exec", "--no-TTY", "backend", "python", "-c", code, path, coding)
            status, headers, length = json.loads(printed)
            assert through.status == status == 200
            got = {name: value for name, value in through.headers.items() if name not in own}
            if path == "/manifest.webmanifest":  # nginx packs it ahead for gzip only
                got.pop("content-encoding", None), headers.pop("content-encoding", None)
            else:
                assert len(through.body) == length
            assert got == {name: value for name, value in headers.items() if name not in own}, (path, coding)
    assert stack.ask("/assets/none.js").status == 404
