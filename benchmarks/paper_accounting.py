"""Fusion blocks counted as the msf-CNN paper (arXiv 2505.11483) and its published analysis count them.

A block makes one output element at a time from a tile of its input, and caches along one axis (H-cache). Its RAM is
its input and its output and, for each of its layers, ``kernel * tile height * channels`` of the layer's input. A layer
on its own takes input and output. The network's input and its last output are not counted, nor is anything a program
would need besides.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.chains import Chain, Layer
from tflm_msf.search.edge import Edge


def paper_edges(chain: Chain) -> list[Edge]:
    """The fusion DAG: every block that the paper allows, and every layer on its own."""
    last = len(chain.layers) - 1
    edges = []
    for end in range(last + 1):
        for first in range(end, -1, -1):
            block = chain.layers[first : end + 1]
            tile, stride = tile_of(block)
            if len(block) > 1 and tile > min(block[0].input.h, block[0].input.w):
                continue
            boundary = (block[0].input.elements if first > 0 else 0) + (block[-1].output.elements if end < last else 0)
            alone = len(block) == 1
            ram = boundary if alone else boundary + sum(_buffers(block, tile, stride))
            edges.append(Edge(first, end, ram, block[0].macs if alone else _macs(block, tile, stride), None))
    return edges


def tile_of(block: Sequence[Layer]) -> tuple[int, int]:
    """Rows of the block's input that one output row needs, and by how many the next output row's tile is further."""
    tile = stride = 1
    for layer in reversed(block):
        tile = (tile - 1) * layer.stride + layer.kernel
        stride *= layer.stride
    return tile, stride


def _buffers(block: Sequence[Layer], tile: int, stride: int) -> list[int]:
    """Bytes that each layer caches.

    The tile is the last one that lies in the input; each layer adds its padding at those borders that it touches.
    """
    position = (block[0].input.h - tile) // stride * stride
    buffers, stride_here = [], 1
    for layer in block:
        buffers.append(layer.kernel * tile * layer.input.c)
        stride_here *= layer.stride
        position_here = position // stride_here
        borders = (position_here == 0) + (position_here + tile >= layer.input.h)
        tile = (tile - layer.kernel + borders * layer.padding) // layer.stride + 1
    return buffers


def _macs(block: Sequence[Layer], tile: int, stride: int) -> int:
    """MACs of all tiles, each ``tile`` rows high and moved by ``stride``; both shrink from layer to layer."""
    macs = 0
    for layer in block:
        tiles = (layer.input.h + 2 * layer.padding - tile) // stride + 1
        columns = (layer.input.w + 2 * layer.padding - layer.kernel) // layer.stride + 1
        rows = (tile - layer.kernel) // layer.stride + 1
        macs += tiles * columns * rows * layer.output.c * layer.macs_per_element
        tile, stride = rows, stride // layer.stride
    return macs


def one_head(edges: Sequence[Edge], layers: int) -> tuple[int, int]:
    """Least RAM (then MACs) with one block from the first layer on and all other layers on their own: MCUNetV2."""
    alone = {edge.first: edge for edge in edges if edge.first == edge.last}
    found = []
    for head in edges:
        if head.first == 0 and head.last > 0:
            path = [head, *(alone[layer] for layer in range(head.last + 1, layers))]
            found.append((max(edge.head for edge in path), sum(edge.macs for edge in path)))
    return min(found)
