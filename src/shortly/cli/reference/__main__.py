"""``python -m shortly.cli.reference [--check] [DIR]``: write the reference pages, or only say which are stale."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from shortly.cli.reference import stale_pages, write_pages

parser = argparse.ArgumentParser(prog="python -m shortly.cli.reference", description="Write the reference pages.")
parser.add_argument("folder", nargs="?", type=Path, default=Path("docs/reference"), metavar="DIR")
parser.add_argument("--check", action="store_true", help="write nothing; end with 1 when a page is stale")
arguments = parser.parse_args()
if arguments.check:
    stale = stale_pages(arguments.folder)
    for name in stale:
        print(f"{arguments.folder / name} is stale: run 'make docs'", file=sys.stderr)
    sys.exit(1 if stale else 0)
write_pages(arguments.folder)
