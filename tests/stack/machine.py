"""Another machine, as far as SSH can tell: the real server on a port of this one, with keys of its own."""

from __future__ import annotations

import getpass
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.served import free_port
from tests.stack.daemon import listening, need
from tests.stack.engine import run

SERVER = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/pipeline.pub
PidFile none
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
SetEnv DOCKER_CONFIG={docker} PATH={path}
"""
CLIENT = """
Host production
  HostName 127.0.0.1
  Port {port}
  User {user}
  IdentityFile {folder}/{key}
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known_hosts
  StrictHostKeyChecking yes
"""


class Machine:
    """What a pipeline needs to get in: files for ``DEPLOY_SSH_CONFIG``; the name to ask for is ``production``."""

    def __init__(self, folder: Path) -> None:
        self.pipeline = folder / "ssh_config"
        """The way in."""
        self.stranger = folder / "ssh_config_of_a_stranger"
        """The same with a key that nobody let in."""


@contextmanager
def machine(folder: Path, docker_config: Path) -> Iterator[Machine]:
    """Run an SSH server that lets one key in; commands there know docker's sign-ins by ``docker_config``."""
    need("sshd", "ssh")
    for key in ("host", "pipeline", "stranger"):
        made = run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key)
        assert made.returncode == 0, made.stderr
    port = free_port()
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where Debian's server shuts itself in
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
    path = os.environ["PATH"]
    (folder / "sshd_config").write_text(SERVER.format(port=port, folder=folder, docker=docker_config, path=path))
    there = Machine(folder)
    for config, key in ((there.pipeline, "pipeline"), (there.stranger, "stranger")):
        config.write_text(CLIENT.format(port=port, user=getpass.getuser(), folder=folder, key=key))
    sshd = shutil.which("sshd", path=f"{path}:/usr/sbin")  # it starts itself anew, so it wants its whole path
    assert sshd
    with listening(port, folder / "sshd.log", sshd, "-D", "-e", "-f", folder / "sshd_config"):
        yield there
