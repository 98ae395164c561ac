"""``tallyport``: one command, and each sub-command's libraries only when it is used."""

from __future__ import annotations

import gc
import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

import typer


@dataclass(frozen=True, slots=True)
class Room:
    """A sub-command that lives in another room: where, what it is for, what it needs."""

    target: str
    summary: str
    extra: str = ""


ROOMS = {
    "demo": Room("tallyport.demo.cli:app", "Everything at once, with emulated devices.", "demo"),
    "edge": Room("edge.cli:app", "The agent beside the readers, scales and scanners.", "edge"),
    "central": Room("central.cli:app", "Ledger, judging, API and screens.", "central"),
    "replay": Room(
        "central.commands.replay:app",
        "Judge central's log again, or as a challenger would.",
        "central",
    ),
    "gs1": Room("gateway.gs1.cli:app", "Read EPCs, barcodes and Digital Links."),
    "emulate": Room("tallyport.emulate.cli:app", "Devices to try the edge with.", "edge"),
    "labels": Room("tallyport.labels.cli:app", "Print barcodes of commands and places.", "labels"),
    "evaluate": Room(
        "tallyport.evaluate.cli:app", "Grade the judging on recordings with a truth.", "demo"
    ),
    "certify": Room(
        "tallyport.certify.cli:app",
        "Certify a portal from two quiet minutes and ten walks.",
        "demo",
    ),
    "bench": Room("tallyport.bench:app", "Measure this machine against named baselines.", "demo"),
}

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "Stock that counts itself: RFID portals, shelf scales and barcode scanners become "
        "movements on an immutable ledger.\n\n"
        "Start with `tallyport demo`: it needs no hardware and no server."
    ),
)


def _version(show: bool) -> None:
    if show:
        from importlib.metadata import version  # noqa: PLC0415 (slow, and rarely asked)

        typer.echo(f"tallyport {version('tallyport')}")
        raise typer.Exit


@app.callback()
def front_door(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and leave."
    ),
) -> None:
    """See the application's own help."""
    del version


def _enter(name: str, room: Room) -> Callable[[typer.Context], None]:
    def enter(ctx: typer.Context) -> None:
        module_name, attribute = room.target.split(":")
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as missing:
            if missing.name and importlib.util.find_spec(missing.name.split(".")[0]):
                raise
            typer.echo(
                f"`tallyport {name}` needs {missing.name}, which is not installed. "
                f"Say: pip install 'tallyport[{room.extra}]'",
                err=True,
            )
            raise typer.Exit(2) from missing
        getattr(module, attribute)(args=ctx.args, prog_name=f"tallyport {name}")

    return enter


for _name, _room in ROOMS.items():
    app.command(
        _name,
        help=_room.summary,
        # The room's own parser reads everything after its name, `--help` included.
        context_settings={
            "allow_extra_args": True,
            "ignore_unknown_options": True,
            "help_option_names": [],
        },
    )(_enter(_name, _room))


def main() -> None:
    """Entry point of the console script."""
    # Modules are loaded to stay: looking for garbage among them is a fifth of central's start.
    gc.set_threshold(200_000, 20, 100)
    app(prog_name="tallyport")
