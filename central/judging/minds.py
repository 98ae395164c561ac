"""What judging remembers, partition by partition: as it was kept, or built again from the log.

A release whose memory has another layout cannot read what the one before it kept. It builds its
own: from how every device is set up, where every plate's level stood last, and the last entries of
the log, judged again without posting. What it decides twice has the same name twice, and the
ledger takes a name once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
import structlog
from sqlalchemy import Connection, text

from central.catalogue.context import load_context
from central.intake.observations import read_share
from central.intake.partitions import Held, partition_of
from central.judging.stretches import memories, settles
from central.reconcile.mind import ForeignState, Mind
from central.reconcile.verdict import Context, Logged
from gateway.contract import Observation

__all__ = ["Minds", "rebuilt"]

_log = structlog.get_logger("central.judging.minds")
TAIL = 20_000
"""So many entries of the log are judged again: an hour of a busy dock, minutes of a busy site."""
_LEVELS = 200
"""So far back among a scale's observations its plates' last levels are looked for."""
_DESCRIBED = text(
    "SELECT edge, device, read_point, description FROM device WHERE description <> '{}' "
    "ORDER BY edge, device"
)
_SCALES = text("SELECT DISTINCT device FROM observation WHERE kind = 'weight_settled'")
_SETTLED = text(
    "SELECT log_id, edge, epoch, seq, body FROM observation "
    "WHERE device = :device AND kind = 'weight_settled' AND log_id <= :upto "
    "ORDER BY event_us DESC LIMIT :limit"
)
_decode: msgspec.json.Decoder[Observation] = msgspec.json.Decoder(Observation)


class _Awake(NamedTuple):
    """A partition's mind, as of a lease's epoch and a place in the log."""

    epoch: int
    position: int
    mind: Mind


class Minds:
    """The minds of the partitions that are ours, kept awake between transactions."""

    def __init__(self) -> None:
        self._awake: dict[int, _Awake] = {}

    def recall(self, conn: Connection, group: Iterable[Held]) -> dict[int, Mind]:
        """The minds of these partitions: as we left them, or as they were kept."""
        held = {one.no: one for one in group}
        minds = {
            no: self._awake[no].mind
            for no, one in held.items()
            if no in self._awake and self._awake[no][:2] == (one.epoch, one.position)
        }
        others = [one for no, one in held.items() if no not in minds]
        if others:
            kept = memories(conn, [one.no for one in others])
            minds |= {one.no: _woken(conn, one, kept.get(one.no)) for one in others}
        return minds

    def keep(self, group: Iterable[Held], position: int, minds: dict[int, Mind]) -> None:
        """What these partitions' minds are now that the log is judged up to ``position``."""
        for one in group:
            self._awake[one.no] = _Awake(one.epoch, position, minds[one.no])

    def forget(self) -> None:
        """What they learnt since was not committed, perhaps."""
        self._awake.clear()

    def know(self, numbers: Iterable[int]) -> bool:
        """Whether all of these partitions' minds are awake."""
        return all(no in self._awake for no in numbers)

    def waiting(self) -> int | None:
        """The oldest log entry that waits for time to pass, if any does."""
        found = (one.mind.waiting for one in self._awake.values())
        return min((entry for entry in found if entry is not None), default=None)

    def waits_since(self, upto_log: int) -> bool:
        """Whether something has waited since log entry ``upto_log`` was judged."""
        waiting = self.waiting()
        return waiting is not None and waiting <= upto_log


def _woken(conn: Connection, held: Held, state: bytes | None) -> Mind:
    try:
        return Mind(state)
    except ForeignState as foreign:
        mind, entries = rebuilt(conn, held.no, held.position)
        _log.warning(
            "memory_built_again", partition=held.no, position=held.position, why=str(foreign),
            entries=entries, hint="another release kept it; what was under way is judged alike",
        )  # fmt: skip
        return mind


def rebuilt(conn: Connection, no: int, position: int) -> tuple[Mind, int]:
    """A partition's mind at a place in the log, and of how many entries it was built."""
    context = load_context(conn, at_log=position + 1)
    tail, _ = read_share(conn, max(position - TAIL, 0), TAIL, {no}, position)
    first = tail[0].log_id if tail else position + 1
    before = [one for one in _standing(conn, first - 1) if _is_of(no, one)]
    mind = Mind()
    for one in before:
        mind.judge(one, context)
    settled = deque(settles(conn, no, first))
    for one in tail:
        _settle(mind, settled, one.log_id, context)
        mind.judge(one, context)
    _settle(mind, settled, position + 1, context)
    return mind, len(before) + len(tail)


def _settle(mind: Mind, settled: deque[tuple[int, int]], before_log: int, context: Context) -> None:
    """Let time pass where it had passed: what waits now waited then."""
    while settled and settled[0][0] < before_log:
        upto_log = settled.popleft()[1]
        if mind.waiting is not None and mind.waiting <= upto_log:
            mind.settle(upto_log, context)


def _is_of(no: int, one: Logged) -> bool:
    return partition_of(one.observation.read_point) == no


def _standing(conn: Connection, upto: int) -> Sequence[Logged]:
    """How the devices are set up, and what every plate weighed last, before an entry."""
    found = [
        Logged(0, row.edge, "", 0, _decode.decode(row.description))
        for row in conn.execute(_DESCRIBED).all()
    ]
    levels: dict[tuple[str, int], Logged] = {}
    for device in conn.execute(_SCALES).scalars().all():
        keys = {"device": device, "upto": upto, "limit": _LEVELS}
        for row in conn.execute(_SETTLED, keys).all():
            one = Logged(row[0], row[1], row[2], row[3], _decode.decode(row[4]))
            plate = getattr(one.observation, "plate", 0)
            levels.setdefault((one.observation.read_point, plate), one)
    return [*found, *sorted(levels.values(), key=lambda one: one.log_id)]
