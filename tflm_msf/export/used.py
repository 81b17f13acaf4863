"""What a model uses of the kernels, as the header that makes them leave the rest out."""

from __future__ import annotations

from collections.abc import Mapping

from tflm_msf.arena import c_states
from tflm_msf.format import StageOp
from tflm_msf.graph import Model
from tflm_msf.program.decode import operators_of

USED = "msf_used.h"
"""On the include path of ``msf_operators.c``, it stands for the table of all operators."""

_IN_TWO_WAYS = (StageOp.CONV_2D, StageOp.DEPTHWISE_CONV_2D)
"""Operators whose plain weights have code of their own, which is left out where no stage needs it."""

_LACKS = ("MSF_WITHOUT_VERSION_1",)
"""Parts of the kernels that no model of this release needs."""

_LACKS_STATES = "MSF_WITHOUT_STATES"

_COMMENT = """\
/*
 * Made by tflm-msf: what the model uses of the kernels. The linker drops the rest, where functions have sections of
 * their own (-ffunction-sections -Wl,--gc-sections). Delete this file to have all of it, for other models too.
 */
"""


def used_header(model: Model) -> Mapping[str, str]:
    """``msf_used.h`` for a rewritten model: the operators of its stages, and no more; no state where it has none."""
    used = operators_of(model)
    entries = [f"  [MSF_OP_{op.name}] = &{_record(op, (op, 0) in used)}," for op in sorted({op for op, _ in used})]
    lacks = [*_LACKS, *([] if any(size for _, size in c_states(model)) else [_LACKS_STATES])]
    lines = [*(f"#define {name}" for name in lacks), " \\\n".join(["#define MSF_USED_OPERATORS", *entries])]
    return {USED: _COMMENT + "\n".join(lines) + "\n"}


def _record(op: StageOp, has_plain: bool) -> str:
    return f"msf_{op.name.lower()}" + ("_packed" if op in _IN_TWO_WAYS and not has_plain else "")
