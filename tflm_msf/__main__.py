"""``python -m tflm_msf`` is ``tflm-msf``."""

from tflm_msf.cli import main

main(prog_name="tflm-msf")
