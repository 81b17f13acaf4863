"""Real models and inputs, which are no part of the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

DIRECTORY = Path(os.environ.get("TFLM_MSF_MODELS") or Path(__file__).parents[2] / "shared" / "models")


def corpus_file(name: str) -> Path:
    """Path of a corpus file. Skips the test where the corpus is absent."""
    path = DIRECTORY / name
    if not path.exists():
        pytest.skip(f"{name} is not in {DIRECTORY} (see TFLM_MSF_MODELS)")
    return path


def corpus_model(name: str) -> bytes:
    """Bytes of a corpus model, named without its suffix. Skips the test where the corpus is absent."""
    return corpus_file(f"{name}.tflite").read_bytes()


def model_paths() -> list[Path]:
    """All corpus models; empty where the corpus is absent."""
    return sorted(DIRECTORY.glob("*.tflite"))
