"""Changes of a network that may make it take less, each as the network that it would be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tflm_msf.errors import MsfError
from tflm_msf.layers import Layer
from tflm_msf.layers.build import model_of
from tflm_msf.layers.size import macs_of, shapes_of

KEEPING_CHANNELS = ("depthwise", "max_pool", "average_pool", "pad", "function", "resize_nearest", "resize_bilinear")
"""Kinds that make as many channels as they read."""

ELEMENTWISE = ("add", "sub", "mul")

NARROWER = 0.75
SMALLER = (0.875, 0.75)
"""Shares of channels, and of rows and columns, that are tried."""


@dataclass(frozen=True)
class Change:
    """What is changed, in words that name layers by their number in ``layers``, and the network then."""

    what: str
    numbers: tuple[int, ...]
    layers: tuple[Layer, ...]


def changes(layers: Sequence[Layer], near: range) -> Iterator[Change]:
    """What may be tried, as far as layers still fit each other then.

    Args:
        layers: the network; every layer has a name.
        near: the numbers of those whose windows and widths are changed: the ones at the peak, say.
    """
    found = (
        *_smaller_inputs(layers),
        *_smaller_windows(layers, near),
        *_narrower(layers, near),
        *_earlier_strides(layers, near),
        *_moved_blocks(layers, near),
        *_valid(layers),
        *_plainer_activations(layers, near),
    )
    return (change for change in found if _fits(change.layers))


def _fits(layers: Sequence[Layer]) -> bool:
    try:
        model_of(layers)
    except MsfError:
        return False
    return True


def _with(layers: Sequence[Layer], changed: dict[int, Layer]) -> tuple[Layer, ...]:
    return tuple(changed.get(number, layer) for number, layer in enumerate(layers))


def _smaller_inputs(layers: Sequence[Layer]) -> Iterator[Change]:
    inputs = [number for number, layer in enumerate(layers) if layer.kind == "input"]
    if len(inputs) != 1 or len(layers[inputs[0]].shape) != 4:
        return
    _, height, width, channels = layers[inputs[0]].shape
    for share in SMALLER:
        rows, columns = (size if size < 16 else round(size * share / 8) * 8 for size in (height, width))
        if (rows, columns) != (height, width):
            changed = replace(layers[inputs[0]], shape=(1, rows, columns, channels))
            yield Change(
                f"an input of {rows} x {columns} instead of {height} x {width}",
                (inputs[0],),
                _with(layers, {inputs[0]: changed}),
            )


def _smaller_windows(layers: Sequence[Layer], near: range) -> Iterator[Change]:
    for number in near:
        layer = layers[number]
        if layer.kind not in ("conv", "depthwise") or max(layer.kernel) == 1:
            continue
        smaller = tuple(size if size <= 1 else 1 if size <= 3 else size - 2 for size in layer.kernel)
        if layer.kind == "depthwise" and max(smaller) == 1:
            continue
        h, w = layer.kernel
        what = f"a window of {smaller[0]} x {smaller[1]} instead of {h} x {w}"
        changed = replace(layer, kernel=(smaller[0], smaller[1]))
        yield Change(what, (number,), _with(layers, {number: changed}))


def _narrower(layers: Sequence[Layer], near: range) -> Iterator[Change]:
    tried = set[frozenset[int]]()
    for number in near:
        if layers[number].kind != "conv" or layers[number].channels < 8:
            continue
        group = _joined(layers, number)
        if group in tried:
            continue
        tried.add(group)
        step = 8 if layers[number].channels >= 32 else 2
        channels = max(step, round(layers[number].channels * NARROWER / step) * step)
        changed = {each: replace(layers[each], channels=channels) for each in group}
        what = f"{channels} channels instead of {layers[number].channels}"
        yield Change(what, tuple(sorted(group)), _with(layers, changed))


def _joined(layers: Sequence[Layer], conv: int) -> frozenset[int]:
    """The convolutions that have to have as many channels as one of them, as what they make is added or multiplied."""
    names = {layer.name: number for number, layer in enumerate(layers)}

    def makers(number: int) -> frozenset[int]:
        """The convolutions that decide how many channels a layer makes."""
        layer = layers[number]
        if layer.kind == "conv":
            return frozenset([number])
        if layer.kind in KEEPING_CHANNELS or layer.kind in ELEMENTWISE:
            return frozenset(m for name in layer.inputs if name in names for m in makers(names[name]))
        return frozenset()

    group = frozenset([conv])
    sets = [makers(number) for number, layer in enumerate(layers) if layer.kind in ELEMENTWISE]
    while True:
        wider = group.union(*(joined for joined in sets if joined & group))
        if wider == group:
            return group
        group = wider


def _earlier_strides(layers: Sequence[Layer], near: range) -> Iterator[Change]:
    """The next stride behind a layer with a window, taken there already."""
    windowed = ("conv", "depthwise")
    for number in near:
        layer = layers[number]
        if layer.kind not in windowed or max(layer.kernel) == 1 or layer.strides != (1, 1):
            continue
        later = next((n for n in range(number + 1, len(layers)) if layers[n].strides != (1, 1)), None)
        if later is None or layers[later].kind not in windowed:
            continue
        moved = {number: replace(layer, strides=layers[later].strides), later: replace(layers[later], strides=(1, 1))}
        yield Change(
            "the stride of the second one taken in the first one already", (number, later), _with(layers, moved)
        )


def _moved_blocks(layers: Sequence[Layer], near: range) -> Iterator[Change]:
    """A residual block at the peak given up, for as many more of a later one as cost about the same."""
    blocks, macs = list(_residual_blocks(layers)), macs_of(layers)
    for early in blocks:
        if not set(early) & set(near):
            continue
        for late in blocks:
            if late.start < early.stop:
                continue
            spent, each = (sum(macs[run.start : run.stop]) for run in (early, late))
            copies = max(1, round(spent / max(each, 1)))
            if copies <= 4:
                yield _moved(layers, early, late, copies)


def _residual_blocks(layers: Sequence[Layer]) -> Iterator[range]:
    """Runs of layers, one after the other, whose last one adds what the first one reads."""
    names = {layer.name: number for number, layer in enumerate(layers)}
    for number, layer in enumerate(layers):
        if layer.kind != "add" or len(layer.inputs) != 2:
            continue
        skip = min(names.get(name, number) for name in layer.inputs)
        run = range(skip + 1, number + 1)
        is_chain = all(layers[n].inputs == (layers[n - 1].name,) for n in run[:-1])
        if 1 < len(run) <= 6 and is_chain and layers[number - 1].name in layer.inputs:
            yield run


def _moved(layers: Sequence[Layer], early: range, late: range, copies: int) -> Change:
    kept = layers[early.start - 1].name
    gone = layers[early.stop - 1].name
    result: list[Layer] = []
    renamed = {gone: kept}
    for number, layer in enumerate(layers):
        if number in early:
            continue
        inputs = tuple(renamed.get(name, name) for name in layer.inputs)
        result.append(replace(layer, inputs=inputs))
        if number == late.stop - 1:
            before = layer.name
            for copy in range(copies):
                names = {layers[n].name: f"{layers[n].name} again {copy + 1}" for n in late}
                names[layers[late.start - 1].name] = before
                for n in late:
                    read = tuple(names.get(name, name) for name in layers[n].inputs)
                    result.append(replace(layers[n], name=names[layers[n].name], inputs=read, is_output=False))
                before = names[layer.name]
            renamed[layer.name] = before
    times = "one more" if copies == 1 else f"{copies} more"
    what = f"these layers left out, and {times} of the block of the last one, at about as many MACs"
    return Change(what, (*early, late.stop - 1), tuple(result))


def _valid(layers: Sequence[Layer]) -> Iterator[Change]:
    """No padding along time, where maps are rows of values."""
    shapes = shapes_of(layers)
    flat = [
        number
        for number, layer in enumerate(layers)
        if layer.kind in ("conv", "depthwise")
        and layer.padding == "same"
        and max(layer.kernel) > 1
        and 1 in shapes[number][1:3]
        and min(layer.kernel) == 1
    ]
    if flat:
        changed = {number: replace(layers[number], padding="valid") for number in flat}
        yield Change("no padding along time", tuple(flat), _with(layers, changed))


def _plainer_activations(layers: Sequence[Layer], near: range) -> Iterator[Change]:
    """A function that is a layer of its own, made part of the layer before as ReLU6."""
    for number in near:
        layer = layers[number]
        before = layers[number - 1]
        is_part = (
            before.kind in ("conv", "depthwise") and layer.inputs == (before.name,) and before.activation == "none"
        )
        if layer.kind == "function" and layer.function not in ("LOGISTIC", "RELU", "RELU6") and is_part:
            readers = [each for n, each in enumerate(layers) if before.name in each.inputs and n != number]
            if not readers:
                changed = replace(before, name=layer.name, activation="relu6", is_output=layer.is_output)
                result = (*layers[: number - 1], changed, *layers[number + 1 :])
                yield Change(f"ReLU6 instead of {layer.function}", (number,), result)
