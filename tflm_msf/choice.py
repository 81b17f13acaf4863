"""Plans to choose from, and the one that keeps a user's limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from tflm_msf.arena import ANY_TFLM, ArenaSize, NotPredictedError, Target, predict
from tflm_msf.cost.time_model import instructions, load_costs
from tflm_msf.cost.work import Work, work_of
from tflm_msf.errors import LimitMissedError, MsfError
from tflm_msf.graph import Model
from tflm_msf.network.units import Network
from tflm_msf.plan import Plan
from tflm_msf.program.assemble import assemble, outline
from tflm_msf.program.layout import Weights
from tflm_msf.request import Limits

FREE_OVERHEAD = 1.0

FREE_SLOWDOWN = 1.1
"""Estimated time that a plan may take for less arena, as a multiple of the fastest one's at as many MACs."""


def predicted(model: Model, target: Target) -> ArenaSize | None:
    """The arena of a model, or None if it holds operators whose allocations are not known."""
    try:
        return predict(model, target)
    except NotPredictedError:
        return None


@dataclass(frozen=True)
class Choice:
    """One point of the trade-off: a plan for ``original``, the arena it takes, and the model it makes, if asked for.

    ``network`` is the planner's, with its units in the order in which the plan runs them. ``targets`` are those whose
    arenas matter.
    """

    original: Model
    network: Network
    plan: Plan
    weights: Weights = Weights.PACKED
    targets: tuple[Target, ...] = ANY_TFLM

    @cached_property
    def model(self) -> Model:
        """The rewritten model."""
        return assemble(self.original, self.network, self.plan, self.weights)

    @cached_property
    def _outline(self) -> Model:
        return outline(self.original, self.network, self.plan)

    def arena_on(self, target: Target) -> ArenaSize | None:
        """The arena of :attr:`model`, which is not made for that; None where it is not predicted."""
        return predicted(self._outline, target)

    @cached_property
    def needed(self) -> int:
        """Bytes of arena with which the model starts on each target; its head alone where a tail is not predicted."""
        sizes = [self.arena_on(target) for target in self.targets]
        return max(size.minimum if size else self.plan.head for size in sizes)

    @cached_property
    def work(self) -> Work:
        """What the blocks make the kernels do."""
        return work_of(self.plan)

    def instructions(self, core: str) -> float:
        """Estimated instructions of the blocks in one inference; ``core`` is one of the time model's."""
        return instructions(self.work, load_costs()[core])


_Timed = tuple[Choice, float]


def slowdowns(choices: Sequence[Choice], core: str) -> list[float]:
    """For each plan, its estimated time as a multiple of the fastest one's.

    That of convolutions in a library is not known: there, as many MACs count as the same time.
    """
    is_timed = all(choice.weights is Weights.PACKED for choice in choices)
    times = [choice.instructions(core) if is_timed else choice.plan.macs for choice in choices]
    fastest = min(times)
    return [time / fastest if fastest else 1.0 for time in times]


def undominated(choices: Sequence[Choice], core: str) -> list[Choice]:
    """Those that no other beats in MACs, arena and time at once, each tensor at its real place; least MACs first."""
    priced = [(choice.plan.macs, choice.needed, choice.instructions(core), choice) for choice in choices]
    kept: list[tuple[int, int, float, Choice]] = []
    for macs, needed, time, choice in sorted(priced, key=lambda priced: priced[:3]):
        if not any(other[1] <= needed and other[2] <= time for other in kept):
            kept.append((macs, needed, time, choice))
    return [choice for *_, choice in kept]


def choose(choices: Sequence[Choice], limits: Limits, source: str) -> Choice:
    """The plan for a user's limits.

    With a limit on RAM the plan of the least estimated time that fits, else the least arena within the other limits.
    Without a limit on time, that of the fastest plan is one, times :data:`FREE_SLOWDOWN`, times the overhead that is
    allowed. ``source`` names the model in messages.

    Raises:
        MsfError: if no plan keeps the limits; the message names the closest one.
    """
    for name, factor in (("a MAC overhead", limits.max_overhead), ("a slowdown", limits.max_slowdown)):
        if factor is not None and not factor >= 1:
            raise MsfError(f"{name} of {factor:g} cannot be kept: it is a factor of at least 1.")
    timed = list(zip(choices, slowdowns(choices, limits.timed_on), strict=True))
    if limits.ram is None:
        kept = _within(limits, timed, f"{source} has a plan")
        return min(kept, key=lambda pair: (pair[0].needed, pair[1], pair[0].plan.macs))[0]
    fitting = [pair for pair in timed if pair[0].needed <= limits.ram]
    if not fitting:
        raise _too_large(choices, limits, source)
    kept = _within(limits, fitting, f"{source} fits {limits.ram:,} bytes of arena")
    return min(kept, key=lambda pair: (pair[1], pair[0].needed))[0]


def _within(limits: Limits, timed: Sequence[_Timed], fits: str) -> list[_Timed]:
    """The plans, each with its slowdown, that keep the limits on compute.

    Raises MsfError if there are none; ``fits`` is how its sentence begins.
    """
    kept = list(timed)
    is_free = limits.ram is None and limits.max_overhead is None and limits.max_slowdown is None
    overhead = FREE_OVERHEAD if is_free else limits.max_overhead
    if overhead is not None:
        kept = [pair for pair in timed if pair[0].plan.overhead <= overhead]
        if not kept:
            least = min((choice for choice, _ in timed), key=lambda choice: choice.plan.overhead)
            raise LimitMissedError(
                f"{fits} only at a MAC overhead of {least.plan.overhead:.3f}, above the {overhead:g} allowed; allow "
                "more overhead or more RAM.",
                least.needed,
                least.plan.overhead,
            )
    if limits.max_slowdown is None:
        return kept if limits.ram is not None or overhead is None else _of_free_slowdown(kept, overhead)
    fast = [pair for pair in kept if pair[1] <= limits.max_slowdown]
    if not fast:
        fastest, slowdown = min(kept, key=lambda pair: pair[1])
        raise LimitMissedError(
            f"{fits} only at {slowdown:.3f} times the fastest plan's estimated time on {limits.timed_on}, above the "
            f"{limits.max_slowdown:g} allowed; allow more slowdown, overhead or RAM.",
            fastest.needed,
            fastest.plan.overhead,
        )
    return fast


def _of_free_slowdown(timed: Sequence[_Timed], overhead: float) -> list[_Timed]:
    most = min(slowdown for _, slowdown in timed) * FREE_SLOWDOWN * max(overhead, FREE_OVERHEAD)
    return [pair for pair in timed if pair[1] <= most]


def choose_of_two(choices: Sequence[Choice], limits: Limits, source: str) -> Choice:
    """The plan of two memories that reads and writes the fewest bytes in the slow one, within a user's limits.

    Without a limit on the overhead, at no extra compute; if none is possible in a limit on RAM, at the least there.

    Raises:
        MsfError: if no plan keeps the limits; the message names the closest one.
    """
    if limits.max_overhead is not None and not limits.max_overhead >= 1:
        raise MsfError(f"a MAC overhead of {limits.max_overhead:g} cannot be kept: it is a factor of at least 1.")
    if not choices:
        raise MsfError(f"{source} has an operator whose rows do not fit the fast memory: give it more with --fast-ram.")
    fitting = [choice for choice in choices if limits.ram is None or choice.needed <= limits.ram]
    if not fitting:
        raise _too_large(choices, limits, source)
    least = min(choice.plan.overhead for choice in fitting)
    most = max(least, FREE_OVERHEAD) if limits.max_overhead is None else limits.max_overhead
    if least > most:
        raise LimitMissedError(
            f"{source} has a plan for these memories only at a MAC overhead of {least:.3f}, above the {most:g} "
            "allowed; allow more overhead, or more of either memory.",
            min(choice.needed for choice in fitting),
            least,
        )
    kept = [choice for choice in fitting if choice.plan.overhead <= most]
    return min(kept, key=lambda choice: (choice.plan.traffic, choice.plan.macs, choice.needed))


def _too_large(choices: Sequence[Choice], limits: Limits, source: str) -> LimitMissedError:
    least = min(choices, key=lambda choice: (choice.needed, choice.plan.macs))
    arena = least.needed
    return LimitMissedError(
        f"{source} does not fit {limits.ram:,} bytes of arena: the least reachable is {arena:,} bytes, at a MAC "
        f"overhead of {least.plan.overhead:.3f}.",
        arena,
        least.plan.overhead,
    )
