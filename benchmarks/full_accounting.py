"""Our schedules counted as the paper counts its own: the network's input and last output are not counted.

Each block is counted twice. *Engine* is what the kernels really take: the workspace that the planner reserves, with the
kernels' own bookkeeping and chunks of several pixels. *Analytic* leaves out what the paper leaves out too: line buffers
with the least they need to make one pixel at a time, and nothing else. Both are the same blocks and strips. Nothing is
rounded up to 16 bytes except the distance between an output and an input that share memory.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from benchmarks.chains import Chain, Layer
from tflm_msf.blocks.block import Candidate
from tflm_msf.blocks.rings import RingSizes
from tflm_msf.blocks.schedule import schedules
from tflm_msf.blocks.walk import BlockWalk
from tflm_msf.search.dag import undominated
from tflm_msf.search.edge import Edge


class FullEdges(NamedTuple):
    """The same fusion DAG counted twice."""

    engine: list[Edge]
    analytic: list[Edge]


def full_edges(chain: Chain) -> FullEdges:
    """The whole space of :mod:`tflm_msf.blocks.schedule`, of the edges between the same cuts the undominated ones."""
    network, sizes = chain.network, RingSizes(chain.network)
    limit = max(layer.input.elements + layer.output.elements for layer in chain.layers)
    edges = FullEdges([], [])
    for last in range(len(chain.layers)):
        engine: dict[int, list[Edge]] = {}
        analytic: dict[int, list[Edge]] = {}
        for schedule in schedules(network, last):
            lines = _LineBuffers(chain.layers[last], schedule.tile_w)
            for found in BlockWalk(network, sizes, last, (schedule,)).candidates(limit):
                if found.first < last:
                    lines.take_in(chain.layers[found.first])
                boundary = _boundary(chain, found)
                edge = Edge(found.first, last, boundary + found.workspace, found.macs, found)
                engine.setdefault(found.first, []).append(edge)
                analytic.setdefault(found.first, []).append(edge._replace(head=boundary + lines.nbytes))
        edges.engine.extend(edge for choices in engine.values() for edge in undominated(choices))
        edges.analytic.extend(edge for choices in analytic.values() for edge in undominated(choices))
    return edges


def _boundary(chain: Chain, block: Candidate) -> int:
    """Bytes of the block's input and output as far as they are counted, one over the other where that is possible."""
    source, output = chain.layers[block.first].input.elements, chain.layers[block.last].output.elements
    if block.first == 0:
        return output if block.last < len(chain.layers) - 1 else 0
    if block.last == len(chain.layers) - 1:
        return source
    return source + output if block.overlap_input is None else max(output, block.overlap + source)


class _LineBuffers:
    """Bytes that a block keeps of its inner tensors to make one pixel of each at a time.

    In front of a kernel of k rows that is k - 1 rows of the strip and k pixels of the newest row; in front of a 1x1
    layer one pixel, which may lie where another group of layers has put its own.
    """

    def __init__(self, last: Layer, width: int) -> None:
        self._reader = last
        self._x0 = np.arange(0, last.output.w, width)
        self._x1 = np.minimum(self._x0 + width, last.output.w)
        self._rings = 0
        self._pixels = 0
        self._pixel_after = 0

    @property
    def nbytes(self) -> int:
        return self._rings + self._pixels

    def take_in(self, layer: Layer) -> None:
        """Adds the layer in front: its output becomes an inner tensor."""
        reader, tensor = self._reader, layer.output
        self._x0 = np.clip(self._x0 * reader.stride - reader.padding, 0, tensor.w)
        self._x1 = np.clip((self._x1 - 1) * reader.stride - reader.padding + reader.kernel, 0, tensor.w)
        if reader.kernel == 1:
            self._pixels = max(self._pixels, tensor.c + self._pixel_after)
            self._pixel_after = tensor.c
        else:
            columns = int((self._x1 - self._x0).max())
            rows = min(reader.kernel, tensor.h)
            self._rings += ((rows - 1) * columns + min(reader.kernel, columns)) * tensor.c
            self._pixel_after = 0
        self._reader = layer
