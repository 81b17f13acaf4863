"""Models with a state on emulated cores: a thousand invocations, a reset in the middle, a source that fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from benchmarks.emulator import build, load_core, run
from testing.corpus import corpus_model
from tests.time_series import time_series
from tflm_msf.export import export_c, kernel_sources
from tflm_msf.graph import Model
from tflm_msf.graph.step import Step
from tflm_msf.inputs import Array
from tflm_msf.planner import Planner
from tflm_msf.request import LEAST_HOP, Request
from tflm_msf.runtime import Session
from tflm_msf.tflite_io import write_model

MAIN = Path(__file__).parent / "state.c"
CORES = ("m4", "m55", "rv32", "lx106")
STEPS = 1000
START = 2166136261


def noise(size: int) -> Array:
    """What the device makes up, byte by byte."""
    state, values = 1, np.empty(size, np.uint8)
    for index in range(size):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        values[index] = state >> 24
    return values.view(np.int8)


def hashed(start: int, values: bytes) -> int:
    """FNV-1a, 32 bits."""
    for byte in values:
        start = (start ^ byte) * 16777619 & 0xFFFFFFFF
    return start


@dataclass(frozen=True)
class Half:
    """Outputs and states of one half, as hashes."""

    outputs: int
    states: int


@dataclass(frozen=True)
class Subject:
    """A model, its rewriting, and the steps that both halves take."""

    original: bytes
    model: Model
    streamed: bool

    @property
    def step_bytes(self) -> int:
        tensor = Session(self.original).model.main.tensors[Session(self.original).model.main.inputs[0]]
        step = Step.of(self.model)
        return tensor.nbytes if step is None else tensor.nbytes // step.window * step.hop

    def halves(self) -> Iterator[Half]:
        """What TFLM says, of the original as soon as that is asked."""
        rows = noise(self.step_bytes * STEPS).reshape(STEPS, -1)
        for first, end in ((0, STEPS // 2), (STEPS // 2, STEPS)):
            yield self._half(rows[first:end])

    def _half(self, rows: Array) -> Half:
        after, before, step = Session(write_model(self.model)), Session(self.original), Step.of(self.model)
        shape = before.model.main.tensors[before.model.main.inputs[0]].shape
        graph, outputs = after.model.main, START
        for number, new in enumerate(rows):
            got = after.run([new if self.streamed else new.reshape(graph.tensors[graph.inputs[0]].shape)])
            if step is None:
                got = before.run([new.reshape(shape)])
            elif number + 1 >= step.warm_up and (number + 1) * step.hop >= step.window:
                flat = rows[: number + 1].reshape(-1)
                got = before.run([flat[flat.size - np.prod(shape) :].reshape(shape)])
            outputs = hashed(outputs, b"".join(value.tobytes() for value in got))
        return Half(outputs, hashed(START, b"".join(state[4:] for state in after.states())))


def header(subject: Subject) -> str:
    """What the device has to find."""
    first, second = subject.halves()
    values = {
        "STEPS": STEPS,
        "STREAMED": int(subject.streamed),
        "FIRST_HALF": first.outputs,
        "STATE_OF_FIRST_HALF": first.states,
        "SECOND_HALF": second.outputs,
        "STATE_OF_SECOND_HALF": second.states,
    }
    return "".join(f"#define {name} {value}u\n" for name, value in values.items())


SUBJECTS = {
    "wake word with variables": ("stateful/esphome__mww_okay_nabu", Request()),
    "wake word with variables, streamed": ("stateful/esphome__mww_vad", Request(stream_input=True)),
    "wake word": ("mlperf__strm_ww_1d", Request(stateful=3)),
    "series": (15, Request(stateful=LEAST_HOP, stream_input=True)),
}


@cache
def sources(name: str) -> dict[str, str]:
    """A program for a device."""
    which, request = SUBJECTS[name]
    data = write_model(time_series(which)) if isinstance(which, int) else corpus_model(str(which))
    planned = Planner.of(data, name, request).choose().model
    exported = export_c(planned, "net")
    expected = header(Subject(data, planned, request.stream_input))
    # net.c becomes part of the program below; as a header it is not compiled by itself
    main = MAIN.read_text("utf-8").replace('"net.c"', '"net_c.h"')
    return {
        **kernel_sources(),
        "net.h": exported["net.h"],
        "net_c.h": exported["net.c"],
        "expected.h": expected,
        "main.c": main,
    }


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("name", SUBJECTS)
def test_a_thousand_steps_with_a_reset_in_the_middle(name: str, core: str) -> None:
    done = run(load_core(core), build(load_core(core), sources(name)))
    assert done.status == 0, done.output
    assert done.output.splitlines()[-1] == "0 wrong"


def test_one_wrong_bit_of_the_state_would_be_found() -> None:
    files = dict(sources("wake word"))
    files["main.c"] = files["main.c"].replace("net_reset();\n  hash", "net_arena[states[0] + 40] ^= 1;\n  hash", 1)
    done = run(load_core("m4"), build(load_core("m4"), files))
    assert done.status == 1 and "second half" in done.output
