"""The steps that the kernels' walk takes: into which chunks it cuts the rows of each group (see SPEC.md, *Steps*)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tflm_msf.blocks.block import Block, Group
from tflm_msf.format import Order
from tflm_msf.ops import Stage, StageOp
from tflm_msf.ops.stage import POINTWISE

Ints = npt.NDArray[np.int64]


class Chunks(NamedTuple):
    """How often a group's stages run, and how many of its pixels come in fours, in twos and alone."""

    calls: int
    fours: int
    twos: int
    ones: int

    @property
    def pixels(self) -> int:
        """All of them."""
        return self.fours + self.twos + self.ones

    def at_most(self, pixels: int) -> Chunks:
        """The same pixels where no more than so many are made together."""
        if pixels >= 4:
            return self
        if pixels == 3:
            return self._replace(fours=0, twos=self.twos + self.fours // 2, ones=self.ones + self.fours // 2)
        if pixels == 2:
            return self._replace(fours=0, twos=self.twos + self.fours)
        return self._replace(fours=0, twos=0, ones=self.pixels)

    def share(self, pixels: int) -> Chunks:
        """So many of the pixels, with as many of each kind in proportion."""
        fours, twos = (count * pixels // max(self.pixels, 1) for count in (self.fours, self.twos))
        return self._replace(fours=fours, twos=twos, ones=pixels - fours - twos)


Columns = tuple[int, ...]
"""Where chunks of a row have to end besides, ascending: behind the pixels that the group was asked for."""


def chunks_of(block: Block) -> list[Chunks]:
    """The chunks of each group."""
    ends = _asked_ends(block)
    return [_chunks(block, group, ends[number]) for number, group in enumerate(block.groups)]


def _chunks(block: Block, group: Group, ends: Sequence[Sequence[Columns]]) -> Chunks:
    lengths: Counter[int] = Counter()
    places = zip(group.strips, zip(*_rings(block, group), strict=True), map(tuple, ends), strict=True)
    for ((x0, x1), rings, rows), times in Counter(places).items():
        for columns in dict.fromkeys(rows):
            alike = np.array([y for y, there in enumerate(rows) if there == columns], np.int64)
            within = tuple(x - x0 for x in columns)
            for length, count in chunk_lengths(alike, x1 - x0, group.chunk, rings, within).items():
                lengths[length] += count * times
    return Chunks(
        calls=sum(lengths.values()),
        fours=sum(count * (length // 4 * 4) for length, count in lengths.items()),
        twos=sum(count * (length % 4 // 2 * 2) for length, count in lengths.items()),
        ones=sum(count * (length % 2) for length, count in lengths.items()),
    )


def _asked_ends(block: Block) -> list[list[list[Columns]]]:
    """For each group, strip and row, where the reader that asks for the row first wants it to end.

    What ends the reader's own chunks besides, at the end of a ring, is left out, and so are other readers, and maps of
    which rows outlive an invocation.
    """
    found: list[list[list[Columns]]] = [
        [[()] * _new_rows(block, group) for _ in group.strips] for group in block.groups
    ]
    if block.candidate.schedule.order is Order.CHUNKS:
        return found
    for number in range(len(block.groups) - 2, -1, -1):
        group = block.groups[number]
        made = block.network.stage(group.units[-1])
        if made.reduces or made.op is StageOp.SOURCE:
            continue
        reader, stage = _first_reader(block, number, made.output)
        if made.history or block.network.stage(block.groups[reader].units[-1]).history:
            continue
        turns = _turns(stage, block.groups[reader].rows, group.rows)
        for strip, (own, asking) in enumerate(zip(group.strips, block.groups[reader].strips, strict=False)):
            chunk = block.groups[reader].chunk
            asked = [None if y is None else found[reader][strip][y] for y in turns]
            places = {each: _mapped(stage, _ends(asking, chunk, each), own) for each in set(asked) if each is not None}
            found[number][strip] = [() if each is None else places[each] for each in asked]
    return found


def _new_rows(block: Block, group: Group) -> int:
    """Rows of a group's grid that earlier invocations have not made."""
    return max(group.rows - block.network.stage(group.units[-1]).history, 0)


def _first_reader(block: Block, number: int, tensor: int) -> tuple[int, Stage]:
    """The reader of a group's tensor that looks furthest ahead, of several the one that runs first."""
    readers = [
        (reader, stage)
        for reader in range(number + 1, len(block.groups))
        for stage in map(block.network.stage, block.groups[reader].units)
        if tensor in stage.inputs
    ]
    return max(readers, key=lambda found: (found[1].window.top(0) + found[1].window.reach_h, -found[0]))


def _turns(stage: Stage, reader_rows: int, rows: int) -> list[int | None]:
    """For each row of a stage's input, the output row that goes along it; None if the next one needs it whole."""
    turns: list[int | None] = [None] * rows
    reached = 0
    for y in range(reader_rows):
        end = min(int(stage.window.top(y)) + stage.window.reach_h, rows)
        if end > reached:
            turns[end - 1] = y
            reached = end
    return turns


@cache
def _ends(strip: tuple[int, int], chunk: int, asked: Columns) -> Columns:
    """Where the chunks of a row end."""
    parts = pairwise((strip[0], *asked, strip[1]))
    return tuple(end for first, last in parts for end in (*range(first + chunk, last, chunk), last))


def _mapped(stage: Stage, ends: Columns, strip: tuple[int, int]) -> Columns:
    """Where the columns of a strip of the input end that a stage needs for its own up to each of ``ends``."""
    columns: Ints = stage.window.left(np.array(ends, np.int64) - 1) + stage.window.reach_w
    return tuple(dict.fromkeys(int(x) for x in columns if strip[0] < x < strip[1]))


class Ring(NamedTuple):
    """A ring that ends chunks: its pixels, those of one row, and the column in it where the group's rows begin."""

    pixels: int
    line: int
    offset: int


def _rings(block: Block, group: Group) -> Iterator[list[Ring]]:
    """For the group's own ring and each one that it reads pixel by pixel: what it is in each strip."""
    sizes = {buffer.tensor: buffer.pixels for buffer in block.buffers if not buffer.is_chunk}
    makers = {block.network.stage(made.units[-1]).output: made for made in block.groups}
    last = block.network.stage(group.units[-1])
    tensors = [] if last.reduces else [last.output]
    for unit in group.units:
        stage = block.network.stage(unit)
        tensors += stage.inputs if stage.window == POINTWISE else ()
    yield [Ring(0, 0, 0)] * len(group.strips)
    for tensor in tensors:
        maker = makers.get(tensor)
        if tensor in sizes and maker is not None and _ends_chunks(block.network.stage(maker.units[-1])):
            yield [
                Ring(sizes[tensor], made[1] - made[0], own[0] - made[0])
                for own, made in zip(group.strips, maker.strips, strict=False)
            ]


def _ends_chunks(made: Stage) -> bool:
    """True if a stage's output lies in a ring that starts again; a single pixel serves all."""
    return not made.reduces and made.output_map.pixels > 1


def chunk_lengths(rows: Ints, width: int, chunk: int, rings: Sequence[Ring], ends: Columns = ()) -> Mapping[int, int]:
    """How many chunks of each length there are in the rows with such numbers, of ``width`` pixels.

    Chunks end at the end of a row, where a ring goes on at its beginning, and at each of ``ends``.
    """
    starts: Ints = rows[:, None]
    cuts = [np.zeros_like(starts), np.full_like(starts, width)]
    cuts += [np.full_like(starts, x) for x in ends]
    for ring in rings:
        if ring.pixels:
            first = np.mod(-(starts * ring.line + ring.offset), ring.pixels)
            cuts.append(np.minimum(first + np.arange(0, width, ring.pixels), width))
    places = np.sort(np.concatenate(cuts, axis=1), axis=1)
    runs: Ints = (places[:, 1:] - places[:, :-1]).ravel()
    full = int((runs // chunk).sum())
    rest = np.bincount(runs % chunk, minlength=chunk)
    lengths = {length: int(rest[length]) for length in range(1, chunk) if rest[length]}
    return {**lengths, chunk: full} if full else lengths
