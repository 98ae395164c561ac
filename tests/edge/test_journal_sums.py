"""What DuckDB's own checksum does not see is seen by the journal's."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
from hypothesis import given
from hypothesis import strategies as st

from edge import sums
from edge.journal import Journal
from tests.edge.test_journal import SMALL, drain, earlier

SECTOR = 512
MONOTONOUS = b'{"pad":"%s"}' % (b"x" * 2_000)
"""DuckDB's checksum is the exclusive or of a hash of every word: equal words cancel out, as
zeros do.
"""


def tear(directory: Path, shift: int) -> None:
    """Zeros in a sector of the last row in the log, as a card leaves that had not written it."""
    (wal,) = directory.glob("*.wal")
    content = bytearray(wal.read_bytes())
    begin = content.rindex(b"x" * 1_900) + 600 + shift
    content[begin : begin + SECTOR] = bytes(SECTOR)
    wal.write_bytes(content)


def test_a_torn_row_that_duckdb_takes_for_whole_is_left_out_and_told(tmp_path: Path) -> None:
    written = tmp_path / "written"
    journal = Journal.open(written, SMALL)
    journal.append([b"first", b"second"])
    journal.append([MONOTONOUS])
    del journal
    told = []
    for shift in range(8):  # a word is eight bytes, and begins where the entry does
        torn = tmp_path / f"torn-{shift}"
        shutil.copytree(written, torn)
        tear(torn, shift)
        for _ in range(2):
            again = Journal.open(torn, SMALL)
            assert drain(again, epoch=earlier(again)) == ({1: b"first", 2: b"second"}, 0)
            told += again.recovery.repaired
            again.close()
    unseen = [one for one in told if "rows after 2 were torn" in one]
    seen = [one for one in told if "torn bytes off" in one]
    assert unseen  # without which this test would show nothing
    assert len(unseen) // 2 + len(seen) == 8  # what DuckDB saw is mended by the second start


def test_a_row_that_changed_in_a_sealed_segment_is_declared_lost(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, SMALL)
    for number in range(60):
        journal.append([b"row %d" % number])
    epoch = journal.epoch
    journal.close()
    (sealed, _) = sorted(tmp_path.glob("*.duckdb"))
    with duckdb.connect(str(sealed)) as changed:
        changed.execute("UPDATE ev SET body = 'other' WHERE seq = 20")
    again = Journal.open(tmp_path, SMALL)
    rows, lost = drain(again, epoch=epoch)
    assert set(rows) == {*range(1, 20), *range(51, 61)}
    assert lost == 31
    assert "row 20 is not what was written" in again.recovery.quarantined[0]
    again.close()


def test_the_segments_of_an_older_version_are_read(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "0ld-00000001-0000000000000000001.duckdb")) as old:
        old.execute("CREATE TABLE ev(seq BIGINT NOT NULL, body BLOB NOT NULL)")
        old.execute("INSERT INTO ev VALUES (1, 'one'), (2, 'two')")
    journal = Journal.open(tmp_path, SMALL)
    assert drain(journal, epoch="0ld") == ({1: b"one", 2: b"two"}, 0)
    journal.append([b"new"])
    assert drain(journal) == ({1: b"new"}, 0)
    journal.close()


@given(st.lists(st.binary(max_size=40), max_size=9), st.integers(1, 2**62), st.data())
def test_rows_up_to_the_first_bad_one_are_sound(
    bodies: list[bytes], first: int, data: st.DataObject
) -> None:
    rows = list(enumerate(bodies, start=first))
    summed = sums.added(rows)
    assert sums.sound(summed) == rows
    assert sums.sound(rows) == rows
    if rows:
        bad = data.draw(st.integers(0, len(rows) - 1))
        seq, body, told = summed[bad]
        summed[bad] = (seq, body + b"!", told)
        assert sums.sound(summed) == rows[:bad]
