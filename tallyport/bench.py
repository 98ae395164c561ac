"""``tallyport bench``: figures as ratios against named baselines, in one run on this machine."""

from __future__ import annotations

import difflib
import importlib
import inspect
import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from gateway.terminal.progress import working
from tallyport.not_here import NotHere

BENCHES = {
    "decode": ("benchmarks.decode", "LLRP tag reports: ours against sllurp, on the same bytes."),
    "devices": (
        "benchmarks.devices.rates",
        "Every kind of device: readings per second of its decoder. Option: --write 1 keeps the "
        "figures for docs/devices.md.",
    ),
    "accuracy": (
        "benchmarks.accuracy.run",
        "Our judging beside simpler rules and published ones on the same recordings. Options: "
        "--recordings DIR..., --workers N, --report FILE.html or FILE.md, "
        "--keep DIR (a JSON file of each folder's figures, for docs/accuracy.md).",
    ),
    "odd": (
        "benchmarks.accuracy.odd",
        "Our judging on emulated docks with one oddity each (readers, antennas, strays, traffic). "
        "Options: --recordings DIR, --workers N.",
    ),
    "radio": (
        "benchmarks.accuracy.radio.believable",
        "Whether the emulated radio is worth believing: its noise and simple rules' scores beside "
        "those measured on real recordings. Options: --halls N, --docks N, --workers N.",
    ),
    "presence": (
        "benchmarks.accuracy.presence",
        "Which tags are there, and where: our zones beside fixed windows, SMURF and EdgeX on the "
        "same recordings. Options: --recordings DIR, --figure FILE.svg (steadiness over lag).",
    ),
    "passes": (
        "benchmarks.accuracy.passes",
        "How often one tag passed one antenna, beside fixed gaps, each recording left out in "
        "turn. Option: --recordings DIR.",
    ),
    "shelves": (
        "benchmarks.accuracy.shelves",
        "Counting by weight on emulated shelves beside rounding, and idle hours. Options: "
        "--episodes N, --first N, --idle-hours H, --workers N.",
    ),
    "journal": ("benchmarks.journal", "The edge's journal against SQLite (WAL, FULL)."),
    "readers": (
        "benchmarks.readers.run",
        "Many fast LLRP readers on one agent: reads lost (none), CPU and memory. Options: "
        "--readers N, --rate N, --seconds S, --standing TAGS, --passing TAGS.",
    ),
    "line": ("benchmarks.line", "The whole road: from the LLRP socket to the committed ledger."),
    "backlog": (
        "benchmarks.backlog",
        "After days without central: the drain against real time, and the live lane's delay. "
        "Options: --hours H, --rate N, --seconds S.",
    ),
    "herd": (
        "benchmarks.herd.run",
        "Hundreds of edges come back at once after the broker's and central's death: how they "
        "spread, what it costs, nothing lost. Options: --edges N, --batches B, --seed S.",
    ),
    "soak": (
        "benchmarks.soak",
        "A shop's day through one edge, the idle time left out: memory, journal and log stay "
        "bounded. Options: --hours-equivalent H, --trouble-every-s S.",
    ),
    "nemesis": (
        "benchmarks.nemesis.run",
        "Real processes under a random mix of real faults. Options: --minutes M, --seed S, "
        "--postgres yes|no|auto.",
    ),
    "simulate": (
        "benchmarks.simulate",
        "The whole road in virtual time under every fault. Options: --seeds N, --first SEED, "
        "--workers N, --plant BUG (one that must be found).",
    ),
    "capacities": (
        "benchmarks.books.capacities",
        "A posting under a capacity of a bin, a warehouse, a whole site, beside asking the "
        "balances for it. Options: --size tiny|small|wide|full, --engine sqlite|postgresql|all, "
        "--seed S.",
    ),
    "ledger": (
        "benchmarks.books.ledger",
        "Posting on large books, SQLite and PostgreSQL, beside one transaction per move in the "
        "same database. Options: --size tiny|small|wide|full (100,000 SKUs, a million balances, "
        "ten million movements: minutes to load), --engine sqlite|postgresql|all, --seed S.",
    ),
    "reserve": (
        "benchmarks.books.reserve",
        "Reservations of one hot item by 200 clients, beside SELECT ... FOR UPDATE in the same "
        "database; ends if a unit is promised twice. Options: --size tiny|small|wide|full, "
        "--engine sqlite|postgresql|all, --clients N, --requests N, --seed S.",
    ),
    "api": (
        "benchmarks.books.api",
        "Central's HTTP API on large books with 200 clients at once, beside the same process "
        "saying that it is alive; and its pages that look at all items or places. Options: "
        "--size tiny|small|wide|full (wide: 100,000 SKUs), --engine sqlite|postgresql|all, "
        "--clients N, --seconds S, --every-s S (a client's pause in the paced run), --seed S.",
    ),
    "screens": (
        "benchmarks.screens.run",
        "200 live screens on one central while stock moves: memory, CPU and how late each one is, "
        "beside as many pages fetched every second; screens that read nothing; how soon pages "
        "show something. Options: --clients N, --deaf N, --rate R, --seconds S, --paint yes|no.",
    ),
    "import": (
        "benchmarks.books.imports",
        "A file of items over HTTP into empty books, SQLite and PostgreSQL, beside one POST per "
        "item to the same central. Options: --skus N, --posts N, --engine sqlite|postgresql|all.",
    ),
    "console": (
        "benchmarks.console",
        "How soon a scan shows on the edge's own page and at central's, and the edge's memory "
        "with its page in use. Options: --scans N, --rate N, --streams N.",
    ),
    "feeds": (
        "benchmarks.feeds",
        "A chart over a million points through central's routes, beside shipping every point. "
        "Options: --points N, --antennas N.",
    ),
    "forecast": (
        "benchmarks.forecast",
        "When stock runs out: how often the told interval holds the day, on simulated demand of "
        "six kinds. Options: --trials N, --seed S.",
    ),
    "powercut": (
        "benchmarks.powercut.run",
        "Power cuts: the journal and central's SQLite started on disks that lost or tore what "
        "was not synced; and cuts under a real process on a file system that forgets. "
        "Options: --states N, --seed S, --cuts N.",
    ),
}

_WITH_A_BAR = {"accuracy", "simulate", "ledger", "reserve", "api", "capacities"}
"""Those that say by themselves how far they are."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(
    # What is not known here is an option of the benchmark itself, see `options_for`.
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    help="Measure one part of the road on this machine.\n\n"
    + "\n\n".join(f"`{name}`: {summary}" for name, (_, summary) in BENCHES.items())
    + "\n\nA benchmark that finds a promise broken ends with status 1.",
)
def bench(
    ctx: typer.Context,
    name: str = typer.Argument(help=f"One of: {', '.join(BENCHES)}. Its own options follow it."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object for scripts."),
) -> None:
    """Run one benchmark and print its figures."""
    if name not in BENCHES:
        near = difflib.get_close_matches(name, BENCHES, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        typer.echo(f"There is no benchmark {name!r}; known: {', '.join(BENCHES)}.{hint}", err=True)
        raise typer.Exit(2)
    run: Callable[..., dict[str, Any]] = importlib.import_module(BENCHES[name][0]).run
    try:
        options = options_for(run, ctx.args)
    except ValueError as mistake:
        typer.echo(f"{name}: {mistake}", err=True)
        raise typer.Exit(2) from mistake
    try:
        with nullcontext() if name in _WITH_A_BAR else working(f"Measuring {name}"):
            result = run(**options)
    except NotHere as lacking:
        typer.echo(f"{name} cannot run here: {lacking}", err=True)
        raise typer.Exit(2) from lacking
    if as_json:
        typer.echo(json.dumps(result))
    else:
        _show(result)
    if result.get("violations"):
        raise typer.Exit(1)


def options_for(
    run: Callable[..., object], words: Sequence[str]
) -> dict[str, int | float | str | tuple[str, ...]]:
    """``--states 300 --seed=7`` as keyword arguments for ``run``.

    ``run`` says what it takes by its keyword-only parameters; each default gives the type. Where
    it is a tuple, all words up to the next option are meant.
    Raises ValueError, in a sentence, for what it does not take.
    """
    known = {
        f"--{parameter.name.replace('_', '-')}": parameter
        for parameter in inspect.signature(run).parameters.values()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    told = ", ".join(f"{option} (now {one.default})" for option, one in known.items())
    options: dict[str, int | float | str | tuple[str, ...]] = {}
    rest = list(words)
    while rest:
        option, equals, value = rest.pop(0).partition("=")
        if option not in known:
            raise ValueError(f"unknown option {option!r}; known: {told or 'none'}")
        if not equals:
            if not rest:
                raise ValueError(f"{option} needs a value")
            value = rest.pop(0)
        parameter = known[option]
        if isinstance(parameter.default, tuple):
            values = [*options.get(parameter.name, ()), value]  # type: ignore[misc]
            while rest and not rest[0].startswith("--"):
                values.append(rest.pop(0))
            options[parameter.name] = tuple(values)
            continue
        try:
            options[parameter.name] = type(parameter.default)(value)
        except ValueError as mistake:
            raise ValueError(
                f"{option} takes a {type(parameter.default).__name__}, not {value!r}"
            ) from mistake
    return options


def _show(result: dict[str, Any]) -> None:
    """Its own tables, where a benchmark has any; else a line for each figure."""
    for one in result.get("tables", ()):
        table = Table(*map(str, one["columns"]), title=one["title"])
        for row in one["rows"]:
            table.add_row(*map(str, row))
        Console().print(table)
    if "tables" in result:
        return
    table = Table(title=f"{result['bench']} on {result['machine'].get('cpu', 'this machine')}")
    for column in ("figure", "value", "unit", "baseline", "ratio"):
        table.add_column(
            column, justify="left" if column == "figure" else "right", no_wrap=column == "figure"
        )
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
