"""One inference whose result is known, for a device to compare its own with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tflm_msf.arena import Target, refusals
from tflm_msf.camera import Camera, network_image
from tflm_msf.errors import MsfError
from tflm_msf.files import read_bytes
from tflm_msf.graph import Graph, Model
from tflm_msf.graph.step import Step
from tflm_msf.inputs import Array, load_input, make_inputs
from tflm_msf.int8_ends import Int8Ends
from tflm_msf.program.decode import is_streamed
from tflm_msf.runtime.blocks import BlocksSession
from tflm_msf.runtime.generations import TargetSession
from tflm_msf.runtime.native import NoInterpreterError, load_tflm, row_source
from tflm_msf.tflite_io import read_model
from tflm_msf.verify.frames import frame_inputs, image_of, load_frame, make_frames
from tflm_msf.verify.sequence import Turn, goes_on, turns

_SEED = 0
_SMOOTH = 1
"""Which of the made-up inputs: waves, which excite a network more than noise does."""

_STEPS = 4
"""Inferences of a model that keeps a state, if it does not say how many it takes."""


@dataclass(frozen=True)
class Case:
    """Inputs as the rewritten model takes them (a streamed one as the rows of its image, or of a camera's), and what
    came out.

    A model that keeps a state gets them in so many ``steps``, a part of each input after the other; what comes out of
    the last one counts.
    ``differs`` says that the outputs are those of a TFLM that computes otherwise than the one on this computer.
    ``by_tflm`` is False where there is no TFLM: then the outputs are what the kernels gave, compiled for this computer.
    """

    inputs: tuple[Array, ...]
    outputs: tuple[Array, ...]
    differs: bool = False
    by_tflm: bool = True
    steps: int = 1


@dataclass(frozen=True)
class Frame:
    """What a camera sends once: all rows of its image, ``data``."""

    camera: Camera
    data: bytes

    @classmethod
    def of(cls, camera: Camera, file: Path | None) -> Frame:
        """From a file of the camera's bytes, or made up. Raises MsfError for a file of another size."""
        return cls(camera, load_frame(camera, file) if file else make_frames(camera, _SMOOTH + 1, _SEED)[_SMOOTH])

    @property
    def values(self) -> Array:
        """Its bytes."""
        return np.frombuffer(self.data, np.uint8)


def make_case(
    rewritten: bytes,
    original: bytes | None,
    input_file: Path | None,
    source: str,
    target: Target | None = None,
    frame: Frame | None = None,
) -> Case:
    """Runs the model in the TFLM interpreter of this computer.

    Where there is none, the kernels run it alone, if it is all blocks. Nothing is compared with the original then.

    Args:
        rewritten: the ``.tflite`` file that goes onto the device.
        original: what it was made from, which has the last word on what is right; None if that is not known. One that
            TFLM refuses has none.
        input_file: raw values of the one input (of the original, where it is given); made up from a seed if None.
        source: what to call the model in messages.
        target: the build of TFLM that it runs in, if one is named.
        frame: what a camera sends, instead of an input.

    Raises:
        MsfError: if a model does not run, if the file is not one input, or if both models disagree.
    """
    try:
        load_tflm()
    except NoInterpreterError:
        return _case_without_tflm(rewritten, original, input_file, source, frame)
    after = TargetSession(rewritten, target, source)
    if original is None or refusals(read_model(original, source).main):
        return _case_of_rewritten(after, input_file, frame)
    before = TargetSession(original, target, source)
    graph = before.model.main
    ends = Int8Ends.between(graph, after.model)
    if frame is not None:
        ((ours, theirs),) = frame_inputs(graph, after.model, ends, frame.camera, [frame.data])
        sequence = [Turn(ours, theirs)]
    else:
        sequence = _sequence(graph, after.model, ends, input_file)
    for turn in sequence:
        got = after.run(turn.theirs)
        expected = ends.as_original(got) if turn.ours is None else before.run(turn.ours)
    if any(a.tobytes() != b.tobytes() for a, b in zip(expected, ends.as_original(got), strict=True)):
        raise MsfError(f"{source} gives another result once it is rewritten: `tflm-msf verify` shows where.")
    inputs = _joined(sequence) if frame is None else (frame.values,)
    return Case(inputs, tuple(got), before.differs, steps=len(sequence))


def _sequence(graph: Graph, rewritten: Model, ends: Int8Ends, input_file: Path | None) -> list[Turn]:
    """One inference; of a model with a state as many steps as it takes until its window is full, or a few."""
    made = make_inputs(graph, _SMOOTH + _STEPS, _SEED)[_SMOOTH:]
    first = load_input(graph, input_file) if input_file else made[0]
    if not goes_on(rewritten):
        return turns([first], ends, None)
    step = Step.of(rewritten)
    sequence = turns([first, *made[1:]], ends, step)
    if step is None:
        return sequence
    return sequence[: next(number for number, turn in enumerate(sequence) if turn.ours is not None) + 1]


def _joined(sequence: Sequence[Turn]) -> tuple[Array, ...]:
    """What the rewritten model gets, each input's parts one behind the other."""
    if len(sequence) == 1:
        return tuple(sequence[0].theirs)
    parts = zip(*(turn.theirs for turn in sequence), strict=True)
    return tuple(np.concatenate([part.reshape(-1) for part in each]) for each in parts)


def _case_without_tflm(
    rewritten: bytes, original: bytes | None, input_file: Path | None, source: str, frame: Frame | None
) -> Case:
    try:
        session = BlocksSession(rewritten, source)
    except MsfError as error:
        raise MsfError(
            "the self-check needs a result to compare with, and there is no TFLM on this computer (the package "
            "`tflite-micro` is for Linux on x86-64 with Python 3.10 to 3.13) that would give one, nor can the kernels: "
            f"{str(error).removesuffix('.')}. Use --no-self-check to export without."
        ) from None
    if original is None or frame is not None:
        case = _case_of_rewritten(session, input_file, frame)
    else:
        graph = read_model(original, source).main
        sequence = _sequence(graph, session.model, Int8Ends.between(graph, session.model), input_file)
        outputs = [session.run(turn.theirs) for turn in sequence][-1]
        case = Case(_joined(sequence), tuple(outputs), steps=len(sequence))
    return replace(case, by_tflm=False)


def _case_of_rewritten(session: TargetSession | BlocksSession, input_file: Path | None, frame: Frame | None) -> Case:
    if frame is not None:
        height, width, channels = image_of(session.model, frame.camera)
        image = network_image(frame.camera, frame.data, width, height, channels)
        return Case((frame.values,), tuple(session.run([image])), session.differs)
    if is_streamed(session.model):
        return _streamed_case(session, input_file)
    graph = session.model.main
    values = load_input(graph, input_file) if input_file else make_inputs(graph, _SMOOTH + 1, _SEED)[_SMOOTH]
    return Case(tuple(values), tuple(session.run(values)), session.differs)


def _streamed_case(session: TargetSession | BlocksSession, input_file: Path | None) -> Case:
    """The model does not say how high its image is: what it asks for is recorded."""
    random = np.random.default_rng(_SEED)
    content = None if input_file is None else read_bytes(input_file, "the input file")
    rows: dict[int, bytes] = {}

    def next_row(y: int, size: int) -> bytes:
        rows[y] = random.bytes(size) if content is None else content[y * size : (y + 1) * size]
        return rows[y]

    with row_source(next_row):
        outputs = session.run([])
    image = b"".join(rows[y] for y in sorted(rows))
    return Case((np.frombuffer(image, np.int8),), tuple(outputs))
