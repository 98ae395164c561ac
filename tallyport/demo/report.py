"""What the demo found: stock on the ledger against the emulated world's truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from tallyport.demo.goods import NAMES


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One item at one place: how many there really are, how many the ledger has, and how many
    the answers to open reviews could change that by.
    """

    item: str
    location: str
    truth: int
    ledger: int
    asked: int = 0

    @property
    def differs(self) -> int:
        """By how much the ledger is off."""
        return abs(self.truth - self.ledger)


class Report(msgspec.Struct, kw_only=True):
    """The demo's result. ``heard`` reads, weights and scans; ``kept`` observations in the
    edge's journal; ``committed`` of them at central; ``lost`` and ``doubled`` must be zero.
    ``technician`` are reads that a technician had in place of the edge, and ``asked`` units
    that the ledger lacks or has too many while a person is asked about them.
    """

    ok: bool
    seconds: float
    seed: int
    heard: int
    kept: int
    committed: int
    movements: int
    reviews: int
    lost: int
    doubled: int
    technician: int
    asked: int
    items: list[Line]
    errors: list[str] = []

    @property
    def is_silent(self) -> bool:
        """Whether the ledger is off by more than a person is asked about, or anything was lost."""
        return bool(self.lost or self.doubled or any(one.differs > one.asked for one in self.items))


def compare(
    truth: dict[tuple[str, str], int],
    inventory: list[dict[str, Any]],
    reviews: Iterable[dict[str, Any]] = (),
) -> list[Line]:
    """Every item and place that either side knows of, sums over lots, with what open ``reviews``
    ask about it.
    """
    asked = _asked(reviews)
    ledger: dict[tuple[str, str], int] = {}
    for row in inventory:
        key = (row["sku"], row["location"])
        ledger[key] = ledger.get(key, 0) + row["on_hand"]
    lines = [
        Line(
            item=sku,
            location=place,
            truth=truth.get(key, 0),
            ledger=ledger.get(key, 0),
            asked=asked[key],
        )
        for key in sorted(truth.keys() | ledger.keys())
        for sku, place in (key,)
    ]
    return [line for line in lines if line.truth or line.ledger]


def _asked(reviews: Iterable[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """The most that any answer to each review would change, by item and place."""
    most: Counter[tuple[str, str]] = Counter()
    for review in reviews:
        of_it: Counter[tuple[str, str]] = Counter()
        for hypothesis in review["hypotheses"]:
            change: Counter[tuple[str, str]] = Counter()
            for move in hypothesis["movements"]:
                change[move["sku"], move["source"]] -= move["quantity"]
                change[move["sku"], move["destination"]] += move["quantity"]
            of_it |= Counter({key: abs(units) for key, units in change.items()})
        most += of_it
    return most


def show(report: Report, console: Console) -> None:
    """For people."""
    table = Table(title="Stock: what really is there, and what the ledger says")
    table.add_column("item")
    table.add_column("place")
    table.add_column("truth", justify="right")
    table.add_column("ledger", justify="right")
    for line in report.items:
        colour = "yellow" if line.differs <= line.asked else "bold red"
        table.add_row(
            NAMES.get(line.item, line.item),
            line.location,
            str(line.truth),
            f"[{colour}]{line.ledger}[/]" if line.differs else str(line.ledger),
        )
    console.print(table)
    console.print(
        f"heard {report.heard:,} readings, kept {report.kept:,} observations, "
        f"committed {report.committed:,}; {report.movements:,} movements, "
        f"{report.reviews} for review; lost {report.lost}, doubled {report.doubled}"
        + (f"; a technician had {report.technician:,} reads" if report.technician else "")
    )
    for error in report.errors:
        console.print(f"[bold red]{error}[/]")
    if report.ok:
        console.print("[bold green]stock is right[/]")
    elif report.is_silent:
        console.print("[bold red]stock is wrong[/]")
    else:
        console.print(
            f"[bold yellow]stock is right but for {report.asked} units that a person is asked "
            f"about[/]: answer the {report.reviews} open reviews"
        )
