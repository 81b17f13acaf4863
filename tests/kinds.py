"""Small networks of the kinds that people deploy, in odd sizes: detection, segmentation, attention, audio."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from testing.layers import NONE, RELU, RELU6, Geometry, Weighting
from testing.operators import MoreLayers
from tflm_msf.graph import DType, Model

POINT = Geometry((1, 1))
THREE = Geometry((3, 3))
HALF = Geometry((3, 3), (2, 2))
PLAIN = Weighting()


class Kinds(MoreLayers):
    """Layers, and the building blocks that networks of several kinds share."""

    def stem(self, channels: int, *shape: int, activation: int = RELU6) -> int:
        """An image, and a convolution that halves it."""
        return self.conv(self.input(1, *shape), channels, HALF, Weighting(activation))

    def separable(self, x: int, channels: int, geometry: Geometry = THREE) -> int:
        """MobileNet's depthwise and pointwise convolution."""
        return self.conv(self.depthwise(x, 1, geometry, Weighting(RELU6)), channels, POINT, Weighting(RELU6))

    def inverted(self, x: int, expansion: int) -> int:
        """MobileNetV2's block with its residual connection."""
        channels = self.shape(x)[3]
        y = self.conv(x, expansion * channels, POINT, Weighting(RELU6))
        y = self.depthwise(y, 1, THREE, Weighting(RELU6))
        return self.add(x, self.conv(y, channels, POINT, PLAIN))

    def fire(self, x: int, squeezed: int, expanded: int) -> int:
        """SqueezeNet's module: two convolutions of the same squeezed map, side by side."""
        y = self.conv(x, squeezed, POINT, Weighting(RELU))
        one, three = self.conv(y, expanded, POINT, Weighting(RELU)), self.conv(y, expanded, THREE, Weighting(RELU))
        return self.concatenate(one, three)

    def gated(self, x: int, hidden: int, gate: str) -> int:
        """Squeeze-and-excite: channels scaled by what a small network makes of their means."""
        y = self.conv(self.mean(x, keep_dims=True), hidden, POINT, Weighting(RELU))
        return self.mul(x, self.activation(gate, self.conv(y, self.shape(x)[3], POINT, PLAIN)))

    def double(self, x: int, bilinear: bool) -> int:
        """A map of twice the height and width."""
        _, h, w, _ = self.shape(x)
        return self.resize(x, 2 * h, 2 * w, bilinear, half_pixel=True)

    def classes(self, x: int, count: int) -> int:
        """Mean, dense layer, softmax."""
        return self.softmax(self.dense(self.mean(x, keep_dims=False), count, PLAIN))


def ssd_heads(layers: Kinds) -> list[int]:
    """Boxes and scores from two scales, each flattened."""
    fine = layers.separable(layers.stem(6, 21, 27, 3), 10)
    coarse = layers.separable(fine, 12, HALF)
    ends = []
    for kind in (4, 3):
        for scale in (fine, coarse):
            y = layers.conv(scale, 2 * kind, THREE, PLAIN)
            _, h, w, _ = layers.shape(y)
            ends.append(layers.reshape(y, 1, h * w * 2, kind))
    return ends


def feature_pyramid(layers: Kinds) -> list[int]:
    """Three scales, the coarse ones enlarged and added to the finer ones."""
    one = layers.stem(6, 24, 40, 3)
    two = layers.separable(one, 8, HALF)
    three = layers.separable(two, 12, HALF)
    top = layers.conv(three, 5, POINT, PLAIN)
    middle = layers.add(layers.conv(two, 5, POINT, PLAIN), layers.double(top, bilinear=False))
    bottom = layers.add(layers.conv(one, 5, POINT, PLAIN), layers.double(middle, bilinear=False))
    return [layers.conv(scale, 4, THREE, PLAIN) for scale in (bottom, middle, top)]


def yolo_with_route(layers: Kinds) -> list[int]:
    """Tiny YOLO: max pools, a route back to an earlier map, two heads."""
    x = layers.conv(layers.input(1, 24, 20, 3), 6, THREE, PLAIN)
    x = layers.max_pool(layers.activation("LEAKY_RELU", x), Geometry((2, 2), (2, 2)))
    early = layers.activation("LEAKY_RELU", layers.conv(x, 10, THREE, PLAIN))
    late = layers.conv(layers.max_pool(early, Geometry((2, 2), (2, 2))), 12, THREE, PLAIN)
    up = layers.double(layers.conv(late, 6, POINT, PLAIN), bilinear=False)
    return [layers.conv(late, 9, POINT, PLAIN), layers.conv(layers.concatenate(up, early), 9, POINT, PLAIN)]


def fire_modules(layers: Kinds) -> list[int]:
    """SqueezeNet."""
    x = layers.max_pool(layers.stem(8, 25, 19, 3, activation=RELU), HALF)
    x = layers.fire(layers.fire(x, 3, 6), 4, 7)
    return [layers.mean(layers.conv(x, 5, POINT, Weighting(RELU)), keep_dims=True)]


def u_net_resized(layers: Kinds) -> list[int]:
    """Segmentation: down, and up again by bilinear resizing, with skips."""
    one = layers.conv(layers.input(1, 20, 28, 3), 4, THREE, Weighting(RELU))
    two = layers.conv(layers.max_pool(one, Geometry((2, 2), (2, 2))), 8, THREE, Weighting(RELU))
    three = layers.conv(layers.max_pool(two, Geometry((2, 2), (2, 2))), 12, THREE, Weighting(RELU))
    x = layers.conv(layers.concatenate(two, layers.double(three, bilinear=True)), 8, THREE, Weighting(RELU))
    x = layers.conv(layers.concatenate(one, layers.double(x, bilinear=True)), 4, THREE, Weighting(RELU))
    return [layers.activation("LOGISTIC", layers.conv(x, 1, POINT, PLAIN))]


def u_net_transposed(layers: Kinds) -> list[int]:
    """Segmentation with TRANSPOSE_CONV."""
    one = layers.separable(layers.input(1, 18, 22, 2), 4)
    two = layers.separable(layers.max_pool(one, Geometry((2, 2), (2, 2))), 8)
    x = layers.transpose_conv(two, 4, Geometry((3, 3), (2, 2)), PLAIN)
    return [layers.pixel_softmax(layers.conv(layers.concatenate(x, one), 3, POINT, PLAIN))]


def efficient_gates(layers: Kinds) -> list[int]:
    """EfficientNet: gates inside of residual blocks."""
    x = layers.stem(6, 19, 23, 3)
    y = layers.depthwise(layers.conv(x, 18, POINT, Weighting(RELU6)), 1, THREE, Weighting(RELU6))
    x = layers.add(x, layers.conv(layers.gated(y, 3, "LOGISTIC"), 6, POINT, PLAIN))
    return [layers.classes(layers.separable(x, 9, HALF), 4)]


def hard_swish_gates(layers: Kinds) -> list[int]:
    """MobileNetV3: HARD_SWISH around a gate."""
    x = layers.activation("HARD_SWISH", layers.conv(layers.input(1, 22, 17, 3), 8, HALF, PLAIN))
    y = layers.activation("HARD_SWISH", layers.depthwise(x, 1, Geometry((5, 5)), PLAIN))
    y = layers.conv(layers.gated(y, 2, "LOGISTIC"), 8, POINT, PLAIN)
    return [layers.classes(layers.activation("HARD_SWISH", layers.add(x, y)), 5)]


def audio_along_time(layers: Kinds) -> list[int]:
    """Keyword spotting with 1-D convolutions on a column: time is the height."""
    x = layers.conv(layers.input(1, 49, 1, 10), 16, Geometry((9, 1), (2, 1)), Weighting(RELU))
    for dilation in (1, 2):
        y = layers.depthwise(x, 1, Geometry((5, 1), dilation=(dilation, 1)), Weighting(RELU))
        x = layers.add(x, layers.conv(y, 16, POINT, PLAIN))
    return [layers.classes(x, 4)]


def audio_along_width(layers: Kinds) -> list[int]:
    """The same along a row: time is the width."""
    x = layers.conv(layers.input(1, 1, 61, 8), 12, Geometry((1, 9), (1, 2)), Weighting(RELU))
    y = layers.depthwise(x, 1, Geometry((1, 5), dilation=(1, 2)), Weighting(RELU))
    return [layers.classes(layers.separable(layers.add(x, layers.conv(y, 12, POINT, PLAIN)), 9), 4)]


def spectrogram(layers: Kinds) -> list[int]:
    """DS-CNN on 49 frames of 10 features."""
    x = layers.conv(layers.input(1, 49, 10, 1), 8, Geometry((10, 4), (2, 2)), Weighting(RELU))
    x = layers.separable(layers.separable(x, 8), 8)
    x = layers.average_pool(x, Geometry(layers.shape(x)[1:3], same=False))  # type: ignore[arg-type]
    return [layers.softmax(layers.dense(layers.reshape(x, 1, 8), 6, PLAIN))]


def residual_prelu(layers: Kinds) -> list[int]:
    """ResNet with learned slopes, as face recognition has them."""
    x = layers.prelu(layers.conv(layers.input(1, 23, 15, 3), 6, HALF, PLAIN), layers.constant(1, 1, 6))
    y = layers.prelu(layers.conv(x, 6, THREE, PLAIN), layers.constant(1, 1, 6))
    x = layers.add(x, layers.conv(y, 6, THREE, PLAIN))
    return [layers.dense(layers.depthwise(x, 1, HALF, PLAIN), 7, PLAIN)]


def residual_leaky(layers: Kinds) -> list[int]:
    """Residual blocks with LEAKY_RELU behind the sum, the second one on a smaller map."""
    x = layers.stem(5, 26, 21, 2, activation=NONE)
    for stride in (1, 2):
        window = Geometry((3, 3), (stride, stride))
        y = layers.conv(layers.activation("LEAKY_RELU", layers.conv(x, 7, window, PLAIN)), 7, THREE, PLAIN)
        short = layers.conv(x, 7, Geometry((1, 1), (stride, stride)), PLAIN)
        x = layers.activation("LEAKY_RELU", layers.add(y, short))
    return [x]


def inverted_residuals(layers: Kinds) -> list[int]:
    """MobileNetV2."""
    x = layers.inverted(layers.inverted(layers.stem(4, 27, 29, 3), 4), 3)
    return [layers.classes(layers.conv(x, 12, POINT, Weighting(RELU6)), 3)]


def padded_constants(layers: Kinds) -> list[int]:
    """PADV2 with a constant of its own, PAD that a convolution swallows, PAD of channels."""
    x = layers.pads(layers.input(1, 17, 13, 3), [[0, 0], [1, 2], [2, 1], [0, 0]], value=7)
    x = layers.conv(x, 6, Geometry((3, 3), same=False), Weighting(RELU))
    y = layers.conv(layers.pad(x, 0, 1, 0, 1), 4, Geometry((3, 3), (2, 2), same=False), PLAIN)
    y = layers.pads(layers.conv(y, 4, THREE, PLAIN), [[0, 0], [0, 0], [0, 0], [1, 1]])
    return [layers.depthwise(y, 1, THREE, PLAIN)]


def shuffled_halves(layers: Kinds) -> list[int]:
    """ShuffleNetV2: a map in two halves, one of which is worked on."""
    x = layers.stem(8, 22, 26, 3)
    for _ in range(2):
        left, right = layers.split(x, 3, 2)
        x = layers.concatenate(layers.separable(right, 4), left)
    return [layers.classes(x, 5)]


def cropped(layers: Kinds) -> list[int]:
    """STRIDED_SLICE of every second row and column, SLICE of the middle, both joined."""
    x = layers.conv(layers.input(1, 24, 18, 3), 6, THREE, Weighting(RELU))
    coarse = layers.strided_slice(x, [0, 0, 0, 0], [1, 24, 18, 6], [1, 2, 2, 1])
    middle = layers.slice(x, [0, 6, 4, 1], [1, 12, 9, 4])
    return [layers.conv(layers.concatenate(coarse, layers.conv(middle, 5, THREE, PLAIN)), 4, THREE, PLAIN)]


def focus(layers: Kinds) -> list[int]:
    """YOLOv5's SPACE_TO_DEPTH in front, DEPTH_TO_SPACE at the end: super-resolution of what is seen at half size."""
    x = layers.separable(layers.space_to_depth(layers.input(1, 26, 22, 3), 2), 10)
    return [layers.depth_to_space(layers.conv(layers.inverted(x, 2), 12, THREE, PLAIN), 2)]


def float_ends(layers: Kinds) -> list[int]:
    """Float input and output."""
    x = layers.quantized_input(DType.FLOAT32, (1, 21, 17, 3), 1 / 255, -128)
    x = layers.separable(layers.conv(x, 6, HALF, Weighting(RELU)), 9)
    return [layers.to_float(layers.classes(x, 6))]


def uint8_ends(layers: Kinds) -> list[int]:
    """Input and output of type uint8; the output is a map."""
    x = layers.quantized_input(DType.UINT8, (1, 19, 25, 3), 1 / 128, 0)
    return [layers.to_uint8(layers.inverted(layers.conv(x, 6, HALF, PLAIN), 3))]


def two_inputs(layers: Kinds) -> list[int]:
    """Two frames: their difference, its larger part, and what changed."""
    before, after = layers.input(1, 18, 20, 2), layers.input(1, 18, 20, 2)
    x = layers.separable(layers.activation("ABS", layers.sub(after, before)), 6)
    return [layers.compare("MAXIMUM", layers.conv(x, 6, THREE, PLAIN), x)]


def normalised(layers: Kinds) -> list[int]:
    """Batch normalisation that was not folded: MUL and ADD of constants behind every convolution."""
    x = layers.input(1, 20, 23, 3)
    for channels, geometry in ((5, HALF), (8, THREE)):
        x = layers.mul(layers.conv(x, channels, geometry, PLAIN), layers.constant(1, 1, 1, channels))
        x = layers.add(x, layers.constant(1, 1, 1, channels), RELU)
    return [layers.classes(x, 4)]


def electrodes(layers: Kinds) -> list[int]:
    """EEGNet: filters along time, weights across electrodes, pools along time."""
    x = layers.conv(layers.input(1, 7, 44, 1), 3, Geometry((1, 16)), PLAIN)
    x = layers.depthwise(x, 2, Geometry((7, 1), same=False), PLAIN)
    x = layers.average_pool(layers.activation("LEAKY_RELU", x), Geometry((1, 4), (1, 4), same=False))
    x = layers.conv(layers.depthwise(x, 1, Geometry((1, 5)), PLAIN), 6, POINT, PLAIN)
    x = layers.average_pool(layers.activation("LEAKY_RELU", x), Geometry((1, 3), (1, 3), same=False))
    return [layers.softmax(layers.dense(x, 4, PLAIN))]


def auto_encoder(layers: Kinds) -> list[int]:
    """Down by strides, up by TRANSPOSE_CONV and TANH, on a map that is no multiple of them."""
    x = layers.conv(layers.stem(6, 21, 13, 2, activation=RELU), 3, HALF, Weighting(RELU))
    x = layers.transpose_conv(x, 6, Geometry((2, 2), (2, 2), same=False), Weighting(RELU))
    return [layers.activation("TANH", layers.transpose_conv(x, 2, HALF, PLAIN))]


def spatial_pyramid(layers: Kinds) -> list[int]:
    """DeepLab's dilated convolutions side by side, with a pooled branch."""
    x = layers.stem(6, 28, 24, 3)
    branches = [layers.conv(x, 4, Geometry((3, 3), dilation=(d, d)), Weighting(RELU)) for d in (1, 2, 3)]
    branches.append(layers.conv(layers.average_pool(x, THREE), 4, POINT, Weighting(RELU)))
    return [layers.pixel_softmax(layers.conv(layers.concatenate(*branches), 3, POINT, PLAIN))]


def u_net_aligned(layers: Kinds, size: int = 28, width: int = 4) -> list[int]:
    """A U-Net that goes up by bilinear resizing with aligned corners, and ends in the number of each pixel's class."""
    x = layers.conv(layers.input(1, size + 4, size, 3), width, THREE, Weighting(RELU))
    skips = []
    for channels in (2 * width, 3 * width):
        skips.append(x)
        x = layers.conv(layers.max_pool(x, Geometry((2, 2), (2, 2), same=False)), channels, THREE, Weighting(RELU))
    for skip in reversed(skips):
        _, h, w, channels = layers.shape(skip)
        x = layers.resize(x, h, w, bilinear=True, half_pixel=False, aligned=True)
        x = layers.conv(layers.concatenate(skip, x), channels, THREE, Weighting(RELU))
    return [layers.arg("ARG_MAX", layers.conv(x, 3, POINT, PLAIN))]


def shuffled_groups(layers: Kinds) -> list[int]:
    """ShuffleNet's grouped convolutions with a shuffle between them, and the largest value of each map at the end."""
    x = layers.stem(8, 24, 24, 3)
    for _ in range(2):
        y = layers.channel_shuffle(layers.grouped(x, 2, 4, POINT, Weighting(RELU)), 2)
        y = layers.depthwise(y, 1, THREE, PLAIN)
        x = layers.add(x, layers.grouped(y, 2, 4, POINT, PLAIN), RELU)
    return [layers.softmax(layers.dense(layers.reduce_max(x, keep_dims=False), 4, PLAIN))]


KINDS: Mapping[str, Callable[[Kinds], list[int]]] = {
    make.__name__: make
    for make in (
        ssd_heads,
        feature_pyramid,
        yolo_with_route,
        fire_modules,
        u_net_resized,
        u_net_transposed,
        efficient_gates,
        hard_swish_gates,
        audio_along_time,
        audio_along_width,
        spectrogram,
        residual_prelu,
        residual_leaky,
        inverted_residuals,
        padded_constants,
        shuffled_halves,
        cropped,
        focus,
        float_ends,
        uint8_ends,
        two_inputs,
        normalised,
        auto_encoder,
        spatial_pyramid,
        u_net_aligned,
        shuffled_groups,
        electrodes,
    )
}


def network(name: str) -> Model:
    """The network of a kind, always the same."""
    layers = Kinds(Random(name))
    return layers.model(KINDS[name](layers))
