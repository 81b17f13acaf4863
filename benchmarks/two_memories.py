"""Plans for two memories: what lies in each, and what an emulated Cortex-M4 reads and writes in the slow one.

``python -m benchmarks.two_memories`` prints both tables of docs/TWO_MEMORIES.md; ``--write`` puts them there.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.emulator import IN_PSRAM, OPTIMIZED, EmulatorError, load_core
from benchmarks.firmware import MODEL, make_cases, measure, with_kernels, without_softmax
from benchmarks.pages import write_table
from testing.corpus import corpus_model
from tflm_msf.arena import C_EXPORT
from tflm_msf.blocks.space import BlockSpace
from tflm_msf.choice import Choice
from tflm_msf.cost.cycles import cycles_of
from tflm_msf.cost.slow import SPEEDS, milliseconds
from tflm_msf.export import export_c
from tflm_msf.network.orders import execution_orders
from tflm_msf.plan import Plan
from tflm_msf.planner import MOST_OVERHEAD, Planner
from tflm_msf.request import Limits, Request
from tflm_msf.search.edge import NO_LIMIT
from tflm_msf.search.two_memories import TwoMemories
from tflm_msf.tflite_io import write_model
from tflm_msf.verify import verify

PAGE = Path(__file__).parent.parent / "docs" / "TWO_MEMORIES.md"
CORE, CASES, RUNS = "m4", 2, 3
MHZ = 180
"""Of a Cortex-M4 in the front's times."""

FRONT = "arm__ssd_mobilenet_v3_small"
FRONT_SIZES = (64 << 10, 128 << 10, 256 << 10)


class Asked(NamedTuple):
    """A model, bytes of fast memory, and limits on slow memory and on the MAC overhead factor, None for none."""

    model: str
    fast_ram: int
    slow: int | None = None
    max_overhead: float | None = None


ROWS = (
    Asked("mlperf__vww_96", 4224, 29100, 4),
    Asked("mlperf__vww_96", 9280, None, 4),
    Asked("mlperf__vww_96", 13000),
    Asked("mlperf__ic_resnet8", 2272, 12500, 4),
    Asked("mlperf__ic_resnet8", 10768),
    Asked("mlperf__kws_dscnn", 5200),
    Asked("mcunet__320kb_1mb_imagenet", 72608),
    Asked("tflm__person_detect", 6816, None, 4),
    Asked("tflm__person_detect", 9008, None, 4),
    Asked("sscma__fomo_mnv2_035", 29664),
    Asked("nxp__yolo_face_detect", 19200),
    Asked("nxp__yolo_face_detect", 32864),
)
"""Fast memory of the size that another tool takes for the same model, and rows with more."""


class Found(NamedTuple):
    """A plan, and what was counted of it; ``counted`` is bytes read and written, None where nothing is slow.

    ``bound`` is what no plan of blocks goes below by sizes, ``least`` the bytes of inputs and outputs.
    """

    choice: Choice
    counted: int | None
    bound: int
    least: int


def traffic_bound(planner: Planner, plan: Plan, most_slow: int | None) -> int:
    """Bytes below which no plan of the search's blocks has its traffic, by sizes, wherever tensors would lie."""
    assert planner.request.fast_ram is not None
    if plan.fast is None or plan.traffic == planner.least_traffic:
        return plan.traffic
    slow = NO_LIMIT if most_slow is None else most_slow
    bounds: list[int] = []
    for network in execution_orders(planner.network).networks:
        memories = TwoMemories(network, BlockSpace(network), planner.request.fast_ram)
        bounds += [way.traffic for way in memories.ways(MOST_OVERHEAD * network.macs, slow)]
    return min(bounds)


def find(asked: Asked) -> Found:
    """Plans a model as exported C, compares it with the original in TFLM, and runs it on the core.

    Raises SystemExit if it is not bit-exact.
    """
    data = without_softmax(corpus_model(asked.model))
    limits = Limits(ram=asked.slow, max_overhead=asked.max_overhead)
    planner = Planner.of(data, asked.model, Request(fast_ram=asked.fast_ram, target=C_EXPORT, limits=limits))
    choice = planner.choose()
    if not verify(data, write_model(choice.model), runs=RUNS).passed:
        raise SystemExit(f"{asked.model}: not bit-exact, or not as predicted")
    if choice.plan.fast is None:
        return Found(choice, None, 0, 0)
    flags = (*OPTIMIZED, f"-DMODEL_ARENA_SECTION={IN_PSRAM}")
    done = measure(load_core(CORE), with_kernels(export_c(choice.model, MODEL)), make_cases(data, CASES), flags)
    if done.status or done.differing:
        raise EmulatorError(f"{asked.model} gives other bits on {CORE}: {done.log}")
    bound = traffic_bound(planner, choice.plan, asked.slow)
    return Found(choice, done.loaded[-1] + done.stored[-1], bound, planner.least_traffic)


def table() -> str:
    """What is planned and counted for each of :data:`ROWS`."""
    lines = [
        "| model | fast: given | used | slow | F | traffic: planned | counted | at least | inputs and outputs once |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for asked in ROWS:
        choice, counted, bound, least = find(asked)
        plan = choice.plan
        cells = [plan.fast_bytes, choice.needed] if plan.fast else [choice.needed, 0]
        sizes = " | ".join(f"{size:,}" for size in (asked.fast_ram, *cells))
        traffic = " | ".join(f"{size:,}" for size in (plan.traffic, counted or 0, bound, least))
        lines.append(f"| {asked.model} | {sizes} | {plan.overhead:.3f} | {traffic} |")
    return "\n".join(lines)


def front(sizes: Sequence[int] = FRONT_SIZES) -> str:
    """One large model over the size of fast memory, with estimated times."""
    names = " | ".join(f"{speed:g} MB/s, ms" for speed in SPEEDS)
    lines = [
        f"| fast: given | used | slow | F | traffic | computing, ms | slow memory at {names} |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    data = corpus_model(FRONT)
    for size in sizes:
        choice = Planner.of(data, FRONT, Request(fast_ram=size, target=None)).choose()
        plan = choice.plan
        computing = (cycles_of(choice.instructions(CORE), CORE) or 0) / (MHZ * 1e3)
        waiting = " | ".join(f"{milliseconds(plan.traffic, speed):,.1f}" for speed in SPEEDS)
        lines.append(
            f"| {size:,} | {plan.fast_bytes:,} | {choice.needed:,} | {plan.overhead:.3f} | {plan.traffic:,} | "
            f"{computing:,.0f} | {waiting} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Print the tables, or write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"replace the tables in {PAGE.name}")
    parser.add_argument("--only", choices=("table", "front"), help="one of the two")
    arguments = parser.parse_args()
    for name, make in (("table", table), ("front", front)):
        if arguments.only in (None, name):
            made = make()
            print(made)
            if arguments.write:
                write_table(name, made, PAGE)


if __name__ == "__main__":
    main()
