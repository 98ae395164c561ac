"""``tallyport gs1``: identifiers on the command line."""

from __future__ import annotations

import sys
from typing import Annotated

import msgspec
import typer

from gateway.gs1.forms import parse as parse_identifier
from gateway.gs1.keys import Gs1Error
from gateway.gs1.scan import parse_scan

app = typer.Typer(no_args_is_help=True, help="GS1 identifiers: EPC, GTIN, SSCC, barcodes' texts.")


@app.callback()
def gs1() -> None:
    """GS1 identifiers: EPC, GTIN, SSCC, barcodes' texts."""


@app.command()
def parse(
    text: Annotated[
        str,
        typer.Argument(
            help="EPC in hex, EPC URI, element string (with or without AIM identifier, "
            "bracketed or with {GS}), Digital Link, GTIN or SSCC."
        ),
    ],
) -> None:
    """Print one identifier in all its forms, as a JSON object; absent forms are null.

    Nonsense is refused with its reason and exit status 1. What else a text may be is told on
    stderr.
    """
    try:
        found = parse_identifier(text)
    except Gs1Error as error:
        print(f"tallyport gs1 parse: {error}", file=sys.stderr)  # noqa: T201
        raise typer.Exit(1) from None
    sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    ambiguity = None if found.hex else parse_scan(text).ambiguity
    if ambiguity:
        print(f"tallyport gs1 parse: {ambiguity}", file=sys.stderr)  # noqa: T201
