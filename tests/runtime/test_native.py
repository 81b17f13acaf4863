from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.small_models import small_model
from tflm_msf.errors import MsfError
from tflm_msf.runtime import native
from tflm_msf.tflite_io import write_model


def test_says_where_the_interpreter_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tflite_micro.python.tflite_micro", None)
    with pytest.raises(MsfError, match="Linux on x86-64"):
        native.load_tflm.__wrapped__()


def test_a_resolver_of_unknown_layout_is_left_alone(capfd: pytest.CaptureFixture[str]) -> None:
    native.load_tflm()
    libc = ctypes.CDLL(None)
    methods = [ctypes.cast(function, ctypes.c_void_p).value for function in (libc.printf, libc.strlen)]
    vtable = (ctypes.c_void_p * 2)(*methods)
    resolver = (ctypes.c_void_p * 2)(ctypes.addressof(vtable), 42)
    register = libc[native.REGISTER_FUNCTION]
    register.argtypes, register.restype = [ctypes.c_void_p], ctypes.c_bool
    assert not register(ctypes.addressof(resolver))
    assert resolver[1] == 42
    assert "not one that tflm-msf knows" in capfd.readouterr().err


def test_captures_what_native_code_prints(capfd: pytest.CaptureFixture[str]) -> None:
    with native.captured_stderr() as captured:
        os.write(2, b"one.\n\ntwo\nthree\nfour.\n")
    assert captured.summary() == "two; three; four"
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"


def test_captures_without_a_stderr(tmp_path: Path) -> None:
    model = tmp_path / "model.tflite"
    model.write_bytes(write_model(small_model()))
    code = (
        "import os, sys; os.close(2)\n"
        "from pathlib import Path; from tflm_msf.runtime import measure_arena\n"
        "print(measure_arena(Path(sys.argv[1]).read_bytes()).head)"
    )
    done = subprocess.run([sys.executable, "-c", code, model], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 0
