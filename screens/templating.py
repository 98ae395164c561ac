"""The templates' environment: everything escaped, a missing name an error, and the filters that
write times, numbers and masses for people.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import jinja2
from markupsafe import Markup

from screens.nav import Group
from screens.static_files import static_address

__all__ = ["environment"]

_GAP = "\u202f"
"""A narrow space that does not break, between groups of three digits (ISO 80000-1)."""


def _moment(at_us: int) -> datetime:
    return datetime.fromtimestamp(at_us / 1e6, UTC)


def _number(value: float, digits: int = 0) -> Markup:
    """A number with so many decimals, which the browser writes as its owner's country does."""
    text = f"{value:,.{digits}f}".replace(",", _GAP)
    return Markup('<local-number value="{}" digits="{}">{}</local-number>').format(
        value, digits, text
    )


def _mass(milligrams: int) -> Markup:
    """A mass in the unit and with the digits that read best."""
    grams = milligrams / 1_000
    if abs(grams) >= 10_000:
        return _number(grams / 1_000, 2) + "\u00a0kg"
    return _number(grams, 1 if abs(grams) < 100 else 0) + "\u00a0g"


def environment(
    *folders: str,
    nav: Callable[[], Sequence[Group]],
    time_zone: str = "",
    find: str = "",
) -> jinja2.Environment:
    """The shell's templates and those of ``folders`` (packages with a folder ``templates``).

    ``nav`` answers what the asker may go to. ``time_zone`` is the site's, for every time that
    says no other; without one the browser's is shown. ``find`` is the address of the page that
    finds what is scanned or typed; without one there is no such field in the rail.
    """
    made = jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [jinja2.PackageLoader(folder) for folder in (*folders, "screens")]
        ),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"moment": _moment, "number": _number, "mass": _mass}
    made.globals |= {"static": static_address, "nav": nav, "time_zone": time_zone, "find": find}
    return made
