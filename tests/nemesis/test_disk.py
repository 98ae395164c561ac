"""The small disk that faults are about: full means full, and a card can die under open files."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.nemesis.disk import Disk

_BLOCK = 4_096


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Mounted, or the test is skipped."""
    (tmp_path / "disk").mkdir()
    made = Disk(tmp_path / "disk", tmp_path / "image", 8)
    if not made.mount():
        pytest.skip("this machine lets us mount nothing: it needs root")
    yield made
    made.unmount()


@pytest.mark.parametrize("blocks", [1, 2, 3, 15, 16])
def test_a_disk_is_filled_to_the_last_block_whatever_was_on_it(disk: Disk, blocks: int) -> None:
    with (disk.folder / "there").open("wb", buffering=0) as there:
        there.write(bytes(blocks * _BLOCK))
        disk.fill()
        disk.fill()  # a full disk is full: no fault of the rig
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            there.write(bytes(_BLOCK))
        disk.free()
        there.write(bytes(_BLOCK))
    assert (disk.folder / "there").stat().st_size == (blocks + 1) * _BLOCK


def test_a_card_dies_under_an_open_file_and_is_repaired(disk: Disk) -> None:
    if not disk.can_fail:
        pytest.skip("this machine makes no file systems on loop devices")
    with (disk.folder / "log").open("wb", buffering=0) as log:
        log.write(b"kept")
        os.fsync(log.fileno())
        disk.fail()
        with pytest.raises(OSError, match=os.strerror(errno.EROFS)):
            log.write(b"lost")
    disk.repair()
    assert (disk.folder / "log").read_bytes() == b"kept"
    (disk.folder / "log").write_bytes(b"written again")
