"""A draft held against its limits: what passed, what failed, what was not done. Pure.

Limits of errors are R 76's for class III (``model.limit_divisions``). A test that was not done is
said as such: it neither passed nor failed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from edge.console.calibration import model
from edge.console.calibration.draft import POSITIONS, Draft

State = Literal["pass", "fail", "noted", "not done"]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One test. ``value`` and ``limit`` are for people, ``says`` why or what to do."""

    test: str
    title: str
    state: State
    value: str = ""
    limit: str = ""
    says: str = ""


_TITLES = {
    "noise": "Noise and drift",
    "zero": "Zero",
    "span": "Span",
    "second": "Second mass (linearity)",
    "repeat": "Repeatability",
    "corners": "Corners",
    "creep": "Creep",
    "return": "Return to zero",
    "unit": "Weight of a piece",
}
_NEEDED = ("noise", "zero", "span")


def rows(draft: Draft) -> list[Row]:
    """All tests, in their order."""
    found = {row.test: row for row in _done(draft)}
    return [
        found.get(test) or Row(test=test, title=title, state="not done")
        for test, title in _TITLES.items()
    ]


def verdict(results: Sequence[Row]) -> Literal["pass", "fail", "incomplete"]:
    """``incomplete`` where a test that everything hangs on was not done."""
    states = {row.test: row.state for row in results}
    if "fail" in states.values():
        return "fail"
    if any(states[test] == "not done" for test in _NEEDED):
        return "incomplete"
    return "pass"


def _done(draft: Draft) -> Iterator[Row]:
    yield from _noise(draft)
    yield from _zero(draft)
    yield from _span(draft)
    yield from _second(draft)
    yield from _repeat(draft)
    yield from _corners(draft)
    yield from _creep(draft)
    yield from _unit(draft)


def _row(test: str, state: State, value: str, limit: str = "", says: str = "") -> Row:
    return Row(test=test, title=_TITLES[test], state=state, value=value, limit=limit, says=says)


def figure(grams: float | None, division_g: float | None = None) -> str:
    """A mass for people: no more digits than the division has meaning."""
    if grams is None:
        return "unknown"
    if abs(grams) >= 1e-9:
        digits = 2 if not division_g or division_g < 0.5 else 1
        return f"{grams:,.{0 if (division_g or 0) >= 10 else digits}f} g"
    return "0 g"


def _noise(draft: Draft) -> Iterator[Row]:
    noise, good = draft.noise, draft.good_for_g
    if noise is None:
        return
    if good is None:
        value = f"{noise.sigma:.1f} counts in {noise.seconds:.0f} s"
        yield _row("noise", "noted", value, says="In grams once the span is known.")
        return
    factor = draft.counts_per_g or 1.0
    drift_g = noise.drift_per_min / factor
    second_g = draft.grams_of_spread(noise.second_sigma) or 0.0
    warm = abs(drift_g) > 6 * second_g and abs(drift_g) > (draft.division or 0.0)
    yield _row(
        "noise",
        "noted",
        f"{figure(second_g)} in means of a second, drift {figure(drift_g)} a minute",
        says=(
            f"Good for pieces of {good:.3g} g and more, where it stands now."
            if good
            else "Its digits show no noise: they are coarser than it."
        )
        + (" It still warms up: wait ten minutes and measure again." if warm else ""),
    )


def _zero(draft: Draft) -> Iterator[Row]:
    zero, division = draft.zero, draft.division
    if zero is None:
        return
    if draft.kind == "counts":
        yield _row("zero", "pass", f"{zero.mean:,.1f} counts", says="Captured at rest.")
        return
    assert division is not None
    off = abs(zero.mean) / division
    yield _row(
        "zero",
        "pass" if off <= 0.25 else "fail",
        f"{zero.mean:+.3g} g empty",
        f"0.25 divisions ({0.25 * division:g} g), R 76 4.5.2",
        "" if off <= 0.25 else "Set zero on the scale itself, then check again.",
    )


def _error(draft: Draft, mass_g: float, value: float) -> tuple[float, float]:
    """The error and its limit, in divisions."""
    shown, division = draft.grams(value), draft.division
    assert shown is not None
    assert division is not None
    return (
        model.error_divisions(shown, mass_g, division),
        model.limit_divisions(mass_g, division),
    )


def _limit(limit: float, division_g: float | None, clause: str) -> str:
    return (
        f"{limit:g} division{'s' * (limit != 1)} ({limit * (division_g or 0):g} g), R 76 {clause}"
    )


def _span(draft: Draft) -> Iterator[Row]:
    span, division = draft.span, draft.division
    if span is None or division is None:
        return
    if draft.kind == "counts":
        unsure = draft.factor_uncertainty or 0.0
        state: State = "pass" if unsure * span.mass_g <= division else "fail"
        yield _row(
            "span",
            state,
            f"{draft.counts_per_g:,.4f} counts/g, to {100 * unsure:.2g} %",
            f"one division ({division:g} g) at {span.mass_g:g} g",
            "" if state == "pass" else "Use a heavier mass, or one that is known better.",
        )
        return
    error, limit = _error(draft, span.mass_g, span.level.mean)
    state = "pass" if abs(error) <= limit else "fail"
    says = "" if state == "pass" else "Adjust the scale by its own menu, then check again."
    yield _row(
        "span", state, f"{error:+.2f} divisions at {span.mass_g:g} g",
        _limit(limit, division, "3.5.1"), says,
    )  # fmt: skip


def _second(draft: Draft) -> Iterator[Row]:
    second = draft.second
    if second is None or draft.division is None:
        return
    error, limit = _error(draft, second.mass_g, second.level.mean)
    state: State = "pass" if abs(error) <= limit else "fail"
    says = "The plate is not straight: does something touch it?" if state == "fail" else ""
    yield _row(
        "second", state, f"{error:+.2f} divisions at {second.mass_g:g} g",
        _limit(limit, draft.division, "3.5.1"), says,
    )  # fmt: skip


def _apart(draft: Draft, values: Sequence[float]) -> float:
    """How far figures lie apart, in divisions."""
    apart = draft.grams_of_spread(max(values) - min(values))
    assert apart is not None
    assert draft.division is not None
    return apart / draft.division


def _repeat(draft: Draft) -> Iterator[Row]:
    if len(draft.lifts) < 2 or draft.division is None or draft.counts_per_g is None:
        return
    apart = _apart(draft, [level.mean for level in draft.lifts])
    limit = model.limit_divisions(draft.lifted_g, draft.division)
    state: State = "pass" if apart <= limit else "fail"
    says = "The load was put down differently, or something sticks." if state == "fail" else ""
    if len(draft.lifts) < model.LIFTS:
        says = f"Only {len(draft.lifts)} of {model.LIFTS} lifts. {says}".strip()
    value = f"{apart:.2f} divisions apart in {len(draft.lifts)} lifts"
    yield _row("repeat", state, value, _limit(limit, draft.division, "3.6.1"), says)


def _corners(draft: Draft) -> Iterator[Row]:
    if len(draft.corners) < 2 or draft.division is None or draft.counts_per_g is None:
        return
    apart = _apart(draft, [level.mean for level in draft.corners.values()])
    limit = model.limit_divisions(draft.cornered_g, draft.division)
    state: State = "pass" if apart <= limit else "fail"
    worst = max(draft.corners, key=lambda one: draft.corners[one].mean)
    lowest = min(draft.corners, key=lambda one: draft.corners[one].mean)
    says = ""
    if state == "fail":
        says = f"{worst} reads most, {lowest} least: level the feet, or adjust the corner cells."
    if missing := [one for one in POSITIONS if one not in draft.corners]:
        says = f"Without {', '.join(missing)}. {says}".strip()
    value = f"{apart:.2f} divisions apart at {draft.cornered_g:g} g"
    yield _row("corners", state, value, _limit(limit, draft.division, "3.6.2"), says)


def _creep(draft: Draft) -> Iterator[Row]:
    creep, division = draft.creep, draft.division
    if division is None or draft.counts_per_g is None:
        return
    limit = _limit(model.CREEP_LIMIT, division, "3.9.4.1")
    if creep is not None:
        moved = _apart(draft, [creep.first, creep.furthest])
        short = creep.seconds < model.R76_CREEP_S
        yield _row(
            "creep",
            "pass" if moved <= model.CREEP_LIMIT else "fail",
            f"{moved:.2f} divisions in {creep.seconds / 60:.1f} min at {creep.mass_g:g} g",
            limit,
            f"{creep.seconds / 60:.1f} of R 76's 30 minutes were watched." if short else "",
        )
    if draft.zero_again is not None and draft.zero is not None:
        off = _apart(draft, [draft.zero.mean, draft.zero_again.mean])
        yield _row(
            "return", "pass" if off <= model.CREEP_LIMIT else "fail",
            f"{off:.2f} divisions off the first zero",
            _limit(model.CREEP_LIMIT, division, "3.9.4.2"),
        )  # fmt: skip


def _unit(draft: Draft) -> Iterator[Row]:
    unit_g, most, unit = draft.unit_g, draft.countable, draft.unit
    if unit_g is None or most is None or unit is None:
        return
    good = most.piece_sigmas >= model.PIECE_SIGMAS
    yield _row(
        "unit",
        "noted",
        f"{unit_g:.4g} g a piece, from {unit.pieces} pieces",
        says=(
            f"Up to {most.most} pieces can be counted at once (pieces that differ by "
            f"{100 * unit.cv:g} %); one more or less is told at any load."
            if good
            else f"Too light for this plate: one piece is only {most.piece_sigmas:.1f} times its "
            f"noise, {model.PIECE_SIGMAS:.0f} are needed."
        ),
    )
