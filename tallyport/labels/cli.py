"""``tallyport labels``: what is printed and hung up on the floor."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, cast

import typer

from gateway.command_codes import CodeError, Verb, command_code, place_code
from tallyport.labels.sheet import Label, Symbology, as_pdf, as_svg

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Labels to print: the floor's commands and places.",
)


@app.callback()
def labels() -> None:
    """Labels to print: the floor's commands and places."""


@app.command()
def commands(
    out: Annotated[Path, typer.Option(help="FILE.svg or FILE.pdf.", dir_okay=False)],
    place: Annotated[
        list[str] | None, typer.Option(help="A place to print a label for; may be repeated.")
    ] = None,
    symbology: Annotated[str, typer.Option(help="`code128` or `qr`.")] = "code128",
) -> None:
    r"""Write a sheet of command barcodes (receive, move to, pick, count, undo) and of labels for
    places. Each code ends in a check character, so that a torn or mistyped one is noticed.

    \b
    Examples:
      tallyport labels commands --out commands.pdf
      tallyport labels commands --out shelves.svg --place shelf-7 --place shelf-8
    """
    form = out.suffix.lower()
    if form not in {".svg", ".pdf"}:
        _refuse(f"{out} is neither .svg nor .pdf: name the file after what it shall be.")
    if symbology not in {"code128", "qr"}:
        _refuse(f"--symbology {symbology!r} is neither code128 nor qr.")
    drawn = cast("Symbology", symbology)
    sheet = [Label(verb.value.replace("-", " "), command_code(verb)) for verb in Verb]
    try:
        sheet += [Label(one, place_code(one)) for one in place or ()]
    except CodeError as error:
        _refuse(f"{error}.")
    data = as_pdf(sheet, drawn) if form == ".pdf" else as_svg(sheet, drawn).encode()
    try:
        out.write_bytes(data)
    except OSError as error:
        _refuse(f"{out} cannot be written: {error.strerror}.")
    typer.echo(f"{out}: {len(sheet)} labels. Print at 100 %, not fitted to the page.")


def _refuse(why: str) -> None:
    sys.stderr.write(f"tallyport labels commands: {why}\n")
    raise typer.Exit(2)
