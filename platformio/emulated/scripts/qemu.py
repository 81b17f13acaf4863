"""qemu.py BOARD FIRMWARE: runs firmware on a board in QEMU, and ends with its status. Nothing runs for ever."""

import json
import subprocess
import sys
from pathlib import Path

TIMEOUT_SECONDS = 120


def main() -> int:
    """Run; 124 if the firmware did not end in time."""
    board, firmware = sys.argv[1:]
    path = Path(__file__).parents[1] / "boards" / f"{board}.json"
    command = [*json.loads(path.read_text())["build"]["qemu"].split(), "-kernel", firmware]
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, timeout=TIMEOUT_SECONDS).returncode  # noqa: S603
    except subprocess.TimeoutExpired:
        print(f"{firmware} did not end within {TIMEOUT_SECONDS} s on {board}", file=sys.stderr)
        return 124


if __name__ == "__main__":
    sys.exit(main())
