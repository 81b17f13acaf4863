"""What every exported project holds: a model, what runs it, an input with a known result, and how to use all that."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from tflm_msf import __version__
from tflm_msf.arena import ANY_TFLM, C_EXPORT, Target, predict
from tflm_msf.camera import Camera
from tflm_msf.errors import MsfError
from tflm_msf.export.c import export_c
from tflm_msf.export.camera import CameraRam, camera_sources
from tflm_msf.export.kernels import LICENCE, library_files
from tflm_msf.export.labels import Label, labels_header
from tflm_msf.export.selfcheck import Case
from tflm_msf.export.sources import ROWS, Driver, Window, driver_values, window_of
from tflm_msf.export.text import TEMPLATES, check_name, rows, rows_hold
from tflm_msf.export.tflm_header import export_tflm, sketch_arena
from tflm_msf.export.used import used_header
from tflm_msf.format import CUSTOM_CODE
from tflm_msf.graph import DType, Model
from tflm_msf.graph.step import Step
from tflm_msf.program.decode import is_streamed
from tflm_msf.verify.sequence import goes_on

Files = Mapping[str, str]

TEMPLATES.filters["rows"] = rows

_C_TYPES: Mapping[DType, str] = {
    DType.FLOAT32: "float",
    DType.INT32: "int32_t",
    DType.UINT8: "uint8_t",
    DType.INT64: "int64_t",
    DType.BOOL: "uint8_t",
    DType.INT16: "int16_t",
    DType.INT8: "int8_t",
}


class Runtime(Enum):
    """What runs a model on a device: TFLM with our kernels in it, or the C export alone."""

    TFLM = "tflm"
    C = "c"


@dataclass(frozen=True)
class Project:
    """A rewritten model, its file, and a case for the self-check (None: it has none).

    ``name`` is the prefix of names and files, ``arena`` the bytes that :func:`arena_of` gives.

    ``camera`` is where its rows come from, and ``ram`` what it takes then; ``labels`` are what its outputs are called;
    ``source`` is what its input comes from, with its ``driver`` (None: the application's own). ``targets`` are the
    builds of TFLM that the arena shall suffice in; they do not matter to exported C.
    """

    name: str
    model: Model
    data: bytes
    case: Case | None
    arena: int
    targets: tuple[Target, ...] = ANY_TFLM
    camera: Camera | None = None
    ram: CameraRam | None = None
    labels: tuple[Label, ...] = ()
    source: str = ROWS
    driver: Driver | None = None

    def __post_init__(self) -> None:
        check_name(self.name)
        if self.name in ("main", "msf", "tflm_msf") or self.name.startswith("msf_"):
            raise MsfError(f"the name '{self.name}' is taken by the project's own files: give another with --name.")


def _window(project: Project) -> Window | None:
    """The features that a microphone makes for it."""
    if project.driver is None or not project.driver.is_microphone:
        return None
    return window_of(project.model, project.source)


def files_beside(model: Model, name: str, camera: Camera | None, labels: tuple[Label, ...]) -> Files:
    """What stands beside a model: its camera's sources and its labels' header, as far as it has them."""
    seen = {} if camera is None else camera_sources(model, name, camera)
    return {**seen, **(labels_header(model, name, labels) if labels else {})}


def model_files(project: Project, runtime: Runtime, values: Mapping[str, Any]) -> Files:
    """The model and its case: paths below a project's sources, and texts.

    Raises :class:`MsfError` for a model that ``runtime`` does not run.
    """
    name = project.name
    if runtime is Runtime.C:
        model = export_c(project.model, name)
    else:
        model = export_tflm(project.model, project.data, name, project.targets)
    model = {**model, **files_beside(project.model, name, project.camera, project.labels)}
    if project.case is None:
        return model
    return {**model, f"{name}_case.h": render("case.h", values), f"{name}_case.c": render("case.c", values)}


def library(directory: str, manifests: tuple[str, ...], model: Model) -> Files:
    """The tflm_msf library with those of its manifests that are wanted, made for a model."""
    files = {**library_files(), **{f"src/{path}": text for path, text in used_header(model).items()}}
    return {
        f"{directory}/{path}": files[path] for path in files if path in (*manifests, LICENCE) or path.startswith("src/")
    }


def arena_of(model: Model, data: bytes, runtime: Runtime, targets: Sequence[Target]) -> int:
    """Bytes of arena that a rewritten model takes in a project at most, spare ones for TFLM included."""
    if runtime is Runtime.C:
        return predict(model, C_EXPORT).total
    return max(sketch_arena(model, data, targets))


def project_values(project: Project, kind: str, runtime: Runtime) -> dict[str, Any]:
    """What the templates of every format print; ``kind`` is the format.

    Raises :class:`MsfError` for an output of a type that C does not have.
    """
    graph = project.model.main
    output = graph.tensors[graph.outputs[0]]
    if output.dtype not in _C_TYPES:
        raise MsfError(f"output '{output.name}' holds {output.dtype.name.lower()}, which C has no type for.")
    case = project.case or Case((), ())
    outputs = [value.tobytes() for value in case.outputs]
    tflm = runtime is Runtime.TFLM
    return {
        "name": project.name,
        "upper": project.name.upper(),
        "version": __version__,
        "kind": kind,
        "tflm": tflm,
        "has_loop": True,
        "tflm_header": "",
        "streamed": is_streamed(project.model),
        "pixels": rows_hold(project.model),
        "camera": project.camera,
        "labels": project.labels,
        **driver_values(project.driver, project.source, project.camera, _window(project)),
        "ram": "; ".join(project.ram.lines()) if project.ram else "",
        "step": Step.of(project.model),
        "keeps": goes_on(project.model),
        "steps": case.steps,
        "step_bytes": [len(value.tobytes()) // case.steps for value in case.inputs],
        "unfused": any(op.custom_code != CUSTOM_CODE for op in graph.ops),
        "arena": project.arena,
        "checked": project.case is not None,
        "by_tflm": case.by_tflm,
        "reference": "TFLM" if case.by_tflm else "the kernels",
        "input_count": len(graph.inputs),
        "case_inputs": [value.tobytes() for value in case.inputs],
        "case_outputs": outputs,
        "differs_on": project.targets[0].about if case.differs else "",
        "output_bytes": sum(map(len, outputs)),
        "result": int(np.argmax(case.outputs[0])) if case.outputs else 0,
        "result_type": _C_TYPES[output.dtype],
        "result_count": math.prod(output.shape),
    }


def render(template: str, values: Mapping[str, Any]) -> str:
    """A file of a project from its template."""
    return TEMPLATES.get_template(f"{template}.jinja").render(values)
