"""nginx as ``compose.yaml`` has it in front, here on the loopback, with the files of ``deploy/nginx``.

What names containers becomes what runs here, and what an older nginx does not know yet goes. Each replacement has to
find its place, so that a change of those files cannot silently make this measure something else.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from string import Template

from bench.process import ROOT, Failed, Process
from bench.servers import Server, free_port

FILES = ROOT / "deploy" / "nginx"
SETTINGS = {
    "SITE": "http",
    "MAX_BODY_MB": "8",
    "CONNECTIONS_PER_ADDRESS": "512",
    "ROOT_REDIRECT": "",
    "HSTS_SECONDS": "31536000",
    "HSTS_SUBDOMAINS": "false",
}
"""The defaults of ``compose.yaml``."""


class Front(Server):
    """One worker of nginx in front of a server, on the same core.

    Args:
        folder: For its files; empty.
        behind: The server that it sends everything to.
        core: For nginx.
        path: Something that is answered by 302.
    """

    def __init__(self, folder: Path, behind: Server, *, core: int, path: str) -> None:
        port = free_port()
        config = render(folder, port=port, behind=behind.port, status=free_port())
        command = ["nginx", "-p", str(folder), "-c", str(config), "-e", str(folder / "nginx.log")]
        search = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
        process = Process(
            [*command, "-g", "daemon off;"], core=core, environment={"PATH": search}, log=folder / "nginx.log"
        )
        super().__init__(process, port)
        try:
            self.wait(path)
        except BaseException:
            process.stop()
            raise


def render(folder: Path, *, port: int, behind: int, status: int) -> Path:
    """Write the configuration into a folder, and return its first file."""
    for template in (FILES / "templates").iterdir():
        text = Template(template.read_text(encoding="utf-8")).safe_substitute(SETTINGS)
        (folder / template.name.removesuffix(".template")).write_text(text, encoding="utf-8")
    site = FILES / f"{SETTINGS['SITE']}.conf"
    (folder / site.name).write_text(
        replaced(
            site.read_text(encoding="utf-8"),
            {r"listen 8080 default_server;": f"listen 127.0.0.1:{port} backlog=4096;", r"\n *listen \[::\]:8080.*": ""},
        ),
        encoding="utf-8",
    )
    for name in ("routes.conf", "logging.conf"):
        (folder / name).write_text((FILES / name).read_text(encoding="utf-8"), encoding="utf-8")
    text = replaced(
        (FILES / "nginx.conf").read_text(encoding="utf-8"),
        {
            r"worker_processes auto;": "worker_processes 1;",
            r"/tmp/": f"{folder}/",
            r"(?<=include )/etc/nginx/conf\.d/": f"{folder}/",
            r"(?<=include )/etc/nginx/shortly/": f"{folder}/",
            r"server (backend:8000|frontend:3000) resolve": f"server 127.0.0.1:{behind}",
            r"\n *resolver.*": "",
            r"\n *keepalive_min_timeout.*": "",  # of 1.27
            r"listen 8081;": f"listen 127.0.0.1:{status};",
        },
    )
    (folder / "nginx.conf").write_text(text, encoding="utf-8")
    sites = folder / "sites.conf"
    sites.write_text(
        replaced(sites.read_text(encoding="utf-8"), {r"/etc/nginx/shortly/": f"{folder}/"}), encoding="utf-8"
    )
    (folder / site.name).write_text(
        replaced((folder / site.name).read_text(encoding="utf-8"), {r"/etc/nginx/shortly/": f"{folder}/"}),
        encoding="utf-8",
    )
    return folder / "nginx.conf"


def replaced(text: str, changes: dict[str, str]) -> str:
    """Return the text with every pattern replaced, each of which has to be there."""
    for pattern, new in changes.items():
        text, found = re.subn(pattern, lambda _, new=new: new, text)  # type: ignore[misc]
        if not found:
            raise Failed(f"deploy/nginx has no {pattern!r} any more")
    return text
