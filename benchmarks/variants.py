"""The ways to run a model that are compared with each other, each as C files for firmware."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from benchmarks.firmware import MODEL, with_kernels
from benchmarks.reference import reference_c
from tflm_msf.blocks.schedule import CHUNKS
from tflm_msf.choice import Choice, choose
from tflm_msf.export import export_c
from tflm_msf.graph import Model
from tflm_msf.plan import make_plan
from tflm_msf.planner import Planner
from tflm_msf.program.assemble import assemble
from tflm_msf.request import Limits
from tflm_msf.search.dag import find_edges
from tflm_msf.search.edge import Edge


@dataclass(frozen=True)
class Variant:
    """C files of a model named ``model``, and its MACs as a multiple of the original's."""

    overhead: float
    sources: Mapping[str, str]


def front_variants(planner: Planner, most: int) -> list[Variant]:
    """Plans of the front: its two ends, and others evenly between them, at ``most`` so many."""
    last = len(planner.front) - 1
    picked = dict.fromkeys(round(index * last / max(most - 1, 1)) for index in range(most))
    return [_fused(planner.front[index].model, planner.front[index].plan.overhead) for index in picked]


def _fused(model: Model, overhead: float) -> Variant:
    return Variant(overhead, with_kernels(export_c(model, MODEL)))


def in_long_chunks(planner: Planner, max_overhead: float) -> Choice:
    """The least arena within an overhead, all in the longest chunks: what is compared is nothing but recomputation."""
    limits = Limits(max_overhead=max_overhead, max_slowdown=math.inf)
    return choose(planner.front_in(CHUNKS[:1]), limits, planner.source)


def _within(max_overhead: float, planner: Planner) -> Variant:
    choice = in_long_chunks(planner, max_overhead)
    return _fused(choice.model, choice.plan.overhead)


def _layerwise(planner: Planner) -> Variant:
    """Every unit its own block, whole feature maps between them, with the same kernels."""
    network = planner.network
    single: dict[int, Edge] = {}
    for edge in find_edges(network):
        known = single.get(edge.first)
        if edge.first == edge.last and (known is None or edge.macs < known.macs):
            single[edge.first] = edge
    plan = make_plan(network, tuple(single[unit] for unit in range(len(network.units))))
    return _fused(assemble(planner.model, network, plan), plan.overhead)


def _reference(planner: Planner) -> Variant:
    return Variant(1.0, reference_c(planner.network))


VARIANTS: Mapping[str, Callable[[Planner], Variant]] = {
    "F1.0": partial(_within, 1.0),
    "F1.1": partial(_within, 1.1),
    "F1.3": partial(_within, 1.3),
    "min-ram": partial(_within, math.inf),
    "layerwise": _layerwise,
    "reference": _reference,
}
"""What ``benchmarks/results.json`` calls them."""
