"""``tallyport demo``: the main job with embedded defaults, no hardware and no server."""

from __future__ import annotations

import asyncio
import signal
import tempfile
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from tallyport.demo.processes import ProcessDied
from tallyport.demo.report import Report, show
from tallyport.demo.run import Demo, watched
from tallyport.demo.tasks import open_tasks

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
DAY_S = 86_400.0


@app.command()
def demo(  # noqa: PLR0917 (options)
    seconds: Annotated[
        float | None, typer.Option(min=1, help="End by itself after so long; else on Ctrl-C.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed is another world.")] = 1,
    report: Annotated[
        str, typer.Option(help="`text` for people, `json` for one object on stdout.")
    ] = "text",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The screen; 0: any.")] = 0,
    folder: Annotated[
        Path | None, typer.Option(help="Keep settings, logs and data here.", file_okay=False)
    ] = None,
    replay: Annotated[
        Path | None, typer.Option(help="Play this recording instead of the world.", dir_okay=False)
    ] = None,
    speed: Annotated[float, typer.Option(min=0.01, help="Of the replay: 10 is ten times.")] = 1.0,
) -> None:
    r"""Everything at once: emulated devices, an edge, a broker and central, all real processes
    that speak the real protocols. Opens a page on a local port and prints its address.

    A dock portal where pallets of 20-60 tagged cases roll in and out past staged ones, a shelf
    of six load plates that people pick from, and a scanner at receiving. At the end the stock
    on the ledger is compared with what the world really did; exit status 1 where they differ by
    more than a person is asked about.

    \b
    Examples:
      tallyport demo                                  # until Ctrl-C
      tallyport demo --seconds 60 --report json       # for scripts
      tallyport demo --replay dock.jsonl.gz --speed 5 # a recording through the reader
    """
    if report not in ("text", "json"):
        typer.echo(f"--report is text or json, not {report!r}", err=True)
        raise typer.Exit(2)
    console = Console(stderr=report == "json")
    with tempfile.TemporaryDirectory(prefix="tallyport-demo-") as temporary:
        place = folder or Path(temporary)
        try:
            if replay is not None:
                from tallyport.demo.replay import play_recording  # noqa: PLC0415

                result = asyncio.run(play_recording(replay, place, speed, console, port))
            else:
                result = asyncio.run(_play(place, seed, seconds, port, console))
        except (ProcessDied, ValueError, OSError) as error:
            typer.echo(f"The demo ended early: {error}", err=True)
            raise typer.Exit(1) from error
    if report == "json":
        typer.echo(msgspec.json.encode(result).decode())
    else:
        show(result, Console())
    if result.is_silent:
        raise typer.Exit(1)


async def _play(
    folder: Path, seed: int, seconds: float | None, port: int, console: Console
) -> Report:
    one = Demo(folder, seed, http_port=port)
    console.print("Starting emulated devices, central and an edge ...")
    try:
        await one.start()
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # what has begun is finished
            loop.add_signal_handler(signum, one.stop_playing)
        console.print(f"Watch the stock change: [bold]{one.site.url}[/]")
        if seconds is None:
            await open_tasks(one.api)
            console.print(f"Receive, pick and count: [bold]{one.site.url}/scan[/]")
            console.print(f"The edge's own page, for technicians: [bold]{one.site.page_url}[/]")
            settings = folder / "edge.toml"
            console.print(
                f"In another terminal: [bold]tallyport edge top -c {settings}[/]", soft_wrap=True
            )
            console.print("Ctrl-C ends it and compares the ledger with the truth.")
        await watched(one.site, one.play(seconds or DAY_S))
        console.print("The world stands still; waiting for the ledger ...")
        return await one.finish()
    finally:
        if hasattr(one, "site"):
            await one.site.kill()
