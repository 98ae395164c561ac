"""``tallyport edge top``: a running edge of this machine, its devices, rates, queue and errors.

Asks the edge's own page server (``[page]`` in the settings), which answers programs on the same
machine without a pin.
"""

# ruff: noqa: PLC0415 - a command imports what it needs when it runs

from __future__ import annotations

import functools
import http.client
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from edge.commands.command_line import DEFAULT, ConfigPath, fail, load

if TYPE_CHECKING:
    from edge.config import PageSection
    from edge.now import EdgeNow
    from gateway.terminal.screen import Draw

__all__ = ["NotThere", "ask", "top"]

_EVERY_S = 1.0
_PATIENCE_S = 5.0
_KEYS = {"u": "urgency", "n": "name", "r": "rate", "l": "last", "f": "failures"}
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where it listens, not we


class NotThere(Exception):
    """The edge does not answer; the text says where, why and what to do."""


def top(
    config: ConfigPath = DEFAULT,
    once: Annotated[bool, typer.Option("--once", help="Say it once and end.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object for scripts, once.")
    ] = False,
    order: Annotated[str, typer.Option(help="urgency, name, rate, last or failures.")] = "urgency",
) -> None:
    """Watch a running edge of this machine: devices, rates, queue and errors.

    Keys: u n r l f order by urgency, name, rate, last reading, failures; q ends it. Exit status 1
    when no edge answers (with --once), 2 for a wrong order.

    Examples: `tallyport edge top -c edge.toml`, `tallyport edge top --once --json | jq .waiting`
    """
    if order not in _KEYS.values():
        fail(f'there is no order "{order}"; there are {", ".join(_KEYS.values())}', 2)
    page = load(config, spare=True).page
    if not page.enabled:
        fail(f"{config}: [page] enabled = false, so this edge cannot be asked: set it to true", 1)
    from gateway.terminal.wanted import wanted

    try:
        if once or as_json or not wanted(sys.stdout, plain=False, style="auto"):
            _say(page, order, as_json=as_json)
        else:
            _watch(page, order)
    except NotThere as error:
        fail(str(error), 1)
    except KeyboardInterrupt:
        pass


def ask(page: PageSection) -> EdgeNow:
    """What the edge says of itself. Raises ``NotThere``."""
    import msgspec

    from edge.now import EdgeNow

    host = _ANYWHERE.get(page.host, page.host)
    where = f"{host}:{page.port}"
    connection = http.client.HTTPConnection(host, page.port, timeout=_PATIENCE_S)
    try:
        connection.request("GET", "/now.json")
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise NotThere(
            f"no edge answers at {where} ({error}): is `tallyport edge run` running here, "
            "with these settings?"
        ) from error
    finally:
        connection.close()
    if answer.status != 200:
        raise NotThere(f"what answers at {where} does not say how it is: status {answer.status}")
    try:
        return msgspec.json.decode(body, type=EdgeNow)
    except msgspec.MsgspecError as error:
        raise NotThere(f"what answers at {where} is no edge of this version: {error}") from error


def _say(page: PageSection, order: str, *, as_json: bool) -> None:
    import msgspec
    from rich.console import Console

    from edge.status import draw

    now = ask(page)
    if as_json:
        typer.echo(msgspec.json.encode(now).decode())
        return
    console = Console()
    console.print(draw(now, console.width, 10_000, order=order))


def _watch(page: PageSection, order: str) -> None:
    from edge.commands.keys import keys
    from edge.status import draw
    from gateway.terminal.screen import Screen

    screen = Screen(sys.stdout)
    try:
        with keys(sys.stdin) as pressed:
            while True:
                try:
                    foot = f"q ends; order by {order}: u n r l f for {', '.join(_KEYS.values())}"
                    screen.show(functools.partial(draw, ask(page), order=order, foot=foot))
                except NotThere as error:
                    screen.show(_words(str(error)))
                key = pressed(_EVERY_S)
                if key in {"q", "Q", "\x1b"}:
                    return
                order = _KEYS.get(key, order)
    finally:
        screen.close()


def _words(said: str) -> Draw:
    from rich.text import Text

    return lambda _width, _height: Text(said, style="red")
