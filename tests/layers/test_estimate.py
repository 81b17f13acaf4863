"""What is said of a network without weights is what rewriting it gives."""

from __future__ import annotations

from random import Random

import pytest

import tflm_msf
from testing.corpus import corpus_model, model_paths
from testing.networks import random_network
from tflm_msf import layers
from tflm_msf.choice import Choice
from tflm_msf.errors import MsfError
from tflm_msf.estimation import Estimate, estimate_layers
from tflm_msf.layers import Layer
from tflm_msf.layers.build import model_of
from tflm_msf.layers.read import layers_of
from tflm_msf.planner import Planner
from tflm_msf.request import Request
from tflm_msf.tflite_io import read_model, write_model

NOT_PLANNED = {"coral__person_detect_legacy_u8", "sscma__fomo_efficientnet_b0"}
"""TFLM does not run them."""


def plan_of(choice: Choice) -> tuple[int, int, bool, list[object]]:
    return choice.needed, choice.plan.macs, choice.plan.proved, choice.plan.to_json(choice.network)["blocks"]


def figures(choice: Choice) -> tuple[int, int, bool, list[tuple[object, ...]]]:
    """All of a plan but the names of its tensors."""
    needed, macs, proved, blocks = plan_of(choice)
    counts = ("tile_w", "workspace", "macs")
    return needed, macs, proved, [(*(block[name] for name in counts), len(block["operators"])) for block in blocks]  # type: ignore[index]


def assert_alike(planner: Planner, estimate: Estimate) -> None:
    """Every plan of the front is that of the model; what depends on weights is near."""
    assert [figures(choice) for choice in estimate.planner.front] == [figures(choice) for choice in planner.front]
    for core, count in estimate.instructions.items():
        assert count == pytest.approx(planner.choose().instructions(core), rel=0.05)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("name", [path.stem for path in model_paths() if path.stem not in NOT_PLANNED])
def test_the_corpus(name: str, streamed: bool) -> None:
    request = Request(stream_input=streamed)
    original = read_model(corpus_model(name), name)
    simplified = Planner.of_model(original, name).model
    planner = Planner.of_model(original, name, request)
    estimate = estimate_layers(layers_of(simplified, name), request)
    assert_alike(planner, estimate)
    assert estimate.flash == pytest.approx(len(write_model(planner.choose().model)), rel=0.05)


def test_random_networks() -> None:
    read = 0
    for seed in range(150):
        model = random_network(Random(seed))
        planner = Planner.of_model(model, "network")
        try:
            found = layers_of(planner.model, "network")
        except MsfError:
            continue
        if all(unit.stage is not None for unit in planner.network.units):  # others have scales that nothing takes
            read += 1
            assert_alike(planner, estimate_layers(found))
    assert read > 40


RESIDUAL = [
    layers.image(32, 32, 3),
    layers.conv(8, 3, 2, activation="relu6"),
    layers.depthwise(3, activation="relu6"),
    layers.conv(8, name="skip"),
    layers.conv(24, activation="relu6"),
    layers.depthwise(3, activation="relu6"),
    layers.conv(8),
    layers.add("skip", name="sum"),
    layers.average(name="pooled"),
    layers.dense(8),
    layers.apply("logistic"),
    layers.reshape(1, 1, 1, 8),
    layers.multiply("sum"),
    layers.max_pool(),
    layers.pad(1, 0, 0, 1),
    layers.resize(12, 12),
    layers.conv(4, padding="valid", kernel=(3, 1), name="head"),
    layers.average_pool(2, 2),
    layers.dense(2),
    layers.softmax(),
]


def test_layers_as_people_write_them() -> None:
    model = model_of(RESIDUAL)
    assert model.main.tensors[model.main.outputs[0]].shape == (1, 2)
    assert [op.builtin for op in model.main.ops[:3]] == ["CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D"]
    assert_alike(Planner.of_model(read_model(write_model(model), "file"), "file"), tflm_msf.estimate(RESIDUAL))


def test_limits_presets_and_streams() -> None:
    free, layerwise = tflm_msf.estimate(RESIDUAL), tflm_msf.estimate(RESIDUAL, preset="layerwise")
    assert free.arena < tflm_msf.estimate(RESIDUAL, preset="mcunetv2").arena <= layerwise.arena
    assert tflm_msf.estimate(RESIDUAL, stream_input=True).arena < free.arena
    assert tflm_msf.estimate(RESIDUAL, ram=free.arena).arena <= free.arena
    assert tflm_msf.estimate(RESIDUAL, max_overhead=2).overhead <= 2
    said = free.to_json()
    assert said["arena"] == free.arena and said["flash"] == free.flash and said["instructions"]["m4"] > 0
    with pytest.raises(tflm_msf.LimitMissedError, match="least reachable"):
        tflm_msf.estimate(RESIDUAL, ram=1000)


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        ([layers.conv(3)], "reads the layer before, and there is none"),
        ([layers.image(8, 8, 1)], "a network begins with an input"),
        ([layers.image(8, 8, 1), layers.conv(3, source="x")], "reads 'x', and no layer before it is called so"),
        ([layers.image(8, 8, 1, "x"), layers.conv(3, name="x")], "two layers are called 'x'"),
        ([layers.image(8, 8, 1), layers.conv(3, 9, padding="valid")], "its window does not fit"),
        ([layers.image(8, 8, 1, "x"), layers.conv(3, strides=2), layers.add("x")], "cannot join"),
        ([layers.image(8, 8, 1), layers.reshape(1, 63)], "cannot make"),
        ([layers.image(8, 8, 1), layers.conv(3, activation="swish")], "has activation 'swish'"),
        ([layers.image(8, 8, 1), Layer("cube")], "is of no kind that is known"),
        ([layers.image(8, 8, 1), Layer("conv", channels=1, dtype="int3")], "of type int3"),
        ([layers.image(8, 8, 1), layers.dense(3), layers.conv(3)], "reads a map"),
        ([layers.image(8, 8, 1), layers.conv(4, (3,))], "has kernel .3,.; a number, or one"),  # type: ignore[arg-type]
        ([layers.image(8, 8, 1), layers.conv(4, 3.0)], "has kernel 3.0; whole numbers from 1"),  # type: ignore[arg-type]
        ([layers.image(8, 8, 1), layers.conv(4, 0)], "has kernel 0; whole numbers from 1"),
        ([layers.image(8, 8, 1), layers.conv(4, padding="full")], "has padding 'full'"),  # type: ignore[arg-type]
        ([layers.image(8, 8, 1), layers.conv(-4)], "has channels -4; whole numbers from 1"),
        ([layers.image(8, 8, 1), Layer("conv", channels=4.5)], "has channels 4.5"),  # type: ignore[arg-type]
        ([layers.image(8, 8, 1), layers.conv(10**9)], "from 1 to 1,048,576"),
        ([layers.image(8, 8, 1), layers.conv(4, 3, 0)], "has strides 0"),
        ([Layer("input", "", (), shape=("8", 8, 1)), layers.conv(4)], "has shape '8'"),  # type: ignore[arg-type]
        ([layers.image(8, 8, 1), "conv"], "a network is a list of layers"),
        (None, "a network is a list of layers"),
    ],
)
def test_networks_that_cannot_be(network: list[Layer], sentence: str) -> None:
    with pytest.raises(MsfError, match=sentence):
        tflm_msf.estimate(network)


def test_a_preset_that_is_none() -> None:
    with pytest.raises(MsfError, match="'patches' is no schedule space: layerwise"):
        tflm_msf.estimate(RESIDUAL, preset="patches")
