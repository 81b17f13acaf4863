"""The commands that show what can be made of a model, at what price."""

from __future__ import annotations

import os
from pathlib import Path

import click

from tflm_msf.cli.files import MODEL, as_json, busy, check_destination, show, write_whole
from tflm_msf.cli.request import requested
from tflm_msf.cli.values import print_json
from tflm_msf.compare import compare as compare_presets
from tflm_msf.compare import front_curves, tflm_today
from tflm_msf.errors import MsfError
from tflm_msf.files import read_bytes
from tflm_msf.overview import picture_values
from tflm_msf.planner import Planner
from tflm_msf.report.comparison import comparison_table
from tflm_msf.report.dag import FORMATS as DAG_FORMATS
from tflm_msf.report.dag import dag_file
from tflm_msf.report.pictures import FORMATS as PICTURE_FORMATS
from tflm_msf.report.pictures import check_format
from tflm_msf.report.pictures.front import draw_front
from tflm_msf.report.pictures.memory import draw_memory
from tflm_msf.report.pictures.network import draw_network
from tflm_msf.report.steps import hops_json, hops_table
from tflm_msf.report.tables import front_table
from tflm_msf.report.values import front_json
from tflm_msf.request import LEAST_HOP, Request
from tflm_msf.search.dag import as_networkx


@click.command()
@click.argument("model", type=MODEL)
@requested(
    "fast_ram",
    "core",
    "target",
    "stream_input",
    "rescan",
    "max_rescan",
    "stateful",
    "int8_io",
    "allow_libm",
    "preset",
    "time_limit",
)
@click.option("--picture", type=MODEL, help="Draw the front, with those of the presets: a .png, .svg or .pdf file.")
@click.option(
    "--timeline",
    type=MODEL,
    help="Draw what lies where in memory, before and after, with the plan that `rewrite` chooses: .png, .svg or .pdf.",
)
@click.option(
    "--dag",
    type=MODEL,
    help="Write the fusion DAG that is searched: .graphml or .json; or draw the network with the blocks of the plan "
    "that `rewrite` chooses, its memory and MACs: .png, .svg or .pdf.",
)
@as_json
def plan(
    request: Request, model: Path, picture: Path | None, timeline: Path | None, dag: Path | None, as_json: bool
) -> None:
    """Show the trade-off between arena and compute for MODEL.

    Every line is a plan that no other beats in arena, MACs and estimated time at once. Give its limit as --ram-limit,
    its F as --max-overhead, or its slowdown as --max-slowdown to `rewrite`. Instructions are estimates, and leave out
    what stays a TFLM builtin.
    With --fast-ram, a line is a plan that no other beats in both traffic (bytes read and written in slow memory) and
    compute.
    With --stateful and no HOP, every line is the least arena at no extra compute for steps of so many new rows.
    """
    data = read_bytes(model)
    _check_outputs(model, picture, timeline, dag)
    with busy(f"Searching the fusions of {model.name}") as say:
        planner = Planner.of(data, str(model), request, say)
        hops = hops_json(planner) if request.stateful == LEAST_HOP else []
        front = front_json(planner)
    _draw(planner, model.name, picture, timeline, dag)
    if as_json:
        print_json("plan", {"source": str(model), "target": request.shown.to_json(), "front": front, "hops": hops})
    elif hops:
        show(hops_table(hops, request.limits.timed_on))
    else:
        show(front_table(front, request.limits.timed_on))


def _check_outputs(model: Path, picture: Path | None, timeline: Path | None, dag: Path | None) -> None:
    """Raises MsfError, before any work is done, for a file that cannot be written."""
    given = [path for path in (picture, timeline, dag) if path is not None]
    for number, output in enumerate(given):
        check_destination(output, model)
        if os.path.realpath(output) in map(os.path.realpath, given[:number]):  # unlike resolve, ends in circles
            raise MsfError(
                f"{output} is named for two pictures, of which the second would replace the first: name two."
            )
    for path in (picture, timeline):
        if path is not None:
            check_format(path.suffix[1:])
    if dag is not None and _format(dag) not in DAG_FORMATS:
        if _format(dag) not in PICTURE_FORMATS:
            formats = ", .".join((*DAG_FORMATS, *PICTURE_FORMATS))
            raise MsfError(f"The fusion DAG cannot be written as '.{_format(dag)}'; use one of .{formats}.")
        check_format(_format(dag))


def _format(path: Path) -> str:
    return path.suffix[1:]


def _draw(planner: Planner, name: str, picture: Path | None, timeline: Path | None, dag: Path | None) -> None:
    """Writes the files that were asked for."""
    if picture is not None:
        with busy(f"Searching the presets for {name}"):
            drawn = draw_front(name, front_curves(planner), tflm_today(planner))
        write_whole(picture, drawn.file(_format(picture)))
    if dag is not None and _format(dag) in DAG_FORMATS:
        write_whole(dag, dag_file(as_networkx(planner.network, planner.edges), _format(dag)))
        dag = None
    if timeline is None and dag is None:
        return
    memories, layers = picture_values(planner, planner.choose())
    if timeline is not None:
        write_whole(timeline, draw_memory(name, memories["before"], memories["after"]).file(_format(timeline)))
    if dag is not None:
        write_whole(dag, draw_network(name, layers).file(_format(dag)))


@click.command()
@click.argument("model", type=MODEL)
@requested("target", "stream_input", "stateful", "int8_io")
@as_json
def compare(request: Request, model: Path, as_json: bool) -> None:
    """Show what earlier methods would reach for MODEL, beside what `rewrite` does.

    Each preset allows some of the schedules only: layerwise as TFLM, mcunetv2 and streamnet one fused head, msf-cnn
    blocks one output element wide, full everything. All of them run on the same kernels and give the same bits:
    `rewrite --preset` makes the model. With --stateful, what a step takes: most presets cannot keep rows, so that there
    is nothing to say of them; the window as a whole is there to compare.
    """
    with busy(f"Searching the presets for {model.name}"):
        compared = compare_presets(read_bytes(model), str(model), request)
    if as_json:
        print_json("compare", compared)
    else:
        show(comparison_table(compared))
