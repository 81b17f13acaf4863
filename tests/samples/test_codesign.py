"""The worked search: its networks are what is estimated, all schedules never take more, and a tiny study runs."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest

import tflm_msf

DIRECTORY = Path(__file__).parents[2] / "samples" / "codesign"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"codesign_{name}", DIRECTORY / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


SPACE = load("space")


def needs(*packages: str) -> None:
    """Skips the test without what a search takes, which `make test` installs."""
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    if missing:
        pytest.skip(f"missing: {', '.join(missing)}; try pip install 'tflm-msf[models]' optuna")


def random_architecture(seed: int) -> Any:
    random = Random(seed)

    def suggest(_: str, choices: Sequence[Any]) -> Any:
        return random.choice(choices)

    return SPACE.choose(suggest)


@pytest.mark.parametrize("seed", range(12))
def test_all_schedules_never_take_more(seed: int) -> None:
    network = SPACE.layers_of(random_architecture(seed))
    arenas = [tflm_msf.estimate(network, preset=preset).arena for preset in ("full", "mcunetv2", "layerwise")]
    assert arenas == sorted(arenas) and arenas[0] < arenas[-1]


@pytest.mark.parametrize("seed", range(4))
def test_what_is_trained_is_what_is_estimated(seed: int) -> None:
    needs("keras")
    architecture = random_architecture(seed)
    trained, described = tflm_msf.estimate(SPACE.keras_of(architecture)), SPACE.layers_of(architecture)
    estimate = tflm_msf.estimate(described)
    assert (trained.arena, trained.macs) == (estimate.arena, estimate.macs)


def test_a_tiny_study(tmp_path: Path) -> None:
    needs("keras", "optuna", "sklearn")
    study = [sys.executable, str(DIRECTORY / "study.py"), "--tiny", "-o", str(tmp_path)]
    subprocess.run(study, check=True, timeout=600)
    results = json.loads((tmp_path / "results.json").read_text("utf-8"))
    assert set(results["fronts"]) == {"full", "mcunetv2", "layerwise"}
    assert all(front[-1]["accuracy"] > 0.5 for front in results["fronts"].values()), "it learns"
    proof = results["proof"]
    assert proof["same_bits"] and proof["estimated"] == proof["rewritten"]
    assert (tmp_path / "front.svg").exists()


def test_the_results_that_are_shown() -> None:
    results = json.loads((DIRECTORY / "results.json").read_text("utf-8"))
    for space, front in results["fronts"].items():
        for found in front:
            network = found["network"]
            stages = tuple(SPACE.Stage(**stage) for stage in network["stages"])
            architecture = SPACE.Architecture(network["resolution"], network["stem"], stages, network["head"])
            assert tflm_msf.estimate(SPACE.layers_of(architecture), preset=space).arena <= 1.02 * found["arena"]
    assert results["proof"]["same_bits"]
