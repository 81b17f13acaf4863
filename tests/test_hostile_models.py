"""Whatever a model file says: every command ends well, or in one sentence with status 2, in bounded time and memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from testing.corpus import model_paths
from tests.fuzz import fuzz_models
from tests.fuzz.fuzz_models import Outcome, case, fuzz
from tests.small_models import activation, small_model
from tests.tflite_io.samples import conv_model
from tflm_msf.cli import main
from tflm_msf.graph import NO_TENSOR, DType, Graph, Model, Op, Quantization, Table, Tensor
from tflm_msf.rewrite import rewrite_file
from tflm_msf.tflite_io import read_model, write_model

SAMPLE = 300
LONG_RUN = 5_000


def assert_nothing_wrong(total: Outcome, count: int) -> None:
    assert not total.wrong, "\n".join(f"case {number}: {what}" for number, what in total.wrong.items())
    assert total.ends.total() == count
    assert min(total.ends.values()) > count // 50, "the mutations are too harsh, or too mild, to tell anything"
    assert len(total.ends) >= 3


def test_a_sample_of_damaged_files() -> None:
    assert_nothing_wrong(fuzz(0, SAMPLE, workers=1), SAMPLE)


@pytest.mark.slow
def test_more_damaged_files() -> None:
    assert_nothing_wrong(fuzz(1_000_000, LONG_RUN, workers=2), LONG_RUN)


def test_cases_are_repeatable_and_damaged() -> None:
    assert case(7) == case(7)
    assert len({case(number).data for number in range(50)}) == 50


def test_what_goes_wrong_is_told_and_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise IndexError("as a bug would")

    monkeypatch.setattr("tflm_msf.cli.rewrite.rewrite_file", broken)
    monkeypatch.setattr(fuzz_models, "FINDINGS", tmp_path)
    outcome = fuzz_models.run_cases(0, 2)
    assert sorted(outcome.wrong) == [0, 1]
    assert "as a bug would" in outcome.wrong[0]
    assert (tmp_path / "0.tflite").read_bytes() == case(0).data


def run(tmp_path: Path, model: Model | bytes, *arguments: str) -> tuple[int, str]:
    """Status of a command on a model, and all that it said."""
    path = tmp_path / "model.tflite"
    path.write_bytes(model if isinstance(model, bytes) else write_model(model))
    done = CliRunner().invoke(main, [arguments[0], str(path), *arguments[1:]])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def named(name: str) -> Model:
    """A network of which every tensor that a user may see has this name."""
    model = small_model("xay")
    tensors = tuple(replace(tensor, name=name) for tensor in model.main.tensors)
    return replace(model, graphs=(replace(model.main, tensors=tensors),))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("[/b]", "[/b]"),
        ("\udce9t\u00e9", "\\udce9t\u00e9"),
        ("\x1b[2J", "\\x1b[2J"),
        (":smile:", ":smile:"),
        ("a\nb", "a\\nb"),
    ],
)
@pytest.mark.parametrize("command", ["rewrite", "inspect"])
def test_names_do_not_steer_the_terminal(tmp_path: Path, command: str, name: str, shown: str) -> None:
    status, said = run(tmp_path, named(name), command)
    assert status == 0
    assert shown in said
    assert "\x1b" not in said


def test_names_in_sentences_stay_in_their_line(tmp_path: Path) -> None:
    model = replace(named("a\nb\x1b[2J"), graphs=(replace(named("a\nb\x1b[2J").main, ops=(), outputs=(0,)),))
    with_float = replace(model, graphs=(replace(model.main, ops=(Op("CONV_2D", (0,), (1,)),)),))
    status, said = run(tmp_path, with_float, "rewrite", "--stream-input")
    assert status == 2
    assert said[:-1].isprintable()


def one_op(op: Op, *tensors: Tensor) -> Model:
    """An operator that reads tensor 0, the graph's input, and writes the graph's outputs."""
    return Model((Graph(tensors, (op,), (0,), op.outputs or (0,)),))


IMAGE = activation("x", shape=(1, 4, 4, 2))
PIXEL = activation("y", shape=(1, 1, 1, 2))
FLOAT = activation("x", DType.FLOAT32, (1, 4, 4, 2))
ODD: dict[str, Model] = {
    "no operator": Model((Graph((IMAGE,), (), (0,), (0,)),)),
    "views only": one_op(Op("RESHAPE", (0,), (1,)), IMAGE, activation("y", shape=(1, 32))),
    "no input": one_op(Op("CONV_2D", (), (1,)), IMAGE, PIXEL),
    "only an absent input": one_op(Op("RESHAPE", (NO_TENSOR,), (1,)), IMAGE, PIXEL),
    "no output": one_op(Op("RELU", (0,), ()), IMAGE),
    "two outputs": one_op(Op("RELU", (0,), (1, 2)), IMAGE, IMAGE, IMAGE),
    "an absent input to join": one_op(Op("CONCATENATION", (0, NO_TENSOR), (1,)), IMAGE, IMAGE),
    "an input that nobody reads": Model((Graph((IMAGE, IMAGE, IMAGE), (Op("RELU", (0,), (2,)),), (0, 1), (2,)),)),
    "axes that are no int32": one_op(
        Op("MEAN", (0, 1), (2,)), IMAGE, Tensor("axes", (3,), DType.INT8, data=b"\1\2\3"), PIXEL
    ),
    "paddings that are no pairs": one_op(
        Op("PAD", (0, 1), (2,)), IMAGE, Tensor("paddings", (3,), DType.INT32, data=bytes(12)), PIXEL
    ),
    "weights of two dimensions": one_op(
        Op("DEPTHWISE_CONV_2D", (0, 1), (2,)), IMAGE, Tensor("w", (2, 2), DType.INT8, data=bytes(4)), PIXEL
    ),
    "no zero point": one_op(Op("RELU", (0,), (1,)), replace(IMAGE, quantization=Quantization((0.5,), ())), IMAGE),
    "a scale next to nothing": one_op(
        Op("ADD", (0, 0), (1,), Table("AddOptions", {"fused_activation_function": 3})),
        IMAGE,
        replace(IMAGE, quantization=Quantization((1e-45,), (0,))),
    ),
    "quantised to nothing": one_op(Op("QUANTIZE", (0,), ()), FLOAT),
    "dequantised from nothing": one_op(Op("DEQUANTIZE", (), (1,)), IMAGE, FLOAT),
    "an output that nobody wrote": one_op(Op("CONV_2D", (0,), (0,), Table("AddOptions")), IMAGE),
}
"""Models that no converter writes. Those that fuzzing found to end in a traceback are among them."""


@pytest.mark.parametrize("options", [(), ("--int8-io",), ("--stream-input",), ("--ram-limit", "1k")], ids=str)
@pytest.mark.parametrize("kind", ODD)
def test_odd_models_are_rewritten_or_refused(tmp_path: Path, kind: str, options: tuple[str, ...]) -> None:
    for command in (("rewrite", *options), ("inspect",)):
        status, said = run(tmp_path, ODD[kind], *command)
        assert status in (0, 2)
        assert status == 0 or (said.startswith("tflm-msf: ") and said.count("\n") == 1), said


def test_a_constant_is_no_input(tmp_path: Path) -> None:
    model = conv_model()
    status, said = run(tmp_path, replace(model, graphs=(replace(model.main, inputs=(0, 1)),)), "rewrite")
    assert status == 2
    assert "the graph's input tensor 1 ('w') is a constant." in said


def test_an_arena_of_gigabytes_is_refused(tmp_path: Path) -> None:
    huge = activation("y", shape=(1, 1, 1, 2**30))
    ops = (Op("RELU", (0,), (1,)), Op("EXP", (1,), (2,)), Op("EXP", (2,), (3,)))
    status, said = run(tmp_path, Model((Graph((IMAGE, huge, huge, huge), ops, (0,), (1, 2, 3)),)), "rewrite")
    assert (status, "bytes of arena, and TFLM counts up to 2,147,483,647" in said) == (2, True), said


def test_models_of_any_length_are_refused_or_take_their_time(tmp_path: Path) -> None:
    status, said = run(tmp_path, small_model("x" * 1002), "rewrite")
    assert (status, "has 1,001 operators; more than 1,000 are not planned." in said) == (2, True)
    status, said = run(tmp_path, small_model("x" * 10_001), "inspect")
    assert (status, "has 10,001 tensors; more than 10,000" in said) == (2, True)
    began = time.process_time()
    assert run(tmp_path, small_model("x" * 101), "rewrite")[0] == 0
    assert time.process_time() - began < 5


DAMAGED_PROGRAMS: dict[str, Callable[[bytes], bytes]] = {
    "cut short": lambda program: program[:60],
    "empty": lambda _: b"",
    "tensors of width 0": lambda program: program[:52] + bytes(len(program) - 52),
    "all ones": lambda program: program[:16] + b"\xff" * (len(program) - 16),
}


@pytest.mark.parametrize("kind", DAMAGED_PROGRAMS)
def test_damaged_programs_are_named(tmp_path: Path, kind: str) -> None:
    model = read_model(rewrite_file(write_model(conv_model()), "m").data, "m")
    op = model.main.ops[0]
    damaged = replace(op, custom_options=DAMAGED_PROGRAMS[kind](op.custom_options))
    status, said = run(tmp_path, replace(model, graphs=(replace(model.main, ops=(damaged,)),)), "inspect")
    assert (status, "holds a damaged program" in said) == (2, True)


@pytest.mark.parametrize("path", model_paths(), ids=lambda path: str(path.stem))
def test_real_models_cut_short_are_refused(tmp_path: Path, path: Path) -> None:
    data = path.read_bytes()
    for part in (1, 2, 3):
        assert run(tmp_path, data[: len(data) * part // 4], "inspect")[0] == 2
