"""What a step model says of itself: how many new rows it takes at a time, and of which window."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from tflm_msf.errors import MsfError
from tflm_msf.graph.model import Model

METADATA = "tflm_msf_step"
"""Name of the metadata in which a step model says what it is."""


@dataclass(frozen=True)
class Step:
    """A model that takes ``hop`` new rows an invocation and answers for the ``window`` rows that end with them.

    ``warm_up`` is how many invocations it takes until all rows that an answer depends on have come: the outputs of the
    invocations before that one mean nothing.
    """

    hop: int
    window: int
    warm_up: int

    @classmethod
    def of(cls, model: Model) -> Step | None:
        """What a model says of itself; None for one that is no step model. Raises MsfError if that makes no sense."""
        content = dict(model.metadata).get(METADATA)
        if content is None:
            return None
        try:
            step = cls(**{name: int(value) for name, value in json.loads(content).items()})
        except (ValueError, TypeError, AttributeError):
            step = cls(0, 0, 0)
        if not 1 <= step.hop <= step.window or not 1 <= step.warm_up <= step.window:
            raise MsfError(f"the model's {METADATA} metadata is damaged; rewrite the original model again.")
        return step

    def written_into(self, model: Model) -> Model:
        """The model, saying so."""
        others = tuple(entry for entry in model.metadata if entry[0] != METADATA)
        return replace(model, metadata=(*others, (METADATA, json.dumps(asdict(self)).encode())))

    def describe(self) -> str:
        """The same in words."""
        rows = "1 new row" if self.hop == 1 else f"{self.hop} new rows"
        return (
            f"{rows} an invocation, of a window of {self.window}; outputs count from invocation {self.warm_up} after "
            "the start or a reset on"
        )

    def to_json(self) -> dict[str, Any]:
        """In plain values, for scripts."""
        return {**asdict(self), "about": self.describe()}
