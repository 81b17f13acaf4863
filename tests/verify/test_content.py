"""What a file holds against what its plan gives: files of this version, of others, and damaged ones."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from testing.corpus import corpus_model
from testing.networks import random_network
from testing.wide_networks import random_wide_network
from tests.exactness import pareto_paths, random_path
from tests.kinds import network
from tests.small_models import small_model
from tflm_msf.arena import OFFLINE_PLAN
from tflm_msf.format import CUSTOM_CODE
from tflm_msf.graph import Model
from tflm_msf.graph.pixels import PixelFormat, Pixels
from tflm_msf.network.units import build_network
from tflm_msf.plan import make_plan
from tflm_msf.planner import Planner
from tflm_msf.program.assemble import MADE_BY, assemble
from tflm_msf.program.layout import Weights
from tflm_msf.request import Request
from tflm_msf.rewrite import rewrite_file
from tflm_msf.search.presets import Preset
from tflm_msf.simplify import simplify
from tflm_msf.tflite_io import read_model, write_model
from tflm_msf.verify.holds import AS_THE_ORIGINAL, AS_WRITTEN, BY_MEANING, NOTHING, Held, compare_content

SOURCES = ("the original", "the file")


def read_again(model: Model) -> Model:
    return read_model(write_model(model), "a model")


def compared(original: Model, found: Model) -> Held:
    return compare_content(read_again(original), read_again(found), SOURCES)


def with_metadata(model: Model, name: str, content: bytes | None) -> Model:
    entries = tuple((key, content if key == name else value) for key, value in model.metadata)
    return replace(model, metadata=tuple((key, value) for key, value in entries if value is not None))


def of_another_version(model: Model) -> Model:
    return with_metadata(model, MADE_BY, b"0.0.1")


def moved(model: Model, distance: int) -> Model:
    """Every planned tensor ``distance`` bytes further on."""
    words = np.frombuffer(dict(model.metadata)[OFFLINE_PLAN], "<i4").copy()
    words[3:][words[3:] >= 0] += distance
    return with_metadata(model, OFFLINE_PLAN, words.tobytes())


def with_params(model: Model, change: int) -> Model:
    """The first byte of the first block's parameters changed."""
    tensors = list(model.main.tensors)
    block = next(op for op in model.main.ops if op.custom_code == CUSTOM_CODE)
    index = next(index for index in block.inputs if tensors[index].is_constant)
    data = tensors[index].data or b""
    tensors[index] = replace(tensors[index], data=bytes([data[0] ^ change]) + data[1:])
    return replace(model, graphs=(replace(model.main, tensors=tuple(tensors)),))


@pytest.mark.parametrize("seed", range(12))
def test_any_plan_of_any_network_is_found_again(seed: int) -> None:
    random = Random(seed)
    original = (random_network if seed % 2 else random_wide_network)(random)
    simplified = simplify(original)
    graph = build_network(simplified.model.main, simplified.origins)
    paths = [*pareto_paths(graph, most=3), random_path(graph, random)] if graph.units else []
    for path in dict.fromkeys(paths):
        for weights in Weights:
            held = compared(original, assemble(simplified.model, graph, make_plan(graph, path), weights))
            assert (held.how, held.problems) == (AS_WRITTEN, ()), held


REQUESTS = {
    **{preset.value: Request(preset=preset) for preset in Preset},
    "plain": Request(weights=Weights.PLAIN),
    "streamed": Request(stream_input=True),
    "camera": Request(stream_input=True, pixels=Pixels(PixelFormat.RGB565)),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_every_kind_of_request_is_found_again(name: str) -> None:
    original = network("inverted_residuals")
    for choice in Planner.of_model(original, "it", REQUESTS[name]).front:
        held = compared(original, choice.model)
        assert (held.how, held.problems) == (AS_WRITTEN, ())
        assert held.constants > 1000
        assert held.programs >= 1
        assert held.offsets == held.tensors == len(choice.model.main.tensors)


@pytest.mark.parametrize("name", ["float_ends", "uint8_ends"])
def test_ends_that_became_int8_are_found_again(name: str) -> None:
    original = network(name)
    held = compared(original, Planner.of_model(original, "it", Request(int8_io=True)).choose().model)
    assert (held.how, held.problems) == (AS_WRITTEN, ())


def rewritten(name: str = "residual_prelu") -> tuple[Model, Model]:
    original = network(name)
    return original, Planner.of_model(original, "it").choose().model


def test_a_changed_byte_of_the_parameters() -> None:
    original, model = rewritten()
    held = compared(original, with_params(model, 1))
    assert len(held.problems) == 1
    assert "its data differs in 1 of" in held.problems[0]
    assert held.is_safe_to_run


def test_a_moved_tensor_is_a_problem_and_not_run() -> None:
    original, model = rewritten()
    held = compared(original, moved(model, 16))
    assert any(OFFLINE_PLAN in problem for problem in held.problems)
    assert not held.is_safe_to_run


def test_a_file_that_does_not_say_its_version_is_one_of_another() -> None:
    original, model = rewritten()
    held = compared(original, with_metadata(model, MADE_BY, None))
    assert (held.how, held.problems) == (AS_WRITTEN, ())
    held = compared(original, with_metadata(moved(model, 64), MADE_BY, None))
    assert (held.how, held.problems) == (BY_MEANING, ())
    assert held.notes


@pytest.mark.parametrize("name", ["residual_prelu", "shuffled_halves", "spatial_pyramid", "auto_encoder", "normalised"])
def test_another_version_may_place_otherwise_but_not_compute_otherwise(name: str) -> None:
    original, model = rewritten(name)
    other = moved(of_another_version(model), 64)
    held = compared(original, other)
    assert (held.how, held.problems) == (BY_MEANING, ())
    held = compared(original, with_params(other, 0x40))
    assert held.how == BY_MEANING
    assert held.problems
    assert all("stage" in problem for problem in held.problems)


def test_another_version_may_not_let_tensors_overwrite_each_other() -> None:
    original, model = rewritten("inverted_residuals")
    words = np.frombuffer(dict(model.metadata)[OFFLINE_PLAN], "<i4").copy()
    words[3:][words[3:] >= 0] = 0
    other = with_metadata(of_another_version(model), OFFLINE_PLAN, words.tobytes())
    held = compared(original, other)
    assert any("share memory while both are needed" in problem for problem in held.problems)
    assert not held.is_safe_to_run


def test_files_from_before_models_were_simplified() -> None:
    """Without the rules of today, and without a word of the version."""
    original = read_model(corpus_model("mlperf__vww_refsub_shapeops"), "it")
    planner = Planner.of_model(original, "it", rules=())
    held = compare_content(original, read_again(with_metadata(planner.choose().model, MADE_BY, None)), SOURCES)
    assert held.how in (AS_WRITTEN, BY_MEANING)
    assert held.problems == ()


def test_another_network_is_no_plan_of_it() -> None:
    _, model = rewritten("cropped")
    held = compared(network("focus"), model)
    assert (held.how, held.problems) == (NOTHING, ("the file: no plan of the original has its operators.",))


def test_a_file_without_blocks_is_compared_with_the_original() -> None:
    assert compared(small_model(), small_model()).how == AS_THE_ORIGINAL
    assert compared(small_model(), small_model()).problems == ()
    assert compared(small_model(), small_model("xabcz")).problems == ("tensor 4 'y': its name is 'z' instead of 'y'.",)


def test_a_model_that_cannot_be_rewritten_is_itself() -> None:
    data = corpus_model("mlperf__kws_dscnn")
    again = read_model(rewrite_file(data, "it").data, "it")
    assert compare_content(again, again, SOURCES).how == AS_THE_ORIGINAL
