"""Writes requirements-ci.txt: every package that the tests need, with the version and hash that pip chooses today.

Usage, with Python 3.11 (Debian 12's): ``python tools/lock_requirements.py``
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements-ci.txt"
WANTED = (".[test,emulated]", "setuptools")
HEADER = """\
# Every package that building and testing need, for CPython {python} on {machine} Linux, by hash, as continuous
# integration installs them: `TFLM_MSF_LOCKED=1 make test`. Made by tools/lock_requirements.py.
"""


def main() -> None:
    """Asks pip what it would install, and writes that down."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--report", "-"]
    command += ["--only-binary=:all:", *WANTED]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603
    lines = []
    for entry in json.loads(done.stdout)["install"]:
        hashes = entry["download_info"].get("archive_info", {}).get("hashes", {})
        if hashes:  # all but this package itself
            name, version = entry["metadata"]["name"], entry["metadata"]["version"]
            lines.append(f"{name.lower().replace('_', '-')}=={version} --hash=sha256:{hashes['sha256']}\n")
    header = HEADER.format(python=".".join(platform.python_version_tuple()[:2]), machine=platform.machine())
    LOCK.write_text(header + "".join(sorted(lines)), encoding="utf-8")


if __name__ == "__main__":
    main()
