"""Serve, and start anew at every change under src/: the whole server, so that no stale module lives on."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

SOURCE = Path(__file__).parent.parent / "src"
SHORTLY = Path(sys.executable).parent / "shortly"
LOOK_EVERY_S = 0.5


def state_of(folder: Path) -> dict[Path, int]:
    """Return the modification time of every source file."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.suffix in (".py", ".sql")}


def interrupt(_signal: int, _frame: FrameType | None) -> None:
    """Leave by the way that Ctrl-C takes."""
    raise KeyboardInterrupt


def main() -> None:
    """Run until Ctrl-C or SIGTERM; a server that fails to start is tried again after the next change."""
    signal.signal(signal.SIGTERM, interrupt)
    seen = state_of(SOURCE)
    server = subprocess.Popen([SHORTLY, "serve", *sys.argv[1:]])
    try:
        while True:
            time.sleep(LOOK_EVERY_S)
            now = state_of(SOURCE)
            if now != seen:
                changed = {str(path.relative_to(SOURCE)) for path, _ in now.items() ^ seen.items()}
                print(f"dev: starting anew, changed: {', '.join(sorted(changed))}", file=sys.stderr)
                seen = now
                server.terminate()
                server.wait()
                server = subprocess.Popen([SHORTLY, "serve", *sys.argv[1:]])
    except KeyboardInterrupt:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
