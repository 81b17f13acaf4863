"""run.py BOARD FIRMWARE: runs firmware on an emulated board, and ends with its status. Nothing runs for ever."""

import json
import subprocess
import sys
from pathlib import Path

TIMEOUT_SECONDS = 900
PROJECT = Path(__file__).parents[1]
SIMULATORS = Path(__file__).resolve().parents[3] / "build" / "simulators"


def main() -> int:
    """Run; 124 if the firmware did not end in time."""
    board, firmware = sys.argv[1:]
    template = json.loads((PROJECT / "boards" / f"{board}.json").read_text())["build"]["run"]
    command = template.replace("{simulators}", str(SIMULATORS)).replace("{firmware}", firmware).split()
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, timeout=TIMEOUT_SECONDS).returncode  # noqa: S603
    except subprocess.TimeoutExpired:
        print(f"{firmware} did not end within {TIMEOUT_SECONDS} s on {board}", file=sys.stderr)
        return 124


if __name__ == "__main__":
    sys.exit(main())
