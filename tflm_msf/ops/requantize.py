"""Per-channel requantisation of weighted sums."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tflm_msf.graph.fixed_point import quantize_multipliers
from tflm_msf.ops.stage import NotFusableError, Requantization


def fold_zero_point(
    bias: npt.NDArray[np.int64], weight_sums: npt.NDArray[np.int64], zero: int
) -> npt.NDArray[np.int32]:
    """``bias - zero * sum of weights``, wrapped to int32: sum(w * (x - z)) = sum(w * x) - z * sum(w)."""
    return (bias - zero * weight_sums).astype(np.int32)


def requantization(bias: npt.NDArray[np.int32], real_multipliers: list[float]) -> Requantization:
    """Fixed-point multipliers for each channel (one is repeated for all).

    Raises:
        NotFusableError: for a multiplier that TFLM's arithmetic cannot take.
    """
    multipliers, shifts = quantize_multipliers(real_multipliers)
    if (shifts > 30).any():
        raise NotFusableError("its output scale is too small for its input and weight scales")
    channels = len(bias) if len(multipliers) == 1 else 1
    return Requantization(bias, np.tile(multipliers, channels), np.tile(shifts, channels).astype(np.int8))
