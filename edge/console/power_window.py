"""From a power sweep to the power to use: the window in which all that must be read answers and
nothing that must not. Pure.

A step is one power at which one antenna (or all at once) read for a moment, cut into equal slots.
A tag *answers reliably* at a step when it was heard in every slot, and *answers* when it was heard
at all: the first is asked of tags that must be read, the second of those that must not.

The window's low end is the lowest power from which every must-read tag answers reliably at this
and every higher power measured; its high end is the highest power up to which no must-not-read tag
answers at all. Both are measured powers, and as fine as the steps around them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal

import msgspec

ROOMY_DB, THIN_DB = 6.0, 3.0
"""What a window should have at least (3 dB to either side: half and double the power), and below
what the next pallet, packed otherwise, may fall out of it."""
RESERVE_DB = 3.0
"""Above the low end, where no must-not-read tag bounds the window."""
NEAR_DB = 3.0
"""A tag is the job of the antenna that needs least power for it, and of those so near to it."""
_APART_DB = 3.0

Found = Literal["window", "overlap", "out-of-reach", "spare", "unmarked"]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One power measured at one antenna (0: all of them together).

    ``heard`` has the marked tags that were heard, in how many of ``slots`` each;
    ``rssi_dbm`` the median of what each peaked at. ``p10_dbm`` and ``p50_dbm`` are of all reads.
    ``tries`` says how often it was measured; the last time counts.
    """

    antenna: int
    power_dbm: float
    seconds: float
    slots: int
    reads: int
    tags: int
    p10_dbm: float | None = None
    p50_dbm: float | None = None
    heard: Mapping[str, int] = {}
    rssi_dbm: Mapping[str, float] = {}
    tries: int = 1

    @property
    def reads_per_s(self) -> float:
        """How quickly tags were read."""
        return self.reads / self.seconds if self.seconds else 0.0

    def reliable(self, epc: str) -> bool:
        """Whether the tag was heard in every slot."""
        return self.heard.get(epc, 0) >= self.slots

    def answers(self, epc: str) -> bool:
        """Whether the tag was heard at all."""
        return self.heard.get(epc, 0) > 0


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """What one antenna's steps say. ``low_dbm`` and ``high_dbm`` are ``None`` where there is no
    such end; ``use_dbm`` is the power to apply, of the reader's own table, or ``None``.

    ``jobs`` are the must-read tags that count for this antenna; ``late`` those of them that need
    more than the high end, ``stray`` the must-not-read ones that answer at the low end or below.
    """

    antenna: int
    found: Found
    low_dbm: float | None = None
    high_dbm: float | None = None
    use_dbm: float | None = None
    jobs: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    stray: tuple[str, ...] = ()
    says: tuple[str, ...] = ()


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """From what power a tag answers at all, and from what power reliably at all higher ones."""

    answers_dbm: float | None
    reliable_dbm: float | None


def ordered(steps: Iterable[Step]) -> list[Step]:
    """By rising power."""
    return sorted(steps, key=lambda step: step.power_dbm)


def edge_of(steps: Sequence[Step], epc: str) -> Edge:
    """Where one tag begins to answer; ``steps`` are one antenna's, by rising power."""
    answers = next((step.power_dbm for step in steps if step.answers(epc)), None)
    reliable = None
    for step in reversed(steps):
        if not step.reliable(epc):
            break
        reliable = step.power_dbm
    return Edge(answers_dbm=answers, reliable_dbm=reliable)


def jobs(by_antenna: Mapping[int, Sequence[Step]], must: Collection[str]) -> dict[int, list[str]]:
    """Which must-read tags each antenna is for; a tag that none reads reliably is nobody's."""
    found: dict[int, list[str]] = {antenna: [] for antenna in by_antenna}
    for epc in sorted(must):
        needs = {
            antenna: need
            for antenna, steps in by_antenna.items()
            if (need := edge_of(ordered(steps), epc).reliable_dbm) is not None
        }
        least = min(needs.values(), default=None)
        for antenna, need in needs.items():
            if least is not None and need <= least + NEAR_DB:
                found[antenna].append(epc)
    return found


def window(
    steps: Sequence[Step],
    must: Collection[str],
    must_not: Collection[str],
    table_dbm: Sequence[float],
    *,
    spare: bool = False,
) -> Window:
    """The window of one antenna (or of all together), from all its steps.

    ``must`` are the tags that count for it; ``table_dbm`` the powers that may be applied.
    ``spare``: other antennas read all that must be read, so this one may be as quiet as it likes.
    """
    steps = ordered(steps)
    assert steps, "a window of no steps"
    low, high = _ends(steps, must, must_not)
    antenna, duties = steps[0].antenna, tuple(sorted(must))
    if not must and spare and must_not and high is not None:
        return _spare(antenna, high, table_dbm)
    if not must:
        says = ("No must-read tag is this antenna's: there is no power to recommend.",)
        return Window(antenna=antenna, found="unmarked", high_dbm=high, says=says)
    if low is None:
        last = steps[-1]
        missing = tuple(epc for epc in duties if not last.reliable(epc))
        return Window(
            antenna=antenna, found="out-of-reach", high_dbm=high, jobs=duties, late=missing,
            says=tuple(_out_of_reach(missing, last.power_dbm)),
        )  # fmt: skip
    if high is None or high < low:
        return _overlap(steps, duties, must_not, low, high)
    return _window(steps, duties, must_not, (low, high), table_dbm)


def _ends(
    steps: Sequence[Step], must: Collection[str], must_not: Collection[str]
) -> tuple[float | None, float | None]:
    """The lowest and the highest power of the window. What the tags do above the high end, where
    nobody will read, takes nothing from the low one.
    """
    high = _high(steps, must_not)
    quiet = [step for step in steps if high is not None and step.power_dbm <= high]
    low = _low(quiet, must)
    return (_low(steps, must) if low is None else low), high


def _low(steps: Sequence[Step], must: Collection[str]) -> float | None:
    low = None
    for step in reversed(steps):
        if not all(step.reliable(epc) for epc in must):
            break
        low = step.power_dbm
    return low


def _high(steps: Sequence[Step], must_not: Collection[str]) -> float | None:
    high = None
    for step in steps:
        if any(step.answers(epc) for epc in must_not):
            break
        high = step.power_dbm
    return high


def _window(
    steps: Sequence[Step],
    duties: tuple[str, ...],
    must_not: Collection[str],
    ends: tuple[float, float],
    table_dbm: Sequence[float],
) -> Window:
    low, high = ends
    bounded = any(step.answers(epc) for step in steps for epc in must_not)
    wanted = (low + high) / 2 if bounded else min(low + RESERVE_DB, high)
    fitting = [dbm for dbm in table_dbm if low <= dbm <= wanted + 1e-9]
    use = max(fitting) if fitting else low
    says = [f"All {len(duties)} must-read tags answer from {low:g} dBm up."]
    if bounded:
        says.append(f"No must-not-read tag answers up to {high:g} dBm. {_roomy(high - low)}")
    elif must_not:
        says.append(
            f"No must-not-read tag answered up to {high:g} dBm, the most that was tried, so "
            f"{RESERVE_DB:g} dB above the low end are enough. More power only reaches farther."
        )
    else:
        says.append(
            "No tag is marked as must-not-read, so nothing is known of the window's high end: "
            f"{RESERVE_DB:g} dB above the low end are taken. Mark what stands near by and must "
            "stay silent, and sweep again."
        )
    return Window(
        antenna=steps[0].antenna, found="window", low_dbm=low, high_dbm=high, use_dbm=use,
        jobs=duties, says=tuple(says),
    )  # fmt: skip


def _spare(antenna: int, high: float, table_dbm: Sequence[float]) -> Window:
    quiet = [dbm for dbm in table_dbm if dbm <= high - RESERVE_DB]
    says = (
        f"Other antennas read all that must be read. Up to {high:g} dBm this one hears no "
        f"must-not-read tag: {RESERVE_DB:g} dB below that it does no harm, or switch it off.",
    )
    use = max(quiet) if quiet else min(table_dbm)
    return Window(antenna=antenna, found="spare", high_dbm=high, use_dbm=use, says=says)


def _roomy(width_db: float) -> str:
    if width_db >= ROOMY_DB:
        return f"The window is {width_db:g} dB wide: room for goods that are packed otherwise."
    if width_db >= THIN_DB:
        return (
            f"The window is {width_db:g} dB wide: enough for these goods. Do a walk test with "
            "others before you rely on it."
        )
    return (
        f"The window is only {width_db:g} dB wide: a wet or metal load may fall out of it. Move "
        "or turn the antenna away from the must-not-read tags to widen it."
    )


def _out_of_reach(missing: Sequence[str], most_dbm: float) -> list[str]:
    return [
        f"{_tags(missing)} did not answer reliably even at {most_dbm:g} dBm, the most that is "
        "allowed here.",
        "Bring the antenna nearer, turn it towards them, or turn the tags: a tag that points at "
        "the antenna with its short edge, or lies on metal or liquid, hardly hears it.",
        "Check the cable and its connectors: each metre and each loose screw costs power.",
    ]


def _overlap(
    steps: Sequence[Step],
    duties: tuple[str, ...],
    must_not: Collection[str],
    low: float,
    high: float | None,
) -> Window:
    at_low = next(step for step in steps if step.power_dbm == low)
    stray = tuple(epc for epc in sorted(must_not) if _answers_by(steps, epc, low))
    late = tuple(
        epc
        for epc in duties
        if (need := edge_of(steps, epc).reliable_dbm) is not None and (high is None or need > high)
    )
    begins = f"from {_first(steps, stray):g} dBm"
    says = [
        f"There is no window: {_tags(stray)} that must not be read answer {begins}, and "
        f"{_tags(late)} that must be read need {low:g} dBm.",
    ]
    loud = [at_low.rssi_dbm[epc] for epc in stray if epc in at_low.rssi_dbm]
    weak = [at_low.rssi_dbm[epc] for epc in duties if epc in at_low.rssi_dbm]
    if loud and weak and min(weak) - max(loud) >= _APART_DB:
        says.append(
            f"Their levels differ: at {low:g} dBm the weakest must-read tag is heard with "
            f"{min(weak):g} dBm, the loudest other one with {max(loud):g} dBm. A receive limit "
            "(rx_sensitivity_db) between the two parts them where power cannot."
        )
    says += [
        "Move the antenna nearer to what it must read, or turn it away from what it must not.",
        "Shield: a metal sheet or a wet wall between the antenna and the must-not-read tags.",
        "Move the must-not-read goods 2 m farther away; tags that stay where they are can be told "
        "apart by judging (presence), and in a higher session (S2) they soon fall silent.",
    ]
    return Window(
        antenna=steps[0].antenna, found="overlap", low_dbm=low, high_dbm=high, jobs=duties,
        late=late, stray=stray, says=tuple(says),
    )  # fmt: skip


def _answers_by(steps: Sequence[Step], epc: str, power_dbm: float) -> bool:
    answers = edge_of(steps, epc).answers_dbm
    return answers is not None and answers <= power_dbm


def _first(steps: Sequence[Step], epcs: Collection[str]) -> float:
    return min(step.power_dbm for step in steps if any(step.answers(epc) for epc in epcs))


def _tags(epcs: Sequence[str]) -> str:
    shown = ", ".join(f"…{epc[-6:]}" for epc in epcs[:3])
    more = f" and {len(epcs) - 3} more" if len(epcs) > 3 else ""
    return f"{len(epcs)} tag{'s' * (len(epcs) != 1)} ({shown}{more})"


def doubtful(steps: Sequence[Step], must: Collection[str]) -> float | None:
    """A power measured once at which a tag was not reliable that was so below and above it: a cart
    that stood in the way, a reader that was busy, or truly a hole. Worth another try.
    """
    steps = ordered(steps)
    for at, step in enumerate(steps):
        for epc in must:
            if step.tries > 1 or step.reliable(epc):
                continue
            if all(
                any(one.reliable(epc) for one in side) for side in (steps[:at], steps[at + 1 :])
            ):
                return step.power_dbm
    return None


def between(
    steps: Sequence[Step],
    must: Collection[str],
    must_not: Collection[str],
    table_dbm: Sequence[float],
) -> float | None:
    """The next power worth measuring to know an end of the window to a step of the table;
    ``None`` once both ends are known so well.
    """
    steps = ordered(steps)
    measured = [step.power_dbm for step in steps]
    low, high = _ends(steps, must, must_not)
    for end, other in ((low if must else None, -1), (high, 1)):
        if end is None:
            continue
        beside = measured.index(end) + other
        if not 0 <= beside < len(measured):
            continue
        least, most = sorted((end, measured[beside]))
        inner = [dbm for dbm in table_dbm if least < dbm < most]
        if inner:
            return inner[len(inner) // 2]
    return None
