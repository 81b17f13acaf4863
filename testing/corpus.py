"""Real models and inputs, which are no part of the repository."""

from __future__ import annotations

import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pytest

DIRECTORY = Path(os.environ.get("TFLM_MSF_MODELS") or Path(__file__).parents[2] / "shared" / "models")

DIGESTS = Path(__file__).parent / "corpus.sha256"
"""What every file of the corpus is, as ``sha256sum`` writes it and checks it: figures are of these very files."""

IS_REQUIRED = os.environ.get("TFLM_MSF_CORPUS") == "required"
"""Whether tests fail without the corpus, as in continuous integration, instead of being skipped."""


def corpus_file(name: str) -> Path:
    """Path of a corpus file. Skips the test where the corpus is absent, or fails it where that is required."""
    path = DIRECTORY / name
    if not path.exists():
        sentence = f"{name} is not in {DIRECTORY} (see TFLM_MSF_MODELS)"
        if IS_REQUIRED:
            pytest.fail(sentence)
        pytest.skip(sentence)
    return path


def corpus_model(name: str) -> bytes:
    """Bytes of a corpus model, named without its suffix. Absent ones are as in :func:`corpus_file`."""
    return corpus_file(f"{name}.tflite").read_bytes()


def model_paths() -> list[Path]:
    """All corpus models; empty where the corpus is absent."""
    return sorted(DIRECTORY.glob("*.tflite"))


def digests() -> Mapping[str, str]:
    """The sha256 that every file of the corpus has, by its path in the corpus."""
    lines = DIGESTS.read_text(encoding="ascii").splitlines()
    return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}


def digest_of(name: str) -> str:
    """The sha256 of a corpus file as it is. Absent ones are as in :func:`corpus_file`."""
    return sha256(corpus_file(name).read_bytes()).hexdigest()
