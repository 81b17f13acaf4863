"""Random networks whose scales lie far apart: requantisation shifts from -31 to 30, sums that wrap, unlike channels.

``python -m tests.far_scales --pairs 5000`` compares as many rewrites with stock TFLM and prints what it saw.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from random import Random

import click
import numpy as np
import numpy.typing as npt

from testing.operators import MoreLayers
from testing.wide_networks import WideNetwork
from tests.exactness import Original, pareto_paths, random_path
from tflm_msf.errors import MsfError
from tflm_msf.graph import Model
from tflm_msf.network.units import Network, build_network
from tflm_msf.ops import Stage, StageOp
from tflm_msf.program.layout import Weights

MOST_SUM_STEPS = 2.0**17
"""TFLM ends the process where an ADD's or SUB's output scale is 2^20 times smaller than its inputs'."""

HARD_SWISH_SCALES = (2.0**-20, 2.0**22)
LEAST_SOFTMAX_SCALE = 2.0**-24
"""TFLM ends the process, or shifts by more than it can, outside of these."""

SCALES = (2.0**-60, 2.0**60)


class FarLayers(MoreLayers):
    """:class:`MoreLayers` with scales of outputs, and of channels of weights, that are orders of magnitude apart."""

    _most_steps = 2.0**38

    def is_moderate(self, *tensors: int) -> bool:
        return SCALES[0] < math.prod(self._rms[tensor] for tensor in tensors) < SCALES[1]

    def activation(self, builtin: str, x: int) -> int:
        if builtin == "HARD_SWISH" and not HARD_SWISH_SCALES[0] < self._scale(x) < HARD_SWISH_SCALES[1]:
            builtin = "ABS"
        return super().activation(builtin, x)

    def pixel_softmax(self, x: int, beta: float = 1.0) -> int:
        return super().pixel_softmax(x, beta) if self._scale(x) * beta > LEAST_SOFTMAX_SCALE else x

    def softmax(self, x: int) -> int:
        return super().softmax(x) if self._scale(x) > LEAST_SOFTMAX_SCALE else x

    def _scale(self, x: int) -> float:
        quantization = self.tensors[x].quantization
        assert quantization is not None
        return quantization.scale[0]

    def _steps(self) -> float:
        if self.random.random() < 0.5:
            return super()._steps()
        return float(2.0 ** self.random.uniform(-34, np.log2(self._most_steps)))

    def _exponents(self, channels: int) -> npt.NDArray[np.float64]:
        if self.random.random() < 0.6:
            return super()._exponents(channels)
        return self._values.uniform(-25, 25, channels)

    def _activation(
        self, shape: tuple[int, ...], rms: float, scale: float | None = None, zero: int | None = None
    ) -> int:
        if scale is None:
            scale = float(np.clip(rms / self._steps(), *SCALES))
        return super()._activation(shape, rms, scale, zero)

    def _binary(self, builtin: str, a: int, b: int, rms: float, activation: int) -> int:
        self._most_steps = MOST_SUM_STEPS if builtin in ("ADD", "SUB") else FarLayers._most_steps
        try:
            return super()._binary(builtin, a, b, rms, activation)
        finally:
            self._most_steps = FarLayers._most_steps


class FarNetwork(WideNetwork):
    """A random network of :class:`FarLayers`."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.layers = self.more = FarLayers(random)


def far_network(seed: int) -> Model:
    """The network of a seed."""
    return FarNetwork(Random(f"far {seed}")).make()


def shifts_of(network: Network) -> Iterator[tuple[StageOp, int]]:
    """Every operator's requantisation shifts."""
    for stage in (unit.stage for unit in network.units):
        if stage is not None:
            yield from ((stage.op, shift) for shift in _shifts(stage))


def _shifts(stage: Stage) -> list[int]:
    if stage.requantization is not None:
        return [int(shift) for shift in stage.requantization.shifts]
    if stage.op in (StageOp.ADD, StageOp.SUB, StageOp.MUL, StageOp.PRELU):
        return list(stage.args[1::2])
    return [stage.args[2]] if stage.op is StageOp.GLOBAL_POOL and stage.args[0] else []


def compare(seed: int) -> int:
    """Rewrites the network of a seed in up to four ways and compares each with TFLM.

    Returns:
        How many ways; 0 if TFLM refuses the network itself.

    Raises:
        AssertionError: naming the seed, if a bit differs.
    """
    random = Random(seed)
    try:
        original = Original(far_network(seed))
    except MsfError:
        return 0
    paths = [*pareto_paths(original.network, most=2), random_path(original.network, random)]
    chosen = list(dict.fromkeys(paths))[:2]
    try:
        for path in chosen:
            for weights in Weights:
                original.assert_exact(path, weights)
    except (AssertionError, MsfError) as error:
        raise AssertionError(f"far_network({seed}): {error}") from error
    return len(chosen) * len(Weights)


@click.command()
@click.option("--pairs", default=5000, show_default=True, help="Rewrites to compare.")
@click.option("--first-seed", default=0, show_default=True)
def main(pairs: int, first_seed: int) -> None:
    """Compares rewrites of networks with scales far apart with stock TFLM."""
    done, refused, differing, seed = 0, 0, 0, first_seed
    shifts: Counter[tuple[StageOp, int]] = Counter()
    while done < pairs:
        compared, said = _try(seed)
        if said:
            click.echo(said)
        done += compared
        differing += said != ""
        refused += compared == 0 and not said
        shifts.update(shifts_of(build_network(far_network(seed).main)))
        seed += 1
    click.echo(f"{done:,} pairs of {seed - first_seed:,} networks, {refused} refused by TFLM, {differing} differ.")
    for op in dict.fromkeys(op for op, _ in sorted(shifts)):
        found = {shift: count for (other, shift), count in shifts.items() if other is op}
        far = sum(count for shift, count in found.items() if abs(shift) >= 8)
        click.echo(f"{op.name}: shifts {min(found)} to {max(found)}, {far:,} of {sum(found.values()):,} beyond 7")


def _try(seed: int) -> tuple[int, str]:
    """How many rewrites were compared, and what differs."""
    try:
        return compare(seed), ""
    except AssertionError as error:
        return 0, str(error)


if __name__ == "__main__":
    main()
