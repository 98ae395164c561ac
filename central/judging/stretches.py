"""Where judging stands: how far for each partition, with what memory, and in which order.

Several workers judge side by side; what one of them decides may depend on where another has
just moved a tag. So that a replay can see the ledger as each of them saw it, every stretch of the
log is written down with the ledger's height before and after it, witnesses of movements included.
Stretches of one judge between which nobody else posted anything make one row: a lone central
writes a handful in its life.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, text

from central.intake.partitions import PARTITIONS, Held

__all__ = ["Fenced", "Judged", "Recorder", "behind", "keep", "memories", "order", "settles"]

_END = 2**62
_MEMORIES = text("SELECT partition, state FROM memory WHERE partition IN :numbers").bindparams(
    bindparam("numbers", expanding=True)
)
_KEEP = text(
    "INSERT INTO memory (partition, state) VALUES (:no, :state) "
    "ON CONFLICT (partition) DO UPDATE SET state = excluded.state"
)
_BEGIN = text(
    "INSERT INTO stretch (partitions, after_log, upto_log, ledger_from, ledger_upto) "
    "VALUES (:partitions, :after, :upto, :ledger_from, :ledger_upto) RETURNING id"
)
_GO_ON = text("UPDATE stretch SET upto_log = :upto, ledger_upto = :ledger_upto WHERE id = :id")
_SETTLES = text(
    "SELECT after_log, upto_log, partitions FROM stretch "
    "WHERE after_log >= :first - 1 AND upto_log <= after_log ORDER BY id"
)
_ORDER = text(
    "SELECT partitions, after_log, upto_log, ledger_from, ledger_upto FROM stretch "
    "ORDER BY ledger_from, ledger_upto, id"
)


class Fenced(RuntimeError):
    """Another worker took over while a transaction ran: nothing of it may be committed."""


class Judged(NamedTuple):
    """Entries after ``after_log`` up to ``upto_log`` of these partitions, judged over the ledger
    as it stood at ``ledger_from``; it came to what stands up to ``ledger_upto``.

    When ``upto_log`` is not behind ``after_log``, no entry was judged: time had passed since
    ``upto_log``, and one read point went on because of that.
    """

    partitions: frozenset[int]
    after_log: int
    upto_log: int
    ledger_from: int
    ledger_upto: int

    @property
    def settles(self) -> bool:
        """Whether time passed, and nothing else."""
        return self.upto_log <= self.after_log


def behind(mine: Sequence[Held]) -> tuple[list[Held], int]:
    """The partitions that are judged least far, which are judged together in the log's order,
    and the entry at which the next ones join them. Pure.
    """
    after = min(one.position for one in mine)
    group = [one for one in mine if one.position == after]
    return group, min((one.position for one in mine if one.position > after), default=_END)


def memories(conn: Connection, numbers: Collection[int]) -> dict[int, bytes]:
    """Judging's memory of some partitions, where there is any."""
    rows = conn.execute(_MEMORIES, {"numbers": list(numbers)})
    return {row[0]: bytes(row[1]) for row in rows}


def keep(
    conn: Connection, group: Iterable[Held], upto_log: int, states: Mapping[int, bytes]
) -> None:
    """Move some partitions on, and keep the memories that changed.

    Raises ``Fenced`` when one of them is not what it was: then nothing may be committed.
    """
    held = list(group)
    same = ", ".join(f"({one.no}, {one.epoch}, {one.position})" for one in held)
    moved = conn.exec_driver_sql(  # new words each time: not worth SQLAlchemy's compiling
        f"UPDATE partition SET position = {upto_log:d} "  # noqa: S608 (our own numbers)
        f"WHERE (no, epoch, position) IN (VALUES {same})"
    )
    if moved.rowcount != len(held):
        raise Fenced("a partition was judged by another worker meanwhile")
    for no, state in sorted(states.items()):
        conn.execute(_KEEP, {"no": no, "state": state})


class Recorder:
    """Writes stretches down. What it remembers of the last one is forgotten by a rollback's
    caller: make another.
    """

    def __init__(self) -> None:
        self._id: int | None = None
        self._last: Judged | None = None

    def record(self, conn: Connection, judged: Judged) -> None:
        """Add a stretch, or lengthen the last one if this goes on where that ended."""
        last = self._last
        if last is not None and _goes_on(last, judged):
            conn.execute(
                _GO_ON,
                {"id": self._id, "upto": judged.upto_log, "ledger_upto": judged.ledger_upto},
            )
            self._last = judged._replace(after_log=last.after_log, ledger_from=last.ledger_from)
            return
        row = {
            "partitions": sum(1 << no for no in judged.partitions),
            "after": judged.after_log,
            "upto": judged.upto_log,
            "ledger_from": judged.ledger_from,
            "ledger_upto": judged.ledger_upto,
        }
        self._id, self._last = conn.execute(_BEGIN, row).scalar_one(), judged


def order(conn: Connection) -> Iterator[Judged]:
    """Every stretch, in an order in which each sees the ledger as it stood: of those that began
    at the same height at most one posted anything, and it comes last.
    """
    for row in conn.execute(_ORDER).all():
        numbers = frozenset(no for no in range(PARTITIONS) if row[0] >> no & 1)
        yield Judged(numbers, *row[1:])


def settles(conn: Connection, no: int, first_log: int) -> list[tuple[int, int]]:
    """Where in the log from an entry on it was said of a partition that time had passed, and
    since when.
    """
    rows = conn.execute(_SETTLES, {"first": first_log}).all()
    return [(row.after_log, row.upto_log) for row in rows if row.partitions >> no & 1]


def _goes_on(last: Judged, judged: Judged) -> bool:
    return (
        not (last.settles or judged.settles)
        and last.partitions == judged.partitions
        and last.upto_log == judged.after_log
        and last.ledger_upto == judged.ledger_from
    )
