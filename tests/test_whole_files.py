"""An output file is the old one or the new one, whole, whatever happens meanwhile."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from testing.layers import Geometry, Layers, Weighting
from tflm_msf.cli.files import write_whole
from tflm_msf.rewrite import rewrite_file
from tflm_msf.tflite_io import write_model

OLD = b"the old model" * 1000


def original() -> bytes:
    """A model of some hundred kilobytes, which take a moment to write."""
    layers = Layers(Random(3))
    x = layers.conv(layers.input(1, 8, 8, 64), 256, Geometry(), Weighting())
    return write_model(layers.model([layers.conv(x, 256, Geometry((1, 1)), Weighting())]))


def command(directory: Path) -> list[str]:
    return [
        sys.executable,
        "-m",
        "tflm_msf",
        "rewrite",
        str(directory / "m.tflite"),
        "-o",
        str(directory / "out.tflite"),
    ]


def appears(directory: Path, done: subprocess.Popen[bytes]) -> None:
    """Waits until a temporary file is there, or the process has ended."""
    while done.poll() is None and not any(path.name.startswith(".out") for path in directory.iterdir()):
        time.sleep(0.0002)


def killed_at(directory: Path, moment: float, from_writing: bool) -> bytes:
    """What is in the output file after ``rewrite`` was killed so many seconds after its start, or its first writing."""
    (directory / "out.tflite").write_bytes(OLD)
    process = subprocess.Popen(command(directory), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if from_writing:
        appears(directory, process)
    time.sleep(moment)
    process.kill()
    process.wait()
    for path in directory.glob(".out*"):
        path.unlink()
    return (directory / "out.tflite").read_bytes()


@pytest.mark.parametrize("moments", [5, pytest.param(50, marks=pytest.mark.slow)])
def test_killed_at_any_moment(tmp_path: Path, moments: int) -> None:
    dice = Random(moments)
    model = original()
    (tmp_path / "m.tflite").write_bytes(model)
    new = rewrite_file(model, str(tmp_path / "m.tflite")).data
    assert len(new) > 100_000
    began = time.monotonic()
    subprocess.run(command(tmp_path), check=True, capture_output=True)
    whole_run = time.monotonic() - began
    assert (tmp_path / "out.tflite").read_bytes() == new
    for number in range(moments):
        from_writing = number % 2 == 0
        moment = dice.uniform(0, 0.004) if from_writing else dice.uniform(0, whole_run)
        assert killed_at(tmp_path, moment, from_writing) in (OLD, new)


@contextlib.contextmanager
def tiny_disk(directory: Path) -> Iterator[Path]:
    """A file system of 200 kB. Skips the test where we may not mount one."""
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", "size=200k", "tmpfs", str(directory)]
    if mount is None or subprocess.run([mount, *options], capture_output=True, check=False).returncode != 0:
        pytest.skip("file systems cannot be mounted here")
    try:
        yield directory
    finally:
        subprocess.run(["umount", str(directory)], check=True)


def assert_nothing_written(done: subprocess.CompletedProcess[str], output: Path, reason: str) -> None:
    assert done.returncode == 2
    assert done.stderr == f"tflm-msf: {output} cannot be written: {reason}.\n"
    assert done.stdout == ""
    assert output.read_bytes() == OLD
    assert [path.name for path in output.parent.iterdir()] == [output.name]


def test_no_room_on_the_disk(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(original())
    (tmp_path / "disk").mkdir()
    with tiny_disk(tmp_path / "disk") as disk:
        (disk / "out.tflite").write_bytes(OLD)
        done = subprocess.run(
            [*command(tmp_path)[:-1], str(disk / "out.tflite")], capture_output=True, text=True, check=False
        )
        assert_nothing_written(done, disk / "out.tflite", "No space left on device")


def test_files_may_not_be_that_large(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(original())
    (tmp_path / "small").mkdir()
    output = tmp_path / "small" / "out.tflite"
    output.write_bytes(OLD)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    done = subprocess.run(
        [*command(tmp_path)[:-1], str(output)], capture_output=True, text=True, check=False, preexec_fn=limit
    )
    assert_nothing_written(done, output, "File too large")


def test_no_room_for_what_is_printed(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(original())
    show = [sys.executable, "-m", "tflm_msf", "inspect", str(tmp_path / "m.tflite"), "--json"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(show, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("tflm-msf: stopped by the operating system: [Errno 28]")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("failing", ["fsync", "umask"])
def test_an_interrupt_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, failing: str) -> None:
    path = tmp_path / "out.tflite"
    path.write_bytes(OLD)

    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, failing, interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, b"new")
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == OLD


@pytest.mark.parametrize("change", [lambda path: path.mkdir(), lambda path: path.symlink_to("nowhere/at/all")])
def test_outputs_that_are_no_plain_files(tmp_path: Path, change: Callable[[Path], None]) -> None:
    (tmp_path / "m.tflite").write_bytes(original())
    output = tmp_path / "out.tflite"
    change(output)
    done = subprocess.run(command(tmp_path), capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert output.is_dir() or output.is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.tflite", "out.tflite"]
