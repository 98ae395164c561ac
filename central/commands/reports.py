"""``tallyport central report``, ``export`` and ``import``: the books and other programs."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from central.commands.command_line import Config, read_books, settings_from, use_books
from central.config import CentralSettings
from gateway.terminal.progress import working

app = typer.Typer()
_FORMS = ("csv", "xlsx", "parquet")


@app.command()
def report(  # noqa: PLR0917 (a command's options)
    name: Annotated[str, typer.Argument(help="Which one; `list` says what there are.")],
    config: Config = None,
    form: Annotated[str, typer.Option("--format", help="csv, xlsx or parquet.")] = "csv",
    out: Annotated[Path | None, typer.Option(help="A file; without one, stdout.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="First day, YYYY-MM-DD.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Last day, included.")] = None,
    location: Annotated[str | None, typer.Option(help="This one and all within it.")] = None,
    category: Annotated[str | None, typer.Option(help="Items of this category.")] = None,
    item: Annotated[str | None, typer.Option(help="This SKU.")] = None,
) -> None:
    r"""Make a report, beside a running central too.

    \b
    Examples:
      tallyport central report list
      tallyport central report stock-levels --location WH-01
      tallyport central report run-out --format xlsx --out run-out.xlsx
    """
    from central.reports.catalogue import REPORTS  # noqa: PLC0415 (seconds of imports)
    from central.reports.desk import ReportDesk  # noqa: PLC0415
    from central.reports.model import Asked, ReportRefused  # noqa: PLC0415

    if name == "list":
        typer.echo("\n".join(f"{one.name}: {one.means}" for one in REPORTS.values()))
        return
    if name not in REPORTS:
        _refuse(f"there is no report {name!r}; there are {', '.join(REPORTS)}")
    if form not in _FORMS:
        _refuse(f"--format is one of {', '.join(_FORMS)}, not {form!r}")
    asked = Asked(
        since=_day("--from", since), until=_day("--to", until), location=location,
        category=category, sku=item,
    )  # fmt: skip
    settings = settings_from(config)
    with tempfile.TemporaryDirectory(prefix="tallyport-report-") as folder:
        made = Path(folder) / "report"
        try:
            with working(f"Making the report {name}"):
                rows = use_books(
                    settings,
                    lambda database: ReportDesk(settings.extract_path, database.read_now).write(
                        REPORTS[name], asked, datetime.now(UTC), form, made
                    ),
                )
            _hand_over(made, out)
        except (ReportRefused, OSError) as error:
            _refuse(str(error))
    if out is not None:
        typer.echo(f"{out}: {rows} rows")


@app.command()
def export(
    kind: Annotated[
        str | None, typer.Argument(help="items, locations or stock: a file to import elsewhere.")
    ] = None,
    file: Annotated[Path | None, typer.Argument(help="FILE.csv or FILE.xlsx.")] = None,
    config: Config = None,
    parquet: Annotated[
        Path | None, typer.Option(help="A folder for Parquet files; made if it is not there.")
    ] = None,
) -> None:
    r"""Export the books: for a data warehouse, or as files that `import` takes.

    With --parquet: the ledger, items, locations and warehouses. Again into the same folder: only
    what is new is read and written. `extract.json` names the files of movements that belong to the
    export and comes last; DuckDB, Spark or pandas read them.

    \b
    Examples:
      tallyport central export --parquet warehouse/
      tallyport central export items items.csv
    """
    settings = settings_from(config)
    if parquet is not None and kind is None:
        _export_parquet(settings, parquet)
    elif parquet is None and kind is not None and file is not None:
        _export_file(settings, kind, file)
    else:
        _refuse("say --parquet FOLDER, or what to export and into which file")


def _export_parquet(settings: CentralSettings, folder: Path) -> None:
    from central.reports.extract import Extract  # noqa: PLC0415 (seconds of imports)

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with working(f"Exporting to {folder}"):
            kept = use_books(settings, lambda database: Extract(folder).bring_up(database.read_now))
    except OSError as error:
        _refuse(f"{folder} cannot be written: {error.strerror}")
    typer.echo(f"{folder}: {kept.upto_seq} movements in {len(kept.segments)} files, and the rest")


def _export_file(settings: CentralSettings, kind: str, file: Path) -> None:
    from central.imports.running import KINDS, export  # noqa: PLC0415 (seconds of imports)

    form = file.suffix.lower().removeprefix(".")
    if kind not in KINDS or form not in {"csv", "xlsx"}:
        _refuse(f"export {', '.join(KINDS)}, into FILE.csv or FILE.xlsx")
    try:
        with working(f"Exporting {kind}"):
            rows = read_books(settings, lambda c: export(c, kind, form, file))  # type: ignore[arg-type]
    except OSError as error:
        _refuse(f"{file} cannot be written: {error.strerror}")
    typer.echo(f"{file}: {rows} rows")


@app.command(name="import")
def take(  # noqa: PLR0917 (a command's options)
    kind: Annotated[
        str,
        typer.Argument(
            help="items, locations, lots, stock (opening balances), inbound-orders or orders."
        ),
    ],
    file: Annotated[Path, typer.Argument(help="CSV or XLSX.", exists=True, dir_okay=False)],
    config: Config = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would come.")] = False,
    all_or_nothing: Annotated[
        bool,
        typer.Option(
            "--all-or-nothing/--keep-right",
            help="With a row that is wrong: keep nothing, or the others.",
        ),
    ] = True,
    decimal: Annotated[str | None, typer.Option(help="The sign before a fraction: , or .")] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="A title of the file as ours: 'Artikel=sku'.")
    ] = None,
    by: Annotated[str, typer.Option(help="Who does it, for the audit.")] = "command line",
) -> None:
    r"""Import a file, while no central runs on these books (a running one takes it at
    /api/imports). A mistake anywhere keeps everything out, unless --keep-right. Status 1 where
    rows are wrong.

    \b
    Examples:
      tallyport central import items items.xlsx --dry-run
      tallyport central import stock stand.csv --column 'Lagerplatz=location'
    """
    from central.catalogue.changes import Told  # noqa: PLC0415 (seconds of imports)
    from central.imports.model import ImportRefused  # noqa: PLC0415
    from central.imports.progress import Progress  # noqa: PLC0415
    from central.imports.running import KINDS, Undone, Wanted, carry_out, read_file  # noqa: PLC0415

    if kind not in KINDS or decimal not in {None, ",", "."}:
        _refuse(f"import {', '.join(KINDS)}; --decimal is , or .")
    mapping = dict(one.rpartition("=")[::2] for one in column or ())
    wanted = Wanted(kind=kind, mapping=mapping, decimal=decimal)  # type: ignore[arg-type]
    keep = "none" if dry_run else "all" if all_or_nothing else "right"
    try:
        rows, outcome = read_file(file, wanted)
    except (ImportRefused, OSError) as error:
        _refuse(f"{file}: {error}")
    typer.echo(f"{file}: {outcome.rows} rows are read", err=True)
    told = Told(by=by, at_us=time.time_ns() // 1_000)
    settings = settings_from(config)
    try:
        with working(f"Importing {kind}", elsewhere=_say_progress) as went:
            seen = Progress("", kind, went)
            done = use_books(
                settings,
                lambda database: database.write_now(
                    lambda c: carry_out(c, rows, outcome, wanted.kind, keep, told, seen)  # type: ignore[arg-type]
                ),
            )
    except Undone as undone:
        done = undone.outcome
    for fault in done.faults:
        accepted = f" (accepted: {fault.accepted})" if fault.accepted else ""
        typer.echo(f"row {fault.row} {fault.column}: {fault.what}{accepted}")
    typer.echo(
        f"{done.created} created, {done.changed} changed, {done.unchanged} unchanged, "
        f"{done.refused} refused: {'kept' if done.kept else 'nothing was kept'}"
    )
    if done.refused:
        raise typer.Exit(1)


def _say_progress(done: int = 0, of: int | None = None, *, what: str = "") -> None:
    typer.echo(f"{done} of {of} rows", err=True)


def _hand_over(made: Path, out: Path | None) -> None:
    if out is None:
        with made.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    else:
        shutil.copyfile(made, out)


def _day(option: str, said: str | None) -> date | None:
    if said is None:
        return None
    try:
        return date.fromisoformat(said)
    except ValueError:
        _refuse(f"{option} is a day as 2026-01-31, not {said!r}")


def _refuse(why: str) -> NoReturn:
    typer.echo(why, err=True)
    raise typer.Exit(2)
