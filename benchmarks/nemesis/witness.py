"""What journals were seen to hold while their edges were dead: each number's very content.

A journal's word counts from its commit on, so whatever is found on a dead edge's card must be
at central in the end, under the same number and with the same content, or be counted as lost.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import msgspec
from sqlalchemy import Connection, text

from edge.journal import Journal, JournalLimits
from gateway.contract import Observation

_MANY = 1_000
_decode = msgspec.json.Decoder(Observation).decode
Number = tuple[str, int]
"""Epoch and sequence number."""


class Witness:
    """``contents`` by number, of every journal that was looked at; ``ends`` by epoch, of those
    whose edge came back.
    """

    def __init__(self) -> None:
        self.contents: dict[Number, bytes] = {}
        self.ends: dict[str, int] = {}
        self.contradictions: list[str] = []

    def look(self, journal: Path, *, comes_back: bool = True) -> None:
        """Take in what is in a journal that nobody has open; it is left as it is. Of one that
        does not come back, nothing tells central how far it went.
        """
        with tempfile.TemporaryDirectory(prefix="tallyport-witness-") as folder:
            copy = Path(shutil.copytree(journal, Path(folder) / "journal"))
            # Without its position it shows every row that stands there, the confirmed ones too.
            (copy / "position.json").unlink(missing_ok=True)
            opened = Journal.open(copy, JournalLimits())
            try:
                for chapter in opened.chapters[:-1]:
                    if comes_back:
                        end = max(chapter.last_seq, self.ends.get(chapter.epoch, 0))
                        self.ends[chapter.epoch] = end
                    self._read(opened, chapter.epoch)
            finally:
                opened.close()

    def _read(self, journal: Journal, epoch: str) -> None:
        after_seq = 0
        while rows := (stretch := journal.read(epoch, after_seq, _MANY)).bodies:
            for seq, body in enumerate(rows, start=stretch.first_seq):
                if self.contents.setdefault((epoch, seq), body) != body:
                    self.contradictions.append(f"{epoch} {seq} was given to two contents")
            after_seq = stretch.first_seq + len(rows) - 1

    def compare(self, conn: Connection, edge: str) -> list[str]:
        """What central's log does not bear out, in sentences."""
        found = list(self.contradictions)
        there = {
            (row.epoch, row.seq): row.body
            for row in conn.execute(
                text("SELECT epoch, seq, body FROM observation WHERE edge = :edge"), {"edge": edge}
            )
        }
        other = [
            number
            for number, body in self.contents.items()
            if number in there and _decode(body) != _decode(there[number])
        ]
        if other:
            found.append(f"{len(other)} numbers stand with another content: {other[:3]}")
        streams = {
            row.epoch: row
            for row in conn.execute(
                text("SELECT epoch, committed_seq, lost FROM edge_stream WHERE edge = :edge"),
                {"edge": edge},
            )
        }
        for epoch, end in self.ends.items():
            known = streams[epoch].committed_seq if epoch in streams else 0
            if known < end:
                found.append(f"{epoch}: {end} were kept, central knows of {known}")
            missing = sum(1 for one in self.contents if one[0] == epoch and one not in there)
            lost = streams[epoch].lost if epoch in streams else 0
            if missing > lost:
                found.append(f"{epoch}: {missing} kept numbers are missing, {lost} counted")
        return found
