"""The templates there are: those that come with Tallyport, and those in a folder of one's own.

A template is ``NAME.toml``; one of a name that is known takes its place. All mistakes of all files
are told at once, with the line where they stand.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from central.labels.model import KINDS, Kind, LabelRefused, NoSuchLabel
from central.labels.template import Template
from gateway.settings_errors import ConfigError, Mistake, check_settings

__all__ = ["SHIPPED", "STANDARD", "Shelf", "read_template", "read_templates"]

SHIPPED = Path(__file__).parent / "templates"
STANDARD: dict[Kind, str] = {
    "item": "item", "lot": "lot", "serial": "serial", "place": "place", "logistic": "logistic",
    "shipping": "shipping", "asset": "asset",
}  # fmt: skip
"""Which template a kind is printed with where none is named."""
_MOST_FILES = 200
_HEADER = re.compile(r"\s*\[\[?\s*([A-Za-z_]+)")
_ASSIGNED = re.compile(r"""\s*["']?([A-Za-z0-9_-]+)["']?\s*=""")
_PLACE = re.compile(r"(?:elements\[(?P<number>\d+)\]|(?P<table>sheet))?\.?(?P<leaf>[^.]*)")


class Shelf:
    """The templates by name. Raises ``ConfigError`` with all that is wrong with them."""

    def __init__(self, folder: Path | None = None) -> None:
        self.templates: dict[str, Template] = read_templates(SHIPPED)
        if folder is not None:
            self.templates |= read_templates(folder)

    def template(self, kind: Kind, name: str = "") -> Template:
        """The template of this name, or the kind's own. Raises ``NoSuchLabel``, and
        ``LabelRefused`` for one of another kind.
        """
        wanted = name or STANDARD[kind]
        found = self.templates.get(wanted)
        if found is None:
            known = [each for each, one in self.templates.items() if one.kind == kind]
            raise NoSuchLabel(
                f"there is no template {wanted!r}; for {kind} there are {', '.join(sorted(known))}"
            )
        if found.kind != kind:
            raise LabelRefused(f"template {wanted} is for labels of kind {found.kind}, not {kind}")
        return found


def read_templates(folder: Path) -> dict[str, Template]:
    """Every ``*.toml`` of a folder, by name. Raises ``ConfigError``."""
    if not folder.is_dir():
        raise ConfigError(
            str(folder), [Mistake(key="[labels] templates", problem="there is no such folder")]
        )
    found: dict[str, Template] = {}
    mistakes: list[Mistake] = []
    for path in sorted(folder.glob("*.toml"))[:_MOST_FILES]:
        try:
            found[path.stem] = read_template(path)
        except ConfigError as error:
            mistakes += [
                msgspec.structs.replace(one, key=f"{path.name}: {one.key}")
                for one in error.mistakes
            ]
    if mistakes:
        raise ConfigError(str(folder), mistakes)
    return found


def read_template(path: Path) -> Template:
    """One template. Raises ``ConfigError`` with every mistake, its line and what is accepted."""
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        problem = f"this is not TOML: {error}"
        raise ConfigError(str(path), [Mistake(key="file", problem=problem)]) from error
    try:
        made = check_settings(data, Template, origin=str(path))
        mistakes = [
            Mistake(key=key, value=f'"{value}"', problem=problem)
            for key, value, problem in made.faults()
        ]
        if not mistakes:
            return made
    except ConfigError as error:
        mistakes = error.mistakes
    lines = dict(_lines(text))
    raise ConfigError(str(path), [_placed(one, lines, data) for one in mistakes])


def _placed(one: Mistake, lines: Mapping[str, int], data: Mapping[str, object]) -> Mistake:
    """With its line, as far as it can be found."""
    found = _PLACE.fullmatch(one.key) or _PLACE.match(one.key)
    assert found is not None, "every part of it may be empty"
    table = f"elements[{found['number']}]" if found["number"] else found["table"] or ""
    first = one.key.removeprefix(table).lstrip(".").partition(".")[0]
    line = lines.get(f"{table}.{first}".lstrip(".")) or lines.get(table)
    if line is None:
        return one
    kind = data.get("kind")
    accepted = one.accepted
    if one.key == "kind" and kind not in KINDS:
        accepted = ", ".join(KINDS)
    return msgspec.structs.replace(one, key=f"line {line}: {one.key}", accepted=accepted)


def _lines(text: str) -> Iterator[tuple[str, int]]:
    """Keys as mistakes name them, and the lines where they stand."""
    table, elements = "", -1
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = header[1]
            if table == "elements" and line.lstrip().startswith("[["):
                elements += 1
                table = f"elements[{elements}]"
            yield table, number
        elif assigned := _ASSIGNED.match(line):
            yield f"{table}.{assigned[1]}".lstrip("."), number
