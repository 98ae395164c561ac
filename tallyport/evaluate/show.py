"""Figures as a table for people, with the first errors below."""

from __future__ import annotations

from collections import Counter

from rich.console import Console
from rich.table import Table

_SHOWN = 20
_WIDE = 120
_ABOUT = {
    "precision": "of what was said to move, was right",
    "recall": "of what moved, was found",
    "recall_heard": "of what moved and was heard at all",
    "direction_accuracy": "of what was found, went that way",
    "passes_exact": "of passes, every tag right and none too many",
    "quantity_exact": "of changes, counted exactly",
    "reviewed": "of decisions, a person was asked",
    "posted_wrong": "of what moved stock unasked, was wrong",
    "latency_s": "from the event to the decision",
    "calibration_error": "mean gap between how sure and how right",
    "coverage_at_error": "share decidable with no more wrong than this",
    "never_heard": "moved, and no reader heard them",
    "spurious": "said to move, and did not",
    "false_passes": "groups of them, where nothing passed",
    "countable": "pieces at once, told from one more or less, on the worst plate",
    "spurious_per_idle_recording": "where nothing moved at all",
}


def show(figures: dict[str, object], console: Console) -> None:
    """Each kind of recording's figures and its first errors."""
    for kind in ("portal", "shelf"):
        part = figures[kind]
        if isinstance(part, dict):
            _show_part(kind, part, console)


def _show_part(kind: str, part: dict[str, object], console: Console) -> None:
    table = Table(title=f"{kind.capitalize()}: judged against the truth", title_justify="left")
    wide = console.width >= _WIDE
    for column in ("", "value", "95 % interval", "of", *(["what"] if wide else [])):
        left = column in {"", "what"}
        table.add_column(column, justify="left" if left else "right", no_wrap=column != "value")
    intervals, errors = part["intervals"], part["errors"]
    assert isinstance(intervals, dict)
    assert isinstance(errors, list)
    for name, value in part.items():
        if name not in {"intervals", "errors"}:
            between, of = _between(intervals.get(name))
            about = [_ABOUT.get(name, "")] if wide else []
            shown = _worst(value) if name == "countable" else _number(value)
            table.add_row(_words(name), shown, between, of, *about)
    console.print(table)
    _show_errors(errors, console)


def _show_errors(errors: list[dict[str, object]], console: Console) -> None:
    if not errors:
        console.print("No errors.")
        return
    kinds = Counter(str(error["kind"]) for error in errors)
    console.print("Errors: " + ", ".join(f"{kind} {many}" for kind, many in kinds.most_common()))
    for error in errors[:_SHOWN]:
        console.print(_sentence(error), highlight=False, soft_wrap=True)
    if len(errors) > _SHOWN:
        console.print(f"... and {len(errors) - _SHOWN} more: --json lists them all")


def _between(interval: object) -> tuple[str, str]:
    if not isinstance(interval, dict) or interval["low"] is None:
        return "", ""
    of = f"{interval['hits']}/{interval['cases']}" if "cases" in interval else ""
    return f"{_number(interval['low'])} - {_number(interval['high'])}", of


def _sentence(error: dict[str, object]) -> str:
    what = f"plate {error['plate']}" if "plate" in error else str(error["epc"])
    unheard = " (never heard)" if error.get("heard") is False else ""
    asked = f", a person was asked: {error['asked']}" if error["asked"] else ""
    return (
        f"{error['file']} at {error['t']} s: {what} {error['kind']}{unheard}, "
        f"was {error['want']:+d}, judged {error['got']:+d}{asked}"
    )


def _words(name: str) -> str:
    return name.replace("_", " ").replace("f1", "F1").removesuffix(" s")


def _worst(plates: object) -> str:
    """The plate that counts the fewest pieces at once; --json lists them all."""
    assert isinstance(plates, list)
    if not plates:
        return "-"
    worst = min(plates, key=lambda one: one["most"])
    return f"{worst['most']} (plate {worst['plate']})"


def _number(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_number(one)}" for name, one in value.items())
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
