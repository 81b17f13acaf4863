"""How long planning takes where somebody waits for it: ``python -m benchmarks.planning [NAME ...]``.

User time of the whole front, from the file's bytes on, in *units* (see :mod:`benchmarks.growth`), and the most memory:
each case in a process of its own, which has planned a small network before. *Known* ones have also planned the same
network without its last operator. ``estimate`` is of a MobileNetV2 whose classes were others before.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

import click
from rich.console import Console
from rich.table import Table

from benchmarks.families import FAMILIES
from benchmarks.growth import unit_seconds
from testing.corpus import DIRECTORY
from tflm_msf import layers
from tflm_msf.api import estimate
from tflm_msf.layers import Layer
from tflm_msf.planner import Planner
from tflm_msf.request import Request
from tflm_msf.tflite_io import read_model, write_model

STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""MobileNetV2's: expansion, channels, blocks, and the stride of the first one."""

Work = Callable[[], object]


class Case(NamedTuple):
    """What is done before, and what is measured then."""

    before: Work
    measured: Work


class Figure(NamedTuple):
    """Units of user time, milliseconds of the same, and megabytes of the whole process at the most."""

    units: float
    milliseconds: float
    megabytes: int


def _plan(data: bytes, is_streamed: bool = False) -> Work:
    return lambda: Planner.of(data, "m", Request(stream_input=is_streamed)).front


def _corpus(name: str, is_streamed: bool = False) -> Case:
    return Case(lambda: None, _plan((DIRECTORY / f"{name}.tflite").read_bytes(), is_streamed))


def _known(name: str) -> Case:
    data = (DIRECTORY / f"{name}.tflite").read_bytes()
    model = read_model(data, name)
    *others, last = model.main.ops
    shorter = replace(model.main, ops=tuple(others), outputs=(last.inputs[0],))
    return Case(_plan(write_model(replace(model, graphs=(shorter, *model.graphs[1:])))), _plan(data))


def _family(name: str, operators: int) -> Case:
    return Case(lambda: None, _plan(write_model(FAMILIES[name](operators))))


def mobilenet(classes: int) -> list[Layer]:
    """MobileNetV2 of width 0.35 for images of 160 x 160 pixels."""

    def width(channels: int) -> int:
        return max(8, round(channels * 0.35 / 8) * 8)

    network = [layers.image(160, 160, 3), layers.conv(16, 3, 2, activation="relu6", name="block 0")]
    channels, number = 16, 0
    for expansion, wanted, blocks, stride in STAGES:
        for index in range(blocks):
            number += 1
            adds = index > 0
            network += [layers.conv(channels * expansion, activation="relu6")] if expansion > 1 else []
            network += [
                layers.depthwise(3, stride if index == 0 else 1, activation="relu6"),
                layers.conv(width(wanted), name="" if adds else f"block {number}"),
            ]
            network += [layers.add(f"block {number - 1}", name=f"block {number}")] if adds else []
            channels = width(wanted)
    return [*network, layers.conv(1280, activation="relu6"), layers.average(), layers.dense(classes), layers.softmax()]


def _estimate(known: bool) -> Case:
    return Case((lambda: estimate(mobilenet(5))) if known else (lambda: None), lambda: estimate(mobilenet(2)))


CASES: Mapping[str, Callable[[], Case]] = {
    "nxp__yolo_face_detect, streamed": lambda: _corpus("nxp__yolo_face_detect", True),
    "arm__ssd_mobilenet_v3_small, streamed": lambda: _corpus("arm__ssd_mobilenet_v3_small", True),
    "arm__ssd_mobilenet_v3_small": lambda: _corpus("arm__ssd_mobilenet_v3_small"),
    "chain of 100": lambda: _family("chain", 100),
    "chain of 400": lambda: _family("chain", 400),
    "residual chain of 78": lambda: _family("residual chain", 78),
    "inception of 80": lambda: _family("inception", 80),
    "DenseNet of 80": lambda: _family("DenseNet", 80),
    "one CONCATENATION of 300": lambda: _family("one CONCATENATION", 300),
    "cfu__mnv2_160_035": lambda: _corpus("cfu__mnv2_160_035"),
    "cfu__mnv2_160_035, known": lambda: _known("cfu__mnv2_160_035"),
    "estimate": lambda: _estimate(False),
    "estimate, known": lambda: _estimate(True),
}


def figure_of(name: str) -> Figure:
    """Measures one case in this process."""
    _plan(write_model(FAMILIES["residual chain"](12)))()
    estimate([layers.image(8, 8, 1), layers.conv(4, 3), layers.average(), layers.dense(2)])
    case = CASES[name]()
    case.before()
    unit = unit_seconds()
    started = time.process_time()
    case.measured()
    seconds = time.process_time() - started
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Figure(seconds / min(unit, unit_seconds()), 1000 * seconds, kilobytes // 1024)


def measured(name: str) -> Figure:
    """Measures one case in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.planning", "--here", name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    return Figure(*json.loads(done.stdout))


@click.command(help=__doc__)
@click.argument("names", nargs=-1, type=click.Choice(list(CASES)))
@click.option("--here", is_flag=True, hidden=True)
def main(names: tuple[str, ...], here: bool) -> None:
    """Measure, print."""
    if here:
        print(json.dumps(figure_of(names[0])))
        return
    table = Table("network")
    for title in ("units", "ms", "MB"):
        table.add_column(title, justify="right")
    for name in names or CASES:
        figure = measured(name)
        table.add_row(name, f"{figure.units:.2f}", f"{figure.milliseconds:.0f}", f"{figure.megabytes}")
    Console().print(table)


if __name__ == "__main__":
    main()
