"""Where the log is cut changes nothing, and replay agrees or names what was edited."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from central.catalogue import items
from central.database.store import Database
from central.database.tide import Tide
from central.intake.ingest import Ingest
from central.intake.streams import Decision, Stream, admit
from central.judging import judge, replay
from drivers.emulators.portal_physics import Path, PortalPhysics, Scene, dock_antennas, pallet
from gateway.contract import Observation
from tests.central.test_ingest_and_judge import batch, facts, judge_all, scan, set_up, whole, wire
from tests.fakes import portal_log, portal_scenes


def shuttle(seed: int) -> list[Observation]:
    """The same five cases in, out, in and out again, within one stretch of the log."""
    rng, epcs, reads = Random(seed), portal_scenes.epcs_of(1, 5), []
    for turn, inwards in enumerate((True, False, True, False)):
        path = Path.through(2.0, speed=rng.uniform(0.8, 2.2), inwards=inwards)
        tags = tuple(pallet(epcs, path, rng))
        physics = PortalPhysics(Scene(antennas=dock_antennas(), tags=tags, seed=31 * seed + turn))
        reads += [(4.0 + 30.0 * turn + t, read) for t, read in physics.until(18.0)]
    return [portal_log.described(dock_antennas()), *portal_log.fold(reads)]


@pytest.mark.parametrize("refusing", [False, True])
async def test_tags_that_cross_again_are_judged_alike_wherever_the_log_is_cut(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, *, refusing: bool
) -> None:
    seen = shuttle(0)
    left = []
    for stretch in (1, 37, 1_000):
        monkeypatch.setattr(judge, "_STRETCH", stretch)
        database = Database(f"sqlite:///{tmp_path_factory.mktemp('cut') / 'central.sqlite'}")
        try:
            database.migrate()
            await database.write(set_up)
            if refusing:
                await database.write(lambda c: items.set_item_status(c, "SKU-2", "retired"))
            for n in range(0, len(seen), 500):
                await Ingest(database, Tide()).receive([wire(n + 1, seen[n : n + 500])])
            await judge_all(database)
            assert await database.read(whole) == []
            left.append(await database.read(facts))
        finally:
            database.close()
    assert left[0]["movement"]
    assert left[0] == left[1] == left[2]


async def test_replay_names_a_movement_that_was_edited(database: Database) -> None:
    await database.write(set_up)
    label = scan(f"01{portal_scenes.GTINS[1]}3705")
    await Ingest(database, Tide()).receive([wire(1, [label, label])])
    await judge_all(database)

    def tamper(conn: Connection) -> None:
        if conn.dialect.name == "sqlite":
            conn.execute(text("DROP TRIGGER movement_no_update"))
        else:
            conn.execute(text("ALTER TABLE movement DISABLE TRIGGER USER"))
        conn.execute(text("UPDATE movement SET quantity = quantity + 1 WHERE seq = 2"))

    await database.write(tamper)
    (told,) = await database.read(replay.differences)
    assert "log entry 2 now moves 10 of SKU-2" in told
    assert "posted as number 2 was 11 of SKU-2" in told


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 30), st.integers(0, 6), st.sampled_from([0, 0, 0, 2, 5])),
        max_size=40,
    )
)
def test_any_batches_in_any_order_are_taken_once_and_in_order(
    sent: list[tuple[int, int, int]],
) -> None:
    """Against a model that walks number by number: taken, declared lost, or refused."""
    upto, gone, taken = 0, 0, []
    for first, count, lost in sent:
        told = admit(Stream("epoch0001", upto), batch(first, [scan("x")] * count, lost))
        end = first + count - 1
        if first - lost > upto + 1:
            assert told.decision is Decision.GAP
            assert told.upto_seq == upto
            continue
        new = [n for n in range(first, end + 1) if n > upto]
        missing = [n for n in range(first - lost, first) if n > upto]
        if not new and not missing:
            assert told.decision is Decision.REPEAT
            assert told.upto_seq == upto
            continue
        assert told == (Decision.TAKE, end, count - len(new), len(missing))
        taken += new
        gone += len(missing)
        upto = end
    assert taken == sorted(set(taken))
    assert len(taken) + gone == upto
