"""HTTPS with a real authority: pebble speaks ACME as Let's Encrypt does, and asks nginx for what certbot laid down."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.stack.engine import NEEDED, ROOT, STACK, Stack, docker, run
from tests.stack.visitors import visiting

pytestmark = STACK

NAME, ALIAS = "short.example", "go.example"
CERTIFICATE_DAYS = 5
TARGET = "https://example.com/"


class Trust(ssl.SSLContext):
    """What a browser does that knows one authority, and finds the installation under its name."""

    def wrap_socket(self, *arguments: Any, **named: Any) -> ssl.SSLSocket:
        """Ask for ``NAME``, whatever address the connection was opened to."""
        return super().wrap_socket(*arguments, **{**named, "server_hostname": NAME})


def trust(*files: Path) -> Trust:
    """Trust these authorities; without any, everybody."""
    context = Trust(ssl.PROTOCOL_TLS_CLIENT)
    if not files:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    for file in files:
        context.load_verify_locations(file)
    return context


def served(stack: Stack, tls: ssl.SSLContext) -> x509.Certificate:
    """Return the certificate that a new connection is shown."""
    connection = HTTPSConnection("127.0.0.1", stack.port(8443), timeout=20, context=tls)
    connection.connect()
    shown = connection.sock.getpeercert(binary_form=True)
    connection.close()
    assert shown is not None
    return x509.load_der_x509_certificate(shown)


def wait_for_another(stack: Stack, before: x509.Certificate) -> x509.Certificate:
    """Wait until nginx shows another certificate."""
    deadline = time.monotonic() + 60
    while (now := served(stack, trust())) == before:
        assert time.monotonic() < deadline, stack.compose("logs", "--tail", "40", "certificates", "nginx")
        time.sleep(0.3)
    return now


def wish_for_a_certificate(stack: Stack) -> None:
    """Do what docs/deployment.md says to get a new one at once."""
    stack.compose("exec", "--no-TTY", "certificates", "touch", "/etc/certificates/renew")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what pebble is started with: its configuration, and a certificate of its own."""
    folder = tmp_path_factory.mktemp("pebble")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pebble")])
    names = x509.SubjectAlternativeName([x509.DNSName("pebble"), x509.DNSName("localhost")])
    now = datetime.now(UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = built.serial_number(x509.random_serial_number()).add_extension(names, critical=False)
    built = built.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))
    (folder / "pebble.crt").write_bytes(built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    (folder / "pebble.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    settings = {
        "listenAddress": "0.0.0.0:14000",
        "managementListenAddress": "0.0.0.0:15000",
        "certificate": "/etc/pebble/pebble.crt",
        "privateKey": "/etc/pebble/pebble.key",
        "httpPort": 8080,  # nginx', inside
        "tlsPort": 8443,
        "certificateValidityPeriod": CERTIFICATE_DAYS * 86400,
    }
    (folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
    folder.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def started(images: dict[str, str], folder: Path) -> Iterator[Stack]:
    """Give an installation with a domain, whose authority does not answer yet."""
    found = run(ROOT / "scripts" / "system-packages.sh", "pebble")
    pebble = shutil.which("pebble")
    if pebble is None:
        (pytest.fail if NEEDED in os.environ else pytest.skip)(f"certificates were NOT tried: {found.stderr}")
    stack = Stack(
        f"shortly-test-{secrets.token_hex(4)}",
        **images,
        COMPOSE_FILE="compose.yaml:tests/stack/pebble.compose.yaml",
        PEBBLE_PROGRAM=pebble,
        PEBBLE_FOLDER=str(folder),
        DOMAIN=NAME,
        EXTRA_DOMAINS=ALIAS,
        ACME_EMAIL="admin@short.example",
        ACME_SERVER="https://pebble:14000/dir",
        CERTIFICATE_LOOK_S="1",
    )
    try:
        stack.up("nginx")
        yield stack
    finally:
        stack.down()


@pytest.fixture(scope="module")
def own(started: Stack) -> x509.Certificate:
    """Return the certificate that nginx starts with."""
    return served(started, trust())


@pytest.fixture(scope="module")
def authority(started: Stack, folder: Path, own: x509.Certificate) -> Path:
    """Start the authority, have it issue a certificate, and return the root that people trust."""
    started.compose("up", "--detach", "--no-build", "--no-deps", "pebble")
    (pebble,) = started.ids("pebble")
    port = int(docker("port", pebble, "15000/tcp").splitlines()[0].rpartition(":")[2])
    tls = ssl.create_default_context(cafile=folder / "pebble.crt")
    deadline = time.monotonic() + 30
    while True:
        try:
            connection = HTTPSConnection("localhost", port, timeout=5, context=tls)
            connection.request("GET", "/roots/0")
            (folder / "authority.crt").write_bytes(connection.getresponse().read())
            break
        except OSError:
            assert time.monotonic() < deadline, docker("logs", pebble)
            time.sleep(0.2)
    wish_for_a_certificate(started)
    wait_for_another(started, own)
    return folder / "authority.crt"


@pytest.fixture(scope="module")
def link(started: Stack) -> str:
    """Return the path of a link."""
    key = started.make_key()
    made = started.ask("/api/v1/links", key=key, body={"target": TARGET, "slug": "safe"}, tls=trust(), host=NAME)
    assert made.status == 201, made.body
    assert made.json["short_url"] == f"https://{NAME}/safe"
    return "/safe"


def test_nginx_starts_with_a_certificate_of_the_installations_own_making(started: Stack, own: x509.Certificate) -> None:
    assert own.issuer == own.subject
    names = own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    assert names == [NAME, ALIAS]
    assert started.ask("/health", tls=trust(), host=NAME).status == 200
    assert "no certificate this time" in started.compose("logs", "certificates")


def test_the_authoritys_certificate_takes_its_place_for_all_names(
    started: Stack, authority: Path, own: x509.Certificate
) -> None:
    certificate = served(started, trust(authority))  # fails when chain or name are not right
    assert certificate.issuer != own.issuer
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == {NAME, ALIAS}


def test_a_link_made_over_https_redirects_over_https(started: Stack, authority: Path, link: str) -> None:
    followed = started.ask(link, tls=trust(authority), host=NAME)
    assert (followed.status, followed.headers["location"]) == (302, TARGET)
    assert followed.headers["strict-transport-security"] == "max-age=31536000"


def test_http_leads_to_https(started: Stack, authority: Path, link: str) -> None:
    for path in (link, "/app/links?page=2", "/api/v1/links"):
        answer = started.ask(path, host=NAME)
        assert (answer.status, answer.headers["location"]) == (308, f"https://{NAME}{path}")
        assert "strict-transport-security" not in answer.headers  # means nothing there


def test_every_answer_insists_on_https_once(started: Stack, authority: Path, link: str) -> None:
    connection = HTTPSConnection("127.0.0.1", started.port(8443), timeout=20, context=trust(authority))
    for path in (link, "/", "/no-such-link", "/health", "/metrics", "/api/v1/auth/me"):
        connection.request("GET", path, headers={"Host": NAME})
        answer = connection.getresponse()
        answer.read()
        assert answer.msg.get_all("strict-transport-security") == ["max-age=31536000"], path
    connection.close()


def test_browsers_speak_http_2(started: Stack, authority: Path, link: str) -> None:
    to = started.port(8443)
    ask = ["curl", "--silent", "--show-error", "--http2", "--cacert", str(authority)]
    ask += [
        "--resolve",
        f"{NAME}:{to}:127.0.0.1",
        "--output",
        "/dev/null",
        "--write-out",
        "%{http_version} %{http_code}",
    ]
    got = run(*ask, f"https://{NAME}:{to}{link}")
    assert got.stdout == "2 302", got.stderr


def test_browsers_are_told_where_http_3_is(started: Stack, authority: Path, link: str) -> None:
    def told(host: str) -> str:
        return started.ask(link, tls=trust(authority), host=host).headers["alt-svc"]

    assert told(NAME) == 'h3=":443"; ma=86400'
    assert told(f"{NAME}:8444") == 'h3=":8444"; ma=86400'  # HTTPS_PORT=8444, or whatever leads here
    to = started.port(8443)
    ask = ("curl", "--silent", "--show-error", "--http2", "--cacert", authority, "--resolve", f"{NAME}:{to}:127.0.0.1")
    got = run(*ask, "--output", "/dev/null", "--write-out", "%header{alt-svc}", f"https://{NAME}:{to}{link}")
    assert got.stdout == f'h3=":{to}"; ma=86400', got.stderr


def test_browsers_are_served_by_http_3(started: Stack, authority: Path, link: str) -> None:
    inside = ("docker", "exec", started.ids("nginx")[0], "curl")
    if "HTTP3" not in run(*inside, "--version").stdout:
        pytest.skip("curl of this nginx image does not speak HTTP/3: it was NOT tried")
    ask = ["--silent", "--show-error", "--http3-only", "--insecure", "--max-time", "20"]
    ask += ["--resolve", f"{NAME}:8443:127.0.0.1", "--output", "/dev/null"]
    ask += ["--write-out", "%{http_version} %{http_code} %header{alt-svc}"]
    got = run(*inside, *ask, f"https://{NAME}:8443{link}")
    assert got.stdout == '3 302 h3=":8443"; ma=86400', got.stderr


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1", "TLSv1_2", "TLSv1_3"])
def test_old_tls_is_refused(started: Stack, authority: Path, version: str) -> None:
    tls = trust(authority)
    tls.set_ciphers("ALL:@SECLEVEL=0")  # or this side would refuse it
    tls.minimum_version = tls.maximum_version = ssl.TLSVersion[version]
    if version in ("TLSv1", "TLSv1_1"):
        with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
            served(started, tls)
    else:
        served(started, tls)


def test_a_cipher_without_forward_secrecy_is_refused(started: Stack, authority: Path) -> None:
    tls = trust(authority)
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    tls.set_ciphers("AES128-SHA:AES256-GCM-SHA384:ECDHE-RSA-AES128-SHA")
    with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"):
        served(started, tls)


def test_a_renewal_under_load_fails_no_request(started: Stack, authority: Path, link: str) -> None:
    tls = trust(authority)
    before = served(started, tls)
    with visiting(started.port(8443), link, tls=tls, host=NAME) as visits:
        time.sleep(2)
        wish_for_a_certificate(started)
        now = wait_for_another(started, before)
        time.sleep(14)  # the old workers of nginx let go of the visitors' connections
    assert visits.failures == []
    assert visits.redirected > 500
    assert now.serial_number != before.serial_number
    assert now.issuer == before.issuer
    assert served(started, tls) == now


def test_the_healthcheck_tells_of_a_certificate_that_ends_soon(started: Stack, authority: Path) -> None:
    def finding(**settings: str) -> dict[str, str]:
        extra = [word for name, value in settings.items() for word in ("--env", f"{name}={value}")]
        command = ["exec", "--no-TTY", *extra, "backend", "shortly", "healthcheck", "--json"]
        done = started.script("docker", "compose", *command, "--url", f"https://{NAME}:8443")
        report = json.loads(done.stdout)
        assert done.returncode == (0 if report["healthy"] else 1)
        (found,) = [check for check in report["checks"] if check["name"] == "certificate"]
        return dict(found)

    soon = finding()
    assert soon["state"] == "problem"
    assert f"for {CERTIFICATE_DAYS - 1} days" in soon["message"]
    assert finding(ALERT_CERTIFICATE_DAYS="2")["state"] == "ok"
    untrusted = finding(SSL_CERT_FILE="/etc/pebble/pebble.crt")
    assert untrusted["state"] == "problem"
    assert "not accepted" in untrusted["message"]


def test_the_key_is_for_nginx_alone(started: Stack, authority: Path) -> None:
    look = "stat -L -c '%a %u' /etc/certificates/current/privkey.pem; ls /etc/certificates"
    mode, *kept = started.compose("exec", "--no-TTY", "nginx", "sh", "-c", look).splitlines()
    assert mode == "600 101"
    assert len([name for name in kept if name.startswith(("own-", "issued-"))]) == 1  # what was before is gone
