"""The journal keeps what it acknowledged, whatever happens to its files."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edge.journal import Journal, JournalFull, JournalLimits

SMALL = JournalLimits(segment_rows=50)


def body(number: int) -> bytes:
    return b'{"n":%d,"pad":"%s"}' % (number, b"x" * (number % 40))


def drain(
    journal: Journal, after: int = 0, limit: int = 37, epoch: str = ""
) -> tuple[dict[int, bytes], int]:
    """All rows of a chapter by seq, and how many numbers were declared lost on the way."""
    rows: dict[int, bytes] = {}
    lost = 0
    while True:
        stretch = journal.read(epoch or journal.epoch, after, limit)
        lost += stretch.lost_before
        if not stretch.bodies:
            return rows, lost
        for index, content in enumerate(stretch.bodies):
            rows[stretch.first_seq + index] = content
        after = stretch.first_seq + len(stretch.bodies) - 1


def fill(directory: Path, count: int, group: int = 7, limits: JournalLimits = SMALL) -> Journal:
    journal = Journal.open(directory, limits)
    for first in range(1, count + 1, group):
        journal.append([body(n) for n in range(first, min(first + group, count + 1))])
    return journal


def earlier(journal: Journal) -> str:
    """The epoch of the only chapter that waits."""
    (chapter, _) = journal.chapters
    return chapter.epoch


def test_rows_come_back_in_order_over_segments_and_restarts(tmp_path: Path) -> None:
    journal = fill(tmp_path, 333)
    assert journal.stats().segments >= 6
    first = journal.epoch
    journal.close()
    journal = fill(tmp_path, 100)
    assert [(one.epoch, one.last_seq) for one in journal.chapters] == [
        (first, 333), (journal.epoch, 100)
    ]  # fmt: skip
    assert journal.chapters[1].after_epoch == first
    assert journal.chapters[1].after_seq == 333
    assert drain(journal, epoch=first) == ({n: body(n) for n in range(1, 334)}, 0)
    assert drain(journal) == ({n: body(n) for n in range(1, 101)}, 0)
    journal.close()


def test_every_start_is_a_chapter_and_an_empty_one_leaves_no_trace(tmp_path: Path) -> None:
    epochs = set()
    fill(tmp_path, 10).close()
    for _ in range(4):
        journal = Journal.open(tmp_path, SMALL)
        epochs.add(journal.epoch)
        assert len(journal.chapters) == 2
        assert journal.chapters[1].after_seq == 10
        journal.close()
    assert len(epochs) == 4


def test_trim_unlinks_what_central_has_and_a_chapter_that_is_done_with_ends(
    tmp_path: Path,
) -> None:
    journal = fill(tmp_path, 500)
    before = journal.stats()
    journal.trim(journal.epoch, 495)
    after = journal.stats()
    assert after.bytes_on_disk < before.bytes_on_disk / 3
    assert after.rows == 5
    journal.close()
    again = Journal.open(tmp_path, SMALL)
    assert again.chapters[0][:3] == (journal.epoch, 500, 495)
    assert drain(again, after=495, epoch=journal.epoch)[0].keys() == set(range(496, 501))
    again.trim(journal.epoch, 500)
    assert [one.epoch for one in again.chapters] == [again.epoch]
    assert again.append([b"next"]) == range(1, 2)
    assert again.stats().segments == 1
    again.close()


def test_how_far_a_chapter_went_is_known_when_its_last_file_is_gone(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, SMALL)
    journal.append([body(n) for n in range(1, 51)])  # complete: its segment is sealed at once
    journal.trim(journal.epoch, 50)
    assert not list(tmp_path.glob("*.duckdb"))
    epoch = journal.epoch
    del journal  # without having been closed
    again = Journal.open(tmp_path, SMALL)
    assert again.chapters[-1].after_epoch == epoch
    assert again.chapters[-1].after_seq == 50
    again.close()


def test_rows_survive_without_the_position_file(tmp_path: Path) -> None:
    journal = fill(tmp_path, 120)
    journal.trim(journal.epoch, 60)
    journal.close()
    (tmp_path / "position.json").write_text("{torn")
    again = Journal.open(tmp_path, SMALL)
    rows, lost = drain(again, epoch=journal.epoch)
    assert (rows, lost) == ({n: body(n) for n in range(57, 121)}, 56)
    again.close()


def test_a_chapter_that_came_back_with_an_old_card_stands_where_it_was(tmp_path: Path) -> None:
    first = fill(tmp_path, 120)
    first.close()
    second = fill(tmp_path, 30)
    old = copy_of(tmp_path, tmp_path.with_name("old"))
    second.trim(first.epoch, 120)
    second.close()
    for path in old.glob(f"{first.epoch}*"):  # the card forgot that these had been removed
        shutil.copy(path, tmp_path)
    again = Journal.open(tmp_path, SMALL)
    assert [one.epoch for one in again.chapters] == [first.epoch, second.epoch, again.epoch]
    again.close()


def test_a_card_that_lost_what_it_had_synced_declares_what_it_still_knows_of(
    tmp_path: Path,
) -> None:
    journal = fill(tmp_path, 120)
    journal.close()
    for path in sorted(tmp_path.glob(f"{journal.epoch}*"))[-2:]:
        path.unlink()
    again = Journal.open(tmp_path, SMALL)
    assert earlier(again) == journal.epoch
    rows, lost = drain(again, epoch=journal.epoch)
    assert len(rows) + lost == 120
    assert lost > 0
    again.close()


def test_what_central_will_never_take_is_put_aside_with_its_files(tmp_path: Path) -> None:
    journal = fill(tmp_path, 120)
    journal.close()
    again = Journal.open(tmp_path, SMALL)
    assert again.set_aside(journal.epoch, "central has fenced this journal") == 120
    assert again.set_aside(again.epoch, "never its own") == 0
    assert [one.epoch for one in again.chapters] == [again.epoch]
    assert "fenced" in again.recovery.quarantined[0]
    assert len(list(tmp_path.glob("*.duckdb.bad"))) == 3
    again.close()


def copy_of(directory: Path, target: Path) -> Path:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(directory, target)
    return target


def active_wal(directory: Path) -> Path:
    return max(directory.glob("*.duckdb.wal"))


@settings(max_examples=40, deadline=None)
@given(cut=st.floats(0, 1), junk=st.binary(max_size=64))
def test_a_torn_tail_never_stops_the_start_and_loses_only_the_tail(
    tmp_path_factory: pytest.TempPathFactory, cut: float, junk: bytes
) -> None:
    directory = tmp_path_factory.mktemp("torn")
    fill(directory, 90, limits=JournalLimits()).close()
    wal = active_wal(directory)
    size = wal.stat().st_size
    with wal.open("r+b") as file:
        file.truncate(int(size * cut))
        file.seek(0, os.SEEK_END)
        file.write(junk)
    journal = Journal.open(directory, JournalLimits())
    rows, lost = drain(journal, epoch=earlier(journal))
    kept = max(rows, default=0)
    assert rows == {n: body(n) for n in range(1, kept + 1)}
    assert kept + lost == 90  # the position file knows how far it had got
    assert journal.append([b"after"]) == range(1, 2)
    assert drain(journal) == ({1: b"after"}, 0)
    journal.close()


@settings(max_examples=40, deadline=None)
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
@example(where=0.0003, bit=1).via("fatal for all of DuckDB")
def test_a_flipped_bit_is_repaired_or_put_aside(
    tmp_path_factory: pytest.TempPathFactory, where: float, bit: int
) -> None:
    directory = tmp_path_factory.mktemp("flip")
    fill(directory, 120, limits=JournalLimits()).close()
    (directory / "position.json").unlink()
    wal = active_wal(directory)
    content = bytearray(wal.read_bytes())
    content[int(len(content) * where)] ^= 1 << bit
    wal.write_bytes(bytes(content))
    journal = Journal.open(directory, JournalLimits())
    old = [one.epoch for one in journal.chapters[:-1]]
    rows = drain(journal, epoch=old[0])[0] if old else {}
    assert all(rows[seq] == body(seq) for seq in rows)
    journal.append([b"after"])
    assert drain(journal) == ({1: b"after"}, 0)
    journal.close()


def test_what_is_fatal_in_one_segment_costs_the_others_nothing(tmp_path: Path) -> None:
    fill(tmp_path, 120, limits=JournalLimits()).close()
    journal = Journal.open(tmp_path, JournalLimits())
    assert journal.append([b"one", b"two"]) == range(1, 3)
    (old,) = [wal for wal in tmp_path.glob("*.wal") if journal.epoch not in wal.name]
    content = bytearray(old.read_bytes())
    content[2] ^= 2  # a kind of entry that there is not
    old.write_bytes(bytes(content))
    assert drain(journal, epoch=earlier(journal)) == ({}, 120)
    assert "Invalid WAL entry" in journal.recovery.quarantined[0]
    assert journal.append([b"three"]) == range(3, 4)
    assert drain(journal) == ({1: b"one", 2: b"two", 3: b"three"}, 0)
    journal.close()


def test_what_is_fatal_in_one_old_segment_condemns_no_other(tmp_path: Path) -> None:
    fill(tmp_path, 30, limits=JournalLimits()).close()
    (first,) = tmp_path.glob("*.wal")
    fill(tmp_path, 40, limits=JournalLimits()).close()
    content = bytearray(first.read_bytes())
    content[2] ^= 2
    first.write_bytes(bytes(content))
    journal = Journal.open(tmp_path, JournalLimits())
    assert len(journal.recovery.quarantined) == 1
    assert drain(journal, epoch=journal.chapters[-2].epoch)[0] == {n: body(n) for n in range(1, 41)}
    journal.close()


def test_a_bad_sealed_segment_is_declared_lost_and_the_rest_is_read(tmp_path: Path) -> None:
    fill(tmp_path, 200).close()
    second = sorted(tmp_path.glob("*.duckdb"))[1]
    content = bytearray(second.read_bytes())
    for index in range(0, len(content), 97):
        content[index] ^= 0xFF
    second.write_bytes(bytes(content))
    journal = Journal.open(tmp_path, SMALL)
    rows, lost = drain(journal, epoch=earlier(journal))
    covered = set(range(1, 201)) - set(rows)
    assert len(covered) == lost > 0
    assert journal.recovery.quarantined
    assert list(tmp_path.glob("*.bad"))
    journal.close()


def test_a_header_torn_by_its_only_checkpoint_is_taken_back(tmp_path: Path) -> None:
    journal = fill(tmp_path, 49)
    (log,) = tmp_path.glob("*.wal")
    path = log.with_suffix("")
    before, rows_of_the_log = path.read_bytes(), log.read_bytes()
    journal.append([body(50)])  # the last one: the segment is sealed, its log removed
    journal.close()
    assert not log.exists()
    after = bytearray(path.read_bytes())
    (header,) = [at for at in (4096, 8192) if before[at : at + 4096] != after[at : at + 4096]]
    after[header + 30 : header + 4096] = before[header + 30 : header + 4096]
    path.write_bytes(after)
    log.write_bytes(rows_of_the_log)
    again = Journal.open(tmp_path, SMALL)
    assert drain(again, epoch=journal.epoch) == ({n: body(n) for n in range(1, 50)}, 1)
    assert "torn its header" in again.recovery.repaired[0]
    assert not again.recovery.quarantined
    again.close()


SECOND = """
import sys
from pathlib import Path
from edge.journal import Journal
try:
    Journal.open(Path(sys.argv[1]))
except OSError as refused:
    sys.exit(str(refused))
"""


def test_a_second_process_is_refused_and_harms_nothing(tmp_path: Path) -> None:
    journal = fill(tmp_path, 20)
    second = subprocess.run(
        [sys.executable, "-c", SECOND, tmp_path], capture_output=True, text=True, check=False
    )
    assert "another process works with the journal" in second.stderr
    assert not list(tmp_path.glob("*.bad"))
    assert drain(journal)[0] == {n: body(n) for n in range(1, 21)}
    journal.close()
    assert len(fill(tmp_path, 5).chapters) == 2


def test_an_interrupted_creation_is_removed(tmp_path: Path) -> None:
    journal = fill(tmp_path, 10)
    epoch = journal.epoch
    journal.close()
    (tmp_path / f"{epoch}-00000009-{11:019d}.duckdb").write_bytes(b"\0" * 4096)
    again = Journal.open(tmp_path, SMALL)
    assert drain(again, epoch=epoch)[0] == {n: body(n) for n in range(1, 11)}
    assert again.recovery.removed
    again.close()


def test_central_knowing_more_than_the_card_is_told(tmp_path: Path) -> None:
    journal = fill(tmp_path, 20)
    journal.close()
    again = Journal.open(tmp_path, SMALL)
    again.trim(journal.epoch, 57)
    assert "central holds observations up to 57" in again.recovery.noted[-1]
    assert [one.epoch for one in again.chapters] == [again.epoch]
    again.close()


def test_full_drops_the_oldest_and_declares_it(tmp_path: Path) -> None:
    limits = JournalLimits(max_bytes=400_000, segment_rows=200)
    journal = fill(tmp_path, 6_000, group=100, limits=limits)
    stats = journal.stats()
    assert stats.dropped > 0
    assert stats.bytes_on_disk < 2 * limits.max_bytes
    rows, lost = drain(journal)
    assert lost == stats.dropped
    assert set(rows) == set(range(stats.dropped + 1, 6_001))
    journal.close()


def append_until_full(journal: Journal, make: Callable[[int], bytes], why: str) -> dict[int, bytes]:
    kept: dict[int, bytes] = {}
    for _ in range(10_000):
        bodies = [make(journal.next_seq + n) for n in range(100)]
        try:
            kept.update(zip(journal.append(bodies), bodies, strict=True))
        except JournalFull as full:
            assert why in str(full)
            return kept
    pytest.fail("the journal never became full")


def test_what_is_put_aside_is_bounded_too(tmp_path: Path) -> None:
    limits = JournalLimits(max_bytes=900_000, segment_rows=100)  # three damaged segments, not four
    removed: list[str] = []
    for _ in range(5):
        journal = fill(tmp_path, 150, limits=limits)
        journal.close()
        (sealed,) = tmp_path.glob(f"{journal.epoch}-*-{1:019d}.duckdb")
        sealed.write_bytes(b"\0" * 300_000)
        again = Journal.open(tmp_path, limits)
        drain(again, epoch=journal.epoch)
        removed += again.recovery.removed
        again.close()
    assert len(list(tmp_path.glob("*.bad"))) == 3
    assert len(removed) == 2
    assert "too much had been put aside" in removed[0]


def test_full_refuses_the_newest_when_told_so(tmp_path: Path) -> None:
    limits = JournalLimits(max_bytes=200_000, segment_rows=200, when_full="refuse_newest")
    journal = Journal.open(tmp_path, limits)
    kept = len(append_until_full(journal, body, "central has not taken anything"))
    assert len(drain(journal)[0]) == kept
    journal.trim(journal.epoch, kept)
    assert len(journal.append([b"again"])) == 1
    journal.close()


WRITER = """
import sys
from pathlib import Path
from edge.journal import Journal, JournalLimits
journal = Journal.open(Path(sys.argv[1]), JournalLimits(segment_rows=300))
while True:
    seqs = journal.append([b'{"n":%d}' % (journal.next_seq + i) for i in range(20)])
    print(seqs[-1], flush=True)
"""


def test_kill_9_in_the_middle_of_writing_loses_nothing_acknowledged(tmp_path: Path) -> None:
    chance = random.Random(7)
    acknowledged = []
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(chance.randint(1, 60))]
        process.send_signal(signal.SIGKILL)
        told += [int(line) for line in process.stdout.read().split("\n")[:-1] if line]
        process.wait()
        process.stdout.close()
        acknowledged.append(told[-1])
    journal = Journal.open(tmp_path, JournalLimits(segment_rows=300))
    *chapters, _ = journal.chapters
    for chapter, upto in zip(chapters, acknowledged, strict=True):
        rows, lost = drain(journal, limit=1000, epoch=chapter.epoch)
        assert lost == 0
        assert len(rows) >= upto
        assert rows == {seq: b'{"n":%d}' % seq for seq in range(1, chapter.last_seq + 1)}
    journal.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small tmpfs")
def test_a_full_disk_refuses_and_recovers_without_a_restart(tmp_path: Path) -> None:
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tallyport-test", str(tmp_path)], check=False
    )
    if mount.returncode:
        pytest.skip("this machine does not let a test mount a tmpfs")
    try:
        limits = JournalLimits(segment_rows=2_000)
        journal = Journal.open(tmp_path / "journal", limits)
        kept = append_until_full(journal, lambda n: body(n) * 20, "")
        assert drain(journal, limit=1000)[0] == kept
        journal.trim(journal.epoch, max(kept))
        for _ in range(3):
            try:
                seqs = journal.append([b"room again"])
                break
            except JournalFull:
                continue
        else:
            pytest.fail("the journal did not recover after its rows were taken")
        assert seqs[0] > max(kept)
        assert drain(journal, after=max(kept), limit=1000)[0][seqs[0]] == b"room again"
        journal.close()
    finally:
        subprocess.run(["umount", "-l", str(tmp_path)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small tmpfs")
def test_a_read_only_disk_is_read_and_refuses_the_newest(tmp_path: Path) -> None:
    def remount(how: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{how}", str(tmp_path)], check=True)

    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tallyport-test", str(tmp_path)]
    if subprocess.run(mount, check=False).returncode:
        pytest.skip("this machine does not let a test mount a tmpfs")
    try:
        fill(tmp_path / "journal", 70).close()
        journal = fill(tmp_path / "journal", 100, group=50)  # complete: nothing is open to write
        first = journal.chapters[0].epoch
        remount("ro")
        journal.trim(first, 70)  # what cannot be removed does no harm
        assert drain(journal)[0] == {n: body(n) for n in range(1, 101)}
        with pytest.raises(JournalFull, match="Read-only"):
            journal.append([b"new"])
        second = journal.epoch
        journal.close()
        again = Journal.open(tmp_path / "journal", SMALL)  # the start is not refused either
        assert [one.epoch for one in again.chapters] == [first, second, again.epoch]
        assert drain(again, epoch=first) == ({n: body(n) for n in range(1, 71)}, 0)
        assert drain(again, epoch=second) == ({n: body(n) for n in range(1, 101)}, 0)
        with pytest.raises(JournalFull, match="Read-only"):
            again.append([b"new"])
        again.trim(first, 70)
        assert list((tmp_path / "journal").glob(f"{first}*"))
        remount("rw")
        assert again.append([b"new"]) == range(1, 2)
        again.trim(second, 100)  # the first trim on a disk that deletes again
        assert not list((tmp_path / "journal").glob(f"{first}*"))
        assert not again.recovery.quarantined
        again.close()
    finally:
        subprocess.run(["umount", "-l", str(tmp_path)], check=True)
