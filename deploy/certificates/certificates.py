"""Keep a certificate in /etc/certificates/current: fullchain.pem and privkey.pem.

At first one of our own making, so that nginx can start; then one of the authority's, asked for by certbot with a file
that nginx shows (HTTP-01), renewed by certbot when two thirds of its life are over. ``current`` is a link that is
moved in one step, so that nobody ever sees a certificate with another one's key.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

FOLDER = Path("/etc/certificates")
CURRENT = FOLDER / "current"
WISH = FOLDER / "renew"
"""Made by whoever wants a new certificate now: ``docker compose exec certificates touch /etc/certificates/renew``."""
NGINX = "http://nginx:8080"
WEBROOT = Path("/var/lib/acme")
CHAIN, KEY = "fullchain.pem", "privkey.pem"
OWN_DAYS = 3650
RETRY_S = 60.0
"""After a first failure; doubled up to the ordinary time between two looks, since authorities count failures."""
LOOK_S = 1.0
"""Between two looks for somebody's wish, and for nginx."""


def main() -> None:
    """Run until SIGTERM; ``--healthy``: say by the exit code whether there is a certificate that is not over."""
    if sys.argv[1:] == ["--healthy"]:
        sys.exit(0 if is_good(CURRENT / CHAIN) else 1)
    os.umask(0o027)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    names = [
        name.strip() for name in f"{os.environ.get('DOMAIN', '')},{os.environ.get('EXTRA_DOMAINS', '')}".split(",")
    ]
    names = [name for name in names if name]
    if not is_good(CURRENT / CHAIN):
        publish("own", *make_own(names or ["localhost"]))
        say("a certificate of our own is in place; browsers warn of it")
    if not os.environ.get("DOMAIN"):
        say("DOMAIN is not set: no certificate is asked for")
        stop.wait()
        return
    every_s = float(os.environ.get("ACME_EVERY_S", "43200"))
    wait_s = RETRY_S
    while shown_by_nginx(stop):
        if issue(names):
            wait_s = RETRY_S
            rest(stop, every_s)
        else:
            say(f"no certificate this time; again in {min(wait_s, every_s):.0f} s")
            rest(stop, min(wait_s, every_s))
            wait_s *= 2


def shown_by_nginx(stop: threading.Event) -> bool:
    """Wait until nginx shows what lies in WEBROOT, since authorities count failures; False: told to stop."""
    word = secrets.token_urlsafe()
    file = WEBROOT / ".well-known" / "acme-challenge" / "shown"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(word)
    file.chmod(0o644)
    while not stop.is_set():
        try:
            with urllib.request.urlopen(f"{NGINX}/{file.relative_to(WEBROOT)}", timeout=5) as answer:
                if answer.read().decode() == word:
                    return True
        except OSError:
            pass  # it waits for the backends
        stop.wait(LOOK_S)
    return False


def rest(stop: threading.Event, seconds: float) -> None:
    """Wait, but no longer than until somebody wishes for a new certificate."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and not WISH.exists() and not stop.is_set():
        stop.wait(LOOK_S)


def issue(names: list[str]) -> bool:
    """Have certbot issue or renew where that is due, and publish what it has; False: it failed."""
    email = os.environ.get("ACME_EMAIL")
    command = ["certbot", "certonly", "--non-interactive", "--agree-tos", "--keep-until-expiring", "--expand"]
    command += ["--webroot", "--webroot-path", str(WEBROOT), "--cert-name", "shortly"]
    command += ["--config-dir", str(FOLDER / "certbot"), "--work-dir", "/tmp/certbot", "--logs-dir", "/tmp/certbot"]
    command += ["--server", os.environ["ACME_SERVER"], "--max-log-backups", "0"]
    command += ["--email", email, "--no-eff-email"] if email else ["--register-unsafely-without-email"]
    for name in names:
        command += ["--domain", name]
    if is_forced():
        command.append("--force-renewal")
    if subprocess.run(command).returncode != 0:
        return False
    live = FOLDER / "certbot" / "live" / "shortly"
    chain, key = (live / CHAIN).read_bytes(), (live / KEY).read_bytes()
    if not (CURRENT / CHAIN).exists() or (CURRENT / CHAIN).read_bytes() != chain:
        publish("issued", chain, key)
        say("a new certificate is in place")
    return True


def is_forced() -> bool:
    """Say whether somebody wished for a new certificate, once."""
    wished = WISH.exists()
    WISH.unlink(missing_ok=True)
    return wished


def publish(kind: str, chain: bytes, key: bytes) -> None:
    """Put a certificate in place in one step, and remove the one before."""
    folder = FOLDER / f"{kind}-{time.time_ns()}"
    folder.mkdir()
    (folder / CHAIN).write_bytes(chain)
    (folder / KEY).write_bytes(key)
    (folder / KEY).chmod(0o600)
    before = CURRENT.resolve() if CURRENT.exists() else None
    link = FOLDER / ".next"
    link.unlink(missing_ok=True)
    link.symlink_to(folder.name)
    link.replace(CURRENT)
    if before is not None:
        for file in before.iterdir():
            file.unlink()
        before.rmdir()


def make_own(names: list[str]) -> tuple[bytes, bytes]:
    """Return a certificate that is signed by its own key, and that key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=OWN_DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return (
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


def is_good(path: Path) -> bool:
    """Say whether there is a certificate that is not over."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc > datetime.now(UTC)
    except (OSError, ValueError):
        return False


def say(text: str) -> None:
    """Write a line of the log."""
    print(f"certificates: {text}", flush=True)


if __name__ == "__main__":
    main()
