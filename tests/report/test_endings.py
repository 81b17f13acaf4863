"""The report names what ends blocks, in the order of bytes, and what was folded away."""

from __future__ import annotations

from random import Random

from testing.layers import RELU, Geometry, Weighting
from tests.simplify.habits import Habits
from tflm_msf.endings import endings_json
from tflm_msf.graph import Model
from tflm_msf.inspect import inspect
from tflm_msf.network.units import build_network
from tflm_msf.printable import ranges
from tflm_msf.rewrite import rewrite_file
from tflm_msf.tflite_io import write_model


def two_transposes() -> Model:
    layers = Habits(Random(1))
    x = layers.transpose(layers.conv(layers.input(1, 40, 30, 2), 4, Geometry(), Weighting(RELU)), [0, 2, 1, 3])
    x = layers.transpose(layers.conv(x, 8, Geometry(), Weighting(RELU)), [0, 3, 2, 1])
    return layers.model([layers.softmax(layers.conv(x, 3, Geometry(), Weighting()))])


def test_operators_with_one_reason_are_one_entry_with_their_bytes() -> None:
    endings = endings_json(build_network(two_transposes().main))
    assert [(entry["operator"], entry["indices"]) for entry in endings] == [("TRANSPOSE", [1, 3])]
    assert endings[0]["bytes"] == 2 * (40 * 30 * 4) + 2 * (40 * 30 * 8)
    assert "row to row" in endings[0]["reason"]


def test_the_most_bytes_come_first_and_names_of_tensors_do_not_part_what_is_alike() -> None:
    layers = Habits(Random(2))
    x = layers.float_like(layers.relu(layers.input(1, 4, 4, 2)))
    for _ in range(2):
        x = layers._op("NEG", [x], layers._add(layers.tensors[x]))
        x = layers._op("RELU", [x], layers._add(layers.tensors[x]))
    endings = endings_json(build_network(layers.model([x]).main))
    assert [entry["operator"] for entry in endings] == ["NEG", "RELU"]
    assert endings[1]["indices"] == [3, 5] and endings[1]["reason"] == "its tensor is float32, not int8"
    sizes = [entry["bytes"] for entry in endings]
    assert sizes == sorted(sizes, reverse=True)


def test_a_turn_of_shape_is_named() -> None:
    layers = Habits(Random(3))
    x = layers.conv(layers.input(1, 4, 6, 2), 4, Geometry(), Weighting(RELU))
    y = layers.conv(layers.reshape(x, 1, 6, 4, 4), 2, Geometry(), Weighting(RELU))
    (ending,) = endings_json(build_network(layers.model([y]).main))
    assert ending["indices"] == [2] and ending["bytes"] == 96
    assert ending["reason"].startswith("it reads as 6x4x4 what operator 0 makes as 4x6x4")


def test_inspect_names_the_tensors_of_the_peak() -> None:
    found = inspect(write_model(two_transposes()), "the model")["peak"]
    assert found["operator"] == 3 and found["bytes"] == 2 * 9600
    assert [entry["bytes"] for entry in found["tensors"]] == [9600, 9600]


def test_the_report_holds_both_and_original_is_the_file_s_own_figure() -> None:
    data = write_model(two_transposes())
    report = rewrite_file(data, "the model").report
    assert report["arena"]["original"] == inspect(data, "the model")["arena"]
    assert report["endings"] and report["simplified"] == []


def test_ranges_of_indices() -> None:
    assert ranges([0, 1, 2, 5, 7, 8]) == "0-2, 5, 7-8"
    assert ranges([4]) == "4" and ranges([]) == ""
