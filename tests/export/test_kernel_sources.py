from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tflm_msf import compiled
from tflm_msf.errors import MsfError
from tflm_msf.export import kernel_sources
from tflm_msf.export.kernels import library_files

ROOT = Path(__file__).parents[2]


def test_they_are_those_of_the_repository() -> None:
    sources = kernel_sources()
    assert "msf.h" in sources
    assert "engine/msf_engine.c" in sources
    for name, text in sources.items():
        assert (ROOT / "tflm_kernels" / "src" / name).read_text() == text


def test_the_library_has_the_adapter_and_all_manifests() -> None:
    files = library_files()
    adapter = {"src/tflm_msf.h", "src/tflm/tflm_msf_adapter.cpp"}
    assert adapter | {"library.json", "library.properties", "CMakeLists.txt", "idf_component.yml"} <= set(files)
    sources = {path.removeprefix("src/") for path in files if path.startswith("src/") and path not in adapter}
    assert sources == set(kernel_sources())


def test_missing_sources_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "_IN_TREE", tmp_path / "nowhere")
    monkeypatch.setattr(compiled, "_SHIPPED", tmp_path)
    with pytest.raises(MsfError, match="install tflm-msf again"):
        kernel_sources()


@pytest.mark.slow
def test_a_wheel_carries_them_and_the_templates(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    unneeded = shutil.ignore_patterns(".*", "build", "*.egg-info", "__pycache__", "*.so")
    shutil.copytree(ROOT, tree, ignore=unneeded)
    subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path, tree], check=True)
    (wheel,) = tmp_path.glob("*-py3-none-any.whl")
    installed = tmp_path / "installed"
    zipfile.ZipFile(wheel).extractall(installed)
    code = (
        "from tflm_msf.export.kernels import library_files; from tflm_msf.export import text; import tflm_msf, sys\n"
        "assert tflm_msf.__file__.startswith(sys.argv[1]), tflm_msf.__file__\n"
        "text.TEMPLATES.get_template('model.c.jinja'); print(*library_files())\n"
        "from tflm_msf.core import load_core; from tflm_msf.runtime.native import load_kernels\n"
        "assert load_core() and load_kernels()"
    )
    command = [sys.executable, "-c", code, str(installed)]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={"PYTHONPATH": str(installed), "PATH": os.environ["PATH"], "TFLM_MSF_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == list(library_files())
