"""What must hold after every storm."""

from __future__ import annotations

import contextlib

from benchmarks.nemesis import storm
from benchmarks.nemesis.checker import asked_about
from central.database.store import Database
from tallyport.demo.report import Report

__all__ = ["Storm", "assert_right"]


class Storm(storm.Storm):
    """A scan that dies with its edge is lost, as in life; there the person scans again, who has
    heard no beep. Here the edge lives until what was scanned is counted.
    """

    async def edge_will_die(self) -> None:
        """See ``Storm``."""

        async def counted() -> bool:
            scanned = await self.demo.api.every("/movements?origin=scan")
            return len(scanned) == self.demo.world.scans.total()

        await self.until(counted, "a scan is not counted")


def assert_right(storm: Storm, report: Report) -> None:
    """Stock is right, but for items that a person is asked about, and no committed observation is
    missing or there twice. Reads that were in no journal yet when the edge was killed are gone, as
    they would be in life, and a pallet that was heard in part may be a question.
    """
    site = storm.demo.site
    url = site.database_url or f"sqlite:///{site.folder / 'central' / 'central.sqlite'}"
    with contextlib.closing(Database(url)) as database:
        asked = database.read_now(asked_about)
    wrong = [line for line in report.items if line.truth != line.ledger and line.item not in asked]
    assert not wrong, wrong
    assert report.committed == report.kept > 0, report
    assert report.doubled == 0, report
    assert report.movements > 0, report
