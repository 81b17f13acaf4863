"""Is it still the same model? What the file holds, what an application sees of it, and what both compute in TFLM."""

from tflm_msf.verify.run import Mismatch, VerifiedArena, VerifyReport, verify

__all__ = ["Mismatch", "VerifiedArena", "VerifyReport", "verify"]
