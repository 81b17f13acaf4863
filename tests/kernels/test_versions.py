"""Programs of version 1, made before there was a version 2, run as they did; what is newer than the kernels is refused.

``version_1.npz`` holds blocks of every operator: program, params, number of the params operand, sizes of operands,
and what the kernels of version 1 made of the inputs that ``numpy.random.default_rng(1)`` gives.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.kernels.library import Status, operands_of, prepare, text_of
from tests.kernels.seeds import Seed
from tests.kernels.test_programs import _outputs
from tflm_msf import format as fmt

STORED = np.load(Path(__file__).with_name("version_1.npz"))
NAMES = sorted({name.rpartition("/")[0] for name in STORED.files})


def stored(name: str) -> Seed:
    params_operand, *sizes = STORED[f"{name}/sizes"].tolist()
    program, params = (STORED[f"{name}/{part}"].tobytes() for part in ("program", "params"))
    return Seed(name.rpartition("/")[2], program, params, params_operand, tuple(sizes))


@pytest.mark.parametrize("name", NAMES)
def test_version_1_runs_as_it_did(name: str) -> None:
    seed, values = stored(name), np.random.default_rng(1)
    inputs = [values.integers(0, 256, size, np.uint8) for size in seed.sizes[: seed.params_operand]]
    operands = operands_of(seed, inputs)
    assert prepare(seed.program, operands) is Status.OK
    np.testing.assert_array_equal(_outputs(seed, operands), STORED[f"{name}/outputs"])


def test_version_1_knows_every_operator_that_it_had() -> None:
    programs = [fmt.Program.unpack(stored(name).program) for name in NAMES]
    assert {program.header.version for program in programs} == {1}
    assert {stage.op for program in programs for stage in program.stages} == set(range(23))


@pytest.mark.parametrize("name", NAMES)
def test_records_of_version_1_are_packed_as_they_were_read(name: str) -> None:
    program = stored(name).program
    assert fmt.Program.unpack(program).pack() == program


def test_a_newer_version_is_refused_with_what_to_update() -> None:
    newer = bytearray(stored(NAMES[0]).program)
    newer[4] = fmt.VERSION + 1
    assert prepare(bytes(newer), operands_of(stored(NAMES[0]))) is Status.BAD_VERSION
    assert "update the tflm-msf library" in text_of(Status.BAD_VERSION)
