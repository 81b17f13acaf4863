"""Measuring a library: what is said where there is none. With one, the command checks every output byte itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.library import LIBRARIES, main
from tflm_msf.errors import MsfError


def test_a_library_has_to_be_named() -> None:
    done = CliRunner().invoke(main, [])
    assert done.exit_code == 2
    assert done.output == "library: no library to measure: give the directory of one, with --cmsis-nn or --esp-nn.\n"


@pytest.mark.parametrize("name", LIBRARIES)
def test_another_directory_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(MsfError, match="give a checkout of the library"):
        LIBRARIES[name].files(tmp_path)


def test_headers_keep_their_folders(tmp_path: Path) -> None:
    for path in ("Include/a.h", "Include/Internal/b.h", "Source/ConvolutionFunctions/c_s8.c"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    assert set(LIBRARIES["CMSIS-NN"].files(tmp_path)) == {"a.h", "Internal/b.h", "c_s8.c"}
