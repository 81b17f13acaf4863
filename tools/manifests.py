"""Keeps the manifests of the C library true: version and addresses are those of the Python package.

Usage: ``python tools/manifests.py`` says which files are stale, ``--write`` writes them. The addresses are
``[project.urls]`` in pyproject.toml, and nowhere else: Homepage has to be there; Repository, Issues and Documentation
may be.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "tflm_kernels"


def manifests() -> dict[Path, str]:
    """What each manifest should hold today."""
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
    found = re.search(r'^__version__ = "([^"]+)"$', (ROOT / "tflm_msf/__init__.py").read_text(encoding="utf-8"), re.M)
    assert found is not None
    version = re.sub(r"\.?(dev|a|b|rc)\d*$", "", found[1])
    makers = {
        LIBRARY / "library.json": _platformio,
        LIBRARY / "library.properties": _arduino,
        LIBRARY / "idf_component.yml": _esp_idf,
    }
    return {path: make(path.read_text(encoding="utf-8"), version, urls) for path, make in makers.items()}


def _platformio(text: str, version: str, urls: Mapping[str, str]) -> str:
    values = json.loads(text)
    values["version"], values["homepage"] = version, urls["Homepage"]
    values.pop("repository", None)
    if "Repository" in urls:
        values["repository"] = {"type": "git", "url": urls["Repository"]}
    return json.dumps(values, indent=2) + "\n"


def _arduino(text: str, version: str, urls: Mapping[str, str]) -> str:
    text = re.sub(r"^version=.*$", f"version={version}", text, flags=re.M)
    return re.sub(r"^url=.*$", f"url={urls.get('Repository', urls['Homepage'])}", text, flags=re.M)


def _esp_idf(text: str, version: str, urls: Mapping[str, str]) -> str:
    lines = [line for line in text.splitlines() if not re.match(r"(repository|issues|documentation):", line)]
    more = [f"{key.lower()}: {urls[key]}" for key in ("Repository", "Issues", "Documentation") if key in urls]
    lines = [re.sub(r"^version: .*", f'version: "{version}"', line) for line in lines]
    place = next(number for number, line in enumerate(lines) if line.startswith("url:"))
    lines[place : place + 1] = [f"url: {urls['Homepage']}", *more]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Says or mends what is stale."""
    stale = {path: text for path, text in manifests().items() if path.read_text(encoding="utf-8") != text}
    for path, text in stale.items():
        print(f"{path.relative_to(ROOT)} is stale")
        if "--write" in sys.argv[1:]:
            path.write_text(text, encoding="utf-8")
    sys.exit(bool(stale) and "--write" not in sys.argv[1:])


if __name__ == "__main__":
    main()
