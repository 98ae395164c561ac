"""``tallyport edge``: run the agent, and what a technician needs beside it.

Each command imports what it needs when it runs: checking a file needs no database.
"""

# ruff: noqa: PLC0415 - see above

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.commands.command_line import DEFAULT as _DEFAULT
from edge.commands.command_line import ConfigPath
from edge.commands.command_line import fail as _fail
from edge.commands.command_line import load as _load
from edge.commands.diagnose import diagnose
from edge.commands.running import run
from edge.commands.top import top

if TYPE_CHECKING:
    from edge.config import DeviceConfig, EdgeConfig
    from edge.probe import Finding

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "The agent beside the readers, scales and scanners.\n\n"
        "A new box, step by step: write `edge.toml` (a full sample is "
        "`firmware_configs/edge.example.toml`), then\n\n"
        "`tallyport edge check --config edge.toml` - every mistake in the file at once\n\n"
        "`tallyport edge probe --config edge.toml` - is each device there, does it speak?\n\n"
        "`tallyport edge run --config edge.toml` - hear, keep and send until stopped"
    ),
)
app.command()(run)
app.command()(top)
app.command()(diagnose)


@app.command()
def check(config: ConfigPath = _DEFAULT) -> None:
    """Check a settings file without touching any device or network.

    Prints every mistake with its key, the value, what is accepted and the nearest match.
    Exit status 0 when the file can be used, 1 when not.

    Example: `tallyport edge check --config edge.toml`
    """
    settings = _load(config)
    typer.echo(f"{config}: fine. Edge {settings.edge.name} of site {settings.edge.site}:")
    for device in settings.devices:
        typer.echo(f"  {device.name}: {device.driver} at {device.read_point}")
    if not settings.devices:
        typer.echo("  no devices yet: add one with [[devices]]")


@app.command()
def schema() -> None:
    """Print the JSON Schema of a settings file, for editors that complete and check while typing.

    Example: `tallyport edge schema > edge.schema.json`
    """
    import msgspec

    from edge.settings_file.schema import schema as whole

    typer.echo(msgspec.json.format(msgspec.json.encode(whole()), indent=2).decode())


@app.command()
def probe(  # noqa: PLR0917 - typer's options, each given by name
    config: ConfigPath = _DEFAULT,
    device: Annotated[str | None, typer.Option(help="Only this device of the file.")] = None,
    driver: Annotated[
        str | None, typer.Option(help="Probe without a file: llrp, mt-sics, scanner ...")
    ] = None,
    host: Annotated[str | None, typer.Option(help="With --driver: the device's address.")] = None,
    port: Annotated[
        str | None, typer.Option(help="With --driver: serial port, or TCP port.")
    ] = None,
    seconds: Annotated[float, typer.Option(help="How long to listen to each.", min=0.5)] = 5.0,
    as_json: Annotated[bool, typer.Option("--json", help="JSON Lines for scripts.")] = False,
) -> None:
    """Try each device: connect, say what it is, show what it reads. No scale or scanner is changed;
    a reader is set up as the agent would, and says what it accepts.

    The agent must not be running: readers and serial ports take one client.

    Examples: `tallyport edge probe --config edge.toml`,
    `tallyport edge probe --driver llrp --host 10.0.0.5`,
    `tallyport edge probe --driver mt-sics --port /dev/serial/by-id/usb-...`
    """
    from edge.probe import probe as probe_device

    if driver is not None:
        devices: tuple[DeviceConfig, ...] = (_adhoc(driver, host, port),)
    else:
        devices = _chosen(_load(config), device)
    findings = [asyncio.run(probe_device(one, seconds)) for one in devices]
    for finding in findings:
        _show_json(finding) if as_json else _show(finding)
    if not devices:
        _fail("there is no device to probe: add one with [[devices]]", 2)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


@app.command()
def discover(  # noqa: PLR0917 - typer's options, each given by name
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="Tell known devices by this file.", metavar="FILE"),
    ] = None,
    source: Annotated[
        list[str] | None, typer.Option(help="Only llrp, usb, bluetooth or mdns; may be repeated.")
    ] = None,
    subnet: Annotated[
        list[str] | None,
        typer.Option(help="Networks to look for readers in; this computer's own without it."),
    ] = None,
    seconds: Annotated[float, typer.Option(help="How long to listen.", min=0.5, max=60)] = 4.0,
    llrp_port: Annotated[int, typer.Option(help="Where readers listen.", min=1, max=65535)] = 5084,
    sniff: Annotated[bool, typer.Option(help="Ask at serial ports what speaks there.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for scripts.")] = False,
) -> None:
    """Look for devices: readers on the network, USB, Bluetooth, and what announces itself.

    Nothing that is found is changed. Each is new, known (perhaps moved), busy (by whom), or in a
    mode that cannot be used, with what to do.

    Examples: `tallyport edge discover`, `tallyport edge discover --subnet 10.0.8.0/24 -c edge.toml`
    """
    from edge.console.discovery.terminal import discover as look

    settings = _load(config, spare=True) if config is not None else None
    status = look(
        settings, sources=source or (), subnets=subnet or (), seconds=seconds,
        llrp_port=llrp_port, sniff=sniff, as_json=as_json,
    )  # fmt: skip
    raise typer.Exit(status)


@app.command()
def kinds(
    as_json: Annotated[bool, typer.Option("--json", help="JSON Lines for scripts.")] = False,
) -> None:
    """Say which kinds of device can be heard, our own and those of other packages.

    Exit status 1 when a kind of another package cannot be used; the others can all the same.

    Example: `tallyport edge kinds`
    """
    import msgspec

    from edge.kinds import kinds as all_kinds

    found = all_kinds()
    for kind in found:
        if as_json:
            typer.echo(msgspec.json.encode(kind).decode())
            continue
        mark = "FAIL" if kind.problem else "ok  "
        typer.echo(f"{mark} {kind.kind} ({kind.source}): {kind.problem or kind.families}")
    if any(kind.problem for kind in found):
        raise typer.Exit(1)


@app.command()
def tell(  # noqa: PLR0917 - typer's options, each given by name
    command: Annotated[str, typer.Argument(help="zero, tare, clear, identify; or gpo.")],
    device: Annotated[str, typer.Option(help="Which scale or reader of the file.")],
    config: ConfigPath = _DEFAULT,
    seconds: Annotated[float, typer.Option(help="How long to wait for it.", min=0.5)] = 6.0,
    output: Annotated[int, typer.Option(help="With gpo: which output.", min=1)] = 1,
    on: Annotated[bool, typer.Option("--on/--off", help="With gpo: switch it so.")] = True,
) -> None:
    """Tell a scale to zero, tare, clear its tare, or say what it is; switch a reader's output.
    This does change the device.

    The agent must not be running: serial ports and readers take one client.

    Examples: `tallyport edge tell zero --device plate-3 -c edge.toml`,
    `tallyport edge tell gpo --device dock-1 --output 2 --on -c edge.toml`
    """
    (chosen,) = _chosen(_load(config), device)
    from drivers.errors import DeviceError

    if command == "gpo":
        from edge.telling import switch

        try:
            for line in asyncio.run(switch(chosen, output, on=on, seconds=seconds)):
                typer.echo(line)
        except DeviceError as error:
            _fail(f"{device}: {error} {error.hint}".strip(), 1)
        return
    from drivers.scales.commands import COMMANDS
    from drivers.scales.commands import tell as tell_scale
    from edge.decode import as_json
    from edge.device_brokers import provide

    provide()
    known = next((one for one in COMMANDS if one == command), None)
    if known is None:
        _fail(f'"{command}" is no command; there are {", ".join(COMMANDS)} and gpo', 2)
    try:
        answer, readings = asyncio.run(
            tell_scale(chosen.driver, chosen.options, known, seconds=seconds)
        )
    except DeviceError as error:
        _fail(f"{device}: {error} {error.hint}".strip(), 1)
    typer.echo(f"{device}: {command} sent; it said {answer!r}" if answer else "it said nothing")
    for reading in readings:
        fields = {key: value for key, value in as_json(reading).items() if value is not None}
        typer.echo("     " + " ".join(f"{key}={value}" for key, value in fields.items()))


@app.command()
def capture(
    device: Annotated[str, typer.Option(help="Which device of the file.")],
    config: ConfigPath = _DEFAULT,
    raw: Annotated[Path | None, typer.Option(help="Write the device's bytes here.")] = None,
    recording: Annotated[
        Path | None, typer.Option(help="Write its readings here (.jsonl or .jsonl.gz).")
    ] = None,
    seconds: Annotated[float | None, typer.Option(help="Until Ctrl-C without it.")] = None,
) -> None:
    """Write down what a device says: raw bytes for support, a recording for grading a portal.

    Examples: `tallyport edge capture -c edge.toml --device plate-3 --raw plate.jsonl`,
    `tallyport edge capture -c edge.toml --device dock-1 --recording walk.jsonl.gz --seconds 60`
    """
    if raw is None and recording is None:
        _fail("say where to: --raw FILE, --recording FILE, or both", 2)
    (chosen,) = _chosen(_load(config), device)
    from drivers.errors import DeviceError
    from edge.capturing import Capture

    writing = Capture(chosen, raw=raw, recording=recording)
    try:
        asyncio.run(writing.run(seconds))
    except KeyboardInterrupt:
        pass
    except DeviceError as error:
        _fail(f"{device}: {error} {error.hint}".strip(), 1)
    except OSError as error:
        _fail(f"the capture cannot be written: {error}", 1)
    typer.echo(f"{writing.counts['bytes']} bytes, {writing.counts['lines']} lines", err=True)


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="A capture, or a recording.")],
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Take [fold] from this file.")
    ] = None,
    journal: Annotated[
        Path | None, typer.Option(help="Append to this journal instead of printing.")
    ] = None,
) -> None:
    """Fold a capture or a recording as the agent would, and print the observations.

    Example: `tallyport edge replay walk.jsonl.gz | head`
    """
    import msgspec

    from drivers.recording import RecordingError
    from edge.captures import CaptureError
    from edge.replaying import replay as fold_file

    settings = _load(config).fold if config is not None else None
    try:
        bodies = (msgspec.json.encode(one) for one in fold_file(file, settings))
        if journal is None:
            for body in bodies:
                sys.stdout.write(body.decode() + "\n")
            return
        from edge.journal import Journal

        target = Journal.open(journal)
        try:
            seqs = target.append(list(bodies))
        finally:
            target.close()
        typer.echo(f"{len(seqs)} observations are in {journal}", err=True)
    except (RecordingError, CaptureError, OSError) as error:
        _fail(str(error), 1)


@app.command()
def decode(
    driver: Annotated[str, typer.Option(help="Protocol: llrp, mt-sics, scanner ...")],
    hex_text: Annotated[str | None, typer.Option("--hex", help="Bytes as hexadecimal.")] = None,
    file: Annotated[str | None, typer.Option(help="A file of bytes, or - for stdin.")] = None,
) -> None:
    """Say what bytes mean: paste a frame, get its readings as JSON Lines.

    Bytes that make no sense are told on stderr with their offset; the rest is still decoded.

    Example: `tallyport edge decode --driver mt-sics --hex "53 20 53 20 31 30 2E 30 20 67 0D 0A"`
    """
    from edge.decode import run as decode_bytes

    raise typer.Exit(decode_bytes(driver, hex_text, file))


@app.command()
def learn(
    lines: Annotated[list[str], typer.Argument(help="Lines as the scale sends them.")],
    value: Annotated[
        list[str] | None, typer.Option(help="What the scale showed, once for each line.")
    ] = None,
) -> None:
    """Learn the pattern of a scale that no driver knows, from three of its lines or more.

    Example: `tallyport edge learn "ST,+ 12.5kg" "US,- 1.25kg" "ST,+100.0kg"`
    """
    from drivers.scales.pattern_learning import CannotLearn
    from drivers.scales.pattern_learning import learn as learn_lines

    try:
        pattern = learn_lines(lines, value or ())
    except CannotLearn as error:
        _fail(str(error), 1)
    typer.echo(f"driver = \"scale-pattern\"\npattern = '{pattern}'")


# ---- what the commands share ------------------------------------------------------------------
def _chosen(settings: EdgeConfig, name: str | None) -> tuple[DeviceConfig, ...]:
    if name is None:
        return settings.devices
    chosen = tuple(device for device in settings.devices if device.name == name)
    if not chosen:
        known = ", ".join(device.name for device in settings.devices) or "none"
        _fail(f'there is no device "{name}" in the file; it has: {known}', 2)
    return chosen


def _adhoc(driver: str, host: str | None, port: str | None) -> DeviceConfig:
    """A device that stands in no file."""
    from edge.config import ConfigError, check_device

    table: dict[str, object] = {"name": "probed", "read_point": "probed", "driver": driver}
    if host is not None:
        table["host"] = host
    if port is not None:
        table["port"] = int(port) if port.isdigit() else port
    try:
        return check_device(table)
    except ConfigError as error:
        _fail(str(error), 2)


def _show(finding: Finding) -> None:
    from edge.decode import as_json

    mark = "ok  " if finding.ok else "FAIL"
    typer.echo(f"{mark} {finding.device} ({finding.driver}): {finding.identity}")
    if finding.problem:
        typer.echo(f"     {finding.problem}")
    if finding.hint:
        typer.echo(f"     {finding.hint}")
    for note in finding.notes:
        typer.echo(f"     {note}")
    for reading in finding.readings[:5]:
        fields = {key: value for key, value in as_json(reading).items() if value is not None}
        typer.echo("     " + " ".join(f"{key}={value}" for key, value in fields.items()))
    if finding.ok and not finding.readings:
        typer.echo("     connected; nothing to read came (no tag in the field, no scan?)")


def _show_json(finding: Finding) -> None:
    import msgspec

    from edge.decode import as_json

    found = {
        "device": finding.device,
        "driver": finding.driver,
        "ok": finding.ok,
        "identity": finding.identity,
        "problem": finding.problem,
        "hint": finding.hint,
        "notes": list(finding.notes),
        "counters": dict(finding.counters),
        "readings": [as_json(one) for one in finding.readings],
    }
    typer.echo(msgspec.json.encode(found).decode())
