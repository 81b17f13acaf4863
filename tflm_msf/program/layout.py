"""How the kernels want weights and scales of a convolution (``tflm_kernels/SPEC.md``)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import cast

import numpy as np
import numpy.typing as npt

from tflm_msf.cost.work import can_be_packed
from tflm_msf.format.limits import MAX_SHORT_SHIFT
from tflm_msf.graph.fixed_point import IntArray, keeps_order, requantize
from tflm_msf.ops import Requantization, Stage, StageOp

CONVOLUTIONS = (StageOp.CONV_2D, StageOp.DEPTHWISE_CONV_2D)
"""Operators whose weights can be packed."""


class Weights(Enum):
    """Which layout a rewritten model has where there is a choice."""

    PACKED = "packed"
    """For the kernels' own inner loops; a stage whose weights cannot be packed stays plain."""

    PLAIN = "plain"
    """As TFLite lays them out: for kernels that are compiled with CMSIS-NN or ESP-NN."""


MIN_MULTIPLIER = 1 << 30
SUM_LIMIT = 1 << 29
CONSTANT_SHIFT = 18

Int8s = npt.NDArray[np.int8]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Packed:
    """Weights with two or four channels interleaved, and scales of which every one is short."""

    weights: bytes
    bias: bytes
    multipliers: bytes
    shifts: bytes


def packed(stage: Stage, weights: Weights) -> Packed | None:
    """Weights and scales of a stage in the layout ``PACKED``, or None if it has to stay ``PLAIN``."""
    if weights is Weights.PLAIN or stage.requantization is None or not can_be_packed(stage):
        return None
    matrix, scales = _with_short_scales(stage, _matrix(stage), stage.requantization)
    if not _is_short(matrix, scales).all() or not _fits_pairs(stage, matrix):
        return None
    return Packed(
        weights=_in_pairs(matrix) if stage.op is StageOp.CONV_2D else _in_fours(matrix),
        bias=scales.bias.astype("<i4").tobytes(),
        multipliers=(2 * scales.multipliers.astype(np.int64)).astype("<u4").tobytes(),
        shifts=(-scales.shifts).tobytes(),
    )


def _is_short(weights: Int8s, scales: Requantization) -> Bools:
    """For each channel: no input can bring its sum to 2^29, and its scale is one that the short way takes."""
    largest = np.abs(scales.bias.astype(np.int64)) + _reach(weights)
    in_range = (scales.multipliers >= MIN_MULTIPLIER) & (scales.shifts < 0) & (scales.shifts >= -MAX_SHORT_SHIFT)
    return (largest < SUM_LIMIT) & in_range


def _fits_pairs(stage: Stage, weights: Int8s) -> bool:
    """Kernels add products of two taps of a depthwise convolution in 16 bits; -128 times -128 would be too much."""
    return stage.op is not StageOp.DEPTHWISE_CONV_2D or bool((weights > -128).all())


def _reach(weights: Int8s) -> IntArray:
    """The most that inputs can add to the sum of each channel, or take away from it."""
    return cast(IntArray, 128 * np.abs(weights.astype(np.int64)).sum(axis=1))


def _with_short_scales(stage: Stage, weights: Int8s, scales: Requantization) -> tuple[Int8s, Requantization]:
    """Weights and scales with channels changed that are not short but could be.

    A negative scale moves into the weights. A channel whose output is the same for every input, as those are that
    training has left without weights, gets numbers that are easier to compute with.
    """
    weights, bias = weights.copy(), scales.bias.copy()
    multipliers, shifts = scales.multipliers.copy(), scales.shifts.copy()
    negative = (multipliers < 0) & (weights > -128).all(axis=1) & (bias > -(1 << 31))
    weights[negative] *= -1
    bias[negative] *= -1
    multipliers[negative] *= -1
    reach = _reach(weights)
    for channel in np.flatnonzero(~_is_short(weights, Requantization(bias, multipliers, shifts))):
        ends = bias[channel] + np.array([-reach[channel], reach[channel]])
        multiplier, shift = int(multipliers[channel]), int(shifts[channel])
        ends_tell_all = multiplier >= 0 and keeps_order(int(np.abs(ends).max()), shift)
        if not ends_tell_all or reach[channel] >= 1 << (CONSTANT_SHIFT - 1):
            continue
        low, high = np.clip(requantize(ends, multiplier, shift, stage.out_zero), *stage.activation)
        if low == high:
            bias[channel] = (low - stage.out_zero) << (CONSTANT_SHIFT + 1)
            multipliers[channel], shifts[channel] = MIN_MULTIPLIER, -CONSTANT_SHIFT
    return weights, Requantization(bias, multipliers, shifts)


def _matrix(stage: Stage) -> Int8s:
    """Weights as [out channel, tap]."""
    weights: Int8s = np.frombuffer(stage.weights, np.int8)
    if stage.op is StageOp.DEPTHWISE_CONV_2D:
        return np.transpose(weights.reshape(-1, stage.output_map.c))
    return np.reshape(weights, (stage.output_map.c, -1))


def _in_pairs(weights: Int8s) -> bytes:
    """[out / 2][tap / 4][2][4], taps filled up with zeros; the last of an odd number of channels as [tap]."""
    filled = np.pad(weights, ((0, 0), (0, -weights.shape[1] % 4)))
    channels, taps = filled.shape
    paired = channels // 2 * 2
    pairs = filled[:paired].reshape(paired // 2, 2, taps // 4, 4).transpose(0, 2, 1, 3)
    return b"".join((pairs.tobytes(), filled[paired:].tobytes()))


def _in_fours(weights: Int8s) -> bytes:
    """[out / 4][tap][4]; the last one to three channels as [tap][channel]."""
    channels, taps = weights.shape
    whole = channels // 4 * 4
    fours = weights[:whole].reshape(whole // 4, 4, taps).transpose(0, 2, 1)
    return b"".join((fours.tobytes(), weights[whole:].T.tobytes()))
