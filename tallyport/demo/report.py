"""What the demo found: stock on the ledger against the emulated world's truth."""

from __future__ import annotations

from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from tallyport.demo.goods import NAMES


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One item at one place: how many there really are, and how many the ledger has."""

    item: str
    location: str
    truth: int
    ledger: int


class Report(msgspec.Struct, kw_only=True):
    """The demo's result. ``heard`` reads, weights and scans; ``kept`` observations in the
    edge's journal; ``committed`` of them at central; ``lost`` and ``doubled`` must be zero.
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
    items: list[Line]
    errors: list[str] = []


def compare(truth: dict[tuple[str, str], int], inventory: list[dict[str, Any]]) -> list[Line]:
    """Every item and place that either side knows of, sums over lots."""
    ledger: dict[tuple[str, str], int] = {}
    for row in inventory:
        key = (row["sku"], row["location"])
        ledger[key] = ledger.get(key, 0) + row["on_hand"]
    lines = [
        Line(item=sku, location=place, truth=truth.get(key, 0), ledger=ledger.get(key, 0))
        for key in sorted(truth.keys() | ledger.keys())
        for sku, place in (key,)
    ]
    return [line for line in lines if line.truth or line.ledger]


def show(report: Report, console: Console) -> None:
    """For people."""
    table = Table(title="Stock: what really is there, and what the ledger says")
    table.add_column("item")
    table.add_column("place")
    table.add_column("truth", justify="right")
    table.add_column("ledger", justify="right")
    for line in report.items:
        right = line.truth == line.ledger
        table.add_row(
            NAMES.get(line.item, line.item),
            line.location,
            str(line.truth),
            str(line.ledger) if right else f"[bold red]{line.ledger}[/]",
        )
    console.print(table)
    console.print(
        f"heard {report.heard:,} readings, kept {report.kept:,} observations, "
        f"committed {report.committed:,}; {report.movements:,} movements, "
        f"{report.reviews} for review; lost {report.lost}, doubled {report.doubled}"
    )
    for error in report.errors:
        console.print(f"[bold red]{error}[/]")
    console.print("[bold green]stock is right[/]" if report.ok else "[bold red]stock is wrong[/]")
