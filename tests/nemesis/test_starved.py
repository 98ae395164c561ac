"""A machine without file handles, memory or time: degraded, not dead, and everything counts."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.nemesis import checker, faults, starve
from benchmarks.nemesis.calm import settle
from benchmarks.nemesis.field import Field
from benchmarks.servers.mosquitto import MISSING, find_mosquitto
from tallyport.demo.run import until

# One at a time: it runs a whole site in real time.
pytestmark = [
    pytest.mark.line,
    pytest.mark.mosquitto,
    pytest.mark.xdist_group("nemesis"),
    pytest.mark.timeout(420),
    pytest.mark.skipif(find_mosquitto() is None, reason=MISSING),
]
LASTS_S = 2.0
MOST_LINES = 250
"""A line an event and device, five of each kind: far fewer than a storm writes."""
NO_FILES = "Too many open files"


class SmallSegments(Field):
    """Its edge must open a new segment of its journal every second or so."""

    def rewire(self) -> None:
        super().rewire()
        settings = self.data.parent / "edge.toml"
        settings.write_text(settings.read_text() + "segment_rows = 100\n")


@pytest.fixture
async def field() -> AsyncIterator[Field]:
    with tempfile.TemporaryDirectory(prefix="tallyport-nemesis-") as folder:
        made = await asyncio.to_thread(SmallSegments, Path(folder), 5)
        try:
            await made.start()
            yield made
        finally:
            await made.abandon()


def logs(field: Field) -> dict[str, str]:
    site = field.demo.site
    return {one.name: one.log.read_text() for one in (site.edge, site.central)}


def committed(field: Field, where: str = "") -> int:
    """Observations in central's database, asked without central."""
    file = field.demo.site.folder / "central" / "central.sqlite"
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        counting = database.execute(f"SELECT count(*) FROM observation {where}")
        return int(counting.fetchone()[0])


async def edge_says_so(field: Field, lasts_s: float) -> None:
    """Without file handles the edge cannot begin a segment of its journal, and says so; without
    its broker, too, it goes on.
    """
    site = field.demo.site
    with starve.files(site.edge.pid):

        async def told() -> bool:
            return NO_FILES in (await asyncio.to_thread(logs, field))["edge"]

        await until(told, 60, "the edge does not say what it lacks", site)
        await faults.kill_broker(field, 0.0)
        await asyncio.sleep(lasts_s)  # how long it can open nothing


async def central_takes_on(field: Field, lasts_s: float) -> None:
    """Without file handles, and with visitors at its door, central goes on taking, though it
    cannot judge the first scan: what reads barcodes is not loaded yet. Afterwards its screen
    answers.
    """
    site = field.demo.site
    with starve.files(site.central.pid), starve.visitors(site.http_port, 100):
        before = await asyncio.to_thread(committed, field)

        async def more() -> bool:
            scans = await asyncio.to_thread(committed, field, "WHERE kind = 'code_scanned'")
            return scans > 0 and await asyncio.to_thread(committed, field) > before

        await until(more, 60, "central takes nothing more", site)
        await asyncio.sleep(lasts_s)  # how long visitors knock
    assert (await field.demo.api.get("/road"))["observations"] > before


async def connections_hold(field: Field, lasts_s: float) -> None:
    """A busy machine may be slow, but nobody is taken for dead."""
    before = await asyncio.to_thread(logs, field)
    await faults.starve_cpu(field, 3 * lasts_s)
    after = await asyncio.to_thread(logs, field)
    for name, text in after.items():
        assert '"not connected"' not in text[len(before[name]) :], name


async def test_a_machine_without_files_memory_or_time(field: Field) -> None:
    site = field.demo.site
    playing = asyncio.create_task(field.play(None))
    try:
        for starves in (
            central_takes_on, edge_says_so, faults.starve_memory_edge,
            faults.starve_memory_central, connections_hold,
        ):  # fmt: skip
            await starves(field, LASTS_S)
            assert (site.edge.running, site.central.running) == (True, True)
        field.demo.stop_playing()
        await playing
    finally:
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
    await settle(field)
    verdict = await asyncio.to_thread(
        checker.judge, field, await field.finish(), {"starve_memory_edge"}
    )
    assert verdict.violations == []
    assert verdict.movements > 0
    assert verdict.lost == 0
    told = logs(field)
    # Without memory the edge may end, or lose what a device says in that moment.
    if told["edge"].count('"agent_runs"') == 1 and '"device_retrying"' not in told["edge"]:
        assert verdict.off == 0, told["edge"]
    assert "judging_waits_for_the_machine" in told["central"]
    for name, text in told.items():
        assert text.count("\n") <= MOST_LINES, name
