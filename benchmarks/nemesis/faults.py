"""Every fault that a field can suffer: begun, lasting a while, healed."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable

from benchmarks.nemesis import network, starve
from benchmarks.nemesis.clone import Clone
from benchmarks.nemesis.field import Field

Fault = Callable[[Field, float], Awaitable[None]]
"""Hurts a field for about so many seconds, and returns when it is healed."""
_CALLS_S = 60.0
"""The longest that central may leave the server of series alone: it waits longer after each
refusal, and for its database first."""


async def kill_edge(field: Field, _lasts_s: float) -> None:
    """Kill -9; its service manager starts it again."""
    await field.kill_edge()


async def kill_central(field: Field, _lasts_s: float) -> None:
    """Kill -9, dead for a moment."""
    await field.kill_central()


async def kill_broker(field: Field, lasts_s: float) -> None:
    """Kill -9, and back with what it had saved a second before."""
    with field.watch.away("broker"):
        await asyncio.to_thread(field.broker.kill)
        await asyncio.sleep(min(lasts_s, 3.0))
        await asyncio.to_thread(field.restart_broker)


async def broker_forgets(field: Field, lasts_s: float) -> None:
    """Kill -9, and back with nothing of what it knew."""
    with field.watch.away("broker"):
        await asyncio.to_thread(field.broker.kill)
        await asyncio.to_thread(field.broker.forget)
        await asyncio.sleep(min(lasts_s, 3.0))
        await asyncio.to_thread(field.restart_broker)


async def queue_limit(field: Field, lasts_s: float) -> None:
    """A broker that drops silently above two messages, while central stands still."""
    with field.watch.away("broker"):
        await asyncio.to_thread(field.broker.kill)
        await asyncio.to_thread(field.restart_broker, 2)
        await _stopped(field.demo.site.central.pid, lasts_s)
        await asyncio.to_thread(field.broker.kill)
        await asyncio.to_thread(field.restart_broker)


async def freeze_edge(field: Field, lasts_s: float) -> None:
    """SIGSTOP, and on as if nothing had happened."""
    await _stopped(field.demo.site.edge.pid, lasts_s)


async def freeze_central(field: Field, lasts_s: float) -> None:
    """SIGSTOP, and on as if nothing had happened."""
    await _stopped(field.demo.site.central.pid, lasts_s)


async def freeze_broker(field: Field, lasts_s: float) -> None:
    """SIGSTOP, and on as if nothing had happened."""
    await _stopped(field.broker.pid, lasts_s)


async def black_hole(field: Field, lasts_s: float) -> None:
    """Silence in both directions between edge and broker."""
    await _cut(lambda: network.black_hole(field.edge_port), lasts_s)


async def one_way_out(field: Field, lasts_s: float) -> None:
    """What the edge sends vanishes."""
    await _cut(lambda: network.one_way(field.edge_port, towards=True), lasts_s)


async def one_way_back(field: Field, lasts_s: float) -> None:
    """What the broker answers vanishes."""
    await _cut(lambda: network.one_way(field.edge_port, towards=False), lasts_s)


async def loss_10(field: Field, lasts_s: float) -> None:
    """One packet in ten is lost."""
    await _cut(lambda: network.loss(field.edge_port, 10), lasts_s)


async def loss_30(field: Field, lasts_s: float) -> None:
    """Three packets in ten are lost."""
    await _cut(lambda: network.loss(field.edge_port, 30), lasts_s)


async def loss_60(field: Field, lasts_s: float) -> None:
    """Six packets in ten are lost."""
    await _cut(lambda: network.loss(field.edge_port, 60), lasts_s)


async def slow_line(field: Field, lasts_s: float) -> None:
    """64 kbit/s."""
    await _cut(lambda: network.slow(field.edge_port), lasts_s)


async def disk_full(field: Field, lasts_s: float) -> None:
    """No byte is left on the edge's disk."""
    await asyncio.to_thread(field.card.fill)
    await asyncio.sleep(lasts_s)
    await asyncio.to_thread(field.card.free)


async def read_only(field: Field, lasts_s: float) -> None:
    """The edge comes up on a card that has turned itself read-only, and recovers by itself."""
    edge = field.demo.site.edge
    async with field.edge_away():
        await edge.kill()
        await field.edge_is_dead()
        await asyncio.to_thread(field.card.remount, "ro")
        await edge.start()
        await asyncio.sleep(lasts_s)
        await asyncio.to_thread(field.card.remount, "rw")


async def card_dies(field: Field, lasts_s: float) -> None:
    """The card turns itself read-only under the running edge, which goes on until somebody
    switches it off; the card is checked and mended when it starts again.
    """
    edge = field.demo.site.edge
    await asyncio.to_thread(field.card.fail)
    await asyncio.sleep(lasts_s)
    async with field.edge_away():
        await edge.kill()
        await asyncio.to_thread(field.card.repair)
        await field.edge_is_dead()
        await edge.start()


async def cloned_card(field: Field, lasts_s: float) -> None:
    """A second agent with one identity: a copy of the card runs in another box for a while.
    It takes over; when it is gone, the first one is restarted and takes over from it.
    """
    edge, clone = field.demo.site.edge, Clone(field)
    async with field.edge_away():
        await edge.kill()
        await asyncio.to_thread(clone.copy_card)
        await edge.start()
    await clone.live(lasts_s)
    await field.kill_edge()


async def clock_hour_back(field: Field, lasts_s: float) -> None:
    """The edge's wall clock goes an hour back, and returns."""
    await _clock(field, -3_600, lasts_s)


async def clock_year_ahead(field: Field, lasts_s: float) -> None:
    """The edge's wall clock goes a year ahead, and returns."""
    await _clock(field, 365 * 86_400, lasts_s)


async def clock_1970(field: Field, lasts_s: float) -> None:
    """The edge wakes up without a clock."""
    await _clock(field, -1_700_000_000, lasts_s)


async def kill_postgres(field: Field, lasts_s: float) -> None:
    """PostgreSQL crashes, and recovers."""
    assert field.postgres is not None
    with field.watch.away("postgres"):
        await asyncio.to_thread(field.postgres.kill)
        await asyncio.sleep(min(lasts_s, 3.0))
        await asyncio.to_thread(field.postgres.start)


async def postgres_full(field: Field, lasts_s: float) -> None:
    """No block is left on PostgreSQL's disk: it refuses, or ends, and is started again."""
    assert field.postgres is not None
    assert field.database_disk is not None
    with field.watch.away("postgres"):
        await asyncio.to_thread(field.database_disk.fill)
        await asyncio.sleep(lasts_s)
        await asyncio.to_thread(field.database_disk.free)
        await asyncio.to_thread(field.postgres.start_if_ended)


async def series_away(field: Field, lasts_s: float) -> None:
    """The server of series refuses connections."""
    await asyncio.to_thread(field.series.stop)
    await asyncio.sleep(lasts_s)
    await asyncio.to_thread(field.series.start)


async def series_hangs(field: Field, lasts_s: float) -> None:
    """The server of series takes everything and answers nothing: to someone, before it ends."""
    field.series.hang()
    await asyncio.sleep(lasts_s)
    await asyncio.to_thread(field.series.keeps_someone, _CALLS_S)
    field.series.answer()


async def starve_files_edge(field: Field, lasts_s: float) -> None:
    """The edge can open nothing more, and has to connect anew."""
    with starve.files(field.demo.site.edge.pid):
        await kill_broker(field, 0.0)
        await asyncio.sleep(lasts_s)


async def starve_files_central(field: Field, lasts_s: float) -> None:
    """Central can open nothing more, while many knock at its door."""
    site = field.demo.site
    with starve.files(site.central.pid), starve.visitors(site.http_port, 100):
        await asyncio.sleep(lasts_s)


async def starve_memory_edge(field: Field, lasts_s: float) -> None:
    """The edge gets no more memory than it has; should it end, its service manager starts it."""
    edge = field.demo.site.edge
    with field.watch.away("edge"):
        with starve.memory(edge.pid):
            await kill_broker(field, 0.0)
            await asyncio.sleep(lasts_s)
        if not edge.running:
            async with field.edge_away():
                await field.edge_is_dead()
                await edge.start()


async def starve_memory_central(field: Field, lasts_s: float) -> None:
    """Central gets no more memory than it has, and visitors want some; the same if it ends."""
    site = field.demo.site
    with field.watch.away("central"):
        with starve.memory(site.central.pid), starve.visitors(site.http_port, 20):
            await asyncio.sleep(lasts_s)
        if not site.central.running:
            await site.start_central()


async def starve_cpu(_field: Field, lasts_s: float) -> None:
    """Programs that never rest, twice as many as there are processors."""
    with starve.processor(2 * (os.cpu_count() or 1)):
        await asyncio.sleep(lasts_s)


PROCESSES: dict[str, Fault] = {
    one.__name__: one
    for one in (
        kill_edge, kill_central, kill_broker, broker_forgets, queue_limit, freeze_edge,
        freeze_central, freeze_broker, cloned_card, series_away, series_hangs, starve_files_edge,
        starve_files_central, starve_memory_edge, starve_memory_central, starve_cpu,
    )
}  # fmt: skip
NETWORK: dict[str, Fault] = {
    one.__name__: one
    for one in (black_hole, one_way_out, one_way_back, loss_10, loss_30, loss_60, slow_line)
}
DISK: dict[str, Fault] = {one.__name__: one for one in (disk_full, read_only)}
CLOCK: dict[str, Fault] = {
    one.__name__: one for one in (clock_hour_back, clock_year_ahead, clock_1970)
}
MAY_LOSE_READS = frozenset(
    {"kill_edge", "read_only", "card_dies", "cloned_card", "starve_memory_edge"}
)
"""After these a read may be gone that no journal had yet, as in life. What a journal had
acknowledged is held to the promise all the same.
"""
MAY_CHANGE_STOCK = MAY_LOSE_READS | {"freeze_edge"}
"""After these stock may be off: of what hands did at one plate meanwhile, only the sum is seen."""
MAY_ASK_A_PERSON = frozenset(CLOCK)
"""After these stock may be off where a review is open: a pass that a clock jumped through."""
MAY_LOSE_ROWS = frozenset({"cloned_card"})
"""After these a journal may be closed with rows that central never takes: all of them counted."""


def possible(field: Field) -> dict[str, Fault]:
    """What can be done to this field on this machine."""
    return {
        **PROCESSES,
        **(NETWORK if network.why_not() is None else {}),
        **(DISK if field.has_card else {}),
        **({"card_dies": card_dies} if field.card.can_fail else {}),
        **(CLOCK if field.environment else {}),
        **({"kill_postgres": kill_postgres} if field.postgres is not None else {}),
        **({"postgres_full": postgres_full} if field.database_disk is not None else {}),
    }


async def _cut(begin: Callable[[], None], lasts_s: float) -> None:
    await asyncio.to_thread(begin)
    try:
        await asyncio.sleep(lasts_s)
    finally:
        await asyncio.to_thread(network.heal)


async def _stopped(pid: int, lasts_s: float) -> None:
    os.kill(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(lasts_s)
    finally:
        os.kill(pid, signal.SIGCONT)


async def _clock(field: Field, seconds: int, lasts_s: float) -> None:
    field.set_clock(seconds)
    await asyncio.sleep(lasts_s)
    field.set_clock(0)
