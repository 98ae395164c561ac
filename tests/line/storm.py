"""What must hold after every storm."""

from __future__ import annotations

from benchmarks.nemesis.storm import Storm
from tallyport.demo.report import Report

__all__ = ["Storm", "assert_right"]


def assert_right(report: Report) -> None:
    """Stock is right and no committed observation is missing or there twice. Reads that were
    in no journal yet when the edge was killed are gone, as they would be in life."""
    wrong = [line for line in report.items if line.truth != line.ledger]
    assert not wrong, wrong
    assert report.committed == report.kept > 0
    assert report.doubled == 0
    assert report.movements > 0
