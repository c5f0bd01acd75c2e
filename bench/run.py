"""Run the benchmark and print its table: ``make bench``, or ``make bench ARGS=--quick``; see README.md here."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)  # not this folder: the package is called bench
    from bench.main import main

    main()
