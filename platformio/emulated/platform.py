"""Boards in QEMU; compilers and emulators are those of the operating system."""

import shutil

from platformio.exception import UserSideException
from platformio.platform.base import PlatformBase


class EmulatedPlatform(PlatformBase):
    """Nothing to install: says what is missing."""

    def configure_default_packages(self, options, targets):
        """Check that compiler and emulator of the chosen board are there."""
        if options.get("board"):
            build = self.board_config(options["board"]).get("build")
            for program in (f"{build['prefix']}gcc", build["qemu"].split()[0]):
                if shutil.which(program) is None:
                    raise UserSideException(f"{program} is not installed: run tools/install_emulators.sh.")
        return super().configure_default_packages(options, targets)
