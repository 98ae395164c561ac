"""What is written down of a calibration: the record, the setting that follows from it. Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from drivers.load_cells.calibration import Calibration
from drivers.load_cells.node import NodeSettings
from edge.config import DeviceConfig
from edge.console.calibration import model
from edge.console.calibration.draft import Draft, as_setting
from edge.console.calibration.verdicts import rows, verdict
from gateway.console import Troubled

DUE_DAYS = 180
CAUTION = (
    "Errors are held against the limits of OIML R 76-1:2006 for class III. This is a technician's "
    "calibration certificate, no legal verification."
)


def setting(draft: Draft, device: DeviceConfig, *, by: str, on: date) -> Calibration:
    """The calibration to put into the settings. Raises ``Troubled`` where zero or span lacks."""
    if draft.zero is None or draft.span is None or draft.counts_per_g is None:
        raise Troubled(
            "incomplete", "There is no calibration yet: zero and span are needed for one."
        )
    before = _calibration(device)
    temperature = before is not None and before.zero_counts_per_k is not None
    return Calibration(
        version=1 if before is None else before.version + 1,
        date=on,
        by=by,
        mass_g=as_setting(draft.span.mass_g),
        zero_counts=as_setting(draft.zero.mean),
        counts_per_g=as_setting(draft.counts_per_g),
        zero_counts_per_k=before.zero_counts_per_k if before and temperature else None,
        at_c=before.at_c if before and temperature else None,
    )


def _calibration(device: DeviceConfig) -> Calibration | None:
    options = device.options
    return options.calibration if isinstance(options, NodeSettings) else None


def found_as(draft: Draft, device: DeviceConfig) -> dict[str, Any]:
    """How wrong the scale was before: what the settings till now made of zero and of the span."""
    if draft.kind == "grams":
        return {"says": "The scale is adjusted by its own menu; what was found is what it shows."}
    old = _calibration(device)
    if old is None:
        return {"says": "It was not calibrated before."}
    told: dict[str, Any] = {"version": old.version, "date": old.date.isoformat(), "by": old.by}
    if draft.zero is not None:
        told["zero_error_g"] = float(old.grams(Decimal(f"{draft.zero.mean:.3f}")))
    if draft.span is not None:
        shown = float(old.grams(Decimal(f"{draft.span.level.mean:.3f}")))
        told["span_error_g"] = round(shown - draft.span.mass_g, 4)
    return told


def settings_of(calibration: Calibration) -> dict[str, Any]:
    """The table ``[devices.calibration]`` as it stands in the settings: figures without a
    float's false digits.
    """
    told: dict[str, Any] = {"version": calibration.version, "date": calibration.date.isoformat()}
    told["by"] = calibration.by
    for name in ("mass_g", "zero_counts", "counts_per_g", "zero_counts_per_k", "at_c"):
        value = getattr(calibration, name)
        if value is not None:
            told[name] = str(value)
    return told


def record(
    draft: Draft,
    device: DeviceConfig,
    *,
    by: str,
    at: datetime,
    site: str,
    edge: str,
    identity: str,
    temperature_c: float | None,
    note: str,
    due_days: int,
    software: str,
) -> dict[str, Any]:
    """The whole certificate, in words of JSON."""
    results = rows(draft)
    found = verdict(results)
    span = draft.span
    after = None
    if draft.kind == "counts" and draft.counts_per_g is not None:
        after = settings_of(setting(draft, device, by=by, on=at.date()))
    return {
        "tallyport_record": 1,
        "kind": "calibration",
        "verdict": found,
        "site": site,
        "edge": edge,
        "device": device.name,
        "driver": device.driver,
        "read_point": device.read_point,
        "plate": device.plate,
        "identity": identity,
        "measured": draft.kind,
        "by": by,
        "at": at.isoformat(timespec="seconds"),
        "due": (at.date() + timedelta(days=due_days)).isoformat(),
        "mass": None
        if span is None
        else {
            "mass_g": span.mass_g,
            "uncertainty_g": span.uncertainty_g,
            "pieces": span.pieces,
        },
        "factor_uncertainty": draft.factor_uncertainty if draft.kind == "counts" else None,
        "temperature_c": temperature_c,
        "division_g": draft.division,
        "capacity_g": draft.capacity_g,
        "before": found_as(draft, device),
        "after": after,
        "results": msgspec.to_builtins(results),
        "not_done": [row.title for row in results if row.state == "not done"],
        "good_for_pieces_g": draft.good_for_g,
        "piece": _piece(draft),
        "measured_values": msgspec.to_builtins(draft),
        "note": note,
        "caution": CAUTION,
        "software": software,
        "applied": None,
    }


def _piece(draft: Draft) -> dict[str, Any] | None:
    most = draft.countable
    if most is None or draft.unit is None:
        return None
    return {
        "piece_g": draft.unit_g,
        "learnt_from": draft.unit.pieces,
        "cv": draft.unit.cv,
        "countable": most.most,
        "noise_per_piece": 1 / most.piece_sigmas,
        "enough": most.piece_sigmas >= model.PIECE_SIGMAS,
    }
