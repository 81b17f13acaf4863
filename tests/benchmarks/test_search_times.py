from __future__ import annotations

import pytest

from benchmarks.chains import NAMES, load_chain
from benchmarks.search_times import time_model, time_network
from tests.small_models import small_model
from tflm_msf.errors import MsfError
from tflm_msf.tflite_io import write_model


@pytest.mark.parametrize("name", NAMES)
def test_the_whole_front_of_a_network_of_the_paper_takes_seconds(name: str) -> None:
    timing = time_network(name, load_chain(name).network)
    assert timing.units == len(load_chain(name).layers)
    assert timing.edges > timing.units
    assert timing.plans > 0
    assert 0 < timing.search_seconds < 5  # about 1 where nothing else runs


def test_a_model_is_searched_and_made() -> None:
    timing = time_model("relus", write_model(small_model()))
    assert timing.plans == 1
    assert timing.all_seconds is not None


def test_what_is_no_model_is_an_error() -> None:
    with pytest.raises(MsfError, match="text"):
        time_model("text", b"no model")
