"""``tallyport evaluate``: how right the judging is, on recordings with a truth beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from drivers.recording import Recording, RecordingError, read_header, read_recording
from tallyport.evaluate import report, show

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(context_settings={"help_option_names": ["-h", "--help"]})
def evaluate(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Recordings (.jsonl, .jsonl.gz), or folders of them.", exists=True, readable=True
        ),
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object for scripts.")
    ] = False,
) -> None:
    """Grade recordings: the judging that runs in production, held against the truth in them.

    A recording is what `tallyport edge capture` or an emulator wrote, with lines that say what
    really happened. Tags that come and turn back within 15 s count as their net effect.

    Those of one read point are judged in the order in which they were made, with one memory.

    Example: `tallyport evaluate walks/ --json | jq .portal.f1`
    """
    paths = sorted(path for file in files for path in _recordings(file))
    if not paths:
        typer.echo(f"no recordings (*.jsonl, *.jsonl.gz) in {', '.join(map(str, files))}", err=True)
        raise typer.Exit(2)
    try:
        paths.sort(key=lambda path: read_header(path).started_at)
        graded = report.grade(_read(paths, quiet=as_json))
    except RecordingError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    figures = report.told(graded)
    if as_json:
        typer.echo(json.dumps(figures))
    else:
        show.show(figures, Console())


def _recordings(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return [*path.rglob("*.jsonl"), *path.rglob("*.jsonl.gz")]


def _read(paths: list[Path], *, quiet: bool) -> Iterator[tuple[Path, Recording]]:
    console = Console(stderr=True)
    shown = not quiet and console.is_terminal
    for path in track(paths, "Judging ...", console=console, disable=not shown, transient=True):
        yield path, read_recording(path)
