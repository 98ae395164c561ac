"""``tallyport central broker``: a Mosquitto of one's own, with certificates and access lists."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway import files

app = typer.Typer(
    no_args_is_help=True,
    help=(
        "Set up Mosquitto for a site: its own certificate authority, mutual TLS, and an access "
        "list by identity. Begin with `setup`, then `admit` each edge; `revoke` throws one out."
    ),
)
Folder = Annotated[Path, typer.Argument(help="The broker's folder, e.g. /etc/mosquitto/tallyport.")]
Site = Annotated[str, typer.Argument(help="The site's name, as in the edge's settings.")]
Edge = Annotated[str, typer.Argument(help="The edge's name, as in its settings.")]
Live = Annotated[
    str | None,
    typer.Option("--live", help="HOST:PORT of the running broker; without it the file changes."),
]
_PATIENCE_S = 15.0
_COMPLETE = "tallyport.conf"
"""Written last by ``setup``: without it, a cut ended it, and it may be called again."""
_ACCESS = "dynamic-security.json"


@app.command()
def setup(
    folder: Folder,
    host: Annotated[
        list[str], typer.Option(help="Name or address by which edges reach the broker; repeat.")
    ],
) -> None:
    """Make the folder: authority, certificates of the broker and of central, access list,
    tallyport.conf.

    Example: `tallyport central broker setup /etc/mosquitto/tallyport --host 10.0.0.5`
    """
    from gateway import access  # noqa: PLC0415
    from gateway.certificates import Authority  # noqa: PLC0415

    with _told():
        if (folder / _COMPLETE).exists():
            raise FileExistsError(f"there is an authority in {folder} already")
        folder.mkdir(parents=True, exist_ok=True)
        authority = Authority.begun(folder, "Tallyport site authority")
        authority.server(host).write(folder, "broker")
        authority.client(access.CENTRAL, days=825).write(folder, "central")
        authority.client(access.ADMIN, days=825).write(folder, "admin")
        commands = [*access.admit_central(), *access.admit_admin()]
        _write_access(folder, access.fold(access.nobody(), commands))
        files.replace(folder / _COMPLETE, _configuration().encode())
    typer.echo(
        f"{folder} is ready. Give it to the broker's user (chown -R mosquitto), keep ca.key "
        "elsewhere, and start: mosquitto -c tallyport.conf, in that folder."
    )


@app.command()
def admit(folder: Folder, site: Site, edge: Edge, live: Live = None, days: int = 90) -> None:
    """Let an edge in: its certificate and key for --days, and its place in the access list.

    The files to copy to the Pi are in FOLDER/devices: SITE.EDGE.pem, SITE.EDGE.key, and ca.pem.
    """
    from gateway import access  # noqa: PLC0415
    from gateway.certificates import common_name  # noqa: PLC0415

    with _told():
        entry = _entry(folder, common_name(site, edge), access.admit_device(site, edge), live)
        _issue(folder, site, edge, days)
        files.replace(folder / "devices" / "ca.pem", (folder / "ca.pem").read_bytes())
        _change(folder, entry, live)
    where = folder / "devices" / f"{site}.{edge}"
    typer.echo(f"{site}.{edge} is admitted: copy {where}.pem and .key, ca.pem")


@app.command()
def worker(
    folder: Folder,
    name: Annotated[str, typer.Argument(help="As [worker] name in that central's settings.")],
    live: Live = None,
    days: int = 825,
) -> None:
    """Let in one of several central processes that share a database, with a certificate of its
    own: two that came with one would throw each other out.
    """
    from gateway import access  # noqa: PLC0415
    from gateway.certificates import Authority  # noqa: PLC0415

    with _told():
        identity = access.worker_name(name)
        entry = _entry(folder, identity, access.admit_central(identity), live)
        Authority(folder).client(identity, days=days).write(folder, identity)
        _change(folder, entry, live)
    typer.echo(f"{identity} is admitted: copy {folder / identity}.pem and .key, ca.pem")


@app.command()
def renew(folder: Folder, site: Site, edge: Edge, days: int = 90) -> None:
    """Give an admitted edge a new certificate and key, before the old one expires.

    The old one works until it does. The edge takes the new files at its next connection.
    """
    with _told():
        if not _certificates(folder, site, edge):
            raise ValueError(f"{site}.{edge} was never admitted here: use admit")
        _issue(folder, site, edge, days)
    where = folder / "devices" / f"{site}.{edge}"
    typer.echo(f"{site}.{edge} has a certificate for {days} days: copy {where}.pem and .key")


@app.command()
def revoke(folder: Folder, site: Site, edge: Edge, live: Live = None) -> None:
    """Throw an edge out, and keep it out: every certificate it ever had, and its access.

    On the broker's own machine the running broker reads the revocation list at once; with
    --live it also ends the edge's session. Elsewhere: kill -HUP its process yourself, first.
    """
    from gateway import access  # noqa: PLC0415
    from gateway.certificates import Authority, common_name  # noqa: PLC0415

    with _told():
        _must_be_told(folder, live)
        certificates = _certificates(folder, site, edge)
        if not certificates:
            raise ValueError(f"{site}.{edge} was never admitted here: there is nothing to revoke")
        Authority(folder).revoke(certificates)
        # First the list, then the kick: in between it could come back.
        heard = _read_anew(folder)
        if _is_admitted(folder, common_name(site, edge)):
            _change(folder, access.revoke(common_name(site, edge)), live)
    rest = "" if heard else "; where the broker runs, make it read crl.pem anew (kill -HUP)"
    typer.echo(f"{site}.{edge} is revoked{rest}")


def _issue(folder: Path, site: str, edge: str, days: int) -> None:
    """Write a certificate and its key, and keep a copy by its serial number for ``revoke``."""
    from gateway.certificates import Authority, common_name, serial_number  # noqa: PLC0415

    issued = Authority(folder).client(common_name(site, edge), days=days)
    register = folder / "devices" / "issued" / site / edge
    register.mkdir(parents=True, exist_ok=True)
    serial = serial_number(issued.certificate)
    files.replace(register / f"{serial:x}.pem", issued.certificate)
    issued.write(folder / "devices", f"{site}.{edge}")


def _certificates(folder: Path, site: str, edge: str) -> list[bytes]:
    """Every certificate that an edge was ever given, as PEM."""
    register = folder / "devices" / "issued" / site / edge
    return [path.read_bytes() for path in sorted(register.glob("*.pem"))]


def _process(folder: Path) -> int | None:
    """The broker of this folder, if it runs on this machine.

    After a power cut the file may name a process that is something else by now.
    """
    try:
        pid = int((folder / "mosquitto.pid").read_text())
        name = Path(f"/proc/{pid}/comm").read_text()
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return None
    return pid if name.startswith("mosquitto") else None


def _must_be_told(folder: Path, live: str | None) -> None:
    """A running broker keeps its access list in memory and writes it over ours."""
    if live is None and _process(folder) is not None:
        raise ValueError(f"the broker of {folder} is running: add --live HOST:PORT")


def _read_anew(folder: Path) -> bool:
    """SIGHUP to the broker of this folder; false when it is not here, or not ours to signal."""
    pid = _process(folder)
    if pid is None:
        return False
    try:
        os.kill(pid, signal.SIGHUP)
    except (ProcessLookupError, PermissionError):
        return False
    return True


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Mistakes in a sentence."""
    try:
        yield
    except (OSError, ValueError, TimeoutError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


def _change(folder: Path, commands: list[dict[str, Any]], live: str | None) -> None:
    from gateway import access  # noqa: PLC0415

    _must_be_told(folder, live)
    if live is None:
        state = _access(folder)
        _write_access(folder, access.fold(state, commands))
    else:
        asyncio.run(send(folder, commands, live))


async def send(folder: Path, commands: list[dict[str, Any]], live: str) -> None:
    """Hand commands to the running broker; raises ValueError for its refusal."""
    from gateway import access  # noqa: PLC0415
    from gateway.mqtt import MqttClient, MqttSettings  # noqa: PLC0415

    host, _, port = live.rpartition(":")
    settings = MqttSettings(
        host=host, port=int(port), client_id=access.ADMIN, tls_ca=folder / "ca.pem",
        tls_cert=folder / "admin.pem", tls_key=folder / "admin.key",
    )  # fmt: skip
    client = MqttClient(settings)
    running = asyncio.create_task(client.run())
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await client.connected()
            await client.subscribe(access.RESPONSE)
            await client.publish(access.CONTROL, json.dumps({"commands": commands}).encode())
            async for message in client.messages():
                message.ack()
                answers = json.loads(message.payload)["responses"]
                if errors := [one["error"] for one in answers if "error" in one]:
                    raise ValueError(f"the broker refused: {'; '.join(errors)}")
                return
    except TimeoutError as error:
        why = client.last_error or "it did not answer"
        raise TimeoutError(f"the broker at {live} was not told: {why}") from error
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def _entry(
    folder: Path, name: str, commands: list[dict[str, Any]], live: str | None
) -> list[dict[str, Any]]:
    """The commands that let ``name`` in. Asked before its certificate is made, and sent after: a
    certificate without an entry can do nothing, and one that was cut short can be made again.

    Raises ValueError when it is in already.
    """
    _must_be_told(folder, live)
    if _is_admitted(folder, name):
        raise ValueError(f"{name} is admitted already: renew gives it another certificate")
    left = any(role["rolename"] == name for role in _access(folder)["roles"])
    return [{"command": "deleteRole", "rolename": name}, *commands] if left else commands


def _is_admitted(folder: Path, name: str) -> bool:
    return any(client["username"] == name for client in _access(folder)["clients"])


def _access(folder: Path) -> dict[str, Any]:
    """What the broker starts from, and writes whenever it is told something."""
    state: dict[str, Any] = json.loads((folder / _ACCESS).read_text())
    return state


def _write_access(folder: Path, state: dict[str, Any]) -> None:
    files.replace(folder / _ACCESS, json.dumps(state, indent=1).encode())


def _configuration() -> str:
    """The configuration that ships in ``deploy/mosquitto``: a wheel has a copy of it."""
    here = Path(__file__).parent.parent
    shipped = here / "data" / "mosquitto.conf"
    if not shipped.exists():
        shipped = here.parent / "deploy" / "mosquitto" / "tallyport.conf"
    return shipped.read_text()
