"""``tallyport edge diagnose``: the diagnostics bundle, from the running agent or without one."""

# ruff: noqa: PLC0415 - a command imports what it needs when it runs

from __future__ import annotations

import http.client
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode

import typer

from edge.commands.command_line import DEFAULT, ConfigPath, fail, load

if TYPE_CHECKING:
    from edge.config import PageSection

__all__ = ["diagnose"]

_PATIENCE_S = 10.0
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where it listens, not we


def diagnose(
    config: ConfigPath = DEFAULT,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Where to; else here.", metavar="FILE")
    ] = None,
) -> None:
    """Pack what somebody elsewhere needs to help: versions, settings without their secrets,
    health, the newest log lines, clock, disk, ports, bytes that made no sense.

    A running agent is asked by its page; without one, the bundle has what can be seen from
    outside. Exit status 1 when it cannot be written.

    Example: `tallyport edge diagnose -c /etc/tallyport/edge.toml -o dock.tar.gz`
    """
    settings = load(config, spare=True)
    data = _of_the_agent(settings.page)
    how = "by the running agent"
    if data is None:
        from edge.console.support.bundle import Facts, bundle

        data = bundle(settings, config.read_text(encoding="utf-8"), Facts())
        how = "without the agent, which does not answer"
    target = out or Path(f"tallyport-{settings.edge.name}.tar.gz")
    try:
        target.write_bytes(data)
        target.chmod(0o600)
    except OSError as error:
        fail(f"{target} cannot be written: {error.strerror}; give another place with --out", 1)
    typer.echo(f"{target}: {len(data)} bytes, made {how}. Secrets are cut out; look through it.")


def _of_the_agent(page: PageSection) -> bytes | None:
    """The running agent's bundle; ``None`` when none answers with one."""
    if not page.enabled:
        return None
    host = _ANYWHERE.get(page.host, page.host)
    connection = http.client.HTTPConnection(host, page.port, timeout=_PATIENCE_S)
    try:
        connection.request("GET", "/diagnostics.tar.gz", headers=_cookie(connection, page.pin))
        answer = connection.getresponse()
        data = answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    ours = answer.getheader("content-type") == "application/gzip"
    return data if answer.status == 200 and ours else None


def _cookie(connection: http.client.HTTPConnection, pin: str | None) -> dict[str, str]:
    """What shows that we know the pin, as we do: it stands in the settings."""
    if pin is None:
        return {}
    form = {"content-type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/pin", urlencode({"pin": pin}), form)
    answer = connection.getresponse()
    answer.read()
    return {"cookie": (answer.getheader("set-cookie") or "").split(";")[0]}
