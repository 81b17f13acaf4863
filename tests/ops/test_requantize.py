"""Fixed-point multipliers of many channels at once are those of each."""

from __future__ import annotations

from random import Random

from tflm_msf.graph.fixed_point import quantize_multiplier, quantize_multipliers


def test_many_at_once_are_what_each_is() -> None:
    random = Random(0)
    reals = [random.choice((-1, 1)) * random.uniform(0.5, 1) * 2.0 ** random.randint(-40, 40) for _ in range(5000)]
    reals += [0.0, 1.0, 0.5, 2.0**-31, 2.0**-32, 2.0**-33, 1 - 2.0**-33, 1 - 2.0**-31, 1 - 2.0**-32]
    multipliers, shifts = quantize_multipliers(reals)
    expected = [quantize_multiplier(real) for real in reals]
    assert list(zip(multipliers.tolist(), shifts.tolist(), strict=True)) == expected
