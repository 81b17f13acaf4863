"""Each rule on random graphs and their near misses: the same bits in TFLM, and it fires just where it should."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

import numpy as np
import pytest

from testing.layers import Geometry, Weighting
from tests.simplify.habits import Habits
from tests.streaming_models import StreamingLayers
from tflm_msf.graph import Model
from tflm_msf.inputs import Array, make_inputs
from tflm_msf.runtime import Session
from tflm_msf.simplify import (
    Rule,
    constants,
    conversions,
    mixed_depthwise,
    paddings,
    simplify,
    thin_transposes,
    transposed_dense,
    transposed_means,
    transposed_tables,
    transposes,
    uniform,
    unread,
    views,
)
from tflm_msf.simplify.thin_transposes import keeps_order
from tflm_msf.tflite_io import write_model

GRAPHS = 100

Made = tuple[Model, bool]
"""A model, and whether the rule has to fire."""


def computed_shapes(random: Random) -> Made:
    """SHAPE and what is computed from it, seen through a RESHAPE that has to stay."""
    layers = Habits(random)
    x = layers.input(*(random.randint(1, 9) for _ in range(random.randint(2, 4))))
    shape = layers.shape_op(x)
    rank = len(layers.shape(x))
    numbers = [layers.pick(shape, random.randrange(rank)) for _ in range(random.randint(1, 3))]
    builtin = random.choice(["ADD", "SUB", "MUL"])
    numbers.append(layers.calculate(builtin, numbers[0], layers.integers(np.array(random.randint(-9, 9), np.int32))))
    packed = layers.pack(*numbers)
    begin = random.randrange(rank)
    joined = layers.join_integers(packed, layers.part(shape, begin, rank, random.randint(1, 2)))
    out = layers._op("RESHAPE", [joined], layers.integers_like((1, *layers.shape(joined))))
    return layers.model([out, layers.relu(x)]), True


def overflowing_shapes(random: Random) -> Made:
    """Arithmetic that leaves int32 stays."""
    layers = Habits(random)
    x = layers.input(1, 3, random.randint(2, 9))
    huge = layers.integers(np.array([2**31 - 1], np.int32))
    step = random.randint(-3, 3)
    out = layers.calculate("ADD", huge, layers.integers(np.array([step], np.int32)))
    other = layers.calculate("MUL", out, layers.integers(np.array([1], np.int32)))
    return layers.model([layers._op("RESHAPE", [other], layers.integers_like((1, 1))), layers.relu(x)]), step <= 0


def constant_tensors(random: Random) -> Made:
    """Constants that are filled, transposed and reshaped before they are added; sometimes the input is instead."""
    layers = Habits(random)
    x = layers.input(1, random.randint(2, 6), random.randint(2, 6), random.randint(2, 6))
    if random.random() < 0.3:
        return layers.model([layers.relu(layers.transpose(x, [0, 2, 1, 3]))]), False
    if random.random() < 0.4:
        other = layers.fill(layers.integers(np.array(layers.shape(x), np.int32)), x)
        layers._rms[other] = 1.0
    else:
        _, h, w, c = layers.shape(x)
        other = layers.transpose(layers.constant(1, c, h, w), [0, 2, 3, 1])
    return layers.model([layers.add(x, other)]), True


def unread_operators(random: Random) -> Made:
    layers = Habits(random)
    x = layers.input(1, 4, 4, random.randint(1, 6))
    y = layers.relu(x)
    fires = random.random() < 0.6
    spare = layers.conv(y, 3, Geometry(), Weighting())
    more = layers.relu(spare) if random.random() < 0.5 else spare
    return layers.model([layers.relu6(y)] if fires else [layers.relu6(y), more]), fires


def any_transpose(random: Random) -> Made:
    layers = Habits(random)
    shape = [random.choice([1, 1, 2, 3, 5]) for _ in range(random.randint(2, 5))]
    order = random.sample(range(len(shape)), len(shape))
    y = layers.relu(layers.input(*shape))
    return layers.model([layers.relu(layers.transpose(y, order))]), keeps_order(tuple(shape), order)


def chained_views(random: Random) -> Made:
    """Views behind one another; one alone that changes the shape stays."""
    layers = Habits(random)
    h, w, c = (random.randint(2, 5) for _ in range(3))
    y = layers.relu(layers.input(1, h, w, c))
    shapes = random.choices(
        [(1, h, w, c), (1, h * w, c), (h, w, c), (h, w * c), (1, h, w, c, 1)], k=random.randint(1, 3)
    )
    for shape in shapes:
        y = layers.view(y, *shape)
    outputs = [layers.relu(y)]
    return layers.model(outputs), len(shapes) > 1 or shapes[0] == (1, h, w, c)


def chained_transposes(random: Random) -> Made:
    layers = Habits(random)
    rank = random.randint(2, 4)
    y = layers.relu(layers.input(*(random.randint(2, 5) for _ in range(rank))))
    orders = [random.sample(range(rank), rank) for _ in range(random.randint(1, 3))]
    if random.random() < 0.4:
        orders.append([int(axis) for axis in np.argsort(orders[-1])])
    between = []
    for order in orders:
        y = layers.transpose(y, order)
        between.append(y)
    outputs = [layers.relu(y)]
    if random.random() < 0.4:
        outputs.append(layers.relu6(between[0]))
    fires = len(orders) > 1 or orders[0] == sorted(orders[0])
    return layers.model(outputs), fires


def transposed_averages(random: Random) -> Made:
    """MEAN over any axes of a transposed map; of float32 numbers it stays."""
    layers = Habits(random)
    rank = random.randint(2, 4)
    y = layers.relu(layers.input(*(random.randint(1, 6) for _ in range(rank))))
    y = layers.transpose(y, random.sample(range(rank), rank))
    axes = random.sample(range(rank), random.randint(1, rank - 1))
    axes = [axis - rank if random.random() < 0.3 else axis for axis in axes]
    fires = random.random() < 0.8
    z = layers.mean(y if fires else layers.relu(y), random.random() < 0.5, tuple(axes))
    outputs = [z] if random.random() < 0.7 else [z, layers.relu(y)]
    return layers.model(outputs), fires


def transposed_activations(random: Random) -> Made:
    """An operator on each value behind a TRANSPOSE, which others may read too."""
    layers = Habits(random)
    y = layers.relu(layers.input(1, random.randint(1, 5), random.randint(1, 5), random.randint(1, 5)))
    y = layers.transpose(y, [0, *random.sample([1, 2, 3], 3)])
    kind = random.choice(["RELU", "LOGISTIC", "TANH", "LEAKY_RELU", "ABS", "QUANTIZE"])
    z = (
        layers.activation(kind, y)
        if kind not in ("RELU", "QUANTIZE")
        else layers._op(kind, [y], layers._activation(layers.shape(y), 1.0))
    )
    alone = random.random() < 0.7
    return layers.model([z] if alone else [z, y]), alone


def transposed_vectors(random: Random) -> Made:
    """Flatten and FULLY_CONNECTED behind a TRANSPOSE; on several vectors it stays."""
    layers = Habits(random)
    shape = (1, *(random.randint(1, 5) for _ in range(3)))
    y = layers.transpose(layers.relu(layers.input(*shape)), [0, *random.sample([1, 2, 3], 3)])
    several = random.random() < 0.3
    if not several:
        y = layers.view(y, 1, math.prod(shape))
    z = layers.dense(y, random.randint(1, 9), Weighting(per_channel=False), keep_dims=several)
    pixels = math.prod(layers.shape(y)[:-1])
    return layers.model([z]), pixels == 1


def conversions_of_scales(random: Random) -> Made:
    """DEQUANTIZE and QUANTIZE on one scale, on any two, or with something in between."""
    layers = Habits(random)
    y = layers.relu(layers.input(1, 16, 16, 1))
    other = y if random.random() < 0.6 else layers.relu(y)
    x = layers.float_like(y)
    between = random.random() < 0.2
    if between:
        x = layers._op("NEG", [x], layers._add(layers.tensors[x]))
    same = not between and layers.tensors[other].quantization == layers.tensors[y].quantization
    z = layers.from_float(x, other)
    source, target = layers.tensors[y].quantization, layers.tensors[z].quantization
    assert source is not None and target is not None
    through, fixed = conversions.through_float(source, target), conversions.requantized(source, target)
    assert through is not None and fixed is not None
    equal = np.array_equal(through, fixed)
    assert equal or not same
    return layers.model([layers.relu(z)]), equal and not between


def chained_paddings(random: Random) -> Made:
    """PADs with one value or two, seen from outside in between or not."""
    layers = Habits(random)
    y = layers.relu(layers.input(1, random.randint(1, 5), random.randint(1, 5), random.randint(1, 3)))
    value = random.choice([None, 7])
    amounts = [[[0, 0], *([random.randint(0, 2), random.randint(0, 2)] for _ in range(3))] for _ in range(2)]
    inner = layers.pads(y, amounts[0], value)
    same = random.random() < 0.6
    outer = layers.pads(inner, amounts[1], value if same else 8 if value == 7 else 9)
    seen = random.random() < 0.2
    return layers.model([layers.relu(outer), inner] if seen else [layers.relu(outer)]), same and not seen


def uniform_operands(random: Random) -> Made:
    """Constants with one value everywhere, or with several."""
    layers = Habits(random)
    x = layers.input(1, random.randint(1, 4), random.randint(1, 4), random.randint(2, 5))
    shape = random.choice([layers.shape(x), layers.shape(x)[3:], (1, 1, 1, layers.shape(x)[3])])
    fires = random.random() < 0.6
    other = layers.uniform_constant(*shape) if fires else layers.constant(*shape)
    data = np.frombuffer(layers.tensors[other].data or b"", np.int8)
    operator = random.choice([layers.add, layers.sub, layers.mul])
    pair = (x, other) if random.random() < 0.6 else (other, x)
    return layers.model([operator(*pair)]), data.size > 1 and bool((data == data[0]).all())


def mixed_heights(random: Random) -> Made:
    """Depthwise convolutions of several heights on the last rows of parts of the channels, or on others."""
    layers = StreamingLayers(random)
    rows, parts = random.randint(3, 7), random.randint(2, 3)
    x = layers.input(1, rows, random.choice((1, 1, 2)), 2 * parts)
    above = random.choice((0, 0, 0, 1))
    heights = tuple(random.randint(1, rows - above) for _ in range(parts))
    y = layers.mixed(x, heights, above)
    return layers.model([y]), above == 0 and layers.shape(x)[2] == 1


CASES: list[tuple[Rule, Callable[[Random], Made]]] = [
    (constants.RULE, computed_shapes),
    (constants.RULE, overflowing_shapes),
    (constants.RULE, constant_tensors),
    (unread.RULE, unread_operators),
    (thin_transposes.RULE, any_transpose),
    (views.RULE, chained_views),
    (transposes.RULE, chained_transposes),
    (transposed_means.RULE, transposed_averages),
    (transposed_tables.RULE, transposed_activations),
    (transposed_dense.RULE, transposed_vectors),
    (conversions.RULE, conversions_of_scales),
    (paddings.RULE, chained_paddings),
    (uniform.RULE, uniform_operands),
    (mixed_depthwise.RULE, mixed_heights),
]


def outputs_of(model: Model) -> list[list[Array]]:
    session = Session(write_model(model))
    return [session.run(values) for values in make_inputs(model.main, runs=2, seed=1)]


@pytest.mark.parametrize(("rule", "make"), CASES, ids=[make.__name__ for _, make in CASES])
def test_the_rule_keeps_every_bit_and_fires_where_it_should(rule: Rule, make: Callable[[Random], Made]) -> None:
    fired = 0
    for seed in range(GRAPHS):
        model, fires = make(Random(seed))
        simplified = simplify(model, (rule,))
        assert bool(simplified.changes) == fires, (seed, simplified.changes, [op.name for op in model.main.ops])
        fired += fires
        for want, got in zip(outputs_of(model), outputs_of(simplified.model), strict=True):
            for number, (one, other) in enumerate(zip(want, got, strict=True)):
                assert one.shape == other.shape and one.tobytes() == other.tobytes(), (seed, number)
    assert fired > GRAPHS // 5
