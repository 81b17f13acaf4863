"""A rewritten model as C++ for TensorFlow Lite Micro: its bytes, the arena it needs, and the operators it uses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from tflm_msf.arena import ANY_TFLM, ArenaNeed, NotPredictedError, Target, arena_need, predict
from tflm_msf.errors import MsfError
from tflm_msf.export.c import describe_end
from tflm_msf.export.text import TEMPLATES, check_name, comment, rows, rows_hold
from tflm_msf.format import CUSTOM_CODE
from tflm_msf.graph import Model
from tflm_msf.graph.step import Step
from tflm_msf.program.decode import fast_bytes, is_streamed
from tflm_msf.runtime import measure_arena
from tflm_msf.sizes import TENSOR_ALIGNMENT, align_up

_ODD_METHODS = {
    "BATCH_MATMUL": "AddBatchMatMul",
    "CUMSUM": "AddCumSum",
    "PADV2": "AddPadV2",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "AddUnidirectionalSequenceLSTM",
}
_CUSTOM_METHODS = {"TFLite_Detection_PostProcess": "AddDetectionPostprocess"}

SPARE_BYTES = 48
"""Arena beyond the prediction, for what TFLM's own objects may grow by in its next versions."""

TUNED_BYTES = 512
"""The same for a model that keeps operators of :data:`TUNED`."""

TUNED = frozenset(
    ("AVERAGE_POOL_2D", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "SOFTMAX", "SVDF", "TRANSPOSE_CONV")
)
"""Operators for which a library's tuned kernels (CMSIS-NN, ESP-NN) may want scratch that the reference ones do not."""


def export_tflm(model: Model, data: bytes, name: str, targets: Sequence[Target] = ANY_TFLM) -> Mapping[str, str]:
    """``<name>.h`` and ``<name>.cpp`` for a rewritten model: namespace ``<name>`` with the model, ``kArenaSize``,
    ``Resolver`` and ``AddOperators``. Needs TFLM and the kernels' ``tflm_msf.h``.

    Args:
        model: a rewritten model.
        data: its file.
        name: the namespace, and the files' name.
        targets: builds of TFLM that it shall run in: the arena suffices in all of them.

    Raises:
        MsfError: for a name that C++ does not take, or a custom operator that TFLM does not have.
    """
    check_name(name)
    values = {
        "name": name,
        "upper": name.upper(),
        "description": comment(model.description).rstrip("."),
        "arena": sketch_arena(model, data, targets),
        "targets": [(target.name, max(sketch_arena(model, data, [target]))) for target in targets],
        "methods": _methods(model),
        "inputs": [describe_end(model.main, index) for index in model.main.inputs],
        "outputs": [describe_end(model.main, index) for index in model.main.outputs],
        "operators": [f"{comment(op)} ({n})" for op, n in Counter(op.name for op in model.main.ops).items()],
        "streamed": is_streamed(model),
        "fast_size": fast_bytes(model),
        "pixels": rows_hold(model),
        "step": Step.of(model),
        "size": len(data),
        "bytes": rows(data),
    }
    return {f"{name}.{kind}": TEMPLATES.get_template(f"tflm.{kind}.jinja").render(values) for kind in ("h", "cpp")}


def sketch_arena(model: Model, data: bytes, targets: Sequence[Target]) -> ArenaNeed:
    """Bytes of arena for a sketch, with static memory and without: the prediction and something to spare.

    A model with operators whose allocations are not known is measured on this computer instead. Its pointers are twice
    as wide, so it needs more than any microcontroller.
    """
    spare = TUNED_BYTES if any(op.builtin in TUNED for op in model.main.ops) else SPARE_BYTES
    try:
        static, dynamic = arena_need(lambda target: predict(model, target), targets)
    except NotPredictedError:
        static = dynamic = measure_arena(data).total
    return ArenaNeed(align_up(static + spare, TENSOR_ALIGNMENT), align_up(dynamic + spare, TENSOR_ALIGNMENT))


def _methods(model: Model) -> list[str]:
    """Methods of TFLM's resolver that register what is left of the original operators, in the order of first use."""
    methods = []
    for op in model.main.ops:
        if op.custom_code == CUSTOM_CODE:
            continue
        if op.builtin == "CUSTOM":
            if op.custom_code not in _CUSTOM_METHODS:
                raise MsfError(
                    f"TFLM has no operator '{op.custom_code}': use what `rewrite` writes, and register it yourself."
                )
            methods.append(_CUSTOM_METHODS[op.custom_code])
        else:
            methods.append(_ODD_METHODS.get(op.builtin) or _method(op.builtin))
    return list(dict.fromkeys(methods))


def _method(builtin: str) -> str:
    """TFLM names its methods after the operators: CONV_2D is AddConv2D."""
    words = (word if word[0].isdigit() else word.capitalize() for word in builtin.split("_"))
    return "Add" + "".join(words)
