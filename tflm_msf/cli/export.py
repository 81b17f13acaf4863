"""The command that turns a model into source code."""

from __future__ import annotations

import shlex
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import click

from tflm_msf.advice import choose_or_advise
from tflm_msf.arena import C_EXPORT, MCU32
from tflm_msf.boards import Board, find_board
from tflm_msf.camera import Camera, CameraFormat, camera_frame
from tflm_msf.cli.files import MODEL, as_json, busy, tell, write_whole
from tflm_msf.cli.request import CAMERA, EVERYTHING, requested
from tflm_msf.cli.values import print_json
from tflm_msf.errors import MsfError
from tflm_msf.export import export_c
from tflm_msf.export.camera import CameraRam
from tflm_msf.export.formats.arduino import arduino_project
from tflm_msf.export.formats.c import c_project
from tflm_msf.export.formats.cmsis_pack import cmsis_pack
from tflm_msf.export.formats.esp_idf import ESP_CHIPS, esp_idf_project
from tflm_msf.export.formats.platformio import platformio_project
from tflm_msf.export.formats.zephyr import zephyr_project
from tflm_msf.export.labels import Label, parse_labels
from tflm_msf.export.project import Files, Project, Runtime, arena_of, files_beside
from tflm_msf.export.selfcheck import Case, Frame, make_case
from tflm_msf.export.sources import NAMES, ROWS, Driver, find_driver, require_image
from tflm_msf.export.text import c_name
from tflm_msf.export.tflm_header import export_tflm
from tflm_msf.export.used import used_header
from tflm_msf.files import read_bytes
from tflm_msf.graph import Model
from tflm_msf.graph.pixels import PixelFormat
from tflm_msf.planner import Planner
from tflm_msf.png import Picture, read_png
from tflm_msf.program.decode import fetches_of, is_rewritten
from tflm_msf.request import Request
from tflm_msf.tflite_io import read_model, write_model

DEFAULT_BOARD = "nucleo_f446re"


@dataclass(frozen=True)
class _Loaded:
    """A rewritten model, its file, and the file that it was made from (None: MODEL was rewritten already)."""

    model: Model
    data: bytes
    original: bytes | None


@dataclass(frozen=True)
class _Fed:
    """What the input comes from: ``shown`` as it was named, which is a ``picture``, or a ``source`` that may have a
    ``driver``; ``values`` is the file that the self-check takes instead of made up ones.
    """

    shown: str
    source: str
    picture: Picture | None
    driver: Driver | None
    values: Path | None

    @classmethod
    def of(cls, shown: str, kind: str, board: Board | None, values: Path | None, no_self_check: bool) -> _Fed:
        """Raises MsfError for a picture that nobody would see, and a source that the format has no driver for."""
        picture, source = _picture(shown)
        if picture is not None and no_self_check:
            raise MsfError("it is the self-check that sees the picture: leave --no-self-check out.")
        return cls(shown, source, picture, find_driver(source, kind, board), values)


@click.command()
@click.argument("model", type=MODEL)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["c", "arduino", "platformio", "esp-idf", "zephyr", "cmsis-pack", "tflm"]),
    required=True,
    help="What to write; see above.",
)
@click.option("-o", "--output", type=MODEL, required=True, help="The directory to write to; made if it is not there.")
@click.option("--name", help="Prefix of all names, and the files' name. [default: made from MODEL's]")
@click.option(
    "--runtime",
    type=click.Choice([runtime.value for runtime in Runtime]),
    help="arduino, platformio, esp-idf, zephyr: run the model in TFLM, or as plain C, which needs every operator "
    "fused. [default: TFLM, "
    "for a board only if there is a TFLM library for it]",
)
@click.option(
    "--source",
    default=ROWS,
    show_default=True,
    metavar="SOURCE",
    help=f"Where the input comes from: {', '.join(NAMES)}; or a picture, cat.png say, which the self-check then sees. "
    "With rows, the application fills them. Each driver is for the formats that have one.",
)
@click.option(
    "--labels",
    "labels_file",
    type=MODEL,
    help="What the outputs are called: a name a line, or a name, a comma and the value from which on it counts.",
)
@click.option("--input", "input_file", type=MODEL, help="Raw values for the self-check. [default: made up]")
@click.option(
    "--no-self-check",
    is_flag=True,
    help="Leave the self-check out, which needs TFLM on this computer, or a C compiler.",
)
@click.option("--without-kernels", is_flag=True, help="c: only the model; the tflm_msf library has the kernels.")
@click.option("--skip-softmax", is_flag=True, help="With --without-kernels: leave an unfused SOFTMAX at the end out.")
@click.option("--force", is_flag=True, help="Overwrite files of the same names in a directory that is not empty.")
@requested(*EVERYTHING, *CAMERA)
@as_json
def export(
    request: Request,
    model: Path,
    kind: str,
    output: Path,
    name: str | None,
    runtime: str | None,
    source: str,
    labels_file: Path | None,
    input_file: Path | None,
    no_self_check: bool,
    without_kernels: bool,
    skip_softmax: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Write MODEL as source code.

    A model that is not rewritten yet is rewritten first; all options of `rewrite` but --output say how.

    \b
    --format c           C99 with kernels, main.c and Makefile; needs no TFLM
    --format arduino     a sketch, and the library that it needs
    --format platformio  a project for --board [default: nucleo_f446re]
    --format esp-idf     a project for idf.py: ESP32, ESP32-S3, ESP32-C3
    --format zephyr      an application for west, and the module that it needs
    --format cmsis-pack  what a CMSIS-Pack for STM32 and others holds; needs no TFLM
    --format tflm        just the model for TFLM, as C++, for a project that you have

    All but the last come with an input in flash and a self-check against what TFLM on this computer gives for it.
    """  # noqa: D301 - click wants the backspace itself
    _require_that_options_agree(kind, source, input_file, no_self_check, without_kernels, skip_softmax)
    only_model = kind == "tflm" or without_kernels
    told: list[str] = []
    ram = None
    with busy(f"Exporting {model.name}"):
        request = _on_board(request, kind)
        fed = _Fed.of(source, kind, request.board, input_file, no_self_check)
        request = _with_camera(request, fed)
        request, chosen = _running(request, kind, runtime)
        loaded = _load(model, request)
        _require_rows_once(loaded.model, request, fed)
        prefix = name or c_name(model.stem)
        if only_model:
            files = _model_only(loaded, kind, prefix, request, skip_softmax, _labels(labels_file))
        else:
            case = None if no_self_check else _case(loaded, model, request, fed)
            arena = arena_of(loaded.model, loaded.data, chosen, request.targets)
            ram = _ram(loaded, arena, request)
            project = _project_of(loaded, prefix, case, arena, request, ram, fed, labels_file)
            files = _project(project, kind, chosen, request.board)
            told = _told(project, kind, output, request.board)
    write_files(output, files, force or only_model)
    if as_json:
        print_json("export", {"output": str(output), "files": sorted(files), "ram": ram.to_json() if ram else None})
    else:
        for line in [*_summary(output, files), *told]:
            tell(line)


def _require_that_options_agree(
    kind: str,
    source: str,
    input_file: Path | None,
    no_self_check: bool,
    without_kernels: bool,
    skip_softmax: bool,
) -> None:
    if without_kernels and kind != "c":
        raise MsfError(f"--without-kernels is for --format c, not for {kind}.")
    if skip_softmax and not without_kernels:
        raise MsfError("--skip-softmax is for --format c --without-kernels: a self-check compares the whole output.")
    if input_file is not None and no_self_check:
        raise MsfError("--input is for the self-check: leave it or --no-self-check out.")
    if (kind == "tflm" or without_kernels) and source != ROWS:
        raise MsfError(f"--source {source} is for a project: --format {kind} writes only the model.")


def _on_board(request: Request, kind: str) -> Request:
    """The request with the board that the format needs. Raises MsfError for one that the format is not for."""
    if kind == "platformio" and request.board is None:
        request = replace(request, board=find_board(DEFAULT_BOARD))
    _require_chip(kind, request.board)
    return request


def _running(request: Request, kind: str, runtime: str | None) -> tuple[Request, Runtime]:
    """What runs the model, and the request for that. Raises MsfError for a target that contradicts it."""
    asked = Runtime(runtime) if runtime else None
    chosen = _runtime(kind, asked, request)
    if chosen is Runtime.C and (asked or request.board is None or request.board.tflm):
        request = replace(request, target=C_EXPORT)  # elsewhere what counts is what counts in `rewrite --board`
    return request, chosen


def _case(loaded: _Loaded, path: Path, request: Request, fed: _Fed) -> Case:
    """What the self-check compares."""
    frame = _frame(request.camera, fed)
    return make_case(loaded.data, loaded.original, fed.values, str(path), request.named_target, frame)


def _project_of(
    loaded: _Loaded,
    name: str,
    case: Case | None,
    arena: int,
    request: Request,
    ram: CameraRam | None,
    fed: _Fed,
    labels_file: Path | None,
) -> Project:
    if request.camera is not None and (fed.driver or fed.picture is not None):
        require_image(loaded.model, fed.shown)
    return Project(
        name,
        loaded.model,
        loaded.data,
        case,
        arena,
        request.targets,
        camera=request.camera,
        ram=ram,
        labels=_labels(labels_file),
        source=fed.source,
        driver=fed.driver,
    )


def _summary(output: Path, files: Files) -> list[str]:
    """What was written, a line for each file or directory."""
    counts = Counter(PurePosixPath(path).parts[0] for path in files)
    return [f"Wrote {output / name}" + ("" if name in files else f" ({n} files)") for name, n in sorted(counts.items())]


def _told(project: Project, kind: str, output: Path, board: Board | None) -> list[str]:
    """The arena, and the command to type next."""
    name, place = project.name, shlex.quote(str(output))
    commands = {
        "c": f"make -C {place}",
        "arduino": f"arduino-cli compile --fqbn BOARD --libraries {place}/libraries {place}/{name}",
        "platformio": f"pio run -d {place} -t upload -t monitor",
        "esp-idf": f"idf.py -C {place} set-target {board.esp_chip if board else 'esp32s3'} build flash monitor",
        "zephyr": f"west build -b nrf52840dk/nrf52840 {place}/app",
        "cmsis-pack": f"(cd {place} && zip -r ../TflmMsf.{name}.pack .)",
    }
    now, *before = project.ram.lines() if project.ram else [""]
    ram = [f"RAM:   {now}", *(f"       {line}" for line in before)] if now else []
    return [f"Arena: {project.arena:,} bytes", *ram, f"Next:  {commands[kind]}"]


def _require_chip(kind: str, board: Board | None) -> None:
    """Raises MsfError for a board whose chip no project of this format is for."""
    if board is None:
        return
    if kind == "esp-idf" and board.esp_chip not in ESP_CHIPS:
        raise MsfError(
            f"--format esp-idf is for {', '.join(ESP_CHIPS)}, and the chip of {board.name} is another one "
            f"({board.mcu}): name another board, or another format."
        )
    if kind == "cmsis-pack" and not board.core.startswith("cortex-m"):
        raise MsfError(
            f"--format cmsis-pack is for Arm's Cortex-M, and the chip of {board.name} is another one ({board.mcu}): "
            "name another board, or another format."
        )


def _runtime(kind: str, asked: Runtime | None, request: Request) -> Runtime:
    """What runs the exported model. Raises MsfError for a target that contradicts it."""
    if kind in ("c", "cmsis-pack") and asked is Runtime.TFLM:
        raise MsfError(f"--format {kind} needs no TFLM: leave --runtime out.")
    only = {"c": Runtime.C, "cmsis-pack": Runtime.C, "tflm": Runtime.TFLM}.get(kind)
    named = None if request.target is None else Runtime.TFLM if request.target.is_tflm else Runtime.C
    without_library = kind == "platformio" and request.board is not None and not request.board.tflm
    chosen = only or asked or named or (Runtime.C if without_library else Runtime.TFLM)
    if request.target is not None and named is not chosen:
        raise MsfError(f"--target {request.target.name} does not run what is exported, which is for {chosen.value}.")
    return chosen


def _load(path: Path, request: Request) -> _Loaded:
    """Reads a model, and rewrites it if nobody has done so yet."""
    data = read_bytes(path)
    model = read_model(data, str(path))
    if is_rewritten(model):
        if not request.is_default_but_for_the_place:
            raise MsfError(f"{path} is rewritten already: give the original, or leave the options for rewriting out.")
        return _Loaded(model, data, None)
    planner = Planner.of_model(model, str(path), request)
    rewritten = choose_or_advise(planner).model
    return _Loaded(rewritten, write_model(rewritten), data)


def _require_rows_once(model: Model, request: Request, fed: _Fed) -> None:
    """Raises MsfError for a model that asks for rows again, of what gives them in order, once."""
    if fetches_of(model) > 1 and (request.camera is not None or fed.driver is not None):
        raise MsfError("the model fetches rows again, which a camera does not give: rewrite it without --rescan.")


def _model_only(
    loaded: _Loaded, kind: str, name: str, request: Request, skip_softmax: bool, labels: tuple[Label, ...]
) -> Files:
    """The model's sources, and the header that makes the kernels leave out what it does not use."""
    more = {**used_header(loaded.model), **files_beside(loaded.model, name, request.camera, labels)}
    if kind == "c":
        return {**export_c(loaded.model, name, skip_softmax), **more}
    return {**export_tflm(loaded.model, loaded.data, name, request.targets), **more}


def _picture(source: str) -> tuple[Picture | None, str]:
    """The picture that a source names, if it does, and what the source is then: rows."""
    if not source.lower().endswith(".png"):
        return None, source
    return read_png(read_bytes(Path(source), "the picture"), source), ROWS


def _with_camera(request: Request, fed: _Fed) -> Request:
    """The request with the camera that a source is, if it is one and none is described.

    Raises:
        MsfError: for a camera that the driver is not.
    """
    camera, driver, picture = request.camera, fed.driver, fed.picture
    if driver is not None and driver.is_microphone and camera is not None:
        raise MsfError(f"{fed.source} hears: leave --camera out.")
    if camera is None and picture is not None:
        camera = Camera(picture.shape[1], picture.shape[0], CameraFormat.RGB888)
    if camera is None and driver is not None:
        camera = driver.default
    if camera is None:
        return request
    if driver is not None:
        driver.require(camera, fed.source)
    if request.pixels.format not in (PixelFormat.MODEL, PixelFormat.UINT8):
        raise MsfError("a camera's rows become bytes before the network gets them: leave --pixel-format out.")
    pixels = replace(request.pixels, format=PixelFormat.UINT8)
    return replace(request, camera=camera, stream_input=True, pixels=pixels)


def _frame(camera: Camera | None, fed: _Fed) -> Frame | None:
    """What the self-check sees of a camera."""
    if camera is None:
        return None
    if fed.picture is not None:
        if fed.values is not None:
            raise MsfError("the self-check sees the picture: leave --input out.")
        return Frame(camera, camera_frame(camera, fed.picture))
    return Frame.of(camera, fed.values)


def _labels(file: Path | None) -> tuple[Label, ...]:
    if file is None:
        return ()
    try:
        return parse_labels(read_bytes(file, "the file of labels").decode("utf-8-sig"), str(file))
    except UnicodeDecodeError:
        raise MsfError(f"{file} is no text of labels in UTF-8.") from None


def _ram(loaded: _Loaded, arena: int, request: Request) -> CameraRam | None:
    """What it all takes with a camera beside its ``arena``, if there is one."""
    if request.camera is None:
        return None
    original = None if loaded.original is None else read_model(loaded.original, "the original model")
    before = request.shown if request.shown.is_tflm else MCU32
    return CameraRam.of(loaded.model, request.camera, arena, original, before)


def _project(project: Project, kind: str, runtime: Runtime, board: Board | None) -> Files:
    if kind == "platformio":
        assert board is not None
        return platformio_project(project, board, runtime)
    if kind == "cmsis-pack":
        return cmsis_pack(project)
    makers = {"arduino": arduino_project, "esp-idf": esp_idf_project, "zephyr": zephyr_project}
    if kind in makers:
        return makers[kind](project, runtime)
    return c_project(project)


def write_files(directory: Path, files: Mapping[str, str], overwrite: bool) -> None:
    """Writes files below a directory: a new one appears with all of them or not at all, in one that is there every file
    appears whole or not at all. Other files stay.

    Raises :class:`MsfError` if that is not possible, or if ``directory`` holds something and ``overwrite`` is not set.
    """
    try:
        if directory.exists():
            if not overwrite and any(directory.iterdir()):
                raise MsfError(f"{directory} is not empty: choose another directory, or overwrite in it with --force.")
            for path, text in files.items():
                (directory / path).parent.mkdir(parents=True, exist_ok=True)
                write_whole(directory / path, text.encode())
            return
        _write_new(directory, files)
    except OSError as error:
        raise MsfError(f"{directory} cannot be written: {error.strerror or error}.") from None


def _write_new(directory: Path, files: Mapping[str, str]) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=directory.parent, prefix=f".{directory.name}."))
    try:
        made = temporary / directory.name  # below the temporary one, so that it gets the usual permissions
        for path, text in files.items():
            (made / path).parent.mkdir(parents=True, exist_ok=True)
            write_whole(made / path, text.encode())
        made.rename(directory)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
