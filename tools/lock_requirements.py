"""Writes requirements-ci.txt, every package that the tests need, and tools/requirements-search.txt, what
samples/codesign needs besides: with the version and hash that pip chooses today.

Usage, with Python 3.11 (Debian 12's): ``python tools/lock_requirements.py``
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements-ci.txt"
SEARCH_LOCK = ROOT / "tools" / "requirements-search.txt"
WANTED = (".[test,emulated]", "setuptools")
SEARCHING = ("optuna>=4,<6", "scikit-learn>=1.4,<2", "tensorflow-cpu>=2.16,<2.22")
"""TensorFlow without what GPUs need."""
HEADER = """\
# Every package that building and testing need, for CPython {python} on {machine} Linux, by hash, as continuous
# integration installs them: `TFLM_MSF_LOCKED=1 make test`. Made by tools/lock_requirements.py.
"""
SEARCH_HEADER = """\
# What samples/codesign needs besides requirements-ci.txt, likewise for CPython {python} on {machine} Linux, by hash.
# Made by tools/lock_requirements.py.
"""


def main() -> None:
    """Asks pip what it would install, and writes that down; the second file holds what the first does not."""
    tests = chosen(WANTED)
    searched = chosen((*WANTED, *SEARCHING))
    if changed := sorted(set(tests) - set(searched)):
        sys.exit(f"Searching needs other versions than testing: {' '.join(changed)}")
    here = {"python": ".".join(platform.python_version_tuple()[:2]), "machine": platform.machine()}
    LOCK.write_text(HEADER.format(**here) + "".join(tests), encoding="utf-8")
    more = [line for line in searched if line not in tests]
    SEARCH_LOCK.write_text(SEARCH_HEADER.format(**here) + "".join(more), encoding="utf-8")


def chosen(wanted: Sequence[str]) -> list[str]:
    """Lines of a requirements file, in order."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--report", "-"]
    command += ["--only-binary=:all:", *wanted]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603
    lines = []
    for entry in json.loads(done.stdout)["install"]:
        hashes = entry["download_info"].get("archive_info", {}).get("hashes", {})
        if hashes:  # all but this package itself
            name, version = entry["metadata"]["name"], entry["metadata"]["version"]
            lines.append(f"{name.lower().replace('_', '-')}=={version} --hash=sha256:{hashes['sha256']}\n")
    return sorted(lines)


if __name__ == "__main__":
    main()
