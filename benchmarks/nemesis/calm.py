"""After the storm: nothing may be under way any more, and from then on stock follows the truth.

While faults lasted, reads that no journal had were lost as in life, and stock may differ from the
truth by them. It must not differ by more afterwards: in a calm, whatever moves is counted, or a
person is asked about it. (After an edge's new start a portal has to learn anew which tags lie about
it, and asks more often.)
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable

from benchmarks.nemesis.field import Field
from benchmarks.nemesis.storm import Storm
from tallyport.demo.processes import ProcessDied
from tallyport.demo.report import compare
from tallyport.demo.run import until

_DRAIN_S = 180.0
"""The most that an edge may take to deliver what it kept through the last faults."""
_AT_REST_S = 4.0
"""A portal's pass is judged within this time of its last read."""
_COUNTED_S = 60.0
_SERIES_S = 150.0
"""A follower waits for up to 60 s between two tries, and each try hangs for up to 10 s."""
Difference = dict[tuple[str, str], int]
"""Units by item and place that the ledger has more than there are; only where it differs."""


async def settle(storm: Storm) -> Difference:
    """Wait until what was heard is counted, and give what the ledger is off by then.

    Raises ``ProcessDied`` when that takes too long.
    """
    site, since_s = storm.demo.site, time.time()

    async def drained() -> bool:
        return not storm.demo.world.reader.held and await storm.drained(since_s)

    await until(drained, _DRAIN_S, "the edge has not delivered all", site)
    await until(_unchanged(storm), _DRAIN_S, "the ledger does not come to rest", site)
    return await difference(storm)


async def calm(storm: Storm, seconds: float, before: Difference) -> list[str]:
    """Let the world go on without faults; what the ledger is off by must stay as it was, but for
    items that a person is asked about.
    """
    storm.demo.world.leave_what_is_inside()
    asked = {one["id"] for one in await storm.demo.api.every("/reviews")}
    moves = storm.demo.world.truth.moves
    await storm.play(seconds)
    moves = storm.demo.world.truth.moves - moves
    if not moves:
        return [f"nothing moved in {seconds:.0f} s of calm"]

    async def changed() -> dict[tuple[str, str], tuple[int, int]]:
        """What the ledger is off by otherwise: before and after, by item and place."""
        reviews = await storm.demo.api.every("/reviews")
        fresh = [one for one in reviews if one["id"] not in asked]
        doubted = {movement["sku"] for one in fresh for movement in one["proposals"]}
        after = await difference(storm)
        both = {key: (before.get(key, 0), after.get(key, 0)) for key in before.keys() | after}
        return {k: two for k, two in both.items() if two[0] != two[1] and k[0] not in doubted}

    async def as_before() -> bool:
        return not await changed()

    try:
        await until(as_before, _COUNTED_S, "stock does not follow", storm.demo.site)
    except ProcessDied:
        wrong = await changed()
        return [f"after {moves} moves in a calm stock is off by other numbers: {wrong}"]
    return []


async def series_agree(field: Field) -> list[str]:
    """The series must catch up with the ledger, however long their server was away."""

    async def agree() -> bool:
        return await _series(field) == await _on_hand(field)

    try:
        await until(agree, _SERIES_S, "the series do not catch up", field.demo.site)
    except ProcessDied:
        series, ledger = await _series(field), await _on_hand(field)
        wrong = {key: (ledger.get(key), series.get(key)) for key in ledger.keys() | series}
        wrong = {key: both for key, both in wrong.items() if both[0] != both[1]}
        return [f"the series did not catch up with the ledger in {_SERIES_S:.0f} s: {wrong}"]
    return []


async def _series(field: Field) -> dict[str, int]:
    """What the server of series was told last of each item and place, where that is not 0."""
    told = await asyncio.to_thread(field.series.newest, "stock", "on_hand")
    return {tags: int(value) for tags, value in told.items() if value}


async def _on_hand(field: Field) -> dict[str, int]:
    """The ledger's, named as the series are."""
    on_hand: Counter[str] = Counter()
    for row in await field.demo.api.every("/api/inventory"):
        on_hand[f"location={row['location']},sku={row['sku']}"] += row["on_hand"]
    return {tags: count for tags, count in on_hand.items() if count}


async def difference(storm: Storm) -> Difference:
    """What the ledger has more than there really is."""
    truth = storm.demo.world.truth.table()
    lines = compare(truth, await storm.demo.api.every("/api/inventory"))
    return {
        (one.item, one.location): one.ledger - one.truth for one in lines if one.ledger != one.truth
    }


def _unchanged(storm: Storm) -> Callable[[], Awaitable[bool]]:
    """Whether the ledger has stood still for as long as a pass may take to be judged."""
    last: tuple[object, float] = (None, 0.0)

    async def unchanged() -> bool:
        nonlocal last
        now = (await storm.demo.api.get("/road"))["movements"]
        if now != last[0]:
            last = (now, time.monotonic())
        return time.monotonic() - last[1] >= _AT_REST_S

    return unchanged
