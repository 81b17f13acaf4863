"""Networks as Keras exports them, made by ``make_models.py``: an open batch costs nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simplify.test_networks import total
from tflm_msf.rewrite import rewrite_file
from tflm_msf.tflite_io import read_model

HERE = Path(__file__).parent
NOT_REPRODUCIBLE = "tcn"
"""With an open batch, dilated convolutions come with SPACE_TO_BATCH_ND whose declared output is too small."""

NAMES = sorted(path.stem for path in HERE.glob("*.tflite") if not path.stem.endswith("_b1"))
MOST_BYTES = 500_000


def test_all_twelve_are_there_and_small() -> None:
    assert len(NAMES) == 12
    assert sum(path.stat().st_size for path in HERE.glob("*.tflite")) < MOST_BYTES


@pytest.mark.parametrize("name", [name for name in NAMES if name != NOT_REPRODUCIBLE])
def test_an_open_batch_and_a_batch_of_1_take_the_same_arena(name: str) -> None:
    open_batch, one = (read_model((HERE / f"{stem}.tflite").read_bytes(), stem) for stem in (name, f"{name}_b1"))
    assert total(open_batch) == total(one)


def test_what_tflm_itself_does_not_compute_twice_alike_is_said() -> None:
    report = rewrite_file((HERE / "tcn.tflite").read_bytes(), "tcn").report
    reasons = [entry["reason"] for entry in report["endings"] if entry["operator"] == "SPACE_TO_BATCH_ND"]
    assert len(reasons) == 1 and "values that nobody wrote; export the model with a batch of 1" in reasons[0]
    assert total(read_model((HERE / "tcn_b1.tflite").read_bytes(), "tcn")) < 2_000
