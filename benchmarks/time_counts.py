"""What the time model is fitted to: plans of many kinds, their work, and the instructions that they take on each core.

Plans come from the Pareto fronts of the full space and of the presets (strips, and so short chunks and pixels computed
twice), from single layers, and from random networks, which have the operators that the corpus lacks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from itertools import count, islice
from pathlib import Path
from random import Random

from rich.progress import track

from benchmarks.bench import corpus_file
from benchmarks.emulator import CORES, EmulatorError, load_core
from benchmarks.firmware import MODEL, Case, make_cases, measure, with_kernels
from testing.wide_networks import WideNetwork
from tflm_msf.blocks.schedule import CHUNKS
from tflm_msf.blocks.space import BlockSpace
from tflm_msf.choice import Choice
from tflm_msf.cost.work import Work
from tflm_msf.export import export_c
from tflm_msf.plan import make_plan
from tflm_msf.planner import Planner
from tflm_msf.request import Request
from tflm_msf.search.presets import Preset
from tflm_msf.tflite_io import write_model

COUNTS = Path(__file__).parent / "time_counts.json"

TIMED = (*CORES, "m0plus")
"""Cores that the tool knows the time of."""

MODELS = (
    "emza__ssd_slim_120x160",
    "microflow__cifar10_mobilenet",
    "mlperf__ad01_fc",
    "mlperf__ic_resnet8",
    "mlperf__kws_dscnn",
    "mlperf__strm_ww_1d",
    "mlperf__vww_96",
    "mltk__kws_on_off_v3_tenet",
    "nanou__tinyagri_60x80",
    "sscma__fomo_mnv2_035",
    "tflm__person_detect",
)
"""Models of the corpus all of whose operators can be in blocks, without those that take long."""

RANDOM = "random"
"""What the names of random networks begin with."""

RANDOM_NETWORKS = 12
PRESETS = (Preset.LAYERWISE, Preset.FULL, Preset.MCUNETV2, Preset.MSF_CNN)
MOST_OVERHEAD = 5.0

IN_ALL_CHUNKS = (Preset.LAYERWISE, Preset.FULL)
"""Those of whose fronts one plan is measured in chunks of every length."""


@dataclass(frozen=True)
class Counted:
    """A plan of a model, what its blocks have to do, and the instructions of one inference on each core."""

    model: str
    plan: str
    overhead: float
    work: Work
    instructions: dict[str, int]


def is_random(entry: Counted) -> bool:
    """True for a random network: there for its operators; its inference is too short to judge a fit by."""
    return entry.model.startswith(RANDOM)


def read_counts(path: Path = COUNTS) -> list[Counted]:
    """What was measured last."""
    return [Counted(**entry) for entry in json.loads(path.read_text())]


def write_counts(counted: Sequence[Counted], path: Path = COUNTS) -> None:
    """One line for each plan."""
    path.write_text("[\n" + ",\n".join(json.dumps(asdict(entry)) for entry in counted) + "\n]\n")


@dataclass(frozen=True)
class _Job:
    """A plan to build and run."""

    model: str
    plan: str
    choice: Choice
    cases: Sequence[Case]


def measure_all(cores: Sequence[str] = TIMED, known: Sequence[Counted] = ()) -> list[Counted]:
    """Builds, runs and checks every plan on these cores: some minutes. Raises EmulatorError or MsfError.

    A plan whose work is that of a ``known`` one keeps what that took on other cores; any other runs on all.
    """
    jobs = [job for name, data in [*_corpus(), *_random_networks()] for job in _jobs(name, data)]
    before = {(entry.model, entry.plan): entry for entry in known}
    with ThreadPoolExecutor() as pool:
        counted = pool.map(lambda job: _measure(job, cores, before.get((job.model, job.plan))), jobs)
        return list(track(counted, "emulating", len(jobs), transient=True))


def _corpus() -> Iterator[tuple[str, bytes]]:
    for model in MODELS:
        yield model, corpus_file(model).read_bytes()


def _random_networks() -> Iterator[tuple[str, bytes]]:
    """Random networks that can be exported, the first so many by seed."""
    made = ((f"{RANDOM} {seed}", write_model(WideNetwork(Random(seed)).make())) for seed in count())  # noqa: S311
    return islice(filter(_can_be_exported, made), RANDOM_NETWORKS)


def _can_be_exported(named: tuple[str, bytes]) -> bool:
    name, data = named
    network = Planner.of(data, name).network
    return network.macs > 0 and all(unit.stage for unit in network.units)


def _jobs(name: str, data: bytes) -> Iterator[_Job]:
    """Plans that differ in work: both ends of each preset's front, its middle, and one in chunks of every length."""
    cases = make_cases(data, runs=1)
    seen = []
    for preset in PRESETS:
        front = [c for c in Planner.of(data, name, Request(preset=preset)).front if c.plan.overhead <= MOST_OVERHEAD]
        named = {f"{preset.value} {index}": front[index] for index in sorted({0, len(front) // 2, len(front) - 1})}
        if preset in IN_ALL_CHUNKS:
            named |= {f"{preset.value} in chunks of {chunk}": _in_chunks(front[0], chunk) for chunk in CHUNKS}
        for plan, choice in named.items():
            if choice.work not in seen:
                seen.append(choice.work)
                yield _Job(name, plan, choice, cases)


def _in_chunks(choice: Choice, chunk: int) -> Choice:
    """The same blocks, whose groups make so many pixels at a time."""
    space = BlockSpace(choice.network)
    edges = [
        step.edge._replace(block=space.rescheduled(block, block.schedule._replace(chunk=chunk)))
        if (block := step.edge.block)
        else step.edge
        for step in choice.plan.steps
    ]
    return replace(choice, plan=make_plan(choice.network, tuple(edges)))


def _measure(job: _Job, cores: Sequence[str], before: Counted | None) -> Counted:
    work = job.choice.work
    kept = before.instructions if before is not None and before.work == work else {}
    sources = with_kernels(export_c(job.choice.model, MODEL))
    counted = {core: _instructions(job, core, sources) for core in (cores if kept else TIMED)}
    return Counted(job.model, job.plan, round(job.choice.plan.overhead, 6), work, {**kept, **counted})


def _instructions(job: _Job, core: str, sources: Mapping[str, str]) -> int:
    done = measure(load_core(core), sources, job.cases)
    if done.status != 0 or not done.instructions:
        raise EmulatorError(f"{job.model}, {job.plan}, on {core} is wrong:\n{done.log}")
    return done.instructions[0]
