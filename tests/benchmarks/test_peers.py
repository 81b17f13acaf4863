"""Measuring peers: what is said where there is no checkout. With one, the command checks every output byte itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.pages import shown_table
from benchmarks.peers import CORES, MAKEFILE, MODELS, TABLE, Peer, Row, Tree, main, read_results, table
from tflm_msf.errors import MsfError


def write(top: Path, *paths: str, text: str = "") -> None:
    for path in paths:
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text(text)


def test_readme_has_the_table_that_was_kept() -> None:
    rows = read_results()
    assert shown_table(TABLE) == table(rows)
    assert [(row.model, row.core) for row in rows] == [(model, core) for core in CORES for model in MODELS]


def test_another_directory_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["--tflm", str(tmp_path)])
    assert done.exit_code == 2
    assert done.output.startswith(f"peers: {tmp_path}/tensorflow/lite/micro/micro_interpreter.h is not there: ")
    write(tmp_path, "tensorflow/lite/micro/micro_interpreter.h")
    with pytest.raises(MsfError, match="third_party_downloads OPTIMIZED_KERNEL_DIR=cmsis_nn"):
        Tree(tmp_path).check()


def test_operators_are_those_of_cmsis_nn_where_it_has_them(tmp_path: Path) -> None:
    kernels = "tensorflow/lite/micro/kernels"
    write(tmp_path, f"{kernels}/conv.cc", text="TFLMRegistration Register_CONV_2D() {")
    write(tmp_path, f"{kernels}/reshape.cc", text="TFLMRegistration Register_RESHAPE() {")
    write(tmp_path, f"{kernels}/cmsis_nn/conv.cc", f"{kernels}/conv_common.cc", f"{kernels}/kernel_util.cc")
    write(tmp_path, "tensorflow/lite/micro/micro_log.cc", "tensorflow/lite/micro/micro_log_test.cc")
    write(tmp_path, f"{Path(MAKEFILE).parent}/downloads/cmsis_nn/Source/a_s8.c")
    found = {str(path.relative_to(tmp_path)) for path in Tree(tmp_path).sources(["CONV_2D", "RESHAPE"])}
    assert f"{kernels}/cmsis_nn/conv.cc" in found and f"{kernels}/conv.cc" not in found
    assert {f"{kernels}/conv_common.cc", f"{kernels}/reshape.cc", "tensorflow/lite/micro/micro_log.cc"} <= found
    assert "tensorflow/lite/micro/micro_log_test.cc" not in found
    with pytest.raises(MsfError, match="has no operator TANH"):
        Tree(tmp_path).sources(["TANH"])


def test_the_table_divides_by_the_macs_of_the_original() -> None:
    row = Row("a", "m4", 100, Peer(300, 400.0, 5000), Peer(150, 300.0, 1000))
    assert table([row]).splitlines()[-1] == "| a | m4 | 3.00 | 1.50 | 0.50 | 4.00 | 3.00 | 0.75 | 5,000 | 1,000 |"
