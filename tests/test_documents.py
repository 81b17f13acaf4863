"""What documents tell people to type works, in the order in which it stands there; links lead somewhere."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import click
import pytest

from tests.test_cli import network, run
from tests.time_series import time_series
from tflm_msf import api
from tflm_msf.cli import COMMANDS, main
from tflm_msf.tflite_io import write_model

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    path
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*/README.md")]
    if "node_modules" not in path.parts
)
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
OF_TIME = re.compile(r"--stateful|\bstep\.tflite")
"""Lines about a model of a window of time, which other options may not suit."""

LIMITS = '[camera]\narena = "64KiB"\n'


def text_of(document: Path) -> str:
    return document.read_text(encoding="utf-8")


def blocks(document: Path, *kinds: str) -> list[str]:
    return [match[3] for match in FENCE.finditer(text_of(document)) if match[2] in kinds]


def command_lines(document: Path) -> list[str]:
    """Lines of code blocks that call this tool."""
    lines = (line.strip() for block in blocks(document, "", "sh") for line in block.splitlines())
    return [line.removeprefix("$ ") for line in lines if line.removeprefix("$ ").startswith("tflm-msf ")]


def with_commands() -> list[Path]:
    return [document for document in DOCUMENTS if command_lines(document)]


def name_of(document: Path) -> str:
    return str(document.relative_to(ROOT))


@pytest.fixture(autouse=True)
def _directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("model.tflite").write_bytes(model_bytes())
    Path("time").mkdir()
    Path("time/model.tflite").write_bytes(model_bytes(of_time=True))
    Path("models").mkdir()
    Path("models/model.tflite").write_bytes(model_bytes())
    Path("limits.toml").write_text(LIMITS)
    Path("samples").symlink_to(ROOT / "samples")


@lru_cache
def model_bytes(of_time: bool = False) -> bytes:
    """A model that takes every option but --stateful, or one that takes that."""
    return write_model(time_series(0) if of_time else network())


def test_most_documents_that_should_have_commands_have_them() -> None:
    assert {"README.md", "docs/FAQ.md", "docs/index.md", "docs/JSON.md"} <= set(map(name_of, with_commands()))
    assert sum(len(command_lines(document)) for document in DOCUMENTS) > 50


@pytest.mark.parametrize("document", with_commands(), ids=name_of)
def test_every_command_line_works(document: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for block in blocks(document, "toml"):
        if "[camera]" in block:
            Path("limits.toml").write_text(block)
    assert run("rewrite", "model.tflite", "--no-advice").returncode == 0
    for line in dict.fromkeys(command_lines(document)):
        with monkeypatch.context() as patch:
            patch.chdir("time" if OF_TIME.search(line) else ".")
            assert typed(line) == 0, line


def typed(line: str) -> int:
    """The exit status of a line; in this process where nothing but the command is in it."""
    if re.search(r"[|><*&]", line):
        script = f'tflm-msf() {{ {sys.executable} -m tflm_msf "$@"; }}\n{line}'
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(["bash", "-c", script], env=environment, capture_output=True, check=False).returncode
    done = run(*shlex.split(line, comments=True)[1:])
    assert not done.stderr.startswith("tflm-msf: "), (line, done.stderr)
    return done.returncode


def mentioned() -> Iterator[tuple[str, str]]:
    """Each mention of a command in running text, and where."""
    for document in DOCUMENTS:
        prose = FENCE.sub("", text_of(document))
        for span in re.findall(r"`(tflm-msf [^`]+)`", prose):
            yield name_of(document), " ".join(span.split())


def test_commands_and_options_that_texts_mention_exist() -> None:
    found = list(mentioned())
    assert len(found) > 20
    for where, span in found:
        words = span.split()[1:]
        if words[0] in ("COMMAND", "--version", "--help"):
            continue
        assert words[0] in COMMANDS, (where, span)
        command = main.get_command(click.Context(main), words[0])
        assert command is not None
        known = {opt for parameter in command.params for opt in (*parameter.opts, *parameter.secondary_opts)}
        used = {word.split("=")[0] for word in words[1:] if word.startswith("-") and word != "-"}
        assert used <= known | {"--help", "-h"}, (where, span)


PYTHON = [document for document in DOCUMENTS if "import tflm_msf" in "".join(blocks(document, "python"))]


@pytest.mark.parametrize("document", PYTHON, ids=name_of)
def test_python_in_documents_runs(document: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a stand-in for the conversion from Keras, which tests/test_keras_models.py tries."""
    monkeypatch.setattr(api, "convert", lambda *_: model_bytes())
    names: dict[str, Any] = {"network": None, "examples": None}
    for block in blocks(document, "python"):
        exec(block, names)


def links(document: Path) -> Iterator[str]:
    prose = re.sub(r"`[^`\n]*`", "", FENCE.sub("", text_of(document)))
    yield from re.findall(r"\]\(([^)\s]+)\)", prose)


def anchors(document: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", text_of(document)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower().strip()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_within_the_repository_lead_somewhere(document: Path) -> None:
    for link in links(document):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), link


def test_the_site_is_built_without_warnings(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(tmp_path / "site")]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    reference = (tmp_path / "site" / "CLI.html").read_text(encoding="utf-8")
    for name in COMMANDS:
        assert f'id="tflm-msf-{name}"' in reference, name
        assert f"Usage: tflm-msf {name} [OPTIONS]" in re.sub("<[^>]*>", "", reference), name
    page = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    fetched = re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="(https?:[^"]*)"', page)
    assert fetched == [], "nothing comes from elsewhere"
