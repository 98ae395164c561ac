"""``tallyport bench``: figures as ratios against named baselines, in one run on this machine."""

from __future__ import annotations

import difflib
import importlib
import json
from collections.abc import Callable
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

BENCHES = {
    "decode": ("benchmarks.decode", "LLRP tag reports: ours against sllurp, on the same bytes."),
    "journal": ("benchmarks.journal", "The edge's journal against SQLite (WAL, FULL)."),
    "line": ("benchmarks.line", "The whole road: from the LLRP socket to the committed ledger."),
}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(
    help="Measure one part of the road on this machine.\n\n"
    + "\n\n".join(f"`{name}`: {summary}" for name, (_, summary) in BENCHES.items())
)
def bench(
    name: str = typer.Argument(help=f"One of: {', '.join(BENCHES)}."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object for scripts."),
) -> None:
    """Run one benchmark and print its figures."""
    if name not in BENCHES:
        near = difflib.get_close_matches(name, BENCHES, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        typer.echo(f"There is no benchmark {name!r}; known: {', '.join(BENCHES)}.{hint}", err=True)
        raise typer.Exit(2)
    run: Callable[[], dict[str, Any]] = importlib.import_module(BENCHES[name][0]).run
    result = run()
    if as_json:
        typer.echo(json.dumps(result))
    else:
        _show(result)


def _show(result: dict[str, Any]) -> None:
    table = Table(title=f"{result['bench']} on {result['machine'].get('cpu', 'this machine')}")
    for column in ("figure", "value", "unit", "baseline", "ratio"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    for name, figure in result["figures"].items():
        ratio = figure.get("ratio")
        table.add_row(
            name,
            f"{figure['value']:,.4g}",
            figure["unit"],
            figure.get("baseline") or "",
            "" if ratio is None else f"{ratio:.2f} x",
        )
    Console().print(table)
