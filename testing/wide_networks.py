"""Random networks of all kinds of operators."""

from __future__ import annotations

from random import Random

from testing.layers import NONE, Geometry, Layers, Weighting
from testing.networks import RandomNetwork
from testing.operators import MoreLayers
from tflm_msf.graph import Model

ACTIVATIONS = ["LOGISTIC", "TANH", "HARD_SWISH", "LEAKY_RELU", "ABS"]


class WideNetwork(RandomNetwork):
    """A random network in which every second step is one of the operators of :class:`MoreLayers`."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.more = MoreLayers(random)
        self.layers: Layers = self.more
        more = [self.activate, self.activate, self.bound, self.slope, self.pads, self.larger, self.softmax]
        more += [self.enlarge, self.enlarge, self.deconvolve, self.spread, self.zoom_out_and_in]
        more += [self.join, self.join, self.stack, self.part, self.crop, self.blocks, self.shuffle]
        more += [self.grouped, self.grouped, self.gather, self.groups_shuffled, self.distance]
        self.steps = [*self.steps, *more * 2]

    def activate(self, x: int) -> int:
        return self.more.activation(self.random.choice(ACTIVATIONS), x)

    def bound(self, x: int) -> int:
        return self.more.compare(self.random.choice(["MAXIMUM", "MINIMUM"]), x, self.operand(x))

    def slope(self, x: int) -> int:
        return self.more.prelu(x, self.operand(x))

    def larger(self, x: int) -> int:
        """The larger of a map and what a path of its own makes of it."""
        y = self.same_size_as(x, x)
        return self.more.compare(self.random.choice(["MAXIMUM", "MINIMUM"]), *self.shuffled(x, y))

    def softmax(self, x: int) -> int:
        channels = self.random.randint(2, 20)
        return self.more.pixel_softmax(
            self.layers.conv(x, channels, Geometry((1, 1)), Weighting(NONE)), self.random.uniform(0.3, 2)
        )

    def pads(self, x: int) -> int:
        shape = self.layers.shape(x)
        amounts = [[0, 0], *([self.random.randint(0, 2), self.random.randint(0, 2)] for _ in range(3))]
        if self.chance(0.5):
            amounts[3] = [0, 0]
        if max(shape[1:3]) > 24 or shape[3] > 20:
            return x
        return self.more.pads(x, amounts, self.random.choice([None, self.random.randint(-128, 127)]))

    def join(self, x: int) -> int:
        """What one to three paths make of a map, the map itself perhaps among them, one behind the other."""
        count = self.random.randint(2, 3)
        parts = [x if self.chance(0.3) else self.same_size_as(x, x) for _ in range(count)]
        return self.more.concatenate(*parts) if self.layers.shape(x)[3] * count <= 40 else x

    def stack(self, x: int) -> int:
        """Rows of a map behind those of another one."""
        return self.more.append(x, self.same_size_as(x, x)) if self.layers.shape(x)[1] <= 24 else x

    def shuffle(self, x: int) -> int:
        """A map in two halves, of which one goes through another path, and back together."""
        channels = self.layers.shape(x)[3]
        if channels < 2:
            return x
        if channels % 2 == 0:
            left, right = self.more.split(x, 3, 2)
        else:
            left, right = self.more.split_sizes(x, 3, [channels // 2, -(-channels // 2)])
        return self.more.concatenate(right, self.same_size_as(left, left))

    def grouped(self, x: int) -> int:
        depth = self.layers.shape(x)[3]
        groups = self.random.choice([count for count in range(1, depth + 1) if depth % count == 0])
        of_group = self.random.randint(1, max(1, 20 // groups))
        geometry = self.geometry(x, cost=depth * of_group)
        return self.layers.grouped(x, groups, of_group, geometry, self.weighting())

    def gather(self, x: int) -> int:
        """Some channels in any order, or rows in regular steps."""
        shape = self.layers.shape(x)
        if self.chance(0.3):
            return self.more.reverse(x, 3)
        if self.chance(0.3):
            return self.more.gather(
                x, 1, list(range(self.random.randrange(shape[1]), shape[1], self.random.randint(1, 3)))
            )
        return self.more.gather(x, 3, [self.random.randrange(shape[3]) for _ in range(self.random.randint(1, 12))])

    def groups_shuffled(self, x: int) -> int:
        depth = self.layers.shape(x)[3]
        return self.more.channel_shuffle(x, self.random.choice([g for g in range(1, depth + 1) if depth % g == 0]))

    def distance(self, x: int) -> int:
        y = self.same_size_as(x, x)
        return self.more.squared_difference(x, y) if self.layers.is_moderate(x, y) else x

    def end(self, x: int) -> int:
        """At times float numbers, or the number of the greatest channel."""
        kind = self.random.choice(["DEQUANTIZE", "ARG_MAX", "ARG_MIN"])
        if self.chance(0.7):
            return x
        return self.more.to_float(x) if kind == "DEQUANTIZE" else self.more.arg(kind, x)

    def part(self, x: int) -> int:
        shape = self.layers.shape(x)
        axis = self.random.choice([1, 2, 3])
        counts = [count for count in (1, 2, 3, 4) if shape[axis] % count == 0]
        return self.random.choice(self.more.split(x, axis, self.random.choice(counts)))

    def crop(self, x: int) -> int:
        shape = self.layers.shape(x)
        begin = [0, *(self.random.randint(0, size - 1) for size in shape[1:])]
        end = [1, *(self.random.randint(b + 1, size) for b, size in zip(begin[1:], shape[1:], strict=True))]
        if self.chance(0.5):
            return self.more.slice(x, begin, [e - b for b, e in zip(begin, end, strict=True)])
        steps = [1, self.random.randint(1, 3), self.random.randint(1, 3), 1]
        masks = {"begin_mask": self.random.randint(0, 15), "end_mask": self.random.randint(0, 15)}
        return self.more.strided_slice(x, begin, end, steps, **masks)

    def blocks(self, x: int) -> int:
        _, h, w, c = self.layers.shape(x)
        fitting = [block for block in (1, 2, 3) if h % block == w % block == 0 and c * block * block <= 40]
        return self.more.space_to_depth(x, self.random.choice(fitting)) if fitting else x

    def enlarge(self, x: int) -> int:
        """To another size, mostly a small multiple, by either kind of resizing."""
        _, h, w, _ = self.layers.shape(x)
        factors = self.random.randint(1, 3), self.random.randint(1, 3)
        size = h * factors[0], w * factors[1]
        if self.chance(0.2):
            size = max(1, h * factors[0] // 2), max(1, w * factors[1] // 2)
        if self.chance(0.2):
            size = self.random.randint(1, 40), self.random.randint(1, 40)
        if max(size) > 48:
            return x
        if self.chance(0.3):
            return self.more.resize(x, *size, self.chance(0.5), False, aligned=True)
        return self.more.resize(x, *size, self.chance(0.5), self.chance(0.5))

    def deconvolve(self, x: int) -> int:
        _, h, w, c = self.layers.shape(x)
        kernel, stride = (self.random.randint(1, 5), self.random.randint(1, 5)), (self.random.randint(1, 3),) * 2
        channels = self.random.randint(1, 6)
        small = max(h, w) * stride[0] + 5 <= 50 and h * w * kernel[0] * kernel[1] * c * channels < 300_000
        geometry = Geometry(kernel, stride, same=self.chance(0.5))
        return self.more.transpose_conv(x, channels, geometry, self.weighting()) if small else x

    def spread(self, x: int) -> int:
        _, h, w, c = self.layers.shape(x)
        blocks = [block for block in (1, 2, 3) if c % (block * block) == 0 and max(h, w) * block <= 48]
        return self.more.depth_to_space(x, self.random.choice(blocks)) if blocks else x

    def zoom_out_and_in(self, x: int) -> int:
        """A U: a smaller map, something done there, the old size again, and both together."""
        _, h, w, _ = self.layers.shape(x)
        factors = [factor for factor in (2, 3) if h % factor == w % factor == 0]
        if not factors:
            return x
        factor = self.random.choice(factors)
        window = Geometry((factor, factor), (factor, factor), same=False)
        y = self.same_size(self.layers.max_pool(x, window))
        y = self.more.resize(y, h, w, self.chance(0.5), self.chance(0.7))
        if self.chance(0.5) and self.layers.shape(x)[3] <= 20:
            return self.more.concatenate(x, y)
        shape = self.layers.shape(x)
        y = y if self.layers.shape(y) == shape else self.layers.conv(y, shape[3], Geometry((1, 1)), self.weighting())
        return self.combine(x, y)


def random_wide_network(random: Random) -> Model:
    """A network of all kinds of operators."""
    return WideNetwork(random).make()
