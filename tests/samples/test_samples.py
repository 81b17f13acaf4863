"""The sample models are what samples/README.md says of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tflm_msf.inputs import load_input
from tflm_msf.request import Request
from tflm_msf.rewrite import rewrite_file
from tflm_msf.runtime import Session, measure_arena

SAMPLES = Path(__file__).parents[2] / "samples"
README = (SAMPLES / "README.md").read_text()
DIGITS = SAMPLES / "digits" / "digits_int8.tflite"
ROW = re.compile(r"^\| `(.+\.tflite)` \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|", re.M)


def number(text: str) -> int:
    return int(text.replace(",", ""))


def test_the_table_names_every_model() -> None:
    assert {row[0] for row in ROW.findall(README)} == {
        path.relative_to(SAMPLES).as_posix() for path in SAMPLES.rglob("*.tflite")
    }


@pytest.mark.parametrize("row", ROW.findall(README), ids=lambda row: str(row[0]))
def test_arenas_are_as_the_table_says(row: tuple[str, str, str, str]) -> None:
    name, before, after, streamed = row
    data = (SAMPLES / name).read_bytes()
    assert len(data) < 700_000
    assert measure_arena(data).total == number(before)
    for limit, stream_input in ((after, False), (streamed, True)):
        measured = measure_arena(rewrite_file(data, name, Request(stream_input=stream_input)).data).total
        assert number(limit) * 0.8 < measured <= number(limit)


def test_the_digits_are_recognised_before_and_after() -> None:
    data = DIGITS.read_bytes()
    sessions = [Session(data), Session(rewrite_file(data, "digits").data)]
    for digit in range(10):
        image = load_input(sessions[0].model.main, SAMPLES / "digits" / "images" / f"digit_{digit}.bin")
        before, after = (session.run(image)[0] for session in sessions)
        assert np.array_equal(before, after)
        assert before.argmax() == digit


def test_the_demo_runs_on_a_fresh_clone(tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "TFLM_MSF_MODELS": str(tmp_path)}
    done = subprocess.run([SAMPLES / "demo.sh"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert re.search(r"Bit-exact: [\d,]+ values in 30 runs", done.stdout)
