"""Every platformio.ini is one that PlatformIO takes, and the library packs."""

from __future__ import annotations

import ast
import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.platformio.pio import ROOT, program, run_pio
from tflm_msf import __version__

PROJECTS = sorted(path.parent for path in (ROOT / "platformio").glob("*/platformio.ini"))
LIBRARY = ROOT / "tflm_kernels"
PACK = """
import sys
from platformio.package.manifest.schema import ManifestSchema
ManifestSchema.load_spdx_licenses = staticmethod(lambda: {"licenses": [{"licenseId": "Apache-2.0"}]})
from platformio.__main__ import main
sys.exit(main())
"""


def test_projects_are_found() -> None:
    assert {"emulated", "esp32", "riscv", "stm32"} <= {project.name for project in PROJECTS}


@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.name)
def test_platformio_ini_has_no_error(project: Path) -> None:
    done = run_pio(project, "project", "config", "--lint", "--json-output")
    found = ast.literal_eval(done.stdout.strip())  # PlatformIO prints Python, not JSON
    assert found == {"errors": [], "warnings": []}, done.stdout + done.stderr


def test_library_packs(tmp_path: Path) -> None:
    """With the licences known here: PlatformIO would fetch their list."""
    program("pio")
    target = tmp_path / "library.tar.gz"
    interpreter = Path(program("pio")).read_text().splitlines()[0].removeprefix("#!")
    command = [interpreter, "-c", PACK, "pkg", "pack", str(LIBRARY), "-o", str(target)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    with tarfile.open(target) as packed:
        names = set(packed.getnames())
    assert {"library.json", "extra_script.py", "src/msf.h", "src/tflm_msf.h", "src/tflm/tflm_msf_adapter.cpp"} <= names
    assert not any("__pycache__" in name for name in names)


def test_versions_agree() -> None:
    manifest = json.loads((LIBRARY / "library.json").read_text())
    properties = dict(line.split("=", 1) for line in (LIBRARY / "library.properties").read_text().splitlines())
    assert manifest["version"] == properties["version"] == __version__
    assert f'version: "{__version__}"' in (LIBRARY / "idf_component.yml").read_text()


def test_arduino_properties_are_complete() -> None:
    properties = dict(line.split("=", 1) for line in (LIBRARY / "library.properties").read_text().splitlines())
    needed = ("name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url", "architectures")
    assert all(properties.get(key) for key in needed)
    assert (LIBRARY / "src" / properties["includes"]).exists()


def test_keywords_are_separated_by_tabs() -> None:
    for line in (LIBRARY / "keywords.txt").read_text().splitlines():
        word, kind = line.split("\t")
        assert word.isidentifier()
        assert kind in ("KEYWORD1", "KEYWORD2", "LITERAL1")
