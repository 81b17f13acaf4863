"""Graphs that no converter makes: operators that lack inputs, shapes that lie, options out of range."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import numpy as np

from tests.simplify.test_float_tables import BINARY, UNARY, chain
from tests.simplify.test_rules import CASES
from tflm_msf.errors import MsfError
from tflm_msf.graph import NO_TENSOR, DType, Graph, Model, Op, Table
from tflm_msf.simplify import simplify
from tflm_msf.tflite_io import check_model

ODD_NUMBERS = [0, 1, -1, 2, 3, 7, 127, -128, 65_536, 2**31 - 1, -(2**31)]
TRIES = 3_000


def odd(model: Model, random: Random) -> Model:
    """The model with one thing changed."""
    graph = model.main
    change: Callable[[Graph, Random], Graph] = random.choice(
        [other_inputs, other_shape, other_data, other_options, other_kind]
    )
    return replace(model, graphs=(change(graph, random),))


def with_op(graph: Graph, at: int, op: Op) -> Graph:
    return replace(graph, ops=(*graph.ops[:at], op, *graph.ops[at + 1 :]))


def other_inputs(graph: Graph, random: Random) -> Graph:
    at = random.randrange(len(graph.ops))
    inputs = list(graph.ops[at].inputs)
    kind = random.randrange(3)
    if kind == 0 and inputs:
        inputs.pop(random.randrange(len(inputs)))
    elif kind == 1 and inputs:
        inputs[random.randrange(len(inputs))] = random.choice([NO_TENSOR, random.randrange(len(graph.tensors))])
    else:
        inputs.append(random.randrange(len(graph.tensors)))
    return with_op(graph, at, replace(graph.ops[at], inputs=tuple(inputs)))


def other_shape(graph: Graph, random: Random) -> Graph:
    at = random.randrange(len(graph.tensors))
    tensor = graph.tensors[at]
    shape = [random.choice([size, size, 0, 1, 2, 5]) for size in tensor.shape]
    shape = random.choice([shape, shape[1:], [1, *shape], shape[::-1]])
    changed = replace(tensor, shape=tuple(shape))
    if tensor.data is not None:
        changed = replace(changed, data=bytes(changed.nbytes))
    return replace(graph, tensors=(*graph.tensors[:at], changed, *graph.tensors[at + 1 :]))


def other_data(graph: Graph, random: Random) -> Graph:
    constants = [at for at, tensor in enumerate(graph.tensors) if tensor.data and tensor.dtype == DType.INT32]
    if not constants:
        return graph
    at = random.choice(constants)
    values = np.frombuffer(graph.tensors[at].data or b"", np.int32).copy()
    values[random.randrange(len(values))] = random.choice(ODD_NUMBERS)
    changed = replace(graph.tensors[at], data=values.tobytes())
    return replace(graph, tensors=(*graph.tensors[:at], changed, *graph.tensors[at + 1 :]))


def other_options(graph: Graph, random: Random) -> Graph:
    at = random.randrange(len(graph.ops))
    names = ["axis", "keep_dims", "begin_mask", "end_mask", "shrink_axis_mask", "weights_format"]
    names.append("fused_activation_function")
    options = random.choice([None, Table("AnyOptions", {random.choice(names): random.choice(ODD_NUMBERS)})])
    return with_op(graph, at, replace(graph.ops[at], options=options))


def other_kind(graph: Graph, random: Random) -> Graph:
    at = random.randrange(len(graph.tensors))
    tensor = graph.tensors[at]
    quantization = (
        random.choice([None, replace(tensor.quantization, scale=(0.0,), zero_point=(0,))])
        if tensor.quantization
        else None
    )
    changed = replace(tensor, quantization=quantization)
    if random.random() < 0.3 and not tensor.data:
        changed = replace(
            changed, dtype=random.choice([DType.FLOAT32, DType.INT16, DType.BOOL, DType.INT4, DType.STRING])
        )
    return replace(graph, tensors=(*graph.tensors[:at], changed, *graph.tensors[at + 1 :]))


def test_odd_graphs_are_simplified_or_left() -> None:
    """No rule trips over them, and what is left is a graph that could run as well as before."""
    tried = 0
    for seed in range(TRIES):
        random = Random(seed)
        if random.random() < 0.2:
            model = chain(random, random.choices([*UNARY, *BINARY], k=2))
        else:
            model, _ = random.choice(CASES)[1](random)
        for _ in range(random.randint(1, 3)):
            model = odd(model, random)
        try:
            check_model(model, "the model")
        except MsfError:
            continue
        tried += 1
        simplified = simplify(model).model
        check_model(simplified, "what is left")
        assert simplified.main.inputs == model.main.inputs and simplified.main.outputs == model.main.outputs
    assert tried > TRIES // 3
