"""The commands that show what can be made of a model, at what price."""

from __future__ import annotations

from pathlib import Path

import click

from tflm_msf.cli.files import MODEL, as_json, busy, check_destination, write_whole
from tflm_msf.cli.request import requested
from tflm_msf.cli.values import print_json
from tflm_msf.compare import compare as compare_presets
from tflm_msf.compare import front_curves, tflm_today
from tflm_msf.files import read_bytes
from tflm_msf.planner import Planner
from tflm_msf.report.comparison import comparison_table
from tflm_msf.report.dag import check_format as check_dag_format
from tflm_msf.report.dag import dag_file
from tflm_msf.report.picture import check_format, draw_fronts
from tflm_msf.report.tables import front_table, show
from tflm_msf.report.values import front_json
from tflm_msf.request import Request
from tflm_msf.search.dag import as_networkx


@click.command()
@click.argument("model", type=MODEL)
@requested("core", "target", "stream_input", "int8_io", "preset", "time_limit")
@click.option("--picture", type=MODEL, help="Draw the front, with those of the presets: a .png, .svg or .pdf file.")
@click.option("--dag", type=MODEL, help="Write the fusion DAG that is searched: a .graphml or .json file.")
@as_json
def plan(request: Request, model: Path, picture: Path | None, dag: Path | None, as_json: bool) -> None:
    """Show the trade-off between arena and compute for MODEL.

    Every line is a plan that no other beats in both. Give its limit as --ram-limit, its F as --max-overhead, or its
    slowdown as --max-slowdown to `rewrite`. Instructions are estimates, and leave out what stays a TFLM builtin.
    """
    data = read_bytes(model)
    if picture is not None:
        check_destination(picture, model)
        check_format(picture.suffix[1:])
    if dag is not None:
        check_destination(dag, model)
        check_dag_format(dag.suffix[1:])
    with busy(f"Searching the fusions of {model.name}") as say:
        planner = Planner.of(data, str(model), request, say)
        front = front_json(planner)
    if picture is not None:
        with busy(f"Searching the presets for {model.name}"):
            content = draw_fronts(model.name, front_curves(planner), tflm_today(planner), picture.suffix[1:])
        write_whole(picture, content)
    if dag is not None:
        write_whole(dag, dag_file(as_networkx(planner.network, planner.edges), dag.suffix[1:]))
    if as_json:
        print_json("plan", {"source": str(model), "target": request.shown.to_json(), "front": front})
    else:
        show(front_table(front, request.limits.timed_on))


@click.command()
@click.argument("model", type=MODEL)
@requested("target", "stream_input", "int8_io")
@as_json
def compare(request: Request, model: Path, as_json: bool) -> None:
    """Show what earlier methods would reach for MODEL, beside what `rewrite` does.

    Each preset allows some of the schedules only: layerwise as TFLM, mcunetv2 and streamnet one fused head, msf-cnn
    blocks one output element wide, full everything. All of them run on the same kernels and give the same bits:
    `rewrite --preset` makes the model.
    """
    with busy(f"Searching the presets for {model.name}"):
        compared = compare_presets(read_bytes(model), str(model), request)
    if as_json:
        print_json("compare", compared)
    else:
        show(comparison_table(compared))
