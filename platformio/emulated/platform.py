"""Boards in QEMU and in simulators; compilers and QEMU are those of the operating system."""

import shutil
from pathlib import Path

from platformio.exception import UserSideException
from platformio.platform.base import PlatformBase

SIMULATORS = Path(__file__).resolve().parents[2] / "build" / "simulators"


class EmulatedPlatform(PlatformBase):
    """Nothing to install: says what is missing."""

    def configure_default_packages(self, options, targets):
        """Check that compiler and emulator of the chosen board are there."""
        if options.get("board"):
            build = self.board_config(options["board"]).get("build")
            emulator = build["run"].replace("{simulators}", str(SIMULATORS)).split()[0]
            for program in (f"{build['prefix']}gcc", emulator):
                if shutil.which(program) is None:
                    raise UserSideException(f"{program} is not installed: run make emulators simulators.")
        return super().configure_default_packages(options, targets)
