"""``tallyport central``, reviews and reasons: why, labels, calibrate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from central.commands.command_line import AsJson, Config, read_books, settings_from

app = typer.Typer()


@app.command()
def why(
    of: Annotated[str, typer.Argument(help="The id of a movement, a review or a pass; or an EPC.")],
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Say why something was posted, asked or left alone: what was heard, what each tag weighed,
    thresholds and versions, who decided. Exit status 1 when nothing has this id.

    For an EPC: why the tag was left alone when it last went by and nothing moved. Each read point
    keeps its newest 200 such passes.
    """
    from central.why import shown, story  # noqa: PLC0415

    settings = settings_from(config)
    try:
        told = read_books(settings, lambda conn: story.why(conn, of))
    except story.NothingKnown as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    if as_json:
        typer.echo(msgspec.json.encode(told).decode())
    else:
        typer.echo("\n".join(shown.lines(told)))


@app.command()
def labels(
    out: Annotated[Path, typer.Option("--out", help="The file to write (JSON Lines).")],
    config: Config = None,
) -> None:
    """Write down what people said of what judging asked: a line for each tag or plate with its
    truth, what judging had said, and what it had seen.
    """
    from central.reviews import learnt  # noqa: PLC0415

    settings = settings_from(config)
    with out.open("wb") as file:
        count = read_books(settings, lambda conn: learnt.export(conn, file))
    typer.echo(f"{count} labels in {out}")


@app.command()
def calibrate(config: Config = None, as_json: AsJson = False) -> None:
    """Hold judging's probabilities against what people said, and say what a refit would change.

    The champion is what is in force, the challenger the same probabilities put right by a line
    through their log-odds (Platt), fitted on the labels of other reviews. Nothing is changed.
    """
    from central.reviews import calibration, learnt  # noqa: PLC0415

    settings = settings_from(config)
    found = read_books(settings, lambda conn: calibration.answers(learnt.lines(conn, kind="tag")))
    try:
        told = calibration.compare(found)
    except calibration.TooFewLabels as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    if as_json:
        typer.echo(msgspec.json.encode(told).decode())
    else:
        typer.echo("\n".join(calibration.lines(told)))
