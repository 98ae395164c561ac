"""What judging gains from a ledger that knows where goods are, and what one that is wrong costs.

``python -m benchmarks.accuracy.ledger FOLDER...`` judges each folder's portal recordings with five
ledgers: one that says nothing, one that has every case that will go out inside and no other, the
same with one pallet in twenty on the wrong side, one that was booked by item and never met a tag,
and one in which nothing was ever booked. Of tags that never cross it says nothing: a recording does
not tell where they lie.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.accuracy.run import places_of
from central.reconcile.holdings import NOTHING_HELD, Held, Holdings, Lot
from central.reconcile.rehearsal import INSIDE
from drivers.recording import PassTruth, Recording, read_recording
from tallyport.evaluate.portal import Production, Stock
from tallyport.evaluate.report import OfFile, grade, portal_figures

WRONG_SHARE = 0.05
_MANY = 1_000_000
SHARES = ("f1", "recall", "direction_accuracy", "posted_wrong", "reviewed")
Kind = Callable[[str, Random], str | None]
"""Where a ledger has a pallet that will go this way."""


def right(way: str, _: Random) -> str | None:
    """Where it is."""
    return INSIDE if way == "out" else None


def wrong_at_times(way: str, chance: Random) -> str | None:
    """Where it is, or at times where it is not: it once went by unseen."""
    return right({"in": "out", "out": "in"}[way] if chance.random() < WRONG_SHARE else way, chance)


def nothing_booked(_way: str, _: Random) -> str | None:
    """Nowhere."""
    return None


class _Plenty:
    """``Holdings`` that hold more than will ever leave."""

    def of(self, lots: Collection[Lot]) -> Mapping[Lot, Sequence[Held]]:
        return {lot: [Held(INSIDE, _MANY, _MANY)] for lot in lots}

    def picked_to(self, _sku: str, _place: str) -> bool:
        return False


class _Ledger(NamedTuple):
    """Where it has what crosses, and what it holds without knowing its tags."""

    places: Kind | None = None
    held: Holdings = NOTHING_HELD


LEDGERS = {
    "says nothing": _Ledger(),
    "right": _Ledger(right),
    "one pallet in twenty is wrong": _Ledger(wrong_at_times),
    "all booked without tags": _Ledger(nothing_booked, _Plenty()),
    "nothing was ever booked": _Ledger(nothing_booked),
}


class _Pallet(NamedTuple):
    """What crosses at one moment one way."""

    t: float
    way: str


def stock_of(kind: Kind, recording: Recording) -> dict[str, str | None]:
    """Where the ledger has what will cross, before anything does."""
    chance = Random(recording.header.read_point)
    pallets: dict[_Pallet, str | None] = {}
    stock: dict[str, str | None] = {}
    for line in recording.truths:
        if isinstance(line, PassTruth) and line.epc.upper() not in stock:
            pallet = _Pallet(round(line.t, 2), line.direction)
            if pallet not in pallets:
                pallets[pallet] = kind(pallet.way, chance)
            stock[line.epc.upper()] = pallets[pallet]
    return stock


def _graded(ledger: str, paths: Sequence[Path]) -> list[OfFile]:
    told = LEDGERS[ledger]
    stock: Stock | None = partial(stock_of, told.places) if told.places else None
    judge = Production(stock, told.held)
    return grade([(path, read_recording(path)) for path in paths], judge)


def rows(folder: Path, workers: int | None) -> Iterator[list[str]]:
    """A row of figures for each ledger."""
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        for ledger in LEDGERS:
            found = pool.map(partial(_graded, ledger), places_of(folder))
            told: dict[str, Any] = portal_figures([one for some in found for one in some])
            shares = [f"{told[name] or 0.0:.4f}" for name in SHARES]
            yield [folder.name, ledger, *shares, f"{told['latency_s']['p50']:.1f}"]


def main(arguments: list[str] | None = None) -> int:
    """Command line; gives the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy.ledger", description=__doc__
    )
    parser.add_argument("recordings", nargs="+", type=Path, help="folders of portal recordings")
    parser.add_argument("--workers", type=int, default=None)
    options = parser.parse_args(arguments)
    table = Table("recordings", "ledger", *SHARES, "latency p50, s")
    for folder in options.recordings:
        for row in rows(folder, options.workers):
            table.add_row(*row)
    Console(width=120).print(table)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
