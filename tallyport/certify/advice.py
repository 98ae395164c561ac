"""Settings that follow from a survey, each by a rule that is told with it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tallyport.certify.survey import Survey
from tallyport.evaluate.measures import quantile

RESERVE_DB = 6.0
"""What a must-read tag keeps above the reader's floor: pallets are packed worse on other days."""
_STEP_DB = 6.0
"""The most that is advised in one go."""
PARTED = 0.05
"""The sides must hear a walk apart by this much of its length."""
_BEST_POWER = "Leave the transmit power as it is"


class Advice(NamedTuple):
    """A setting, what it should be, and by which rule of which figures."""

    setting: str
    value: str
    why: str


def advice(seen: Survey) -> list[Advice]:
    """All that can be said."""
    return [*_power(seen), *_level(seen), *_sides(seen), *_turning(seen), *_times(seen)]


def _power(seen: Survey) -> Iterator[Advice]:
    """The window between must-read and must-not-read. A decibel less sent is a decibel less
    heard, so a tag may lose what it stands above the weakest level heard at all.
    """
    weak, loud = quantile(seen.movers_dbm, 0.05), quantile(seen.strays_dbm, 0.95)
    if weak is None or seen.floor_dbm is None:
        return
    spare = weak - seen.floor_dbm - RESERVE_DB
    told = (
        f"the weakest carried tags (5 %) peak at {weak:.0f} dBm, the floor is {seen.floor_dbm:.0f}"
    )
    if loud is None:
        yield Advice("tx_power_dbm", _BEST_POWER, f"{told} dBm. No other tag was heard.")
        return
    need = loud - seen.floor_dbm
    window = (
        f"{told} dBm and {RESERVE_DB:.0f} dB are kept in reserve: {max(spare, 0):.0f} dB can be "
        f"spared. The other tags vanish (95 %) with {need:.0f} dB less."
    )
    again = "Tags wake by power, which levels tell only roughly: walk again after the change."
    if spare >= need > 0:
        less = min((spare + need) / 2, _STEP_DB)
        yield Advice("tx_power_dbm", f"Lower by {less:.0f} dB", f"{window} {again}")
    elif spare >= 1:
        yield Advice(
            "tx_power_dbm",
            f"Lower by {min(spare, _STEP_DB):.0f} dB",
            f"{window} No power parts the two, but fewer others would be heard. {again}",
        )
    else:
        yield Advice("tx_power_dbm", _BEST_POWER, f"{window} There is nothing to spare.")


def _level(seen: Survey) -> Iterator[Advice]:
    weak, loud = quantile(seen.movers_dbm, 0.05), quantile(seen.strays_dbm, 0.95)
    if weak is None or loud is None:
        return
    if weak - loud >= 3.0:
        yield Advice(
            "RSSI filter of the reader",
            f"{(weak + loud) / 2:.0f} dBm",
            f"95 % of the other tags stay below {loud:.0f} dBm, 95 % of the carried ones reach "
            f"{weak:.0f} dBm.",
        )
        return
    yield Advice(
        "RSSI filter of the reader",
        "None",
        f"The loudest other tags (95 %) peak at {loud:.0f} dBm, the weakest carried ones (5 %) at "
        f"{weak:.0f} dBm: a threshold would lose goods or let others in. Judging goes by change "
        "and company instead.",
    )


def _sides(seen: Survey) -> Iterator[Advice]:
    for one in seen.antennas:
        number, said, found = one.place.antenna, one.place.side, one.side_seen
        if found in {"unknown", said}:
            continue
        assert one.lag_s is not None
        when = f"{abs(one.lag_s):.2f} s {'before' if one.lag_s < 0 else 'after'}"
        said_so = "is configured as " + said if said != "unknown" else "has no side configured"
        yield Advice(
            f"antenna {number}: side",
            found,
            f"It {said_so}, and hears a walk inwards {when} its middle.",
        )


def _turning(seen: Survey) -> Iterator[Advice]:
    if len(seen.partings) < 3:
        return
    usual, worst = quantile(seen.partings, 0.5) or 0.0, min(seen.partings)
    told = (
        f"The inside hears a walk later than the outside by {usual:.0%} of the walk's length, on "
        f"the worst walk by {worst:.0%}"
    )
    if worst >= PARTED:
        yield Advice("yaw of the antennas", "Leave it", f"{told}; {PARTED:.0%} is enough.")
        return
    yield Advice(
        "yaw of the antennas",
        "25 degrees apart, or 0.45 m to either side",
        f"{told}: less than {PARTED:.0%}, so direction hangs on little. Turn the outside antennas "
        "outwards and the inside ones inwards, and walk again.",
    )


def _times(seen: Survey) -> Iterator[Advice]:
    pause = quantile(seen.pauses_s, 0.999)
    if pause is not None:
        quiet = min(max(2.0 * pause, 0.5), 3.0)
        yield Advice(
            "fold.quiet_s",
            f"{quiet:.1f}",
            f"Twice the longest usual pause within a walk ({pause:.2f} s), from 0.5 to 3.",
        )
    if seen.passes_s:
        longest = max(seen.passes_s)
        yield Advice(
            "fold.limit_s",
            f"{max(30.0, 1.5 * longest):.0f}",
            f"Half as long again as the longest walk ({longest:.1f} s), 30 at least.",
        )
    gap = quantile(seen.idle_gaps_s, 0.95)
    if gap is not None:
        yield Advice(
            "fold.resident_gap_s",
            f"{min(max(1.5 * gap, 2.0), 60.0):.0f}",
            f"Half as long again as 95 % of the silences of tags that stand about ({gap:.1f} s).",
        )
