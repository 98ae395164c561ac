"""``tallyport central users``: the first administrator, and who has forgotten a password."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from central.commands.command_line import AsJson, Config, read_books, settings_from, use_books

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from central.catalogue.changes import Told
    from central.config import CentralSettings

app = typer.Typer(no_args_is_help=True, help="Who may log in: add, list, link.")
_BY = "the machine's command line"


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="a-z, 0-9 and . _ @ -")],
    config: Config = None,
    admin: Annotated[bool, typer.Option("--admin", help="May do everything, everywhere.")] = False,
    prompt: Annotated[
        bool, typer.Option("--prompt", help="Ask for the password now instead of making a link.")
    ] = False,
) -> None:
    """Add a user, and print a link with which they set their password, once and within three days.

    While central runs on SQLite, nobody else can write: stop it, or use /setup and the API.
    """
    settings = settings_from(config)
    password = typer.prompt("Password", hide_input=True, confirmation_prompt=True) if prompt else ""
    from central.access import accounts, grants  # noqa: PLC0415 (seconds of imports)
    from central.access.model import Grant, Role  # noqa: PLC0415
    from central.access.passwords import Passwords, check_new  # noqa: PLC0415

    def work(conn: Connection, told: Told) -> str:
        accounts.add(conn, accounts.Account(name=name), told)
        if admin:
            grants.grant(conn, accounts.subject_of(name), Grant(role=Role.ADMIN), told)
        if not prompt:
            return _link(conn, settings, name, told.at_us)
        check_new(password, name)
        accounts.set_password(conn, name, Passwords().hash_now(password), told)
        return f"{name} can log in"

    _change(settings, work)


@app.command()
def link(name: Annotated[str, typer.Argument()], config: Config = None) -> None:
    """Print a link with which a user sets a new password, once and within three days."""
    settings = settings_from(config)
    from central.access import accounts  # noqa: PLC0415

    def work(conn: Connection, told: Told) -> str:
        accounts.get(conn, name)
        return _link(conn, settings, name, told.at_us)

    _change(settings, work)


@app.command("list")
def list_(config: Config = None, as_json: AsJson = False) -> None:
    """List users, and what each was granted."""
    settings = settings_from(config)
    from central.access import accounts, grants  # noqa: PLC0415

    def work(conn: Connection) -> list[dict[str, object]]:
        found = accounts.listed(conn, limit=100_000)
        return [
            {
                **msgspec.structs.asdict(one),
                "grants": msgspec.to_builtins(grants.of(conn, accounts.subject_of(one.name))),
            }
            for one in found
        ]

    rows = read_books(settings, work)
    if as_json:
        typer.echo(msgspec.json.encode({"rows": rows}).decode())
        return
    for row in rows:
        typer.echo(f"{row['name']}: {row['status']}, {row['grants']}")
    if not rows:
        typer.echo("nobody has an account: tallyport central users add --admin NAME")


def _link(conn: Connection, settings: CentralSettings, name: str, now_us: int) -> str:
    from central.access.signing_in import make_link  # noqa: PLC0415

    path = make_link(conn, name, now_us=now_us)
    http = settings.http
    return (
        f"{name} sets a password at http://{http.host}:{http.port}{path}\n"
        "(or at the address by which others reach this central); good once, for three days"
    )


def _change(settings: CentralSettings, work: Callable[[Connection, Told], str]) -> None:
    from central.access.errors import AccessError  # noqa: PLC0415
    from central.api.services import now_us  # noqa: PLC0415
    from central.catalogue.changes import Told  # noqa: PLC0415

    told = Told(by=_BY, at_us=now_us())
    try:
        said = use_books(settings, lambda d: d.write_now(lambda c: work(c, told)))
    except AccessError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo(said)
