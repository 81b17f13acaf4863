"""Instructions that a plan is expected to take on a core: its work, each kind at what one of it costs there.

The costs were fitted to counts on emulated cores (``benchmarks/time_model.py``), one table for each core.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from importlib import resources

from tflm_msf.cost.work import Work

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Costs = Mapping[str, float]
"""Instructions for one of each kind of work."""


@cache
def load_costs() -> Mapping[str, Costs]:
    """The costs of every core that was measured, by its name."""
    text = resources.files(__package__).joinpath("time_model.toml").read_text("utf-8")
    costs: Mapping[str, Costs] = tomllib.loads(text)
    return costs


def instructions(work: Work, costs: Costs) -> float:
    """Instructions of one inference; builtins of TFLM are not among them."""
    return sum(count * costs.get(kind, 0.0) for kind, count in work.items())
