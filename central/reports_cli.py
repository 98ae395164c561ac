"""``tallyport central report`` and ``export``: the books for other programs."""

from __future__ import annotations

import shutil
import sys
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from central.command_line import Config, settings_from, use_books

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
    parquet: Annotated[
        Path, typer.Option(help="A folder for Parquet files; made if it is not there.")
    ],
    config: Config = None,
) -> None:
    """Export the ledger, items, locations and warehouses for a data warehouse.

    Again into the same folder: only what is new is read and written. `extract.json` names the
    files of movements that belong to the export and comes last; DuckDB, Spark or pandas read them.
    """
    from central.reports.extract import Extract  # noqa: PLC0415 (seconds of imports)

    settings = settings_from(config)
    try:
        parquet.mkdir(parents=True, exist_ok=True)
        kept = use_books(settings, lambda database: Extract(parquet).bring_up(database.read_now))
    except OSError as error:
        _refuse(f"{parquet} cannot be written: {error.strerror}")
    typer.echo(f"{parquet}: {kept.upto_seq} movements in {len(kept.segments)} files, and the rest")


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
