"""Counting on this computer: what is counted, and that it is the same each time."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmarks import host
from tests.small_models import small_model
from tflm_msf.errors import MsfError
from tflm_msf.tflite_io import write_model


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
def test_counts_what_invoke_takes_and_nothing_else(tmp_path: Path) -> None:
    files: list[Path] = []
    for tensors in ("xy", "xyz", "xy"):
        files.append(tmp_path / f"{len(files)}.tflite")
        files[-1].write_bytes(write_model(small_model(tensors)))
    one, two, again = host.count(files)
    assert one == again
    assert 100 < one < two < 100_000, "starting Python alone takes far more"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
def test_a_run_that_fails_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MsfError, match="did not count every inference"):
        host.count([tmp_path / "missing.tflite"])


def test_without_valgrind_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MsfError, match="apt-get install valgrind"):
        host.count([])
