"""The manifests of the C library: stale in nothing, and as each registry wants them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "tflm_kernels"
CATEGORIES = {
    "Display",
    "Communication",
    "Signal Input/Output",
    "Sensors",
    "Device Control",
    "Timing",
    "Data Storage",
    "Data Processing",
    "Other",
}
"""Those of the Arduino library specification."""


def properties() -> dict[str, str]:
    lines = (LIBRARY / "library.properties").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line)


def test_versions_and_addresses_are_the_package_s() -> None:
    done = subprocess.run([sys.executable, ROOT / "tools" / "manifests.py"], capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}run python tools/manifests.py --write"


def test_the_licence_comes_along() -> None:
    assert (LIBRARY / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


def test_as_arduino_s_library_specification_wants_it() -> None:
    found = properties()
    required = {"name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url", "architectures"}
    assert required <= set(found)
    assert all(found[key] for key in required)
    assert re.fullmatch(r"[A-Za-z][\w .-]{0,62}", found["name"])
    assert not found["name"].lower().startswith("arduino")
    assert re.fullmatch(r"\d+\.\d+\.\d+", found["version"])
    assert found["category"] in CATEGORIES
    assert not found["paragraph"].startswith(found["sentence"])
    assert (LIBRARY / "src" / found["includes"]).is_file()
    for sketch in (LIBRARY / "examples").iterdir():
        assert sketch.is_file() or (sketch / f"{sketch.name}.ino").is_file()


def test_as_platformio_s_library_json_wants_it() -> None:
    found = json.loads((LIBRARY / "library.json").read_text(encoding="utf-8"))
    assert re.fullmatch(r"[\w.-]{1,50}", found["name"])
    assert all((LIBRARY / "src" / header).is_file() for header in found["headers"])
    assert (LIBRARY / found["build"]["extraScript"]).is_file()
    assert all(author["name"] for author in found["authors"])


def test_as_the_esp_component_registry_wants_it() -> None:
    text = (LIBRARY / "idf_component.yml").read_text(encoding="utf-8")
    keys = dict(re.findall(r"^(\w+): *(.*)$", text, re.M))
    assert {"version", "description", "url", "license", "dependencies"} <= set(keys)
    assert len(keys["description"]) <= 1000
    assert re.search(r'^  idf: ">=[\d.]+"$', text, re.M)
    assert "espressif/esp-tflite-micro" in text
