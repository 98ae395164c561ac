"""``tallyport certify``: from two quiet minutes and ten walks to a certificate of one portal."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.console import Console

from drivers.recording import RecordingError
from gateway.terminal.progress import working
from tallyport.certify.certificate import Certificate, certify
from tallyport.certify.plan import PlanError, read_plan, template

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
SUITES = ("standard", "hard")


@app.callback(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
def make(  # noqa: PLR0917 (options)
    ctx: typer.Context,
    plan: Annotated[
        Path | None, typer.Option(help="The walk list, its captures beside it.", dir_okay=False)
    ] = None,
    emulated: Annotated[
        str | None, typer.Option(help="Instead: an emulated dock, `standard` or `hard`.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed is another dock.")] = 1,
    out: Annotated[Path, typer.Option(help="Write OUT.html and OUT.pdf.", dir_okay=False)] = Path(
        "certificate"
    ),
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the figures as one JSON object too.")
    ] = False,
) -> None:
    r"""Certify a portal where it hangs: recall, false movements, direction, recommended settings.

    `tallyport certify plan FILE` writes the list of walks with the command for every capture;
    what is then still missing is told.

    \b
    Examples:
      tallyport certify plan dock-1.toml --read-point dock-1
      tallyport certify --plan dock-1.toml --out dock-1
      tallyport certify --emulated standard --seed 7
    """
    if ctx.invoked_subcommand is not None:
        return
    if (plan is None) == (emulated is None):
        _fail("say what to certify: --plan FILE, or --emulated standard|hard")
    try:
        if plan is not None:
            with working("Judging the walks"):
                made = certify(read_plan(plan), plan.parent)
        else:
            made = _emulated(cast("str", emulated), seed)
    except (PlanError, RecordingError) as error:
        _fail(f"This cannot be certified yet:\n{error}")
    _write(made, out, as_json=as_json)


@app.command("plan")
def write_plan(
    file: Annotated[Path, typer.Argument(help="Write the walk list here.", dir_okay=False)],
    read_point: Annotated[str, typer.Option(help="The portal's read point.")] = "dock-1",
) -> None:
    """Write a walk list to fill, with what to do and the command for every capture.

    Example: `tallyport certify plan dock-1.toml --read-point dock-1`
    """
    if file.exists():
        _fail(f"{file} is there already: walks may be noted in it")
    file.write_text(template(read_point), encoding="utf-8")
    typer.echo(f"{file}: read it, walk it, then `tallyport certify --plan {file}`", err=True)


def _emulated(suite: str, seed: int) -> Certificate:
    if suite not in SUITES:
        _fail(f"--emulated is one of {', '.join(SUITES)}, not {suite!r}")
    from tallyport.certify.emulated import capture  # noqa: PLC0415 (slow, and rarely asked)

    with tempfile.TemporaryDirectory() as folder, working("Walking an emulated dock"):
        plan = capture("standard" if suite == "standard" else "hard", seed, Path(folder))
        return certify(plan, Path(folder), emulated=f"{suite}, seed {seed}")


def _write(made: Certificate, out: Path, *, as_json: bool) -> None:
    try:
        from tallyport.certify import html, pdf  # noqa: PLC0415 (reportlab comes with an extra)
    except ModuleNotFoundError as missing:
        _fail(f"a certificate needs {missing.name}. Say: pip install 'tallyport[labels]'")
    page, paper = out.with_name(f"{out.name}.html"), out.with_name(f"{out.name}.pdf")
    page.write_text(html.page(made), encoding="utf-8")
    paper.write_bytes(pdf.document(made))
    if as_json:
        typer.echo(json.dumps(figures(made)))
    _show(made, page, paper)


def figures(made: Certificate) -> dict[str, object]:
    """The certificate for programs."""
    return {
        "read_point": made.plan.read_point,
        "emulated": made.emulated or None,
        "tallyport": made.tallyport,
        "weights": made.weights,
        "heard": {"value": made.heard.value, **made.heard.told()},
        "recall": {"value": made.recall.value, **made.recall.told()},
        "direction_accuracy": {"value": made.direction.value, **made.direction.told()},
        "asked": made.asked.told(),
        "false_movements_per_hour": round(made.strays_per_hour, 3),
        "false_movements_per_walk": round(made.strays_per_pass, 3),
        "walks": [{**walk._asdict(), "verdict": walk.verdict} for walk in made.walks],
        "advice": [one._asdict() for one in made.advice],
        "sources": [one._asdict() for one in made.sources],
    }


def _show(made: Certificate, page: Path, paper: Path) -> None:
    from tallyport.certify.words import headlines  # noqa: PLC0415

    console = Console(stderr=True)
    for one in headlines(made):
        console.print(f"[bold]{one.figure:>8}[/bold]  {one.what} ({one.interval})")
    for walk in made.walks:
        tone = "green" if walk.verdict == "right" else "yellow" if walk.is_right else "red"
        console.print(f"  walk {walk.number:2} {walk.direction:3} [{tone}]{walk.verdict}[/{tone}]")
    console.print(f"{page} and {paper} are written.")


def _fail(what: str) -> None:
    typer.echo(what, err=True)
    raise typer.Exit(2)
