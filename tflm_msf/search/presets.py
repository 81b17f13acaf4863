"""Prior art as restrictions of the schedule space, for side-by-side tables.

A preset allows some of the blocks and schedules that :mod:`tflm_msf.blocks.schedule` knows, so every plan of every
preset runs on the same kernels and gives the same bits, and nothing but the space differs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum

from tflm_msf.blocks.block import Candidate
from tflm_msf.blocks.schedule import CHUNK_PIXELS
from tflm_msf.network.units import Network
from tflm_msf.search.dag import find_edges
from tflm_msf.search.edge import Edge
from tflm_msf.search.effort import UNLIMITED, Effort

Admit = Callable[[Candidate], Candidate | None]


class Preset(str, Enum):
    """A restriction of the schedule space.

    * ``layerwise``: every unit a block of its own with whole feature maps between them, as TFLM runs a model.
    * ``mcunetv2``: one head (from the first unit that can be fused on) in two or more strips whose halos are computed
      anew, the rest layer by layer. MCUNetV2 (arXiv 2110.15352) cuts its head into patches both ways; strips keep
      what patches would compute twice along the height, so this is the kinder side of it: the same RAM or less, at
      fewer MACs.
    * ``streamnet``: one head as in ``mcunetv2``, which may also keep whole rows, so that nothing is computed twice
      (StreamNet, NeurIPS 2023), the rest layer by layer.
    * ``msf-cnn``: any number of blocks, each one output element wide and cached along the other axis (the H-cache of
      msf-CNN, arXiv 2505.11483, up to transposition). A block never writes over its input.
    * ``full``: everything there is.
    """

    LAYERWISE = "layerwise"
    MCUNETV2 = "mcunetv2"
    STREAMNET = "streamnet"
    MSF_CNN = "msf-cnn"
    FULL = "full"


def preset_edges(network: Network, preset: Preset, effort: Effort = UNLIMITED, chunk: int = CHUNK_PIXELS) -> list[Edge]:
    """The fusion DAG's edges that ``preset`` allows, in such chunks; always enough of them for a plan."""
    return find_edges(network, _ADMIT[preset](network), effort, chunk=chunk)


def _output_width(network: Network, candidate: Candidate) -> int:
    return network.stage(candidate.last).output_map.w


def _apart(candidate: Candidate) -> Candidate:
    """The candidate with its output beside its input."""
    return candidate._replace(overlap_input=None, overlap=0)


def _is_whole_unit(network: Network, candidate: Candidate) -> bool:
    return candidate.first == candidate.last and candidate.schedule.tile_w == _output_width(network, candidate)


def _layerwise(network: Network) -> Admit:
    return lambda candidate: _apart(candidate) if _is_whole_unit(network, candidate) else None


def _one_head(network: Network, least_strips: int) -> Admit:
    head = next((index for index, unit in enumerate(network.units) if unit.stage is not None), 0)

    def admit(candidate: Candidate) -> Candidate | None:
        strips = -(-_output_width(network, candidate) // candidate.schedule.tile_w)
        is_head = candidate.first == head and candidate.last > head and strips >= least_strips
        return (
            _apart(candidate) if (is_head and not candidate.recomputes) or _is_whole_unit(network, candidate) else None
        )

    return admit


def _mcunetv2(network: Network) -> Admit:
    return _one_head(network, least_strips=2)


def _streamnet(network: Network) -> Admit:
    return _one_head(network, least_strips=1)


def _msf_cnn(network: Network) -> Admit:
    def admit(candidate: Candidate) -> Candidate | None:
        is_block = candidate.last > candidate.first and candidate.schedule.tile_w == 1 and not candidate.recomputes
        return _apart(candidate) if is_block or _is_whole_unit(network, candidate) else None

    return admit


def _full(_: Network) -> None:
    return None


_ADMIT: Mapping[Preset, Callable[[Network], Admit | None]] = {
    Preset.LAYERWISE: _layerwise,
    Preset.MCUNETV2: _mcunetv2,
    Preset.STREAMNET: _streamnet,
    Preset.MSF_CNN: _msf_cnn,
    Preset.FULL: _full,
}
