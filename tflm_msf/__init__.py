"""tflm-msf: fuse the layers of an int8 TensorFlow Lite Micro model so that it needs a fraction of the arena.

>>> import tflm_msf
>>> model = tflm_msf.load("model.tflite")  # doctest: +SKIP
>>> model.plan(stream_input=True)  # the trade-off  # doctest: +SKIP
>>> result = model.rewrite(ram="64KiB")  # doctest: +SKIP
>>> result.verify().passed  # doctest: +SKIP
True
>>> result.save("model_msf.tflite")  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tflm_msf.errors import LimitMissedError, MsfError

if TYPE_CHECKING:
    from tflm_msf.api import Front, Model, Result, estimate, from_keras, load
    from tflm_msf.camera import Camera
    from tflm_msf.estimation import Estimate
    from tflm_msf.report.pictures import Picture

__version__ = "0.1.0"

__all__ = [
    "Camera",
    "Estimate",
    "Front",
    "LimitMissedError",
    "Model",
    "MsfError",
    "Picture",
    "Result",
    "__version__",
    "estimate",
    "from_keras",
    "load",
]


def __getattr__(name: str) -> Any:
    """Loads what is heavy when it is asked for: `tflm-msf --help` needs none of it."""
    if name in __all__:
        from tflm_msf import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
