"""The installed command.

Each worker runs the script that this is called from anew, before anything of its own: that is how processes are
spawned. So nothing is imported here that only commands need.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line of this process and exit."""
    from shortly.cli.main import run

    sys.exit(run(sys.argv[1:]))
