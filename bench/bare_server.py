"""Serve the bare application exactly as ``shortly serve`` serves Shortly: ``python -m bench.bare_server PORT``.

The server's options are not written down a second time. ``serve`` itself is run once, in an empty folder, with a
recorder in the place of its supervisor; so what it passes is what the bare application gets.
"""

from __future__ import annotations

import sys
import tempfile
from typing import Any
from unittest import mock

from granian import Granian

from shortly import serve
from shortly.settings import Settings, load_settings


def recorded_options(settings: Settings) -> dict[str, Any]:
    """Return what ``serve`` would start its server with, without the name of the application."""
    with mock.patch.object(serve, "Supervisor") as recorder:
        serve.serve(settings)
    return dict(recorder.call_args.kwargs)


def main() -> None:
    """Serve until SIGTERM."""
    with tempfile.TemporaryDirectory(prefix="shortly-bench-bare-") as folder:
        settings = load_settings({"data_dir": folder, "port": sys.argv[1], "workers": 1, "log_level": "warning"})
        options = recorded_options(settings)
    Granian("bench.bare:app", **{**options, "factory": False}).serve()


if __name__ == "__main__":
    main()
