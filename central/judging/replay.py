"""Judge the whole observation log again, from nothing, and compare with what was posted.

Judging is a pure fold for each read point, so the same log and the same context must give the
same movements, reviews and passes, whichever worker judged them. What was posted is taken as
given (a movement that stock refused, one that a person made): each entry is judged with the
tags' places as the ledger had them then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import pairwise
from types import MappingProxyType
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, text

from central.catalogue.context import ContextCache, context_changes
from central.documents import books
from central.intake.observations import read_share
from central.intake.partitions import PARTITIONS, partition_of
from central.judging import findings, stretches, whereabouts
from central.judging.followed import Followed
from central.judging.stretches import Judged
from central.reconcile.amending import question
from central.reconcile.mind import Mind
from central.reconcile.verdict import Amendment, Context, Hypothesis, Logged, Verdict
from central.reconcile.witness import BY_RULE
from central.stock import queries, rows, witnesses
from central.stock.model import Movement, Posted
from central.stock.witnesses import RecentMovements

__all__ = ["Turn", "differences", "turns"]

SENSED = ("portal", "shelf", "scan", "zone")
"""The origins that only judging posts."""
_DECIDED = {
    "review": "", "portal_pass": "", "presence_event": "", "document_note": "",
    "witness": f"WHERE origin <> '{BY_RULE}'",
}  # fmt: skip
"""Tables that only judging writes to, besides the ledger, and what of them is its own."""
_MOST = 100
_PAGE = 1_000
_hypotheses = msgspec.json.Decoder(tuple[Hypothesis, ...]).decode
_REVIEW = text("SELECT 1 FROM review WHERE id = :id")


def differences(conn: Connection) -> list[str]:
    """Sentences that name what judging again would decide otherwise; none is the promise.

    Takes the log as far as it was judged. At most 100 sentences. Read-only.
    """
    return _Replay(conn).run()


class Turn(NamedTuple):
    """One step of judging: an entry of the log, or (``logged`` is None) that time had passed since
    entry ``settled`` when ``log_id`` was the last one judged.
    """

    log_id: int
    partition: int
    context: Context
    logged: Logged | None = None
    settled: int = 0

    def judged_by(self, mind: Mind) -> Verdict:
        """What a mind that took all before makes of it."""
        if self.logged is not None:
            return mind.judge(self.logged, self.context)
        if mind.waiting is None or mind.waiting > self.settled:
            return Verdict()
        return mind.settle(self.settled, self.context)


def turns(conn: Connection) -> Iterator[Turn]:
    """Every step of judging, in the order in which it was done, with the context of its time."""
    ledger = Followed(conn)
    recent = RecentMovements(conn, lambda: ledger.bound)
    brought = books.BroughtByNotes(conn, lambda: sum(ledger.bound))
    contexts = ContextCache()
    changes = context_changes(conn)
    placed = MappingProxyType(ledger.placed)
    load = partial(contexts.load, conn, placed=placed, recent=recent, held=ledger, brought=brought)
    for judged in stretches.order(conn):
        ledger.bring(judged.ledger_from)
        if judged.settles:
            context = load(at_log=judged.after_log + 1)
            (partition,) = judged.partitions
            yield Turn(judged.after_log, partition, context, settled=judged.upto_log)
            continue
        starts = [at for at in changes if judged.after_log + 1 < at <= judged.upto_log]
        for after, upto in pairwise(
            [judged.after_log, *(at - 1 for at in starts), judged.upto_log]
        ):
            context = load(at_log=after + 1)
            for logged in _page(conn, judged, after, upto):
                ledger.bring(judged.ledger_upto, before_log=logged.log_id)
                partition = partition_of(logged.observation.read_point)
                yield Turn(logged.log_id, partition, context, logged)


def _page(conn: Connection, judged: Judged, after: int, upto: int) -> Iterator[Logged]:
    while after < upto:
        logged, after = read_share(conn, after, _PAGE, judged.partitions, upto)
        yield from logged


class _Replay:
    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._found: list[str] = []
        self._ids: dict[str, set[str]] = {name: set() for name in ("movement", *_DECIDED)}
        self._presence_from = whereabouts.compared_from(conn)
        faults = conn.execute(text("SELECT id FROM review WHERE id LIKE 'fault-%'")).scalars()
        self._aside = [int(name.removeprefix("fault-")) for name in faults]

    def run(self) -> list[str]:
        minds = [Mind(aside=self._aside) for _ in range(PARTITIONS)]
        for turn in turns(self._conn):
            try:
                verdict = turn.judged_by(minds[turn.partition])
            except Exception as error:  # noqa: BLE001 (told as a difference)
                self._tell(
                    f"judging failed on log entry {turn.log_id}, which it had judged "
                    f"before: {type(error).__name__}: {error}"
                )
                return self._found
            self._compare(turn.log_id, verdict)
            if len(self._found) >= _MOST:
                return self._found[:_MOST]
        self._undecided()
        return self._found[:_MOST]

    def _compare(self, log_id: int, verdict: Verdict) -> None:
        for movement in verdict.movements:
            self._ids["movement"].add(movement.id)
            self._movement(log_id, movement)
        for review in verdict.reviews:
            self._ids["review"].add(review.id)
            self._stored(log_id, "review", review.id, findings.review_row(review))
        for one in verdict.passes:
            self._ids["portal_pass"].add(one.id)
            self._stored(log_id, "portal_pass", one.id, findings.pass_row(one))
        for event in verdict.presence:
            self._ids["presence_event"].add(event.id)
            if log_id >= self._presence_from:
                row = whereabouts.presence_row(event)
                self._stored(log_id, "presence_event", event.id, row)
        for witness in verdict.witnesses:
            self._ids["witness"].add(witness.id)
            self._stored(log_id, "witness", witness.id, witnesses.row_of(witness))
        for note in verdict.notes:
            self._ids["document_note"].add(note.id)
            self._stored(log_id, "document_note", note.id, books.note_row(note))

        self._amendments(log_id, verdict.amendments)

    def _amendments(self, log_id: int, found: Iterable[Amendment]) -> None:
        for amendment in found:
            name = question(amendment, "").id
            if self._conn.execute(_REVIEW, {"id": name}).scalar() is not None:
                self._ids["review"].add(name)  # a person was asked instead
                continue
            for movement in amendment.movements:
                self._ids["movement"].add(movement.id)
                self._movement(log_id, movement)

    def _movement(self, log_id: int, movement: Movement) -> None:
        posted = queries.movement_by_id(self._conn, movement.id)
        if posted is None:
            refused = f"refused-{movement.id}"[:64]
            if self._conn.execute(_REVIEW, {"id": refused}).scalar() is None:
                self._tell(f"log entry {log_id} now moves {_said(movement)}, which was not posted")
        elif rows.judged(posted.movement) != rows.judged(movement):
            self._tell(
                f"log entry {log_id} now moves {_said(movement)}; posted as number {posted.seq} "
                f"was {_said(posted.movement)}, or its evidence differs"
            )

    def _stored(self, log_id: int, table: str, key: str, expected: dict[str, object]) -> None:
        names = ", ".join([*expected, "log_id"])
        row = (
            self._conn.execute(
                text(f"SELECT {names} FROM {table} WHERE id = :id"),  # noqa: S608 (our own words)
                {"id": key},
            )
            .mappings()
            .one_or_none()
        )
        name = table.replace("_", " ")
        if row is None:
            self._tell(f"log entry {log_id} now gives {name} {key}, which was not stored")
            return
        # Reviews of before there were hypotheses (entry 0) got theirs in a migration.
        same = {"hypotheses"} if row["log_id"] == 0 else set()
        other = [
            one
            for one, said in expected.items()
            if row[one] != said and one not in same and not _means(one, row[one], said)
        ]
        if other:
            self._tell(f"log entry {log_id} now gives {name} {key} another {', '.join(other)}")

    def _undecided(self) -> None:
        """What stands in the database without judging deciding it now."""
        for posted in _sensed(self._conn):
            if posted.movement.id not in self._ids["movement"]:
                self._tell(f"number {posted.seq}, {_said(posted.movement)}, is not decided now")
        for table, which in _DECIDED.items():
            ids = self._conn.execute(text(f"SELECT id FROM {table} {which} ORDER BY id"))  # noqa: S608
            for key in ids.scalars():
                ours = key.startswith(("refused-", "fault-", "rule-", "received-"))
                if key not in self._ids[table] and not ours:
                    self._tell(f"{table.replace('_', ' ')} {key} is not decided now")

    def _tell(self, what: str) -> None:
        self._found.append(what)


def _sensed(conn: Connection) -> Iterator[Posted]:
    after = 0
    while page := queries.movements(conn, after_seq=after, limit=_PAGE):
        yield from (posted for posted in page if posted.movement.origin in SENSED)
        after = page[-1].seq


def _means(column: str, stored: object, said: object) -> bool:
    """Whether hypotheses of an earlier release, whose movements had fewer fields, say the same."""
    return column == "hypotheses" and _hypotheses(str(stored)) == _hypotheses(str(said))


def _said(movement: Movement) -> str:
    return (
        f"{movement.quantity} of {movement.sku} from {movement.source} to {movement.destination} "
        f"({movement.id})"
    )
