"""An export carries what its model uses of the kernels, and no more."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from benchmarks.emulator import load_core
from testing.corpus import corpus_model
from tests.kernels.sanitized import compiler
from tests.kernels.seeds import models
from tflm_msf.export import export_c, kernel_sources
from tflm_msf.export.used import USED, used_header
from tflm_msf.graph import Model
from tflm_msf.planner import Planner
from tflm_msf.program.layout import Weights
from tflm_msf.request import Request
from tflm_msf.tflite_io import write_model

MOST_TEXT = {"-O2": 16_000, "-Os": 13_800}
"""Bytes of code of the kernels that a keyword spotter needs on Cortex-M4."""

MAIN = '#include "kws.h"\nint main(void) { return kws_init() != MSF_OK || kws_invoke() != MSF_OK; }\n'


def rewritten(data: bytes, weights: Weights = Weights.BLOCKED) -> Model:
    return Planner.of(data, "m", Request(weights=weights)).choose().model


def write(directory: Path, model: Model, main: str) -> list[Path]:
    """A C export with its main program; returns the C files."""
    files = {**kernel_sources(), **used_header(model), **export_c(model, "kws"), "main.c": main}
    for path, text in files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text)
    return sorted(directory.rglob("*.c"))


def code_bytes(directory: Path, sources: list[Path], level: str) -> dict[str, int]:
    """Code of each of the kernels' files in a program for Cortex-M4, after the linker has dropped what nobody calls."""
    core = load_core("m4")
    gcc = [compiler(core.gcc), "-std=c99", *core.cflags, level, "-ffunction-sections", "-fdata-sections"]
    map_file = directory / "map.txt"
    link = ["--specs=nosys.specs", "--specs=nano.specs", f"-Wl,--gc-sections,-Map={map_file}"]
    objects = []
    for source in sources:
        objects.append(directory / f"{source.stem}.o")
        subprocess.run([*gcc, f"-I{directory}", "-c", source, "-o", objects[-1]], check=True)
    subprocess.run([*gcc, *objects, *link, "-o", directory / "a.elf"], check=True, capture_output=True)
    kept = map_file.read_text().split("Linker script and memory map")[1]
    sizes: dict[str, int] = {}
    for size, name in re.findall(r"^ \.text\S*\s+0x\w+\s+0x(\w+)\s+\S*/(msf_\w+)\.o", kept, re.MULTILINE):
        sizes[name] = sizes.get(name, 0) + int(size, 16)
    return sizes


@pytest.mark.parametrize("level", MOST_TEXT)
def test_a_keyword_spotter_needs_little_code(tmp_path: Path, level: str) -> None:
    data = corpus_model("mlperf__kws_dscnn")
    sources = write(tmp_path, rewritten(data), MAIN)
    sizes = code_bytes(tmp_path, sources, level)
    assert {"msf_engine", "msf_prepare", "msf_conv_2d", "msf_softmax"} <= sizes.keys()
    assert not sizes.keys() & {"msf_conv_2d_plain", "msf_add", "msf_resize", "msf_elementwise"}
    assert MOST_TEXT[level] * 0.8 < sum(sizes.values()) <= MOST_TEXT[level], sizes
    (tmp_path / USED).unlink()
    assert sum(code_bytes(tmp_path, sources, level).values()) > 1.5 * sum(sizes.values())


def test_plain_weights_bring_the_way_for_them() -> None:
    model = write_model(models()["chain"])
    assert "&msf_conv_2d_blocked," in used_header(rewritten(model))[USED]
    assert "&msf_conv_2d," in used_header(rewritten(model, Weights.PLAIN))[USED]


def test_what_is_left_out_is_refused_not_called(tmp_path: Path) -> None:
    """The same model with plain weights, on kernels that were made for one without."""
    data = write_model(models()["chain"])
    one, other = rewritten(data), rewritten(data, Weights.PLAIN)
    sources = write(tmp_path, one, '#include "kws.h"\nint main(void) { return (int)kws_init(); }\n')
    binary = tmp_path / "a.out"
    command = ["cc", "-std=c99", f"-I{tmp_path}", *map(str, sources), "-o", str(binary)]
    subprocess.run(command, check=True)
    assert subprocess.run([binary]).returncode == 0
    for path, text in export_c(other, "kws").items():
        (tmp_path / path).write_text(text)
    subprocess.run(command, check=True)
    assert subprocess.run([binary]).returncode == 5
