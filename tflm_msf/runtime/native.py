"""Find and load the two native halves: the wheel's TFLM interpreter and our kernels."""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tflm_msf.compiled import NoCompilerError, Recipe, library_directory, shared_library
from tflm_msf.errors import MsfError
from tflm_msf.sizes import TENSOR_ALIGNMENT

REGISTER_FUNCTION = "TflmMsfRegister"
"""Symbol of the kernels' library that adds MSF_BLOCK to an interpreter."""


class NoInterpreterError(MsfError):
    """The TFLM interpreter is not there: on this computer there is none, or it is not installed."""


@functools.cache
def load_tflm() -> Any:
    """The ``runtime`` module of the ``tflite-micro`` wheel, with our kernels loaded into this process.

    Raises:
        NoInterpreterError: if the wheel is missing.
        MsfError: if the kernels cannot be compiled.
    """
    try:
        from tflite_micro.python.tflite_micro import runtime
    except ImportError as error:
        raise NoInterpreterError(
            "running a model needs the `tflite-micro` package, which exists for Linux on x86-64 with Python 3.10 to "
            f"3.13: install tflm-msf there ({error})."
        ) from None
    load_kernels()
    return runtime


@functools.cache
def load_kernels() -> ctypes.CDLL:
    """The kernels, compiled for this computer, with what TFLM's wheel needs where there is one.

    Raises :class:`MsfError` if they cannot be compiled.
    """
    try:
        return shared_library(kernels_recipe())
    except NoCompilerError as error:
        raise NoCompilerError(f"the kernels have to be compiled for this computer once, and {error}") from None


def kernels_recipe() -> Recipe:
    """What :func:`load_kernels` compiles. Raises :class:`MsfError` if the installation lacks it."""
    directory = library_directory() / "src"
    sources = sorted(directory.rglob("*.c"))
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        return Recipe("kernels", tuple(sources), (directory,))
    return Recipe("kernels", (*sources, Path(__file__).parent / "wheel_adapter.c"), (directory,), ("dl",))


MOST_STATES = 256
"""States of one interpreter that are found; as many as the adapter notes."""


def take_states() -> list[int]:
    """Addresses of the states of blocks in the interpreters that were made since the last call, in order."""
    room = (ctypes.c_void_p * MOST_STATES)()
    count = load_kernels().TflmMsfTakeStates(room, MOST_STATES)
    return [int(address or 0) for address in room[:count]]


def bytes_at(address: int, size: int) -> bytes:
    """A copy of native memory."""
    return ctypes.string_at(address, size)


_fast_memory = ctypes.create_string_buffer(0)


def provide_fast_memory(size: int) -> None:
    """Hands at least ``size`` bytes of fast memory to all models of this process, which run in turn."""
    global _fast_memory
    if len(_fast_memory) < size + TENSOR_ALIGNMENT:
        _fast_memory = ctypes.create_string_buffer(size + TENSOR_ALIGNMENT)
    start = -ctypes.addressof(_fast_memory) % TENSOR_ALIGNMENT
    room = len(_fast_memory) - TENSOR_ALIGNMENT
    load_kernels().msf_set_fast_memory(ctypes.c_void_p(ctypes.addressof(_fast_memory) + start), room)


RowSource = Callable[[int, int], bytes | None]
"""(row, its size in bytes) -> the row's bytes, or None to give the inference up."""

NativeRowSource = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_uint32)
"""``msf_row_source`` of msf.h."""


def native_row_source(rows: RowSource) -> Any:
    """A row source that the kernels can call, for as long as it is kept."""

    def fill(_: int | None, y: int, row: int, size: int) -> int:
        values = rows(y, size)
        if values is None or len(values) != size:
            return 1
        ctypes.memmove(row, values, size)
        return 0

    return NativeRowSource(fill)


@contextmanager
def row_source(rows: RowSource) -> Iterator[None]:
    """Streamed input for the models that run meanwhile: what ``msf_set_row_source`` is for on a device."""
    kernels = load_kernels()
    callback = native_row_source(rows)
    kernels.msf_set_row_source(callback, None)
    try:
        yield
    finally:
        kernels.msf_set_row_source(None, None)


M_PERTURB = -6
"""glibc's ``mallopt`` parameter: what new memory is filled with, every bit the other way round."""


@contextmanager
def new_memory_holding(byte: int) -> Iterator[None]:
    """Memory that native code gets meanwhile, arenas for one, is full of ``byte`` (not 0xFF), where glibc is in use.

    Without this, new memory is mostly zero, and what depends on it is not seen.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        yield
        return
    mallopt(M_PERTURB, byte ^ 0xFF)
    try:
        yield
    finally:
        mallopt(M_PERTURB, 0)


class CapturedText:
    """What was written to file descriptor 2 while :func:`captured_stderr` was active; filled at its end."""

    def __init__(self) -> None:
        self.text = ""

    def summary(self) -> str:
        """The last few lines as one phrase for a message, without full stops; empty if nothing was written."""
        lines = [line.strip().rstrip(".") for line in self.text.splitlines()]
        return "; ".join([line for line in lines if line][-3:])


@contextmanager
def captured_stderr() -> Iterator[CapturedText]:
    """Collect what native code prints to file descriptor 2, which Python's ``sys.stderr`` does not see.

    Redirects the descriptor of the whole process, so it is not for use from several threads.
    """
    captured = CapturedText()
    with tempfile.TemporaryFile() as sink:
        try:
            saved = os.dup(2)
        except OSError:  # the process was started without a stderr
            saved = None
        os.dup2(sink.fileno(), 2)
        try:
            yield captured
        finally:
            if saved is None:
                os.close(2)
            else:
                os.dup2(saved, 2)
                os.close(saved)
            sink.seek(0)
            captured.text = sink.read().decode(errors="replace")
