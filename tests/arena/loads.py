"""Which models TFLM loads in which arenas, tried in children: in too small an arena TFLM may crash.

Run as a program, it reads pairs (model, arena size) from stdin and writes a list of bools, pickled both.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Sequence


def loads(cases: Sequence[tuple[bytes, int]]) -> list[bool]:
    """True for each case whose model loads in an arena of so many bytes."""
    command = [sys.executable, "-m", __name__]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(command, input=pickle.dumps(cases), stdout=subprocess.PIPE, env=environment, check=True)
    result: list[bool] = pickle.loads(done.stdout)
    assert len(result) == len(cases)
    return result


def _loads(model: bytes, size: int) -> bool:
    from tflm_msf.errors import MsfError
    from tflm_msf.runtime import Session

    child = os.fork()
    if child == 0:
        try:
            Session(model, arena_size=size)
        except MsfError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


if __name__ == "__main__":
    import tflm_msf.runtime  # noqa: F401, once for all children

    answers = [_loads(model, size) for model, size in pickle.load(sys.stdin.buffer)]
    sys.stdout.buffer.write(pickle.dumps(answers))
