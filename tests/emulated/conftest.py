from __future__ import annotations

import os

import pytest

from benchmarks.emulator import BOARDS, missing_tools


@pytest.fixture(autouse=True)
def _emulators() -> None:
    """Where the emulators could be installed without asking (root, as in CI), their absence is a failure."""
    missing = missing_tools(BOARDS)
    if not missing:
        return
    sentence = f"the emulated boards need {', '.join(missing)}: run `make emulators simulators`"
    if os.geteuid() == 0:
        pytest.fail(sentence)
    pytest.skip(sentence)
