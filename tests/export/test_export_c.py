from __future__ import annotations

import ctypes
import re
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from testing.corpus import corpus_model
from testing.layers import Geometry, Layers, Weighting
from tests.kernels.library import Status
from tests.small_models import PLAN, plan_bytes, small_model
from tflm_msf.errors import MsfError
from tflm_msf.export import export_c, kernel_sources
from tflm_msf.export.text import c_name
from tflm_msf.format import CUSTOM_CODE
from tflm_msf.graph import Model, Op
from tflm_msf.inputs import Array, make_inputs
from tflm_msf.planner import Planner
from tflm_msf.request import Request
from tflm_msf.runtime import Session
from tflm_msf.tflite_io import write_model

STRICT = ("-std=c99", "-pedantic", "-O1", "-Wall", "-Wextra", "-Wconversion", "-Werror")


def rewritten(data: bytes) -> Model:
    return Planner.of(data, "m").choose().model


def small() -> Model:
    return rewritten(write_model(small_model()))


def load(files: Mapping[str, str], directory: Path, name: str) -> ctypes.CDLL:
    """Export and kernels compiled for this computer."""
    for path, text in {**kernel_sources(), **files}.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text)
    sources = [str(path) for path in sorted(directory.rglob("*.c"))]
    library = directory / f"{name}.so"
    own = "-Wl,-Bsymbolic"  # not the kernels that TFLM uses in this process
    subprocess.run(["cc", *STRICT, "-shared", "-fPIC", own, f"-I{directory}", *sources, "-o", library], check=True)
    loaded = ctypes.CDLL(str(library))
    for function in (f"{name}_input", f"{name}_output"):
        if hasattr(loaded, function):  # a streamed model has no input
            getattr(loaded, function).restype = ctypes.c_void_p
    return loaded


def run(loaded: ctypes.CDLL, name: str, values: bytes) -> bytes:
    def call(function: str, *arguments: int) -> int:
        result: int = getattr(loaded, f"{name}_{function}")(*arguments)
        return result

    ctypes.memmove(call("input", 0), values, len(values))
    assert call("invoke") == 0
    return ctypes.string_at(call("output", 0), call("output_size", 0))


def test_a_small_model_runs_as_in_tflm(tmp_path: Path) -> None:
    original = write_model(small_model())
    loaded = load(export_c(small(), "tiny"), tmp_path, "tiny")
    session = Session(original)
    assert loaded.tiny_init() == 0
    for (values,) in make_inputs(small_model().main, runs=5, seed=0):
        assert run(loaded, "tiny", values.tobytes()) == session.run([values])[0].tobytes()


def test_a_real_model_runs_as_in_tflm(tmp_path: Path) -> None:
    data = corpus_model("mlperf__kws_dscnn")
    loaded = load(export_c(rewritten(data), "kws"), tmp_path, "kws")
    session = Session(data)
    assert loaded.kws_init() == 0
    for (values,) in make_inputs(session.model.main, runs=3, seed=0):
        assert run(loaded, "kws", values.tobytes()) == session.run([values])[0].tobytes()


def with_softmax(model: Model) -> Model:
    """The model with a SOFTMAX behind its output that is not fused."""
    graph = model.main
    (logits,) = graph.outputs
    softmax = Op("SOFTMAX", (logits,), (len(graph.tensors),))
    tensors = (*graph.tensors, replace(graph.tensors[logits], name="scores"))
    longer = replace(graph, tensors=tensors, ops=(*graph.ops, softmax), outputs=softmax.outputs)
    offsets = [*np.frombuffer(dict(model.metadata)[PLAN], "<i4")[3:], 0]
    return replace(model, graphs=(longer,), metadata=((PLAN, plan_bytes(offsets)),))


def test_a_softmax_that_is_not_fused_can_be_left_out(tmp_path: Path) -> None:
    loaded = load(export_c(with_softmax(small()), "tiny", skip_softmax=True), tmp_path, "tiny")
    session = Session(write_model(small_model()))
    assert loaded.tiny_init() == 0
    ((values,),) = make_inputs(small_model().main, runs=1, seed=0)
    assert run(loaded, "tiny", values.tobytes()) == session.run([values])[0].tobytes()


RowSource = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_uint32)


def source_of(image: Array) -> Any:
    """A row source for C that gives an image."""
    content = image.tobytes()

    def row(_context: object, y: int, target: int, size: int) -> int:
        ctypes.memmove(target, content[y * size : (y + 1) * size], size)
        return 0

    return RowSource(row)


def image_network() -> Model:
    layers = Layers(Random(5))
    x = layers.conv(layers.input(1, 12, 10, 3), 4, Geometry((3, 3), (2, 2)), Weighting())
    return layers.model([layers.conv(x, 6, Geometry((3, 3)), Weighting())])


def test_a_streamed_model_fetches_its_rows(tmp_path: Path) -> None:
    data = corpus_model("mlperf__kws_dscnn")
    model = Planner.of(data, "m", Request(stream_input=True)).choose().model
    loaded = load(export_c(model, "kws"), tmp_path, "kws")
    session = Session(data)
    graph = session.model.main
    ((values,),) = make_inputs(graph, runs=1, seed=0)
    expected = session.run([values])[0].tobytes()

    source = source_of(values)
    assert loaded.kws_init() == Status.SOURCE_MISSING
    loaded.msf_set_row_source(source, None)
    assert loaded.kws_init() == 0
    loaded.msf_set_row_source(None, None)
    loaded.kws_set_row_source(source, None)
    assert loaded.kws_init() == 0
    assert loaded.kws_invoke() == 0
    assert ctypes.string_at(loaded.kws_output(0), loaded.kws_output_size(0)) == expected


def test_two_models_have_sources_of_their_own(tmp_path: Path) -> None:
    """Both streamed, in one program: neither gets the other's rows, and a model from a tensor stays undisturbed."""
    sources = {}
    files: dict[str, str] = {}
    for name in ("one", "two"):
        planner = Planner.of(write_model(image_network()), name, Request(stream_input=True))
        files |= export_c(planner.choose().model, name)
    files |= export_c(Planner.of(write_model(image_network()), "whole", Request()).choose().model, "whole")
    loaded = load(files, tmp_path, "whole")
    image, other = (make_inputs(image_network().main, runs=2, seed=seed)[0][0] for seed in (1, 2))
    session = Session(write_model(image_network()))
    expected = {name: session.run([values])[0].tobytes() for name, values in (("one", image), ("two", other))}
    for name, values in (("one", image), ("two", other)):
        sources[name] = source_of(values)
        assert loaded[f"{name}_init"]() == Status.SOURCE_MISSING
        loaded[f"{name}_set_row_source"](sources[name], None)
        assert loaded[f"{name}_init"]() == 0
    assert loaded.whole_init() == 0
    for name in ("one", "two", "one"):
        assert loaded[f"{name}_invoke"]() == 0
        place = loaded[f"{name}_output"]
        place.restype = ctypes.c_void_p
        assert ctypes.string_at(place(0), loaded[f"{name}_output_size"](0)) == expected[name]
        assert run(loaded, "whole", image.tobytes()) == expected["one"]
    loaded.two_set_row_source(None, None)
    assert loaded.two_invoke() == Status.SOURCE_MISSING
    assert loaded.one_invoke() == 0


def test_ends_are_described_and_out_of_range_ones_refused(tmp_path: Path) -> None:
    files = export_c(small(), "tiny")
    assert "'x', int8 [1, 16], real value = 0.5 * (q +4)" in files["tiny.h"]
    loaded = load(files, tmp_path, "tiny")
    assert (loaded.tiny_input_size(0), loaded.tiny_output_size(0)) == (16, 16)
    assert (loaded.tiny_input_size(1), loaded.tiny_output_size(1)) == (0, 0)
    assert loaded.tiny_input(1) is loaded.tiny_output(1) is None
    assert loaded.tiny_input(0) % 16 == loaded.tiny_output(0) % 16 == 0


def test_a_damaged_program_is_refused_by_init(tmp_path: Path) -> None:
    model = small()
    op = model.main.ops[0]
    program = bytearray(op.custom_options)
    program[-1] ^= 1
    broken = replace(model, graphs=(replace(model.main, ops=(replace(op, custom_options=bytes(program)),)),))
    assert load(export_c(broken, "tiny"), tmp_path, "tiny").tiny_init() != 0


def test_names_from_the_model_stay_in_their_comment() -> None:
    model = small()
    hostile = "*/ int x; /* \\\n// ??/ \x00 ü"
    tensors = tuple(replace(tensor, name=hostile) for tensor in model.main.tensors)
    files = export_c(replace(model, description=hostile, graphs=(replace(model.main, tensors=tensors),)), "tiny")
    for text in files.values():
        assert text.isascii()
        outside = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
        assert "int x" not in outside
        assert "\\" not in text


def test_an_operator_outside_of_blocks_is_named() -> None:
    with pytest.raises(MsfError, match=r"^operator 1 \(SOFTMAX\) is not part of a fusion block: .*skip_softmax"):
        export_c(with_softmax(small()), "tiny")
    with pytest.raises(MsfError, match=r"^operator 0 \(RELU\) is not part of a fusion block: only fused"):
        export_c(small_model(), "tiny")


def test_a_model_that_is_no_rewrite_is_refused() -> None:
    model = small()
    without_plan = replace(model, metadata=tuple(entry for entry in model.metadata if entry[0] != PLAN))
    with pytest.raises(MsfError, match="no OfflineMemoryAllocation for all its tensors"):
        export_c(without_plan, "tiny")
    graph = replace(model.main, ops=(), outputs=model.main.inputs)
    with pytest.raises(MsfError, match="holds no fusion block"):
        export_c(replace(model, graphs=(graph,)), "tiny")


@pytest.mark.parametrize("name", ["", "9lives", "a-b", "a b", "x\n", "ü"])
def test_names_that_c_does_not_take_are_refused(name: str) -> None:
    with pytest.raises(MsfError, match="cannot be part of C names"):
        export_c(small(), name)


def test_a_file_called_like_a_keyword_gets_another_name() -> None:
    assert c_name("switch") == "model_switch"
    assert c_name("switches") == "switches"


def test_the_arena_holds_every_tensor_and_no_more() -> None:
    model = small()
    (size,) = re.findall(r"TINY_ARENA_SIZE (\d+)u", export_c(model, "tiny")["tiny.h"])
    words = np.frombuffer(dict(model.metadata)[PLAN], "<i4")[3:]
    ends = [offset + t.nbytes for offset, t in zip(words, model.main.tensors, strict=True) if not t.is_constant]
    assert int(size) == max(ends)
    assert all(op.custom_code == CUSTOM_CODE for op in model.main.ops)
