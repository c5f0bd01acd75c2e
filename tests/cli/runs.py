"""Ways to run commands; the fixtures of the same names."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from typer.testing import Result

EXECUTABLE = Path(sys.executable).with_name("shortly")

Cli = Callable[..., Result]
Ask = Callable[..., Any]
Execute = Callable[..., "subprocess.CompletedProcess[bytes]"]
