"""What outputs are called, and from which value on they count."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from tflm_msf.errors import MsfError
from tflm_msf.export.text import TEMPLATES
from tflm_msf.graph import DType, Model, Tensor


@dataclass(frozen=True)
class Label:
    """The name of an output's value, and the real value from which on it counts; None: if it is the largest."""

    name: str
    threshold: float | None = None


def parse_labels(text: str, source: str) -> tuple[Label, ...]:
    """From a file: a name a line, behind it, if wanted, a comma and a threshold.

    Raises:
        MsfError: for a line that is none, and if there is no line.
    """
    labels = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        name, _, threshold = (part.strip() for part in line.rpartition(",")) if "," in line else (line.strip(), "", "")
        try:
            value = float(threshold) if threshold else None
        except ValueError:
            value = math.nan
        if not name.isprintable() or not name or (value is not None and not math.isfinite(value)):
            raise MsfError(f"line {number} of {source} is no label: write a name, or a name, a comma and a number.")
        labels.append(Label(name, value))
    if not labels:
        raise MsfError(f"{source} has no labels: write a name a line, one for each value that the network gives.")
    return tuple(labels)


def labels_header(model: Model, name: str, labels: tuple[Label, ...]) -> Mapping[str, str]:
    """``<name>_labels.h`` for a model's first output: names, and thresholds in the output's own steps.

    Raises:
        MsfError: if there are not as many labels as values, or thresholds for values without a scale.
    """
    tensor = model.main.tensors[model.main.outputs[0]]
    count = math.prod(tensor.shape)
    if len(labels) != count:
        raise MsfError(f"the network gives {count:,} values and the file of labels has {len(labels)}: one a line.")
    values = {
        "name": name,
        "upper": name.upper(),
        "labels": [label.name.replace("\\", "\\\\").replace('"', '\\"').replace("?", "\\?") for label in labels],
        "thresholds": [_step(label.threshold, tensor) for label in labels],
        "is_float": tensor.dtype is DType.FLOAT32,
    }
    return {f"{name}_labels.h": TEMPLATES.get_template("labels.h.jinja").render(values)}


def _step(threshold: float | None, tensor: Tensor) -> str:
    """The least value of the output that is at least ``threshold``."""
    if tensor.dtype is DType.FLOAT32:
        return "-3.4e38f" if threshold is None else f"{float(threshold)!r}f"
    lowest, highest = {DType.INT8: (-128, 127), DType.UINT8: (0, 255), DType.INT16: (-32768, 32767)}.get(
        tensor.dtype, (-(2**31), 2**31 - 1)
    )
    if threshold is None:
        return str(lowest)
    quantization = tensor.quantization
    if quantization is None or not quantization.per_tensor:
        raise MsfError(f"the output '{tensor.name}' has no scale, so a threshold says nothing: leave it out.")
    steps = threshold / quantization.scale[0] - 1e-6 + quantization.zero_point[0]
    return str(math.ceil(min(max(steps, lowest), highest)))
