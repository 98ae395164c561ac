"""Which papers a movement settled: orders and shipping notices whose lines it is of.

What a pass brought names its documents in its evidence, what was scanned in a note beside it. Both
are written with the movement and never changed, so an event's id stays what it was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection

from central.access.behalf import reaching
from central.documents import books
from central.receiving.papers import Paper, papers_of
from central.stock.model import Movement

__all__ = ["Papers"]


class Papers:
    """Looks them up, each document once; whoever asks, since an event is the same for all."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._known: dict[str, tuple[Paper, ...]] = {}
        self._noted: defaultdict[str, set[str]] = defaultdict(set)

    def learn(self, movements: Iterable[Movement]) -> None:
        """Look up together what the notes of some movements say."""
        scans = [one for one in movements if one.origin == "scan"]
        items = {one.id: one.sku for one in scans}
        for note in books.notes_of_events(self._conn, items):
            told = (one.sku for one in note.lines if one.read_qty or one.inferred_qty)
            if items[note.of] in told:
                self._noted[note.of].add(note.document)

    def of(self, movement: Movement) -> list[Paper]:
        """The papers of a movement, once each."""
        documents = sorted({*_in_evidence(movement.evidence), *self._noted[movement.id]})
        return list(dict.fromkeys(paper for one in documents for paper in self._of(one)))

    def _of(self, document: str) -> tuple[Paper, ...]:
        if document not in self._known:
            with reaching(None):
                self._known[document] = papers_of(self._conn, document)
        return self._known[document]


def _in_evidence(evidence: Mapping[str, object]) -> set[str]:
    told = evidence.get("documents")
    if not isinstance(told, list):
        return set()
    return {one["document"] for one in told if one["state"] != "expected"}
