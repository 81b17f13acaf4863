"""A camera for an exported model: what makes the network's rows of the camera's, with the memory that this takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from tflm_msf.arena import NotPredictedError, Target, predict
from tflm_msf.camera import Camera, Resize
from tflm_msf.export.text import TEMPLATES, check_name
from tflm_msf.graph import Model
from tflm_msf.program.decode import fast_bytes
from tflm_msf.verify.frames import image_of


def camera_sources(model: Model, name: str, camera: Camera) -> Mapping[str, str]:
    """``<name>_camera.h`` and ``<name>_camera.c``, which need the kernels' ``msf_camera.h``.

    Raises:
        MsfError: for a name that C does not take, or a model that the camera does not fit.
    """
    check_name(name)
    height, width, channels = image_of(model, camera)
    values = {
        "name": name,
        "upper": name.upper(),
        "about": camera.describe(),
        "camera": camera,
        "bilinear": camera.resize is Resize.BILINEAR,
        "ram": camera.working_bytes(width, channels),
        "out_width": width,
        "out_height": height,
        "channels": channels,
    }
    return {f"{name}_camera.{kind}": TEMPLATES.get_template(f"camera.{kind}.jinja").render(values) for kind in "hc"}


@dataclass(frozen=True)
class CameraRam:
    """Bytes of RAM with a camera: ``frame`` and ``arena_before`` where frames are held and TFLM runs the original (None
    if that is not known), ``arena``, ``rows`` and ``fast`` memory beside the arena as it is now. The driver's own
    buffers come on top, before and after.
    """

    frame: int
    arena_before: int | None
    arena: int
    rows: int
    fast: int

    @classmethod
    def of(cls, model: Model, camera: Camera, arena: int, original: Model | None, target: Target) -> CameraRam:
        """Of a rewritten ``model`` with an ``arena``, and of what it was made from as ``target`` runs that."""
        _, width, channels = image_of(model, camera)
        try:
            before = None if original is None else predict(original, target).total
        except NotPredictedError:
            before = None
        return cls(camera.frame_bytes, before, arena, camera.working_bytes(width, channels), fast_bytes(model))

    def lines(self) -> list[str]:
        """In words, what it is now and what it was."""
        parts = [f"{self.arena:,} of arena", f"{self.rows:,} for its rows"]
        if self.fast:
            parts.append(f"{self.fast:,} of fast memory")
        now = f"{self.arena + self.rows + self.fast:,} bytes with the camera: {', '.join(parts)}"
        if self.arena_before is None:
            return [now, f"before: {self.frame:,} for a frame alone"]
        total = self.frame + self.arena_before
        return [now, f"before: {total:,} bytes: {self.frame:,} for a frame, {self.arena_before:,} of arena"]

    def to_json(self) -> dict[str, int | None]:
        """In plain values."""
        return asdict(self)
