"""Board files are whole and plausible; names are forgiving."""

from __future__ import annotations

import pytest

from tflm_msf.arena import MCU32, MCU32_INT_ENUMS, TARGETS
from tflm_msf.boards import Board, find_board, load_boards
from tflm_msf.errors import MsfError

NAMES = {
    "nucleo_f767zi",
    "nucleo_f446re",
    "nucleo_f412zg",
    "disco_f746ng",
    "nucleo_l476rg",
    "bluepill_f103c8",
    "esp32dev",
    "esp32-s3-devkitc-1",
    "esp32-c3-devkitm-1",
    "hifive1-revb",
    "sipeed-longan-nano",
    "ch32v307_evt",
    "nano33ble",
    "pico",
}


def test_all_boards_are_there() -> None:
    assert {board.name for board in load_boards()} >= NAMES


@pytest.mark.parametrize("board", load_boards(), ids=lambda board: board.name)
def test_board_is_plausible(board: Board) -> None:
    assert board.platformio.board == board.name
    assert 0 < board.reserved_ram < board.ram <= board.flash
    assert 0 < board.reserved_flash < board.flash
    assert board.ram % 1024 == board.flash % 1024 == 0
    assert board.target is TARGETS[board.target.name]
    family = {"cortex-m": "arm", "xtensa": "xtensa", "rv32": "riscv"}
    assert any(board.core.startswith(core) and board.target.name.startswith(name) for core, name in family.items())
    machine = {"cortex-m": "-mcpu=", "xtensa": "-mlongcalls", "rv32": "-march=rv32"}
    assert any(board.core.startswith(core) and board.flags[0].startswith(flag) for core, flag in machine.items())


@pytest.mark.parametrize("name", ["nucleo_f446re", "nucleo-f446re", "NUCLEO_F446RE"])
def test_names_are_forgiving(name: str) -> None:
    assert find_board(name).name == "nucleo_f446re"


def test_unknown_name_lists_close_ones() -> None:
    with pytest.raises(MsfError, match="did you mean nucleo_f446re"):
        find_board("nucleo_f446")


def test_name_like_no_other_points_to_the_list() -> None:
    with pytest.raises(MsfError, match="tflm-msf boards"):
        find_board("zzz")


@pytest.mark.parametrize(
    ("name", "target"),
    [("nano33ble", "arm-dynamic-2023"), ("esp32dev", "xtensa-dynamic-2021")],
)
def test_boards_name_the_target_of_their_library(name: str, target: str) -> None:
    assert find_board(name).target.name == target


def test_boards_without_a_library_count_as_upstream() -> None:
    without = [board for board in load_boards() if not board.tflm]
    assert {board.target for board in without} == {MCU32, MCU32_INT_ENUMS}
