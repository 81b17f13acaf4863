"""Compiles a project for a emulated board, out of what boards/*.json says. `upload` runs it."""

import sys
from pathlib import Path

from SCons.Script import COMMAND_LINE_TARGETS, AlwaysBuild, Default, DefaultEnvironment

env = DefaultEnvironment()
platform = Path(env.PioPlatform().get_dir())
board = env.BoardConfig()
prefix, arch = board.get("build.prefix"), board.get("build.arch")
machine = board.get("build.cflags").split()

env.Replace(
    AR=f"{prefix}gcc-ar",
    AS=f"{prefix}gcc",
    CC=f"{prefix}gcc",
    CXX=f"{prefix}g++",
    GDB=f"{prefix}gdb",
    OBJCOPY=f"{prefix}objcopy",
    RANLIB=f"{prefix}gcc-ranlib",
    SIZETOOL=f"{prefix}size",
    ARFLAGS=["rc"],
    PROGNAME="firmware",
    PROGSUFFIX=".elf",
    SIZEPROGREGEXP=r"^(?:\.text|\.data|\.init|\.rodata|\.ARM\.exidx|\.reset)\s+(\d+).*",
    SIZEDATAREGEXP=r"^(?:\.data|\.bss|\.noinit|\.tbss|\.tdata)\s+(\d+).*",
    SIZECHECKCMD="$SIZETOOL -A -d $SOURCES",
    SIZEPRINTCMD="$SIZETOOL -B -d $SOURCES",
    UPLOADCMD=f'"{sys.executable}" "{platform / "scripts" / "run.py"}" {board.id} $SOURCE',
)
env.Append(
    ASFLAGS=machine,
    ASPPFLAGS=["-x", "assembler-with-cpp"],
    CFLAGS=["-std=gnu99"],
    CXXFLAGS=["-std=gnu++11", "-fno-exceptions", "-fno-rtti"],
    CCFLAGS=[*machine, "-O2", "-ffunction-sections", "-fdata-sections", "-Wall", "-Wextra", "-Werror"],
    CPPPATH=[str(platform / "support" / "common")],
    LINKFLAGS=[*machine, *board.get("build.ldflags").split(), "-Wl,--gc-sections"],
)
support = platform / "support" / arch
if support.is_dir():
    env.Append(LIBPATH=[str(support)])
    env.BuildSources(str(Path("$BUILD_DIR") / "support"), str(support))
if board.get("build.ldscript"):
    env.Replace(LDSCRIPT_PATH=board.get("build.ldscript"))

if "nobuild" in COMMAND_LINE_TARGETS:
    program = str(Path("$BUILD_DIR") / "${PROGNAME}${PROGSUFFIX}")
else:
    program = env.BuildProgram()

AlwaysBuild(env.Alias("nobuild", program))
AlwaysBuild(env.Alias("size", program, env.VerboseAction("$SIZEPRINTCMD", "Size $SOURCE")))
AlwaysBuild(env.Alias("upload", program, env.VerboseAction("$UPLOADCMD", "Running $SOURCE")))
Default([program])
