"""A ledger on paper: what judging decided, one entry after another, as its context tells it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from central.reconcile.expected import Note, units_of
from central.reconcile.fusion import known_of
from central.reconcile.reconciler import Reconciler
from central.reconcile.verdict import Context, Logged, Verdict, together
from central.reconcile.witness import Known, Witness
from central.stock.model import Movement


class PaperNotes:
    """What came of documents, as ``Brought``."""

    def __init__(self) -> None:
        self.notes: list[Note] = []

    def of(self, document: str) -> Mapping[str, int]:
        return units_of(one for one in self.notes if one.document == document)


class PaperLedger:
    """Posts everything; knows where tags are and what was moved lately."""

    def __init__(self, placed: dict[str, str] | None = None) -> None:
        self.placed = dict(placed or {})
        self.movements: list[Movement] = []
        self.witnesses: list[Witness] = []
        self.told = PaperNotes()

    def post(self, verdict: Verdict) -> None:
        by_id = {one.id: one for one in self.movements}
        for movement in verdict.movements:
            assert movement.id not in by_id
            by_id[movement.id] = movement
            self.movements.append(movement)
            self.placed.update(dict.fromkeys(movement.epcs, movement.destination))
        for witness in verdict.witnesses:
            self.witnesses.append(witness)
            self.placed.update(dict.fromkeys(witness.epcs, by_id[witness.movement_id].destination))
        self.told.notes += verdict.notes

    def of(self, sku: str, from_us: int, upto_us: int, *, besides: str = "") -> Sequence[Known]:
        """As ``Recent.of``."""
        found = []
        for movement in self.movements:
            known = known_of(movement)
            back = sum(
                one.quantity
                for one in self.movements
                if one.corrects == movement.id and one.source == movement.destination
            )
            attested: Counter[str] = Counter()
            for witness in self.witnesses:
                if witness.movement_id == movement.id:
                    attested[witness.origin] += witness.quantity
            known = known._replace(quantity=known.quantity - back, attested=attested)
            here = known.sku == sku and from_us <= known.event_us <= upto_us
            if here and known.origin != besides:
                found.append(known)
        return found

    def stock(self) -> dict[tuple[str, str], int]:
        """Units by item and place, where there are any."""
        units: Counter[tuple[str, str]] = Counter()
        for one in self.movements:
            units[one.sku, one.source] -= one.quantity
            units[one.sku, one.destination] += one.quantity
        return {key: quantity for key, quantity in units.items() if quantity}

    def judge(self, log: Iterable[Logged], context: Context) -> Verdict:
        """Judge and post entry by entry, as central does, the memory dumped between."""
        context = msgspec.structs.replace(
            context, placed=self.placed, recent=self, brought=self.told
        )
        state: bytes | None = None
        parts = []
        for one in log:
            reconciler = Reconciler(state)
            verdict = reconciler.judge([one], context)
            self.post(verdict)
            parts.append(verdict)
            state = reconciler.dump()
        return together(parts)
