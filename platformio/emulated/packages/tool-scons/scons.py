"""What PlatformIO starts to build something."""

import sys

from SCons.Script import main

sys.exit(main())
