"""``tallyport central replay``: judge the log again, as it was or as a challenger would."""

from __future__ import annotations

import getpass
import json
import os
import socket
import time
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from central.commands.command_line import (
    AsJson,
    Config,
    read_books,
    report,
    settings_from,
    use_books,
)
from central.config import CentralSettings
from gateway.terminal.progress import working

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from central.judging.challenge import Comparison

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
_CURRENT = "current"
_MOST_TOLD = 20


@app.command()
def replay(  # noqa: PLR0917 (a command's options)
    config: Config = None,
    as_json: AsJson = False,
    against: Annotated[
        str,
        typer.Option(
            metavar="WEIGHTS",
            help="A file of other weights for judging portals, or `current` for this release's.",
        ),
    ] = "",
    mend: Annotated[
        bool, typer.Option("--mend", help="Write balances and tags' places anew from the ledger.")
    ] = False,
    by: Annotated[
        str, typer.Option(help="Who mends, for the audit; the system's user without it.")
    ] = "",
    weights: Annotated[
        bool, typer.Option("--weights", help="Print this release's weights, and nothing else.")
    ] = False,
) -> None:
    """Judge the whole observation log again and compare with what was posted; build balances
    and tags' places again from the ledger and compare. Exit status 1 where the answers differ
    (there is no difference, or something is wrong).

    --against judges with other weights and compares that with what was posted: movements, stock,
    passes and questions that differ. Nothing is written. `--against current` tells what this
    release would make of what an older one judged; its weights, to start from: --weights.

    --mend, with central stopped, then puts the rebuilt ones in place of what differed, and keeps
    in the table audit who did it, when, and every row before and after. The ledger itself is
    never changed; where it is not whole, nothing is mended.
    """
    if weights:
        from central.reconcile.portal import crossing  # noqa: PLC0415

        typer.echo(json.dumps(crossing.weights(), indent=2))
        return
    settings = settings_from(config)
    if against:
        _against(settings, against, as_json=as_json)
        return
    from central.judging.replay import differences  # noqa: PLC0415
    from central.keeping.soundness import damage  # noqa: PLC0415
    from central.stock import mending, projection, serials  # noqa: PLC0415

    def work(conn: Connection) -> list[str]:
        return damage(conn) or [
            *differences(conn),
            *projection.check_balances(conn),
            *projection.check_tags(conn),
            *serials.check(conn),
        ]

    with working("Judging again"):
        found = read_books(settings, work)
    if mend:

        def put_right(conn: Connection) -> list[str]:
            return mending.mend(conn, actor=by or _whoami(), at_us=time.time_ns() // 1000)

        try:
            mended = use_books(settings, lambda database: database.write_now(put_right))
        except mending.LedgerBroken as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from error
        for fault in mended:
            typer.echo(f"mended: {fault}", err=True)
    report(found, as_json, "judging again gives the same", "differences")


def _against(settings: CentralSettings, named: str, *, as_json: bool) -> None:
    from central.judging.challenge import challenge  # noqa: PLC0415

    weighing = _weighing(named)
    with working("Judging again") as went:

        def work(conn: Connection) -> Comparison:
            return challenge(conn, weighing, went)

        found = read_books(settings, work)
    if as_json:
        told = msgspec.to_builtins(found) | {"against": named, "ok": not found.differs}
        typer.echo(json.dumps(told))
    else:
        typer.echo("\n".join(_lines(found)))
    if found.differs:
        raise typer.Exit(1)


def _weighing(named: str) -> Callable[[], AbstractContextManager[None]]:
    """Judging by the weights of a file, or as it is; ends the command where they are none."""
    from central.reconcile.portal import crossing  # noqa: PLC0415

    if named == _CURRENT:
        return nullcontext
    try:
        weights = msgspec.json.decode(Path(named).read_bytes(), type=dict[str, object])
        with crossing.using(weights):
            pass
    except (OSError, ValueError) as error:
        typer.echo(f"{named} holds no weights: {error}", err=True)
        raise typer.Exit(2) from error
    return partial(crossing.using, weights)


def _lines(found: Comparison) -> list[str]:
    """The comparison for people: counts, then what differs, the first of each."""
    told = [
        f"{found.entries} entries judged again",
        f"movements: {found.same_movements} alike, {len(found.only_posted)} only posted, "
        f"{len(found.only_challenger)} only by the challenger",
        f"passes: {found.same_passes} alike, {len(found.passes)} otherwise",
        f"questions: {found.same_reviews} alike, {len(found.asked_only_then)} only asked then, "
        f"{len(found.asked_only_now)} only by the challenger",
    ]
    for sku, places in found.net.items():
        told += (f"  {sku} at {place}: {quantity:+}" for place, quantity in places.items())
    for title, movements in (
        ("only posted", found.only_posted),
        ("only by the challenger", found.only_challenger),
    ):
        told += (
            f"  {title}: {one.event_time.isoformat()} {one.quantity} of {one.sku} "
            f"from {one.source} to {one.destination}"
            for one in movements[:_MOST_TOLD]
        )
    for change in found.passes[:_MOST_TOLD]:
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(change.at_us // 1_000_000))
        then, now = change.posted or "no pass", change.challenger or "no pass"
        told.append(f"  pass at {change.read_point}, {at}: {then} -> {now}")
    for title, asked in (
        ("asked then", found.asked_only_then),
        ("asked now", found.asked_only_now),
    ):
        told += (f"  {title}: {one.reason} at {one.read_point}" for one in asked[:_MOST_TOLD])
    return told


def _whoami() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = f"user {os.getuid()}"
    return f"{user} at {socket.gethostname()}"
