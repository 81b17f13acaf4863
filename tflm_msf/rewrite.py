"""The whole journey: bytes of a model in, bytes of the rewritten model and a report out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tflm_msf.advice import choose_or_advise
from tflm_msf.planner import DEFAULT_REQUEST, Planner
from tflm_msf.program.decode import is_rewritten
from tflm_msf.report.values import rewrite_json, unchanged_json
from tflm_msf.request import Request
from tflm_msf.search.effort import Say, silent
from tflm_msf.tflite_io import read_model, write_model


@dataclass(frozen=True)
class Rewritten:
    """A rewritten file and what there is to say about it. ``planner`` is None for one that was rewritten before."""

    data: bytes
    report: dict[str, Any]
    planner: Planner | None = None


def rewrite_file(
    data: bytes, source: str, request: Request = DEFAULT_REQUEST, say: Say = silent, with_advice: bool = True
) -> Rewritten:
    """Rewrites a model. One that was rewritten already stays as it is, if nothing is asked for but the default.

    Args:
        data: the original ``.tflite`` file.
        source: what to call it in messages.
        request: what to make of it, within which limits.
        say: hears what a search does.
        with_advice: let a refusal end with what else would help, which has to be planned.

    Raises:
        MsfError: if the model cannot be read or the limits cannot be kept.
    """
    model = read_model(data, source)
    if is_rewritten(model) and request.is_default:
        return Rewritten(data, unchanged_json(model, len(data), request))
    planner = Planner.of_model(model, source, request, say)
    choice = choose_or_advise(planner, with_advice)
    rewritten = write_model(choice.model)
    return Rewritten(rewritten, rewrite_json(planner, choice, len(data), len(rewritten)), planner)
