"""One suite for all cores: networks in plans, many in one firmware, every output byte as TFLM gives it.

``python -m tests.emulated.conformance --core m4 --pairs 200`` runs it by hand. A new core needs its file in
``platformio/emulated/boards`` and no more.

The pairs of a firmware are one image: records as ``conformance.c`` declares them, little-endian words whose offsets
count from the image's begin.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from benchmarks.emulator import BOARDS, BUILD, EMULATED, OPTIMIZED, Core, build, load_core, run
from tests.emulated.pairs import Pair, first_pairs
from tflm_msf.arena import C_EXPORT, c_offsets, c_states, predict
from tflm_msf.export import kernel_sources
from tflm_msf.format import CUSTOM_CODE

HERE = Path(__file__).parent
RECORD = "<40s13I"
SHARE_OF_FLASH = 0.6
"""The rest is for the kernels, the C library and tables."""

SHARE_OF_RAM = 0.7


@dataclass(frozen=True)
class Result:
    """How many pairs ran, how many differ, and what the firmware said of them."""

    pairs: int
    differing: int
    log: str


class _Image:
    """Bytes that grow, each piece on a multiple of 16."""

    def __init__(self, size: int) -> None:
        self.data = bytearray(size)

    def add(self, piece: bytes) -> int:
        self.data += bytes(-len(self.data) % 16)
        self.data += piece
        return len(self.data) - len(piece)

    def add_words(self, words: Sequence[int]) -> int:
        return self.add(struct.pack(f"<{len(words)}I", *words))


def image_of(pairs: Sequence[Pair]) -> bytes:
    """The pairs as firmware reads them."""
    size = struct.calcsize(RECORD)
    image = _Image(size * len(pairs))
    for number, pair in enumerate(pairs):
        image.data[size * number : size * (number + 1)] = _record(image, pair)
    return bytes(image.data)


def _record(image: _Image, pair: Pair) -> bytes:
    """Adds a pair's pieces to the image; returns the record that names them."""
    graph, offsets, states = pair.model.main, c_offsets(pair.model), c_states(pair.model)
    blocks = [op for op in graph.ops if op.custom_code == CUSTOM_CODE]
    constants = {t: image.add(graph.tensors[t].data or b"") for op in blocks for t in op.inputs if t in _constant(pair)}
    table: list[int] = []
    for op, (state, state_size) in zip(blocks, states, strict=True):
        places = [
            (int(t in constants), constants.get(t, offsets[t]), graph.tensors[t].nbytes)
            for t in (*op.inputs, *op.outputs)
        ]
        places += [(0, state, state_size)] * (state_size > 0)
        operands = image.add_words([word for place in places for word in place])
        table += [image.add(op.custom_options), len(op.custom_options), len(places), operands]

    def spans(tensors: Sequence[int]) -> tuple[int, int]:
        return len(tensors), image.add_words([word for t in tensors for word in (offsets[t], graph.tensors[t].nbytes)])

    kept = [state for state, state_size in states if state_size]
    cases = [case.inputs + case.outputs for case in pair.cases]
    return struct.pack(
        RECORD,
        pair.name.encode()[:39],
        predict(pair.model, C_EXPORT).total,
        *(len(blocks), image.add_words(table)),
        *spans(graph.inputs),
        *spans(graph.outputs),
        *(len(kept), image.add_words(kept)),
        *(len(cases), len(cases[0]), image.add(b"".join(cases))),
        len(pair.cases[0].inputs),
    )


def _constant(pair: Pair) -> set[int]:
    return {index for index, tensor in enumerate(pair.model.main.tensors) if tensor.is_constant}


def compare(
    core: Core,
    pairs: Sequence[Pair],
    flags: Sequence[str] = OPTIMIZED,
    link: Sequence[str] = (),
    more_sources: dict[str, str] | None = None,
) -> Result:
    """Runs pairs on a core, in as few firmwares as its memories allow.

    ``link`` (options of the linker) and ``more_sources`` are for mutants.
    """
    found = [_run(core, batch, flags, link, more_sources or {}) for batch in _batches(core, pairs)]
    return Result(sum(r.pairs for r in found), sum(r.differing for r in found), "".join(r.log for r in found))


def _run(
    core: Core, pairs: Sequence[Pair], flags: Sequence[str], link: Sequence[str], more_sources: dict[str, str]
) -> Result:
    arena = max(predict(pair.model, C_EXPORT).total for pair in pairs)
    sources = {
        **kernel_sources(),
        "image.c": _image_c(image_of(pairs)),
        "image.h": _IMAGE_H % (len(pairs), -(-arena // 16) * 16),
        "main.c": (HERE / "conformance.c").read_text(),
        **more_sources,
    }
    done = run(core, build(core, sources, flags, link))
    found = re.search(r"^(\d+) of (\d+) pairs differ$", done.output, re.M)
    if found is None or int(found[2]) != len(pairs) or (done.status == 0) != (found[1] == "0"):
        raise AssertionError(f"{core.name} ended with status {done.status}:\n{done.output}")
    return Result(len(pairs), int(found[1]), done.output)


_IMAGE_H = """#include <stdint.h>
#define PAIR_COUNT %du
#define ARENA_SIZE %du
extern const uint8_t image[];
"""

_IMAGE_C = r"""__asm__(
    ".section .rodata.image, \"a\"\n .balign 16\n .global image\n image: .incbin \"%s\"\n .balign 16\n .text");
"""


def _image_c(image: bytes) -> str:
    """A C file that the assembler fills: a compiler would take minutes for as many numbers."""
    path = BUILD / "images" / f"{hashlib.sha256(image).hexdigest()[:20]}.bin"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(image)
    return _IMAGE_C % path


def _batches(core: Core, pairs: Sequence[Pair]) -> Iterator[list[Pair]]:
    """Pairs that fit into a core's flash together. Those that do not fit into its RAM are an error."""
    memories = json.loads((EMULATED / "boards" / f"{core.name}.json").read_text())["upload"]
    flash, ram = SHARE_OF_FLASH * memories["maximum_size"], SHARE_OF_RAM * memories["maximum_ram_size"]
    batch: list[Pair] = []
    held = 0
    for pair in pairs:
        assert predict(pair.model, C_EXPORT).total <= ram, f"{pair.name} is too large for {core.name}"
        size = len(image_of([pair]))
        if batch and held + size > flash:
            yield batch
            batch, held = [], 0
        batch.append(pair)
        held += size
    if batch:
        yield batch


@click.command()
@click.option("--core", "cores", multiple=True, type=click.Choice(BOARDS), default=BOARDS, help="May be repeated.")
@click.option("--pairs", default=200, show_default=True)
def main(cores: Sequence[str], pairs: int) -> None:
    """Compares pairs on cores and prints what differs."""
    for core in cores:
        done = compare(load_core(core), first_pairs(pairs))
        click.echo(f"{core}: {done.differing} of {done.pairs} pairs differ")
        if done.differing:
            click.echo(done.log)


if __name__ == "__main__":
    main()
