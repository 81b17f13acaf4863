"""Where a project's input comes from: which driver, in which ecosystem, and whether that makes sense for a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tflm_msf.boards import Board, load_boards
from tflm_msf.camera import Camera, CameraFormat
from tflm_msf.errors import MsfError
from tflm_msf.graph import DType, Model
from tflm_msf.graph.step import Step
from tflm_msf.program.decode import is_streamed, streamed_image
from tflm_msf.verify.sequence import goes_on

ROWS = "rows"
"""Rows or inputs that the application fills: what projects have without a driver."""

NAMES = (ROWS, "esp32-cam", "ov2640", "ov7670-nano33", "pdm-mic")
"""All sources but pictures, which are files."""

_ESP_SIZES: Mapping[tuple[int, int], str] = {
    (96, 96): "96X96",
    (160, 120): "QQVGA",
    (176, 144): "QCIF",
    (240, 176): "HQVGA",
    (240, 240): "240X240",
    (320, 240): "QVGA",
    (640, 480): "VGA",
    (800, 600): "SVGA",
}
_ESP_FORMATS: Mapping[CameraFormat, str] = {
    CameraFormat.RGB565: "RGB565",
    CameraFormat.YUV422: "YUV422",
    CameraFormat.GRAY8: "GRAYSCALE",
}
_OV767X_SIZES: Mapping[tuple[int, int], str] = {
    (160, 120): "QQVGA",
    (176, 144): "QCIF",
    (320, 240): "QVGA",
    (352, 240): "CIF",
    (640, 480): "VGA",
}
_VIDEO_FORMATS: Mapping[CameraFormat, str] = {
    CameraFormat.RGB565: "RGB565X",
    CameraFormat.RGB565_LE: "RGB565",
    CameraFormat.YUV422: "YUYV",
    CameraFormat.GRAY8: "GREY",
    CameraFormat.RGB888: "RGB24",
}


@dataclass(frozen=True)
class Driver:
    """A driver in one ecosystem.

    ``template`` has its calls; ``sizes`` (None: any) and ``formats`` are what it can send, by its own names.
    ``component`` and its version are what the IDF Component Manager brings, ``requires`` components of ESP-IDF,
    ``library`` is PlatformIO's name, ``settings`` are lines for Zephyr's prj.conf.
    """

    template: str
    formats: Mapping[CameraFormat, str]
    default: Camera | None
    sizes: Mapping[tuple[int, int], str] | None = None
    component: tuple[str, str] | None = None
    requires: tuple[str, ...] = ()
    library: str = ""
    settings: tuple[str, ...] = ()

    @property
    def is_microphone(self) -> bool:
        """True if it hears."""
        return self.default is None

    def require(self, camera: Camera, source: str) -> None:
        """Raises MsfError for a camera's image that the driver does not send."""
        if self.sizes is not None and (camera.width, camera.height) not in self.sizes:
            known = ", ".join(f"{width}x{height}" for width, height in self.sizes)
            raise MsfError(f"{source} sends no image of {camera.width}x{camera.height} pixels: --camera with {known}.")
        if camera.format not in self.formats:
            known = ", ".join(kind.label for kind in self.formats)
            raise MsfError(f"{source} sends no {camera.format.label}: --camera with {known}.")


_QVGA = Camera(320, 240, CameraFormat.RGB565)
_ESP_CAMERA = Driver(
    "source_esp_camera",
    _ESP_FORMATS,
    _QVGA,
    sizes=_ESP_SIZES,
    component=("espressif/esp32-camera", ">=2.0.15"),
    requires=("esp32-camera",),
)
_OV767X = Driver(
    "source_ov767x",
    _ESP_FORMATS,
    Camera(160, 120, CameraFormat.RGB565),
    sizes=_OV767X_SIZES,
    library="arduino-libraries/Arduino_OV767X",
)
_VIDEO = Driver(
    "source_video",
    _VIDEO_FORMATS,
    Camera(320, 240, CameraFormat.RGB565_LE),
    settings=("CONFIG_VIDEO=y", "CONFIG_VIDEO_BUFFER_POOL_NUM_MAX=2", "CONFIG_VIDEO_BUFFER_POOL_SZ_MAX=%(frame)d"),
)
_I2S = Driver(
    "source_i2s",
    {},
    None,
    component=("esphome/esp-micro-speech-features", "^1.2.3"),
    requires=("esp_driver_i2s", "esp-micro-speech-features"),
)
_PDM = Driver("source_pdm", {}, None)
_DMIC = Driver("source_dmic", {}, None, settings=("CONFIG_AUDIO=y", "CONFIG_AUDIO_DMIC=y"))

_DRIVERS: Mapping[str, Mapping[str, Driver]] = {
    "esp32-cam": {"arduino": _ESP_CAMERA, "arduino-esp32": _ESP_CAMERA, "esp-idf": _ESP_CAMERA},
    "ov2640": {"arduino": _ESP_CAMERA, "arduino-esp32": _ESP_CAMERA, "esp-idf": _ESP_CAMERA, "zephyr": _VIDEO},
    "ov7670-nano33": {"arduino": _OV767X, "arduino-mbed": _OV767X},
    "pdm-mic": {"arduino": _PDM, "arduino-mbed": _PDM, "esp-idf": _I2S, "zephyr": _DMIC},
}


def find_driver(source: str, kind: str, board: Board | None) -> Driver | None:
    """The driver of a source in a format of `export`; None for rows.

    Raises:
        MsfError: if there is none.
    """
    if source == ROWS:
        return None
    if source not in _DRIVERS:
        raise MsfError(f"there is no source '{source}': {', '.join(NAMES)}, or a picture, cat.png say.")
    place = _ecosystem(kind, board)
    found = _DRIVERS[source].get(place)
    if found is None:
        where = f"--format {kind}" + (f" on {board.name}" if board and kind == "platformio" else "")
        formats = ", ".join(_formats_of(source))
        raise MsfError(f"{source} has no driver in {where}: it is for {formats}; use rows, and fill them yourself.")
    return found


def _formats_of(source: str) -> list[str]:
    """The formats of `export` in which a source has a driver; in PlatformIO that depends on the board."""
    places = _DRIVERS[source]
    formats = [name for name in ("arduino", "esp-idf", "zephyr") if name in places]
    boards = [board.name for board in load_boards() if _ecosystem("platformio", board) in places]
    return formats + [f"platformio on {' or '.join(boards)}"] * bool(boards)


def _ecosystem(kind: str, board: Board | None) -> str:
    """Whose drivers a project can call."""
    if kind != "platformio" or board is None:
        return kind
    if board.platformio.framework == "espidf":
        return "esp-idf"
    core = "esp32" if "espressif32" in board.platformio.platform else "mbed" if board.name == "nano33ble" else "other"
    return f"arduino-{core}"


@dataclass(frozen=True)
class Window:
    """Rows of features that an inference takes, values of a row, and how many rows are new each time."""

    rows: int
    features: int
    new: int
    is_unsigned: bool


FEATURES = (10, 128)
"""Values of a row that TFLM's audio front end makes, the fewest and the most that are taken for features."""

NEW_ROWS = 5
"""Of a window that is made anew each time."""


def window_of(model: Model, source: str) -> Window:
    """What a rewritten model takes of a microphone's features.

    Raises:
        MsfError: if it takes no rows of features.
    """
    step, keeps = Step.of(model), goes_on(model)
    graph = model.main
    if is_streamed(model):
        height, width, channels = streamed_image(model) or (0, 0, 0)
        shape: tuple[int, ...] = (height, width, channels)
        is_unsigned = False
    else:
        tensor = graph.tensors[graph.inputs[0]]
        shape, is_unsigned = tensor.shape[1:], tensor.dtype is DType.UINT8
        if len(graph.inputs) != 1 or tensor.dtype not in (DType.INT8, DType.UINT8):
            raise MsfError(f"{source} makes one input of int8 or uint8 values, which this network does not take.")
    sides = tuple(side for side in shape if side > 1)
    if len(sides) == 1 and keeps:
        sides = (1, sides[0])
    is_features = len(sides) == 2 and sides[0] != sides[1] and FEATURES[0] <= sides[1] <= FEATURES[1]
    if not is_features:
        takes = "x".join(map(str, shape))
        raise MsfError(f"{source} makes rows of features, and the network takes {takes} values: it hears nothing.")
    rows, features = sides
    return Window(rows, features, rows if keeps or step else min(NEW_ROWS, rows), is_unsigned)


def require_image(model: Model, source: str) -> None:
    """Raises MsfError if a network's input does not look like an image, which no camera then makes."""
    image = streamed_image(model)
    shape = image or model.main.tensors[model.main.inputs[0]].shape[1:]
    sides, channels = shape[:2], shape[2:]
    if len(shape) != 3 or channels[0] not in (1, 3) or min(sides) < 8 or max(sides) > 4 * min(sides):
        takes = "x".join(map(str, shape))
        raise MsfError(f"{source} makes images, and the network takes {takes} values: it sees nothing.")


def driver_values(driver: Driver | None, source: str, camera: Camera | None, window: Window | None) -> dict[str, Any]:
    """What the templates print of a source."""
    values: dict[str, Any] = {"live": driver.template if driver else "", "source": source, "window": window}
    if driver is not None and camera is not None:
        values["camera_format"] = driver.formats[camera.format]
        values["camera_size"] = (driver.sizes or {}).get((camera.width, camera.height), "")
    return {**values, "driver": driver, "settings": settings_of(driver, camera)}


def settings_of(driver: Driver | None, camera: Camera | None) -> list[str]:
    """Lines for Zephyr's prj.conf."""
    frame = camera.frame_bytes if camera else 0
    return [line % {"frame": frame} if "%" in line else line for line in (driver.settings if driver else ())]
