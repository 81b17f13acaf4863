"""An export carries what its model uses of the kernels, and no more."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from benchmarks.code_size import code_bytes
from benchmarks.emulator import load_core
from benchmarks.firmware import MODEL, make_cases, measure, with_kernels
from testing.corpus import corpus_model
from tests.emulated.conformance import compare
from tests.emulated.pairs import first_pairs
from tests.kernels.seeds import models
from tests.platformio.pio import need_emulators
from tests.streaming_models import streaming_model
from tflm_msf.export import export_c, kernel_sources
from tflm_msf.export.used import USED, used_header
from tflm_msf.format import Program
from tflm_msf.graph import Model
from tflm_msf.planner import Planner
from tflm_msf.program.decode import is_streamed
from tflm_msf.program.layout import Weights
from tflm_msf.request import Request
from tflm_msf.tflite_io import write_model

MOST_TEXT = {"-O2": 13_850, "-Os": 11_800}
"""Bytes of code of the kernels that a keyword spotter needs on Cortex-M4."""


def rewritten(data: bytes, weights: Weights = Weights.PACKED) -> Model:
    return Planner.of(data, "m", Request(weights=weights)).choose().model


def write(directory: Path, model: Model, main: str) -> list[Path]:
    """A C export with its main program; returns the C files."""
    files = {**kernel_sources(), **used_header(model), **export_c(model, "kws"), "main.c": main}
    for path, text in files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text)
    return sorted(directory.rglob("*.c"))


@pytest.mark.parametrize("level", MOST_TEXT)
def test_a_keyword_spotter_needs_little_code(level: str) -> None:
    need_emulators()
    model = rewritten(corpus_model("mlperf__kws_dscnn"))
    sizes = code_bytes(load_core("m4"), model, level)
    assert {"msf_engine", "msf_prepare", "msf_conv_2d", "msf_softmax"} <= sizes.keys()
    assert not sizes.keys() & {"msf_conv_2d_plain", "msf_add", "msf_resize", "msf_elementwise"}
    assert MOST_TEXT[level] * 0.8 < sum(sizes.values()) <= MOST_TEXT[level], sizes
    assert sum(code_bytes(load_core("m4"), model, level, used=False).values()) > 2 * sum(sizes.values())


@pytest.mark.parametrize("core", ["m4", "m55", "rv32"])
def test_a_keyword_spotter_gives_the_same_bits_with_what_it_uses(core: str) -> None:
    need_emulators()
    data = corpus_model("mlperf__kws_dscnn")
    model = rewritten(data)
    done = measure(load_core(core), {**with_kernels(export_c(model, MODEL)), **used_header(model)}, make_cases(data, 2))
    assert (done.status, done.differing) == (0, 0)


@pytest.mark.parametrize("core", ["m4", "m55", "lx106"])
def test_random_networks_give_the_same_bits_with_what_they_use(core: str) -> None:
    need_emulators()
    for pair in first_pairs(10):
        done = compare(load_core(core), [pair], more_sources=dict(used_header(pair.model)))
        assert (done.pairs, done.differing) == (1, 0), pair.name


PARTS = re.findall(r"defined\((MSF_WITHOUT_\w+)\)", kernel_sources()["arch/msf_parts.h"])
STREAMS = "MSF_WITHOUT_STREAMS"
WITH_ANOTHER_WAY = (
    *("MSF_WITHOUT_COLUMNS", "MSF_WITHOUT_COLUMNS_OF_TWO", "MSF_WITHOUT_NEGATIVE_COLUMNS"),
    *("MSF_WITHOUT_SINGLE_COLUMNS", "MSF_WITHOUT_NEGATIVE_WIDENED", "MSF_WITHOUT_WIDENED_WHERE_SMALL"),
    "MSF_WITHOUT_NARROW_PAIRS",  # but for cores that widen
)
"""Parts without which a program is slower on this computer, not refused."""


@cache
def known_models() -> list[Model]:
    """Of many kinds, none streamed."""
    made = [pair.model for pair in first_pairs(100) if not is_streamed(pair.model)]
    return [*made, *(rewritten(write_model(model)) for model in models().values())]


@pytest.mark.parametrize("part", [part for part in PARTS if part not in ("MSF_WITHOUT_VERSION_1", STREAMS)])
def test_a_part_is_there_where_it_is_used_and_its_lack_is_found(part: str, tmp_path: Path) -> None:
    needs = [used for model in known_models() for used in [used_header(model)[USED]] if f"#define {part}\n" not in used]
    assert 0 < len(needs) < len(known_models())
    model = next(model for model in known_models() if used_header(model)[USED] == needs[0])
    without = needs[0].replace("#define MSF_USED_OPERATORS", f"#define {part}\n#define MSF_USED_OPERATORS")
    refused = 0 if part in WITH_ANOTHER_WAY else 5
    assert [status_of(tmp_path, model, {USED: text}) for text in (needs[0], without)] == [0, refused]


def test_streamed_models_bring_the_way_for_them(tmp_path: Path) -> None:
    model = next(pair.model for pair in first_pairs(100) if is_streamed(pair.model))
    used = used_header(model)[USED]
    without = used.replace("#define MSF_USED_OPERATORS", f"#define {STREAMS}\n#define MSF_USED_OPERATORS")
    assert [status_of(tmp_path, model, {USED: text}) for text in (used, without)] == [7, 5]


def test_plain_weights_bring_the_way_for_them() -> None:
    model = write_model(models()["chain"])
    assert "&msf_conv_2d_packed," in used_header(rewritten(model))[USED]
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


def status_of(directory: Path, model: Model, used: Mapping[str, str]) -> int:
    """What a program says that begins with a model, on kernels that were made for what ``used`` says."""
    sources = write(directory, model, '#include "kws.h"\nint main(void) { return (int)kws_init(); }\n')
    (directory / USED).write_text(used[USED])
    command = ["cc", "-std=c99", f"-I{directory}", *map(str, sources), "-o", str(directory / "a.out")]
    subprocess.run(command, check=True)
    return subprocess.run([directory / "a.out"]).returncode


def test_a_state_is_part_of_what_is_used(tmp_path: Path) -> None:
    model = Planner.of_model(streaming_model(9), "m").choose().model
    used = used_header(model)
    assert "MSF_WITHOUT_STATES" not in used[USED] and "#define MSF_WITHOUT_VERSION_1\n" in used[USED]
    without = {
        USED: used[USED].replace("#define MSF_USED_OPERATORS", "#define MSF_WITHOUT_STATES\n#define MSF_USED_OPERATORS")
    }
    assert [status_of(tmp_path, model, header) for header in (used, without)] == [0, 5]
    assert "#define MSF_WITHOUT_STATES\n" in used_header(rewritten(write_model(models()["chain"])))[USED]


def test_an_older_program_is_refused_by_an_export(tmp_path: Path) -> None:
    model = rewritten(write_model(models()["chain"]))
    blocks = [op for op in model.main.ops if op.custom_code]
    assert status_of(tmp_path, model, used_header(model)) == 0
    program = Program.unpack(blocks[0].custom_options)
    older = program._replace(header=program.header._replace(version=1)).pack()
    ops = tuple(replace(op, custom_options=older) if op is blocks[0] else op for op in model.main.ops)
    changed = replace(model, graphs=(replace(model.main, ops=ops), *model.graphs[1:]))
    assert status_of(tmp_path, changed, used_header(model)) == 5
