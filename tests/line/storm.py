"""What must hold after every storm."""

from __future__ import annotations

import contextlib

from benchmarks.nemesis.checker import asked_about
from benchmarks.nemesis.storm import Storm
from central.store import Database
from tallyport.demo.report import Report

__all__ = ["Storm", "assert_right"]


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
    assert report.committed == report.kept > 0
    assert report.doubled == 0
    assert report.movements > 0
