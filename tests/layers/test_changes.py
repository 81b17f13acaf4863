"""Changes that are advised give what is said of them, and are what their words say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from testing.corpus import corpus_model
from tflm_msf import layers
from tflm_msf.layers import Layer
from tflm_msf.layers.build import model_of
from tflm_msf.layers.changes import changes
from tflm_msf.layers.size import macs_of, shapes_of
from tflm_msf.planner import Planner
from tflm_msf.redesign import Redesigns, redesigns
from tflm_msf.request import Limits, Request
from tflm_msf.tflite_io import read_model, write_model


def named(network: list[Layer]) -> list[Layer]:
    """Every layer with a name, as layers that were read from a model have."""
    names = [layer.name or f"n{number}" for number, layer in enumerate(network)]
    return [
        replace(layer, name=name, inputs=tuple(source or names[number - 1] for source in layer.inputs))
        for number, (layer, name) in enumerate(zip(network, names, strict=True))
    ]


def residual(channels: int, name: str) -> list[Layer]:
    return [
        layers.conv(3 * channels, activation="relu6"),
        layers.depthwise(5, activation="relu6"),
        layers.conv(channels),
        layers.add(name, name=f"{name} and"),
    ]


NETWORK = named(
    [
        layers.image(64, 64, 3),
        layers.conv(8, 3, 2, name="a"),
        *residual(8, "a"),
        layers.depthwise(3, activation="relu6"),
        layers.depthwise(3, 2, activation="relu6"),
        layers.conv(16, name="b"),
        *residual(16, "b"),
        layers.apply("hard_swish"),
        layers.conv(16, 3),
        layers.apply("hard_swish"),
        layers.average(),
        layers.dense(4),
    ]
)


def said() -> dict[str, list[Layer]]:
    return {f"{change.what} {change.numbers}": list(change.layers) for change in changes(NETWORK, range(len(NETWORK)))}


def test_each_kind_of_change() -> None:
    found = said()
    smaller = found["an input of 56 x 56 instead of 64 x 64 (0,)"]
    assert smaller[0].shape == (1, 56, 56, 3) and smaller[1:] == NETWORK[1:]
    assert found["a window of 3 x 3 instead of 5 x 5 (3,)"][3].kernel == (3, 3)
    assert found["a window of 1 x 1 instead of 3 x 3 (1,)"][1].kernel == (1, 1)
    narrower = found["6 channels instead of 8 (1, 4)"]
    assert [narrower[number].channels for number in (1, 2, 4)] == [6, 24, 6], "what is added has as many channels"
    earlier = found["the stride of the second one taken in the first one already (6, 7)"]
    assert (earlier[6].strides, earlier[7].strides) == ((2, 2), (1, 1))
    plainer = next(network for what, network in found.items() if what.startswith("ReLU6 instead of HARD_SWISH"))
    assert len(plainer) == len(NETWORK) - 1 and any(layer.activation == "relu6" for layer in plainer[-4:])


def test_a_block_is_moved_at_about_as_many_macs() -> None:
    what, network = next((what, network) for what, network in said().items() if "left out" in what)
    early, late, copies = 4, 4, (len(network) - len(NETWORK)) // 4 + 1
    assert len(network) == len(NETWORK) - early + late * copies
    assert sum(macs_of(network)) == pytest.approx(sum(macs_of(NETWORK)), rel=0.3)
    assert shapes_of(network)[-1] == shapes_of(NETWORK)[-1]
    assert ("one more" in what) == (copies == 1)


def test_no_padding_along_time() -> None:
    network = named([layers.image(1, 100, 4), layers.conv(8, (1, 9)), layers.conv(8, (1, 5)), layers.average()])
    (found,) = (change for change in changes(network, range(0)) if change.what == "no padding along time")
    assert shapes_of(found.layers)[2] == (1, 1, 88, 8)


def test_what_does_not_fit_is_not_tried() -> None:
    for what, network in said().items():
        assert model_of(network).main.ops, what


def followed(found: Redesigns, request: Request) -> None:
    """The networks, written to files and planned from there, take what was said."""
    for each in found.found[:3]:
        file = write_model(model_of(each.layers))
        planner = Planner.of_model(read_model(file, "changed"), "changed", request)
        if each.outcome.keeps_limits:
            choice = planner.choose()
            assert (choice.needed, choice.plan.macs) == (each.outcome.arena, each.outcome.macs)
            assert request.limits.ram is None or choice.needed <= request.limits.ram


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("mlperf__vww_96", Request(stream_input=True)),
        ("sscma__fomo_mnv2_035", Request(stream_input=True)),
        ("mcunet__320kb_1mb_imagenet", Request(stream_input=True, limits=Limits(ram=50_000))),
    ],
)
def test_following_it_gives_what_was_said(name: str, request_: Request) -> None:
    found = redesigns(Planner.of(corpus_model(name), name, request_))
    assert len(found.found) >= 3
    assert all(each.outcome.arena < found.now.arena or not found.now.keeps_limits for each in found.found)
    followed(found, request_)
