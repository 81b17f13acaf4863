"""Run models, rewritten ones too, in the real TFLM interpreter on this computer."""

from tflm_msf.runtime.interpreter import DEFAULT_ARENA_BYTES, MeasuredArena, Session, measure_arena

__all__ = ["DEFAULT_ARENA_BYTES", "MeasuredArena", "Session", "measure_arena"]
