"""``tallyport central erp``: try a mapping, see to messages, and an ERP to try it all with."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from central.commands.command_line import AsJson, Config, read_books, settings_from, use_books

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from central.catalogue.changes import Told
    from central.erp.messages import Message, Outcome

app = typer.Typer(no_args_is_help=True, help="Connections to ERPs, see docs/erp.md.")
_BY = "command line"
_MOST = 10_000
OfConnection = Annotated[str | None, typer.Option("--connection", help="Of this connection.")]
OfReason = Annotated[str | None, typer.Option("--reason", help="Dead for this reason.")]
Numbers = Annotated[list[int] | None, typer.Argument(help="Numbers of dead messages.")]


@app.command("try")
def try_(
    connection: Annotated[str, typer.Option(help="A connection's name in the settings.")],
    file: Annotated[Path, typer.Option(help="What the ERP sends.", exists=True, dir_okay=False)],
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Say what a message would do: each order as it would be made, and every mistake with its
    place. Nothing is changed; central may run meanwhile. Exit status 1 for mistakes.
    """
    settings = settings_from(config)
    known = settings.erp.connections.get(connection)
    if known is None or known.purchase_orders is None:
        there = ", ".join(sorted(settings.erp.connections)) or "none"
        typer.echo(f"no connection {connection} takes orders; there are: {there}", err=True)
        raise typer.Exit(2)
    from central.erp.applying import read, trial  # noqa: PLC0415 (seconds of imports)

    reading = read(known, connection, file.read_bytes())
    found = read_books(settings, lambda c: trial(c, connection, reading))
    orders = json.loads(found.mapped or "[]")
    if as_json:
        told = {"orders": orders, "faults": msgspec.to_builtins(found.faults)}
        typer.echo(json.dumps(told, indent=2))
    else:
        typer.echo("\n".join(_said(orders, found)))
    if found.faults:
        raise typer.Exit(1)


def _said(orders: list[dict[str, Any]], found: Outcome) -> list[str]:
    lines = []
    for one in orders:
        would = one["verdict"]
        lines.append(f"{one['reference'] or '(no reference)'}: {would} {one['id']}".rstrip())
        says = one["says"]
        for line in says["lines"] if says else ():
            goods = " ".join(
                f"{name} {line[name]}"
                for name in ("line", "sku", "gtin", "quantity", "unit", "lot", "unit_price")
                if line[name] not in (None, "")
            )
            lines.append(f"  {goods}")
    count = len(found.faults)
    lines.append(f"{count} mistakes" if count != 1 else "1 mistake")
    return [*lines, *(f"  {fault}" for fault in found.faults)]


@app.command()
def messages(
    config: Config = None,
    connection: OfConnection = None,
    state: Annotated[
        str | None, typer.Option(help="received, failed, applied, dead or discarded.")
    ] = None,
    reason: OfReason = None,
    as_json: AsJson = False,
) -> None:
    """List the newest 100 messages, in and out; central may run meanwhile."""
    settings = settings_from(config)
    from central.erp import messages as kept  # noqa: PLC0415

    if state is not None and state not in kept.STATES:
        typer.echo(f"--state is one of {', '.join(kept.STATES)}, not {state!r}", err=True)
        raise typer.Exit(2)
    wanted = kept.Wanted(connection=connection, state=state, reason=reason)
    found = read_books(settings, lambda c: kept.listing(c, wanted))
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
        return
    for one in found:
        why = f": {one.faults[0]}" if one.faults else ""
        way = "from" if one.direction == "in" else "to"
        what = one.subject or one.document
        typer.echo(f"{one.no} {one.state} {way} {one.connection} {what} {one.reason}{why}")


@app.command()
def replay(
    numbers: Numbers = None,
    config: Config = None,
    connection: OfConnection = None,
    reason: OfReason = None,
) -> None:
    """Have dead messages tried again when central runs next: those named, or all of a reason.
    While it runs, use the page or the API.
    """
    from central.erp.again import replay as work  # noqa: PLC0415

    _change(config, numbers, (connection, reason), work, "tried again")


@app.command()
def discard(
    numbers: Numbers = None,
    config: Config = None,
    connection: OfConnection = None,
    reason: OfReason = None,
) -> None:
    """Give dead messages up, as `replay` names them."""
    from central.erp.again import discard as work  # noqa: PLC0415

    _change(config, numbers, (connection, reason), work, "given up")


def _change(
    config: Path | None,
    numbers: list[int] | None,
    of: tuple[str | None, str | None],
    work: Callable[[Connection, Sequence[Message], Told], None],
    done: str,
) -> None:
    if not numbers and of == (None, None):
        typer.echo("name messages by their numbers, or say --connection or --reason", err=True)
        raise typer.Exit(2)
    settings = settings_from(config)
    from central.catalogue.changes import Told  # noqa: PLC0415
    from central.catalogue.errors import CatalogueError  # noqa: PLC0415
    from central.erp import messages as kept  # noqa: PLC0415

    told = Told(by=_BY, at_us=time.time_ns() // 1_000)

    def change(conn: Connection) -> int:
        wanted = kept.Wanted(connection=of[0], reason=of[1], state="dead")
        chosen = (
            [kept.get(conn, number) for number in numbers]
            if numbers
            else kept.listing(conn, wanted, limit=_MOST)
        )
        work(conn, chosen, told)
        return len(chosen)

    try:
        count = use_books(settings, lambda database: database.write_now(change))
    except CatalogueError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{count} messages are {done}")


@app.command()
def emulate(
    connection: Annotated[str, typer.Option(help="A connection of the settings.")],
    central: Annotated[str, typer.Option(help="Where central answers.")] = "http://127.0.0.1:8080",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Listen here; 0: any.")] = 8200,
    file: Annotated[
        Path | None, typer.Option(help="Send this at the start.", exists=True, dir_okay=False)
    ] = None,
    config: Config = None,
) -> None:
    """Be an ERP: send purchase orders, signed, and take goods receipts, until Ctrl-C.

    It takes `POST /send` (a message to send to central), `POST /behave` (how the next receipts are
    answered: `{"answers": [{"status": 500}, {"status": 429, "headers": {"retry-after": "2"}},
    {"lost": true}, {"delay_s": 20}]}`) and tells at `GET /taken` what it has.
    """
    settings = settings_from(config)
    known = settings.erp.connections.get(connection)
    if known is None or not known.secrets:
        typer.echo(f"the settings have no connection {connection} with secrets", err=True)
        raise typer.Exit(2)
    from central.erp.emulator import EmulatedErp  # noqa: PLC0415

    secret = known.secrets[0].get_secret_value()
    erp = EmulatedErp(secret, f"{central}/hooks/erp/{connection}/purchase-orders", port=port)
    typer.echo(f"an ERP listens at {erp.url}")
    if file is not None:
        status, said = erp.send(file.read_bytes())
        typer.echo(f"central answers {status}: {said}")
    try:
        erp.serve()
    except KeyboardInterrupt:
        typer.echo(json.dumps(erp.report()))
