"""``tallyport central label``: templates, labels as files, and how printers are."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, cast, get_args

import typer

from central.commands.command_line import Config, read_books, settings_from

if TYPE_CHECKING:
    from central.labels.desk import LabelDesk, Wish
    from central.labels.model import Dpi, Form

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Labels: templates, labels as PDF or ZPL files, and how printers are.",
)


@app.command()
def templates(config: Config = None) -> None:
    """List the templates: those that come with Tallyport, and those of the settings' folder."""
    for name, one in sorted(_desk(config).shelf.templates.items()):
        typer.echo(f"{name:<12} {one.kind:<9} {one.title}")


@app.command()
def check(files: Annotated[list[Path], typer.Argument(help="Templates (TOML).")]) -> None:
    """Check templates: every mistake with its line and what is accepted; status 2 if there are."""
    from central.labels.shelf import read_template  # noqa: PLC0415 (slow to import)
    from gateway.settings_errors import ConfigError  # noqa: PLC0415

    wrong = 0
    for path in files:
        try:
            found = read_template(path)
        except ConfigError as error:
            wrong += 1
            mistakes = "\n".join(f"  {one}" for one in error.mistakes)
            typer.echo(f"{path}: {len(error.mistakes)} to mend\n{mistakes}", err=True)
        else:
            typer.echo(f"{path}: a label of kind {found.kind}, {len(found.elements)} elements")
    if wrong:
        raise typer.Exit(2)


@app.command()
def make(  # noqa: PLR0917 (a command's options)
    kind: Annotated[str, typer.Argument(help="item, lot, serial, place, logistic or shipping.")],
    out: Annotated[Path, typer.Option(help="FILE.pdf or FILE.zpl.", dir_okay=False)],
    config: Config = None,
    sku: Annotated[str, typer.Option(help="The item.")] = "",
    lot: Annotated[str, typer.Option(help="Of which lot.")] = "",
    serial: Annotated[str, typer.Option(help="The piece.")] = "",
    place: Annotated[list[str] | None, typer.Option(help="A place; may be repeated.")] = None,
    within: Annotated[str, typer.Option(help="All places within this one.")] = "",
    of_type: Annotated[
        list[str] | None, typer.Option("--type", help="With --within: bin, shelf ...")
    ] = None,
    sscc: Annotated[str, typer.Option(help="The carton or pallet.")] = "",
    template: Annotated[str, typer.Option(help="Which one; `templates` says what there are.")] = "",
    copies: Annotated[int, typer.Option(min=1, max=1000)] = 1,
    dpi: Annotated[
        int | None, typer.Option(help="203, 300 or 600; 203 without it, 600 for sheets.")
    ] = None,
    sheet: Annotated[bool, typer.Option("--sheet", help="Many on a page (PDF).")] = False,
    skip: Annotated[int, typer.Option(min=0, max=500, help="Stickers that were used.")] = 0,
) -> None:
    r"""Make labels of what is in the books, beside a running central too. Those with tags are made
    by the API (`POST /labels`): a tag's number is given away once.

    \b
    Examples:
      tallyport central label make item --sku ABC-12345 --copies 4 --out mouse.pdf
      tallyport central label make place --within WH-01 --type bin --template bin --sheet \
          --out bins.pdf
    """
    from central.labels.desk import Wish  # noqa: PLC0415 (slow to import)
    from central.labels.model import DPI, KINDS, Kind, Subject, default_dpi  # noqa: PLC0415

    form = out.suffix.lower().removeprefix(".")
    if form not in {"pdf", "zpl"}:
        _refuse(f"{out} is neither .pdf nor .zpl: name the file after what it shall be")
    if kind not in KINDS:
        _refuse(f"a label is of kind {', '.join(get_args(Kind))}, not {kind!r}")
    dots = dpi or default_dpi(sheet=sheet)
    if dots not in DPI:
        _refuse(f"--dpi is one of {', '.join(map(str, DPI))}, not {dpi}")
    thing = Subject(sku=sku, lot=lot, serial=serial, sscc=sscc)
    wanted = tuple(Subject(place=code) for code in place or ())
    wish = Wish(
        kind=kind, template=template, within=within, types=tuple(of_type or ()),
        subjects=wanted + ((thing,) if thing != Subject() else ()), copies=copies, sheet=sheet,
        skip=skip,
    )  # fmt: skip
    if wish.gives_numbers:
        _refuse("a new SSCC is given by the API (POST /labels); say --sscc for one that there is")
    _write(config, wish, out, cast("Form", form), dots)


def _write(config: Path | None, wish: Wish, out: Path, form: Form, dpi: Dpi) -> None:
    from central.catalogue.changes import Told  # noqa: PLC0415 (slow to import)
    from central.catalogue.errors import CatalogueError  # noqa: PLC0415
    from central.labels.model import LabelRefused  # noqa: PLC0415
    from central.stock.model import StockError  # noqa: PLC0415

    desk = _desk(config)
    told = Told(by="cli", at_us=time.time_ns() // 1_000)
    try:
        found = read_books(settings_from(config), lambda c: desk.gather(c, wish, "", told))
        printed = desk.render(wish, found, form, dpi)
        out.write_bytes(printed.content)
    except (LabelRefused, CatalogueError, StockError) as error:
        _refuse(str(error))
    except OSError as error:
        _refuse(f"{out} cannot be written: {error.strerror}")
    hint = ". Print at 100 %, not fitted to the page" if form == "pdf" else ""
    typer.echo(f"{out}: {printed.labels} labels{hint}")


@app.command()
def printers(config: Config = None) -> None:
    """Say how each printer of the settings is; status 1 if one is not ready."""
    from central.labels.printers import look  # noqa: PLC0415 (slow to import)

    found = list(_desk(config).printers.values())
    if not found:
        typer.echo("the settings have no [[printers]]")
        return

    async def all_of_them() -> list[tuple[str, str]]:
        states = await asyncio.gather(*(look(one) for one in found))
        return [(one.state, one.says) for one in states]

    states = asyncio.run(all_of_them())
    for one, (state, says) in zip(found, states, strict=True):
        typer.echo(f"{one.name:<12} {state:<8} {says}".rstrip())
    if any(state in {"away", "trouble"} for state, _ in states):
        raise typer.Exit(1)


def _desk(config: Path | None) -> LabelDesk:
    from central.labels.desk import LabelDesk  # noqa: PLC0415 (slow to import)
    from gateway.settings_errors import ConfigError  # noqa: PLC0415

    try:
        return LabelDesk(settings_from(config))
    except ConfigError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


def _refuse(why: str) -> NoReturn:
    typer.echo(f"tallyport central label: {why}", err=True)
    raise typer.Exit(2)
