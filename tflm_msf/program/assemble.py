"""A plan as a model: blocks become ``MSF_BLOCK`` operators, and every tensor gets its place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from tflm_msf import __version__
from tflm_msf.arena import OFFLINE_PLAN, PLANNED_BY_TFLM
from tflm_msf.blocks.block import Block
from tflm_msf.errors import MsfError
from tflm_msf.format import CUSTOM_CODE
from tflm_msf.graph import NO_TENSOR, DType, Model, Op, Signature, Tensor
from tflm_msf.network.units import Network
from tflm_msf.plan import Plan, Step
from tflm_msf.program.encode import IN_THE_ARENA, WORKSPACE, Encoded, encode, outlined
from tflm_msf.program.layout import Weights

OFFLINE_PLAN_VERSION = 1
LARGEST_OFFSET = 2**31 - 1
"""Offsets are written as int32."""

MADE_BY = "TFLM_MSF_VERSION"
"""Name of the metadata entry with the version that wrote the file. Another version may plan and place otherwise."""


@dataclass
class _Builder:
    """Collects the tensors of the new graph in the order in which they are first mentioned.

    Those of ``fast`` lie in fast memory, of which TFLM knows nothing: to it they are tensors of no bytes.
    """

    old: tuple[Tensor, ...]
    fast: Collection[int] = ()
    tensors: list[Tensor] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    index: dict[int, int] = field(default_factory=dict)

    def add(self, tensor: Tensor, offset: int) -> int:
        self.tensors.append(tensor)
        self.offsets.append(offset)
        return len(self.tensors) - 1

    def keep(self, tensor: int, offsets: dict[int, int]) -> int:
        if tensor == NO_TENSOR:
            return NO_TENSOR
        if tensor in self.fast and tensor not in self.index:
            self.index[tensor] = self.add(replace(self.old[tensor], shape=NO_BYTES), PLANNED_BY_TFLM)
        if tensor not in self.index:
            self.index[tensor] = self.add(self.old[tensor], offsets.get(tensor, PLANNED_BY_TFLM))
        return self.index[tensor]


NO_BYTES = (0,)
"""Shape of a tensor that TFLM gives no memory."""


def assemble(model: Model, network: Network, plan: Plan, weights: Weights = Weights.PACKED) -> Model:
    """The rewritten model: same inputs and outputs, blocks in place of what they fuse, tensors nobody uses dropped.

    Args:
        model: the original; its first graph is the one that ``network`` describes.
        network: the graph as fusion sees it.
        plan: the blocks and the placement of tensors.
        weights: how those of convolutions are laid out.

    Raises:
        MsfError: if an offset is larger than TFLM can read.
    """
    return _assemble(model, network, plan, lambda step: encode(_block_of(step), weights, _in_fast_memory(plan, step)))


def outline(model: Model, network: Network, plan: Plan) -> Model:
    """As :func:`assemble`, without parameters, for what does not depend on them, such as the arena.

    Programs say how large the state is, and nothing else.
    """
    return _assemble(model, network, plan, lambda step: outlined(_block_of(step)))


def _block_of(step: Step) -> Block:
    assert step.block is not None
    return step.block


def _in_fast_memory(plan: Plan, step: Step) -> Mapping[int, int]:
    """Where in fast memory a step's workspace and its tensors begin."""
    return IN_THE_ARENA if plan.fast is None else {**plan.fast.offsets, WORKSPACE: step.workspace_offset}


def _assemble(model: Model, network: Network, plan: Plan, encoded: Callable[[Step], Encoded]) -> Model:
    graph = model.main
    builder = _Builder(network.graph.tensors, () if plan.fast is None else plan.fast.offsets.keys())
    inputs = () if network.is_streamed else tuple(builder.keep(tensor, plan.offsets) for tensor in graph.inputs)
    ops: list[Op] = []
    for number, step in enumerate(plan.steps):
        if step.block is not None:
            ops.append(_block_op(builder, step.block, encoded(step), plan, step.workspace_offset, number))
        else:
            op = graph.ops[network.units[step.edge.first].ops[0]]
            ops.append(_kept_op(builder, op, network, plan.offsets))
    outputs = tuple(builder.keep(tensor, plan.offsets) for tensor in graph.outputs)
    new_graph = replace(graph, tensors=tuple(builder.tensors), ops=tuple(ops), inputs=inputs, outputs=outputs)
    return replace(
        model,
        graphs=(new_graph, *model.graphs[1:]),
        metadata=_with_offsets(model.metadata, [*builder.offsets, *_of_other_graphs(model)]),
        signatures=tuple(_renumbered(signature, builder) for signature in model.signatures),
    )


def _kept_op(builder: _Builder, op: Op, network: Network, offsets: dict[int, int]) -> Op:
    def keep(tensors: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(builder.keep(network.alias.get(tensor, tensor), offsets) for tensor in tensors)

    return replace(op, inputs=keep(op.inputs), outputs=keep(op.outputs), intermediates=keep(op.intermediates))


def _block_op(builder: _Builder, block: Block, encoded: Encoded, plan: Plan, workspace_offset: int, number: int) -> Op:
    inputs = [builder.keep(tensor, plan.offsets) for tensor in block.candidate.inputs]
    params = Tensor(f"msf_params_{number}", (len(encoded.params),), DType.INT8, data=encoded.params)
    inputs.append(builder.add(params, PLANNED_BY_TFLM))
    output = builder.keep(block.candidate.output, plan.offsets)
    in_arena = plan.fast is None
    workspace = Tensor(f"msf_workspace_{number}", (block.workspace,) if in_arena else NO_BYTES, DType.INT8)
    return Op(
        builtin="CUSTOM",
        custom_code=CUSTOM_CODE,
        custom_options=encoded.program,
        inputs=tuple(inputs),
        outputs=(output, builder.add(workspace, workspace_offset if in_arena else PLANNED_BY_TFLM)),
    )


def _of_other_graphs(model: Model) -> list[int]:
    """TFLM places what a graph that runs once has."""
    return [PLANNED_BY_TFLM for graph in model.graphs[1:] for _ in graph.tensors]


def _with_offsets(metadata: tuple[tuple[str, bytes], ...], offsets: list[int]) -> tuple[tuple[str, bytes], ...]:
    """TFLM's offline memory plan, and who made it.

    The plan: version, subgraph, number of tensors, then an offset for each (-1: not planned).
    """
    if max(offsets, default=0) > LARGEST_OFFSET:
        raise MsfError(
            f"the model's tensors would take more than {max(offsets):,} bytes of arena, and TFLM counts "
            f"up to {LARGEST_OFFSET:,}; use a smaller model."
        )
    words = np.array([OFFLINE_PLAN_VERSION, 0, len(offsets), *offsets], "<i4")
    others = tuple(entry for entry in metadata if entry[0] not in (OFFLINE_PLAN, MADE_BY))
    return (*others, (OFFLINE_PLAN, words.tobytes()), (MADE_BY, __version__.encode()))


def _renumbered(signature: Signature, builder: _Builder) -> Signature:
    if signature.graph != 0:
        return signature
    return replace(
        signature,
        inputs=tuple((name, builder.index[tensor]) for name, tensor in signature.inputs if tensor in builder.index),
        outputs=tuple((name, builder.index[tensor]) for name, tensor in signature.outputs if tensor in builder.index),
    )
