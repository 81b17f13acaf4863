from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.small_models import activation
from tflm_msf.errors import MsfError
from tflm_msf.graph import DType, Graph, Op
from tflm_msf.inputs import make_inputs

SHAPES = st.lists(st.integers(1, 6), max_size=4).map(tuple)


def graph_of(dtype: DType, shape: tuple[int, ...]) -> Graph:
    return Graph((activation("x", dtype, shape),), (), (0,), (0,))


@given(shape=SHAPES, dtype=st.sampled_from([DType.INT8, DType.UINT8, DType.INT16, DType.INT32, DType.BOOL]))
def test_any_shape_and_type(shape: tuple[int, ...], dtype: DType) -> None:
    for (value,) in make_inputs(graph_of(dtype, shape), 3, 0):
        assert value.shape == shape
        assert value.nbytes == graph_of(dtype, shape).tensors[0].nbytes


@pytest.mark.parametrize(("dtype", "low", "high"), [(DType.INT8, -128, 127), (DType.UINT8, 0, 255)])
def test_each_kind_of_input_reaches_the_ends_of_the_range(dtype: DType, low: int, high: int) -> None:
    for kind in range(3):
        values = np.concatenate(
            [sets[0].ravel() for sets in make_inputs(graph_of(dtype, (1, 96, 96, 3)), 30, 0)[kind::3]]
        )
        assert (values.min(), values.max()) == (low, high)


def test_noise_is_rough_and_waves_are_smooth() -> None:
    noise, waves, patches = (
        sets[0].astype(int)[0, :, :, 0] for sets in make_inputs(graph_of(DType.INT8, (1, 64, 64, 1)), 3, 0)
    )
    steps = [np.abs(np.diff(image, axis=1)) for image in (noise, waves, patches)]
    assert steps[0].mean() > 60
    assert steps[1].max() < 60
    assert np.median(steps[2]) == 0


def test_same_seed_same_inputs_and_runs_differ() -> None:
    graph = graph_of(DType.INT8, (1, 8, 8, 3))
    first, again, other = (make_inputs(graph, 6, seed) for seed in (0, 0, 1))
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(first, again, strict=True))
    assert not any(np.array_equal(a[0], b[0]) for a, b in zip(first, other, strict=True))
    assert not np.array_equal(first[0][0], first[3][0])


def test_float_inputs_fill_the_range_of_the_quantize_behind_them() -> None:
    tensors = (
        activation("x", DType.FLOAT32),
        activation("r", DType.FLOAT32, (16,)),
        activation("q", DType.INT8, (16,)),
    )
    ops = (Op("RESHAPE", (0,), (1,)), Op("QUANTIZE", (1,), (2,)))
    graph = Graph(tensors, ops, (0,), (2,))
    values = np.concatenate([sets[0].ravel() for sets in make_inputs(graph, 60, 0)])
    assert values.min() == pytest.approx((-128 + 4) * 0.5, abs=1)
    assert values.max() == pytest.approx((127 + 4) * 0.5, abs=1)


def test_float_inputs_without_quantize_stay_within_one() -> None:
    values = make_inputs(graph_of(DType.FLOAT32, (1, 50)), 1, 0)[0][0]
    assert values.dtype == np.float32
    assert -1 <= values.min() < -0.5
    assert 0.5 < values.max() <= 1


def test_types_that_tflm_does_not_run_are_refused() -> None:
    with pytest.raises(MsfError, match="`x`: it holds complex64"):
        make_inputs(graph_of(DType.COMPLEX64, (1, 2)), 1, 0)
