"""Several models in one firmware, each compared with what TFLM gave: far fewer links and runs than one for each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.emulator import Core, build, run
from benchmarks.firmware import Case
from tflm_msf.export import export_c, kernel_sources
from tflm_msf.graph import Model

MAIN = Path(__file__).parent / "several.c"


@dataclass(frozen=True)
class Expected:
    """A rewritten model that is fused whole, and what TFLM makes of the original's inputs."""

    model: Model
    cases: Sequence[Case]


@dataclass(frozen=True)
class Compared:
    """Output bytes of all models, and what the firmware printed."""

    compared: int
    differing: int
    log: str


def compare_all(core: Core, models: Sequence[Expected]) -> Compared:
    """Runs all cases of all models on ``core``."""
    names = [f"m{number}" for number in range(len(models))]
    sources = dict(kernel_sources())
    for name, expected in zip(names, models, strict=True):
        sources |= export_c(expected.model, name)
        sources[f"{name}_cases.h"] = _cases_h(name, expected.cases)
    sources |= {"models.h": _models_h(names), "main.c": MAIN.read_text()}
    done = run(core, build(core, sources))
    found = re.search(r"(\d+) of (\d+) bytes differ", done.output)
    assert found is not None, done.output
    assert (done.status == 0) == (found[1] == "0"), done.output
    assert " failed with status " not in done.output, done.output
    return Compared(int(found[2]), int(found[1]), done.output)


def _models_h(names: Sequence[str]) -> str:
    includes = "".join(f'#include "{name}.h"\n#include "{name}_cases.h"\n' for name in names)
    return f"{includes}#define COMPARE_ALL {' '.join(f'COMPARE({name}, {name.upper()})' for name in names)}\n"


def _cases_h(name: str, cases: Sequence[Case]) -> str:
    rows = (case.inputs + case.outputs for case in cases)
    values = ",\n".join("{" + ",".join(map(str, np.frombuffer(row, np.int8))) + "}" for row in rows)
    size = len(cases[0].inputs) + len(cases[0].outputs)
    return f"static const int8_t {name}_cases[{len(cases)}][{size}] = {{\n{values}\n}};\n"
