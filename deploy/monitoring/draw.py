"""Draw what the parts of compose.monitoring.yaml need to know of each other: draw.py FOLDER; what is there stays.

``metrics_key`` is an API key for /metrics, ``redis_passwords.json`` what redis_exporter reads, ``grafana_password``
that of Grafana's first person. The folder is a volume that these containers alone see.
"""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

REDIS = "redis://redis:6379"


def metrics_key() -> str:
    """Make an API key that reads /metrics and does nothing else."""
    name = f"prometheus-{int(time.time())}"
    made = subprocess.run(
        ["shortly", "key", "create", name, "--scope", "metrics:read"], check=True, stdout=subprocess.PIPE, text=True
    )
    return made.stdout.strip()


def redis_passwords() -> str:
    """Return the password that compose.yaml has drawn, in the exporter's form."""
    return json.dumps({REDIS: Path(os.environ["REDIS_PASSWORD_FILE"]).read_text().strip()})


def grafana_password() -> str:
    """Return a new password."""
    return secrets.token_urlsafe(18)


DRAWN: dict[str, Callable[[], str]] = {
    "metrics_key": metrics_key,
    "redis_passwords.json": redis_passwords,
    "grafana_password": grafana_password,
}


def draw(folder: Path) -> None:
    """Write what is missing, each whole or not at all; the containers that read it run as users of their own."""
    for name, make in DRAWN.items():
        path = folder / name
        if not path.exists():
            draft = folder / f".{name}"
            draft.write_text(make())
            draft.chmod(0o444)
            draft.rename(path)
            print(f"{name}: drawn")


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
