"""One model in one TFLM interpreter: set inputs, invoke, read outputs, measure the arena."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from tflm_msf import format as fmt
from tflm_msf.errors import MsfError
from tflm_msf.graph import Model
from tflm_msf.program.decode import fast_bytes, is_streamed
from tflm_msf.runtime.native import (
    REGISTER_FUNCTION,
    bytes_at,
    captured_stderr,
    load_tflm,
    provide_fast_memory,
    row_source,
    take_states,
)
from tflm_msf.tflite_io import read_model

DEFAULT_ARENA_BYTES = 64 * 1024 * 1024
"""More than any microcontroller has. Untouched pages cost this computer nothing, so there is no need to be close."""

_PLAN_NAME = b"OfflineMemoryAllocation\0"


@dataclass(frozen=True)
class MeasuredArena:
    """Arena bytes as TFLM's own accounting reports them: head (tensors, scratch), tail (persistent), and both."""

    head: int
    tail: int
    total: int


class Session:
    """A loaded model. Not for use from several threads.

    With ``preserve_all`` every tensor keeps a place of its own, so that :meth:`tensor` can read all of them after a
    run; the arena is then neither planned nor measured as on a device.
    """

    def __init__(
        self,
        model: bytes,
        arena_size: int = DEFAULT_ARENA_BYTES,
        preserve_all: bool = False,
        source: str = "the model",
    ) -> None:
        """Load ``model`` (the bytes of a .tflite file) into an arena of ``arena_size`` bytes.

        ``source`` names the model in messages. Raises :class:`MsfError` if the file is damaged, if TFLM refuses it,
        or if the arena is too small.
        """
        self.model: Model = read_model(model, source)
        _check_offline_plan(self.model, source)
        self._preserve_all = preserve_all
        self._source = source
        load_tflm()
        provide_fast_memory(fast_bytes(self.model))
        take_states()
        self._interpreter = open_interpreter(model, arena_size, preserve_all, source)
        self._states = take_states()

    def run(self, inputs: Sequence[npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        """Write the inputs in the model's order, invoke, and return copies of the outputs in the model's order.

        A model with streamed input gets its one input row by row.

        Raises :class:`MsfError` if number, shapes or types do not fit or if an operator fails.
        """
        graph = self.model.main
        if is_streamed(self.model) and len(inputs) == 1:
            pixels = np.ascontiguousarray(inputs[0]).tobytes()
            with row_source(lambda y, size: pixels[y * size : (y + 1) * size]):
                return self._invoke()
        if len(inputs) != len(graph.inputs):
            raise MsfError(f"{self._source} has {len(graph.inputs)} inputs, but {len(inputs)} were given.")
        for position, (index, value) in enumerate(zip(graph.inputs, inputs, strict=True)):
            what = f"set input `{graph.tensors[index].name}` of {self._source}"
            _guarded(what, partial(self._interpreter.set_input, value, position))
        return self._invoke()

    def reset(self) -> None:
        """Forget what earlier runs have left behind: variables and states start anew."""
        _guarded(f"reset {self._source}", self._interpreter.reset)

    def states(self) -> list[bytes]:
        """A copy of the state of each block that has one, in the operators' order."""
        sizes = [fmt.state_size(op.custom_options) for op in self.model.main.ops if op.custom_code == fmt.CUSTOM_CODE]
        return [bytes_at(address, size) for address, size in zip(self._states, filter(None, sizes), strict=True)]

    def _invoke(self) -> list[npt.NDArray[Any]]:
        _guarded(f"run {self._source}", self._interpreter.invoke)
        return [
            _guarded(f"read output {position} of {self._source}", partial(self._interpreter.get_output, position))
            for position in range(len(self.model.main.outputs))
        ]

    def tensor(self, index: int) -> npt.NDArray[Any]:
        """A copy of activation ``index`` of the main graph after a run. For sessions with ``preserve_all``.

        Raises ValueError for tensors without memory of their own: constants, and those that no operator writes.
        """
        graph = self.model.main
        if not self._preserve_all or not any(index in op.outputs for op in graph.ops):
            raise ValueError(f"tensor {index} is not kept by this session")
        details: dict[str, Any] = self._interpreter.GetTensor(index, 0)
        data: npt.NDArray[Any] = details["tensor_data"]
        return data

    def arena(self) -> MeasuredArena:
        """What the model needs of the arena, measured. Not for sessions with ``preserve_all``."""
        with captured_stderr() as captured:
            self._interpreter.print_allocations()
        sizes = {part: int(size) for part, size in re.findall(r"Arena allocation (\w+) (\d+) bytes", captured.text)}
        return MeasuredArena(sizes["head"], sizes["tail"], sizes["total"])


def measure_arena(model: bytes, source: str = "the model") -> MeasuredArena:
    """What TFLM reports for a model. Raises :class:`MsfError` as :class:`Session` does."""
    return Session(model, source=source).arena()


def open_interpreter(model: bytes, arena_size: int, preserve_all: bool, source: str) -> Any:
    """The wheel's own interpreter object. ``model`` must have been checked: TFLM trusts it.

    Raises :class:`MsfError` if TFLM refuses the model or if the arena is too small.
    """
    tflm = load_tflm()
    config = tflm.InterpreterConfig
    # TFLM's planner for preserve_all refuses planned offsets. Under a name that TFLM does not know they are ignored,
    # and every other byte, and so every alignment, stays as it is.
    content = model.replace(_PLAN_NAME, _PLAN_NAME.swapcase()) if preserve_all else model
    return _guarded(
        f"load {source}",
        partial(
            tflm.Interpreter.from_bytes,
            content,
            custom_op_registerers=[REGISTER_FUNCTION],
            arena_size=arena_size,
            intrepreter_config=config.kPreserveAllTensors if preserve_all else config.kAllocationRecording,
        ),
    )


def _guarded(what: str, call: Callable[[], Any]) -> Any:
    """Call into TFLM; its failures become one sentence that carries what TFLM printed about them."""
    with captured_stderr() as captured:
        try:
            return call()
        except (RuntimeError, ValueError, IndexError) as raised:
            error = raised
    raise MsfError(f"TFLM cannot {what}: {captured.summary() or error}.")


def _check_offline_plan(model: Model, source: str) -> None:
    """Refuse a memory plan that would make TFLM use memory that is not its own, since TFLM does not check these.

    Layout (TFLM's memory_management.md): int32 version, subgraph, number of tensors n, then n offsets, -1 for "plan
    it yourself". Offsets past the end of the arena are refused by TFLM.
    """
    tensors = sum(len(graph.tensors) for graph in model.graphs)
    for name, content in model.metadata:
        if name != _PLAN_NAME[:-1].decode():
            continue
        words = np.frombuffer(content[: len(content) // 4 * 4], "<i4")
        if len(words) < 3 + tensors or words[2] != tensors or (words[3 : 3 + tensors] < -1).any():
            raise MsfError(
                f"{source} is damaged: its OfflineMemoryAllocation metadata is no plan for its {tensors} tensors."
            )
