"""``tallyport emulate``: devices to try the edge with, where there is no hardware."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from tallyport.emulate.printing import PrinterOptions, make_printer
from tallyport.emulate.reader import ReaderOptions, Traffic, Vendor, make_reader
from tallyport.emulate.running import run
from tallyport.emulate.scanning import ScannerOptions, make_scanner, mistakes_of
from tallyport.emulate.weighing import (
    PROTOCOLS,
    ScaleOptions,
    make_node,
    make_scale,
    make_shelf,
    make_transmitter,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "Devices without hardware: each speaks the real protocol on a TCP port or on a serial "
        "port of its own, prints the settings with which an edge reads it, and misbehaves at a "
        "word.\n\n"
        "In one terminal: `tallyport emulate reader --settings edge.toml`, in another: "
        "`tallyport edge probe --config edge.toml`."
    ),
)

Seed = Annotated[int, typer.Option(min=0, help="Another seed is another world.")]
Settings = Annotated[
    Path | None,
    typer.Option(help="Write the edge's settings for this device here.", dir_okay=False),
]
Said = Annotated[
    list[str] | None,
    typer.Option("--fault", help="Words to say at the start, as if typed; may be repeated."),
]
Load = Annotated[int, typer.Option(min=0, help="What lies on it at first, in grams.")]


def _one_of(option: str, value: str, known: tuple[str, ...]) -> Any:  # noqa: ANN401 (a Literal)
    if value not in known:
        typer.echo(f"{option} is one of {', '.join(known)}, not {value!r}", err=True)
        raise typer.Exit(2)
    return value


@app.command()
def reader(  # noqa: PLR0917 (options)
    port: Annotated[int, typer.Option(min=0, max=65535, help="TCP port; 0: any.")] = 0,
    host: Annotated[str, typer.Option(help="Listen at this address.")] = "127.0.0.1",
    vendor: Annotated[str, typer.Option(help="`impinj` or `zebra`.")] = "impinj",
    traffic: Annotated[str, typer.Option(help="`standard`, `hard` or `none`.")] = "standard",
    scene: Annotated[
        Path | None, typer.Option(help="A dock and its moves from a TOML file.", dir_okay=False)
    ] = None,
    seed: Seed = 1,
    settings: Settings = None,
    fault: Said = None,
) -> None:
    r"""An RFID reader (LLRP) at a dock door: pallets come and go past staged ones, and what really
    crossed is told as it happens. Radio waves behave as measured: fading, shadows, noise.

    \b
    Examples:
      tallyport emulate reader --settings edge.toml
      tallyport emulate reader --port 5084 --traffic hard --seed 7
      tallyport emulate reader --fault "clock -3600" --fault "omit rssi"
    """
    options = ReaderOptions(
        host=host,
        port=port,
        vendor=cast("Vendor", _one_of("--vendor", vendor, ("impinj", "zebra"))),
        traffic=cast("Traffic", _one_of("--traffic", traffic, ("standard", "hard", "none"))),
        scene=scene,
        seed=seed,
    )
    run(lambda: make_reader(options), fault or [], settings)


@app.command()
def scale(  # noqa: PLR0917 (options)
    protocol: Annotated[str, typer.Option(help=", ".join(PROTOCOLS))] = "mt-sics",
    tcp: Annotated[
        int | None, typer.Option(min=0, max=65535, help="A TCP port instead of a serial one.")
    ] = None,
    load: Load = 500,
    seed: Seed = 1,
    settings: Settings = None,
    fault: Said = None,
) -> None:
    r"""A scale on a firm bench, on a serial port of its own or behind a TCP port.

    \b
    Examples:
      tallyport emulate scale --settings edge.toml
      tallyport emulate scale --protocol toledo-8217 --tcp 4001 --load 1250
    """
    options = ScaleOptions(
        protocol=_one_of("--protocol", protocol, PROTOCOLS), tcp_port=tcp, load_g=load, seed=seed
    )
    run(lambda: make_scale(options), fault or [], settings)


@app.command()
def shelf(  # noqa: PLR0917 (options)
    plates: Annotated[int, typer.Option(min=1, max=24, help="How many plates.")] = 6,
    protocol: Annotated[str, typer.Option(help=", ".join(PROTOCOLS))] = "mt-sics",
    load: Load = 3000,
    seed: Seed = 1,
    settings: Settings = None,
    fault: Said = None,
) -> None:
    r"""A shelf of load plates that shake with footsteps, feel each other, creep and drift.

    \b
    Examples:
      tallyport emulate shelf --plates 4 --settings edge.toml
      tallyport emulate shelf --fault "hand 2 1500 20"
    """
    _one_of("--protocol", protocol, PROTOCOLS)
    run(lambda: make_shelf(plates, protocol, load, seed), fault or [], settings)


@app.command()
def node(
    load: Load = 500,
    seed: Seed = 1,
    settings: Settings = None,
    fault: Said = None,
) -> None:
    r"""A microcontroller with a load cell, as in firmware_configs/arduino, on a serial port.

    \b
    Example:
      tallyport emulate node --load 1500 --settings edge.toml
    """
    run(lambda: make_node(load, seed), fault or [], settings)


@app.command()
def transmitter(  # noqa: PLR0917 (options)
    over: Annotated[str, typer.Option(help="`rtu` (serial) or `tcp`.")] = "rtu",
    port: Annotated[int, typer.Option(min=0, max=65535, help="With tcp; 0: any.")] = 0,
    load: Load = 500,
    seed: Seed = 1,
    settings: Settings = None,
    fault: Said = None,
) -> None:
    r"""A weighing transmitter with Modbus and a small register map.

    \b
    Example:
      tallyport emulate transmitter --over tcp --port 5020 --settings edge.toml
    """
    kind = _one_of("--over", over, ("rtu", "tcp"))
    run(lambda: make_transmitter(kind, port, load, seed), fault or [], settings)


@app.command()
def scanner(  # noqa: PLR0917 (options)
    code: Annotated[
        list[str] | None, typer.Option(help=r"A code to scan; \x1d stands for GS. Repeatable.")
    ] = None,
    by_hand: Annotated[bool, typer.Option(help="Scan only what is typed.")] = False,
    mistake: Annotated[
        list[str] | None,
        typer.Option(help="Such as `dropped=0.2`, `lost-gs`, `double-scan`. Repeatable."),
    ] = None,
    seed: Seed = 1,
    settings: Settings = None,
    fault: Said = None,
) -> None:
    r"""A serial barcode scanner, and a person who scans every few seconds and errs.

    \b
    Examples:
      tallyport emulate scanner --settings edge.toml
      tallyport emulate scanner --by-hand --fault "scan 4006381333931"
      tallyport emulate scanner --mistake missing-suffix=0.3 --mistake wrong-layout
    """
    try:
        likely = mistakes_of(mistake or [])
    except ValueError as wrong:
        typer.echo(str(wrong), err=True)
        raise typer.Exit(2) from wrong
    options = ScannerOptions(
        codes=tuple(one.replace(r"\x1d", "\x1d") for one in code or ()),
        by_itself=not by_hand,
        mistakes=likely,
        seed=seed,
    )
    run(lambda: make_scanner(options), fault or [], settings)


@app.command()
def printer(  # noqa: PLR0917 (options)
    port: Annotated[int, typer.Option(min=0, max=65535, help="TCP port; 0: any.")] = 9100,
    host: Annotated[str, typer.Option(help="Listen at this address.")] = "127.0.0.1",
    dpi: Annotated[int, typer.Option(help="203, 300 or 600.")] = 203,
    paper: Annotated[int, typer.Option(min=0, help="Labels on the roll; 0: without end.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="A folder for what is printed (ZPL).", file_okay=False)
    ] = None,
    settings: Annotated[
        Path | None, typer.Option(help="Write central's settings for it here.", dir_okay=False)
    ] = None,
    fault: Said = None,
) -> None:
    r"""A label printer (ZPL over TCP) that writes tags, answers ~HS, and runs out of paper.

    \b
    Examples:
      tallyport emulate printer --settings central.toml --out printed/
      tallyport emulate printer --paper 3 --fault "open"
    """
    options = PrinterOptions(host=host, port=port, dpi=dpi, paper=paper, out=out)
    run(lambda: make_printer(options), fault or [], settings)
