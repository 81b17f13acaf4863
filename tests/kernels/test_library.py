"""Kernels that are compiled for CMSIS-NN or ESP-NN, with doubles of these: the same bits, and who computed them."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from benchmarks.emulator import load_core
from testing.corpus import corpus_model
from testing.layers import RELU6, Geometry, Layers, Weighting
from testing.networks import random_network
from tests.exactness import pareto_paths, random_path
from tests.kernels.sanitized import (
    CMSIS_NN,
    DOUBLES,
    ESP_NN,
    HERE,
    ROOT,
    SANITIZE,
    SOURCES,
    WARNINGS,
    Library,
    build_harness,
    compiler,
    kernel_sources,
    run_harness,
)
from tests.kernels.seeds import write_cases
from tests.kernels.stack import worst_case
from tflm_msf.export import export_c
from tflm_msf.graph import Model
from tflm_msf.inputs import Array, make_inputs
from tflm_msf.network.units import build_network
from tflm_msf.plan import make_plan
from tflm_msf.planner import Planner
from tflm_msf.program.assemble import assemble
from tflm_msf.program.layout import Weights
from tflm_msf.request import Request
from tflm_msf.runtime import Session
from tflm_msf.search.edge import Edge
from tflm_msf.tflite_io import write_model

STRICT = ("-Wshadow", "-Wstrict-prototypes", "-Wmissing-prototypes", "-Wundef")
SEEDS = range(8)
MOST_STACK = 1024
CACHE = ROOT / "build" / "sanitized"
BOTH = pytest.mark.parametrize("library", [CMSIS_NN, ESP_NN], ids=lambda library: library.name)


class Ran(NamedTuple):
    """Outputs of all inferences, and how many calls the library computed."""

    outputs: bytes
    convolved: int


class Built:
    """Kernels and double, compiled with sanitizers; models are linked with them. ``scratch``: bytes for the library."""

    def __init__(self, library: Library, directory: Path, scratch: int | None = None) -> None:
        self.library = library
        self.directory = directory
        own = () if scratch is None else (f"-DMSF_LIBRARY_SCRATCH={scratch}",)
        self.objects = [
            self._compile(source, own if source.stem == "msf_library" else ())
            for source in (*kernel_sources(), *library.sources)
        ]

    def _compile(self, source: Path, own: Sequence[str] = ()) -> Path:
        """Compiled once for each state of the file, of all headers and of the flags."""
        flags = ("-std=c99", *WARNINGS, *STRICT, *SANITIZE, *self.library.flags, f"-I{SOURCES}", *own)
        headers = [*sorted(SOURCES.rglob("*.h")), *sorted(DOUBLES.rglob("*.h"))]
        texts = b"".join(path.read_bytes() for path in (source, *headers))
        target = CACHE / f"{source.stem}-{hashlib.sha256(repr(flags).encode() + texts).hexdigest()[:16]}.o"
        if not target.exists():
            CACHE.mkdir(parents=True, exist_ok=True)
            partial = target.with_suffix(f".{os.getpid()}.o")
            subprocess.run([compiler(), *flags, "-c", str(source), "-o", str(partial)], check=True)
            partial.replace(target)
        return target

    def run(self, model: Model, inputs: Sequence[Sequence[Array]]) -> Ran:
        """Runs a rewritten model."""
        for name, text in export_c(model, "model").items():
            (self.directory / name).write_text(text)
        program = self.directory / "program"
        own = [str(self.directory / "model.c"), str(HERE / "run_model.c"), f"-I{self.directory}", f"-I{SOURCES}"]
        flags = ("-std=c99", *WARNINGS, *STRICT, *SANITIZE, *self.library.flags)
        subprocess.run([compiler(), *flags, *own, *map(str, self.objects), "-o", str(program)], check=True)
        values = b"".join(tensor.tobytes() for tensors in inputs for tensor in tensors)
        done = subprocess.run([str(program)], input=values, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()[-6000:]
        return Ran(done.stdout, int(done.stderr))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[Library, Built]:
    return {library: Built(library, tmp_path_factory.mktemp(library.name)) for library in (CMSIS_NN, ESP_NN)}


def expected(model: Model, inputs: Sequence[Sequence[Array]]) -> bytes:
    """What stock TFLM gives for the original."""
    session = Session(write_model(model))
    return b"".join(tensor.tobytes() for values in inputs for tensor in session.run(values))


def assert_exact(kernels: Built, model: Model, path: Sequence[Edge] = ()) -> int:
    """Compares the model, rewritten by a schedule or as the tool would, with TFLM; counts what the library computed."""
    if path:
        network = build_network(model.main)
        rewritten = assemble(model, network, make_plan(network, tuple(path)), Weights.PLAIN)
    else:
        rewritten = Planner.of(write_model(model), "net", Request(weights=Weights.PLAIN)).choose().model
    inputs = make_inputs(model.main, runs=2, seed=0)
    ran = kernels.run(rewritten, inputs)
    assert ran.outputs == expected(model, inputs)
    return ran.convolved


@BOTH
@pytest.mark.parametrize("seed", SEEDS)
def test_random_networks(library: Library, seed: int, built: dict[Library, Built]) -> None:
    random = Random(seed)
    model = random_network(random)
    network = build_network(model.main)
    for path in (*pareto_paths(network, most=2), random_path(network, random)):
        assert_exact(built[library], model, path)


@BOTH
@pytest.mark.parametrize("name", ["mlperf__kws_dscnn", "microflow__cifar10_mobilenet"])
def test_real_models(library: Library, name: str, built: dict[Library, Built]) -> None:
    data = corpus_model(name)
    rewritten = Planner.of(data, name, Request(weights=Weights.PLAIN)).choose().model
    session = Session(data)
    inputs = make_inputs(session.model.main, runs=1, seed=0)
    ran = built[library].run(rewritten, inputs)
    assert ran.outputs == b"".join(tensor.tobytes() for values in inputs for tensor in session.run(values))
    assert ran.convolved > 400


def one(layer: str, geometry: Geometry, channels: int = 6, weighting: Weighting | None = None) -> Model:
    """A network of one convolution; ``channels`` are those of its output."""
    layers = Layers(Random(3))
    x = layers.input(1, 11, 10, 3)
    if layer == "conv":
        return layers.model([layers.conv(x, channels, geometry, weighting or Weighting(RELU6))])
    return layers.model([layers.depthwise(x, channels // 3, geometry, weighting or Weighting(RELU6))])


@BOTH
@pytest.mark.parametrize("layer", ["conv", "depthwise"])
@pytest.mark.parametrize(
    "geometry",
    [
        Geometry((1, 1)),
        Geometry((1, 1), (2, 2)),
        Geometry((1, 5)),
        Geometry((4, 1), (1, 3)),
        Geometry((3, 3)),
        Geometry((3, 3), (2, 2), same=False),
        Geometry((7, 5), (1, 2)),
        Geometry((3, 1), dilation=(3, 1)),
    ],
)
def test_the_library_computes(library: Library, layer: str, geometry: Geometry, built: dict[Library, Built]) -> None:
    """All calls: two inferences of every row of outputs, four pixels at a time."""
    model = one(layer, geometry)
    (output,) = model.main.outputs
    _, h, w, _ = model.main.tensors[output].shape
    assert assert_exact(built[library], model) == 2 * h * -(-w // 4)


@BOTH
@pytest.mark.parametrize("layer", ["conv", "depthwise"])
def test_one_scale_for_all_channels(library: Library, layer: str, built: dict[Library, Built]) -> None:
    assert assert_exact(built[library], one(layer, Geometry(), weighting=Weighting(per_channel=False))) > 0


@pytest.mark.parametrize("layer", ["conv", "depthwise"])
def test_columns_apart_are_for_a_library_that_takes_them(layer: str, built: dict[Library, Built]) -> None:
    model = one(layer, Geometry((3, 3), dilation=(1, 2)))
    assert assert_exact(built[CMSIS_NN], model) > 0
    assert assert_exact(built[ESP_NN], model) == 0


def test_what_the_library_refuses_is_computed_here(built: dict[Library, Built]) -> None:
    assert assert_exact(built[CMSIS_NN], one("conv", Geometry(), channels=7)) == 0


@BOTH
def test_what_does_not_fit_is_computed_here(library: Library, tmp_path: Path) -> None:
    """With room for a 1x1 convolution, but for no band of three rows."""
    small = Built(library, tmp_path, scratch=128)
    assert assert_exact(small, one("conv", Geometry((1, 1)))) > 0
    assert assert_exact(small, one("conv", Geometry((3, 3)))) == 0


@BOTH
def test_packed_weights_stay_with_the_own_inner_loops(library: Library, built: dict[Library, Built]) -> None:
    model = one("conv", Geometry())
    inputs = make_inputs(model.main, runs=1, seed=0)
    ran = built[library].run(Planner.of(write_model(model), "net").choose().model, inputs)
    assert ran == Ran(expected(model, inputs), 0)


@BOTH
def test_changed_programs(library: Library, tmp_path: Path) -> None:
    """As in ``test_mutations``: whatever a program says, nothing is read or written outside of the operands."""
    harness = build_harness(library=library)
    cases = write_cases(tmp_path, Weights.PLAIN)
    assert run_harness(harness, "run", *cases).ran == len(cases)
    assert run_harness(harness, "random", "300", *cases).ran > 1000


def compiled(*flags: str) -> str:
    """What the compiler says to the kernels' convolutions."""
    told = ""
    for source in sorted(SOURCES.glob("ops/msf_*conv_2d.c")) + sorted(SOURCES.glob("library/*.c")):
        command = [compiler(), "-std=c99", "-fsyntax-only", *WARNINGS, *STRICT, *flags, f"-I{SOURCES}", str(source)]
        told += subprocess.run(command, capture_output=True, text=True, check=False).stderr
    return told


@BOTH
def test_compiles_without_a_warning(library: Library) -> None:
    assert compiled(*library.flags) == ""


@pytest.mark.parametrize(("library", "core"), [(CMSIS_NN, "m4"), (ESP_NN, "lx106")])
def test_stack_is_bounded(library: Library, core: str) -> None:
    """The library's own comes on top."""
    flags = (*load_core(core).cflags, "-O2", *library.flags)
    assert max(worst_case(compiler(load_core(core).gcc), flags).values()) <= MOST_STACK


def test_two_libraries_at_once_are_refused() -> None:
    assert "exclude each other" in compiled(*CMSIS_NN.flags, *ESP_NN.flags)


@pytest.mark.parametrize(
    ("library", "macro"),
    [(CMSIS_NN, "CMSIS_NN_USE_SINGLE_ROUNDING"), (ESP_NN, "CONFIG_NN_SKIP_NUDGE"), (ESP_NN, "SKIP_NUDGE")],
)
def test_a_library_that_rounds_otherwise_is_refused(library: Library, macro: str) -> None:
    assert "gives other bits than TFLM's reference" in compiled(*library.flags, f"-D{macro}")


def test_what_esp_idf_is_configured_to_counts(tmp_path: Path) -> None:
    (tmp_path / "sdkconfig.h").write_text("#define CONFIG_NN_SKIP_NUDGE 1\n")
    told = compiled(*ESP_NN.flags, "-DESP_PLATFORM", f"-I{tmp_path}")
    assert "gives other bits than TFLM's reference: switch CONFIG_NN_SKIP_NUDGE off" in told
