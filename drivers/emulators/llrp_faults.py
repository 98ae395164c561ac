"""How the emulated LLRP reader misbehaves: a state, which the reader looks at.

Words for it, and what happens at one, are in ``drivers.emulators.llrp_fault_words``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from drivers.readings import TagRead


@dataclass(slots=True)
class Faults:
    """How the reader misbehaves. All off by default."""

    busy: bool = False
    """Refuse every client as if another one were connected."""
    silent: bool = False
    """Send nothing more, without closing: a dead link."""
    stalled: bool = False
    """Keep reports and events back; answer and send keepalives."""
    slow_s: float = 0.0
    """Wait so long before every message."""
    clock_shift_us: int = 0
    """By so much the reader's clock is wrong."""
    omitted: set[str] = field(default_factory=set)
    """Fields of ``TagRead`` that reports lack."""
    ignore: set[int] = field(default_factory=set)
    """Message types that are never answered."""
    refuse: dict[int, tuple[int, str]] = field(default_factory=dict)
    """Message types that are answered with this LLRPStatus."""
    before: dict[int, bytes] = field(default_factory=dict)
    """Message types whose next answer comes after these raw bytes."""

    def worn(self, read: TagRead, uptime_us: int | None) -> TagRead:
        """The read as it is reported; ``uptime_us`` is what a clock since boot is ahead of UTC."""
        changes: dict[str, object] = dict.fromkeys(self.omitted)
        shift = self.clock_shift_us if uptime_us is None or read.uptime_clock else uptime_us
        if shift:
            for name in ("first_seen_us", "last_seen_us"):
                at_us = getattr(read, name)
                if at_us is not None and name not in changes:
                    changes[name] = max(0, at_us + shift)
        if uptime_us is not None:
            changes["uptime_clock"] = True
        return msgspec.structs.replace(read, **changes) if changes else read

    def heal(self) -> None:
        """Nothing is wrong any more (what happened stays happened)."""
        clean = Faults()
        for name in self.__slots__:
            setattr(self, name, getattr(clean, name))
