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


TAKEN_FOR: Mapping[str, str] = {
    "maximum_values": "add_values",
    "minimum_values": "add_values",
    "prelu_values": "add_values",
    "source_values": "table_values",
    "squared_difference_values": "mul_values",
    "grouped_macs": "plain_macs",
    "grouped_values": "plain_values",
}
"""Kinds of work that no counted plan has, and the kinds that they are likest."""


def cost_of(kind: str, costs: Costs) -> float:
    """Instructions for one of a kind of work.

    Raises KeyError for a kind that was never measured and that :data:`TAKEN_FOR` does not know: a new operator's, say.
    """
    return costs[TAKEN_FOR.get(kind, kind)]


def instructions(work: Work, costs: Costs) -> float:
    """Instructions of one inference; builtins of TFLM are not among them. Raises KeyError as :func:`cost_of` does."""
    return sum(count * cost_of(kind, costs) for kind, count in work.items())
