"""What an application sees of a model has to stay the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.kinds import network
from tests.small_models import small_model
from tflm_msf.graph import Model, Quantization, Signature, Tensor
from tflm_msf.int8_ends import Int8Ends
from tflm_msf.planner import Planner
from tflm_msf.request import Request
from tflm_msf.tflite_io import write_model
from tflm_msf.verify import verify
from tflm_msf.verify.interface import interface_problems

SOURCES = ("a", "b")


def problems(original: Model, rewritten: Model) -> list[str]:
    return list(interface_problems(original, rewritten, Int8Ends.between(original.main, rewritten), SOURCES))


def changed(model: Model, index: int, tensor: Tensor) -> Model:
    tensors = list(model.main.tensors)
    tensors[index] = tensor
    return replace(model, graphs=(replace(model.main, tensors=tuple(tensors)),))


def signed(model: Model, inputs: tuple[tuple[str, int], ...], outputs: tuple[tuple[str, int], ...]) -> Model:
    return replace(model, signatures=(Signature("serve", 0, inputs, outputs),))


@pytest.mark.parametrize("end", ["input", "output"])
@pytest.mark.parametrize("quantization", [Quantization((0.25,), (-4,)), Quantization((0.5,), (-3,)), None])
def test_another_scale_or_zero_point(end: str, quantization: Quantization | None) -> None:
    model = small_model()
    index = model.main.inputs[0] if end == "input" else model.main.outputs[0]
    other = changed(model, index, replace(model.main.tensors[index], quantization=quantization))
    (problem,) = problems(model, other)
    assert problem.startswith(f"b: {end} 0 '{model.main.tensors[index].name}' has scale and zero point ")


def test_a_changed_scale_fails_verification_though_no_bit_differs() -> None:
    """Behind the last operator nobody uses the scale, but the application does."""
    graph = small_model("xy").main
    model = Model((replace(graph, ops=(replace(graph.ops[0], builtin="RELU6"),)),))
    other = changed(model, 1, replace(model.main.tensors[1], quantization=Quantization((0.25,), (-4,))))
    report = verify(write_model(model), write_model(other), runs=2)
    assert report.bit_exact
    assert not report.passed
    assert any("has scale and zero point" in problem for problem in report.problems)


def test_another_name() -> None:
    (problem,) = problems(small_model(), small_model("Xabcy"))
    assert problem == "b: input 0 'X' is called otherwise than 'x'."


def test_signatures() -> None:
    model = signed(small_model(), (("image", 0),), (("scores", 4),))
    assert problems(model, model) == []
    assert problems(model, small_model()) == ["b: the signature 'serve' is gone."]
    assert problems(small_model(), model) == ["b: there is a new signature 'serve'."]
    renamed = signed(small_model(), (("picture", 0),), (("scores", 4),))
    assert problems(model, renamed) == ["b: the signature 'serve' names other inputs or outputs."]


@pytest.mark.parametrize("name", ["float_ends", "uint8_ends", "two_inputs"])
@pytest.mark.parametrize("int8_io", [False, True])
def test_rewritten_models_have_the_interface_that_they_should(name: str, int8_io: bool) -> None:
    original = network(name)
    model = Planner.of_model(original, "it", Request(int8_io=int8_io)).choose().model
    assert problems(original, model) == []


def test_streamed_models_have_outputs_to_compare() -> None:
    original = network("inverted_residuals")
    model = Planner.of_model(original, "it", Request(stream_input=True)).choose().model
    assert problems(original, model) == []
    output = model.main.outputs[0]
    other = changed(model, output, replace(model.main.tensors[output], quantization=Quantization((2.0,), (0,))))
    assert len(problems(original, other)) == 1
