"""Words at which the emulated LLRP reader misbehaves: "drop", "silent 10", "clock -3600", "heal".

``FaultDesk`` carries them out. ``tallyport emulate reader`` takes them from the keyboard while it
runs, tests say them in code.
"""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from struct import pack
from typing import NamedTuple

from drivers.emulators import llrp_encode as encode
from drivers.emulators.llrp_reader import EmulatedReader
from drivers.readings import TagRead

OMITTED = {
    "antenna": "antenna",
    "rssi": "peak_rssi_dbm",
    "channel": "channel",
    "phase": "phase_rad",
    "doppler": "doppler_hz",
    "first": "first_seen_us",
    "last": "last_seen_us",
}
"""What reports may lack, by the word for it."""


class Words(NamedTuple):
    """A fault that can be asked for: how to say it, what it does, and the deed."""

    usage: str
    does: str
    deed: Callable[[FaultDesk, Sequence[str]], Awaitable[str]]


class FaultDesk:
    """Takes words and lets them happen to one reader. ``close`` when the reader ends."""

    def __init__(self, reader: EmulatedReader) -> None:
        self.reader = reader
        self._later: set[asyncio.Task[None]] = set()

    async def obey(self, line: str) -> str:
        """Do what the line says; what happens now, for people. ``ValueError`` when it is not
        understood, with what can be said.
        """
        name, *arguments = line.split()
        found = WORDS.get(name.lower())
        if found is None:
            near = difflib.get_close_matches(name.lower(), WORDS, n=1, cutoff=0.5)
            guess = f' Did you mean "{near[0]}"?' if near else ""
            raise ValueError(f'There is no fault "{name}".{guess} There are: {", ".join(WORDS)}.')
        try:
            return await found.deed(self, arguments)
        except (IndexError, KeyError, ValueError):
            raise ValueError(f"Say: {found.usage}") from None

    async def close(self) -> None:
        """Forget what was to happen later."""
        for task in self._later:
            task.cancel()
        await asyncio.gather(*self._later, return_exceptions=True)

    def later(self, seconds: float, deed: Callable[[], Awaitable[None]]) -> None:
        """Do something after a while."""

        async def wait() -> None:
            await asyncio.sleep(seconds)
            await deed()

        task = asyncio.create_task(wait())
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def for_a_while(self, arguments: Sequence[str], name: str, words: str) -> str:
        """Set a fault, and take it back after so many seconds, if any are given."""
        faults = self.reader.faults
        seconds = float(arguments[0]) if arguments else None
        setattr(faults, name, True)
        if seconds is None:
            return f"{words} until `heal`"

        async def end() -> None:
            setattr(faults, name, False)
            await self.reader.report([])

        self.later(seconds, end)
        return f"{words} for {seconds:g} s"


async def _drop(desk: FaultDesk, _: Sequence[str]) -> str:
    desk.reader.drop()
    return "the connection is cut"


async def _silent(desk: FaultDesk, arguments: Sequence[str]) -> str:
    return await desk.for_a_while(arguments, "silent", "nothing more is sent")


async def _half_open(desk: FaultDesk, arguments: Sequence[str]) -> str:
    said = await desk.for_a_while(arguments, "busy", "the link is gone and the session is kept")
    desk.reader.drop()
    return said


async def _busy(desk: FaultDesk, arguments: Sequence[str]) -> str:
    said = await desk.for_a_while(arguments, "busy", "another client holds the reader")
    desk.reader.drop()
    return said


async def _stall(desk: FaultDesk, arguments: Sequence[str]) -> str:
    return await desk.for_a_while(arguments, "stalled", "reports are kept back, to come in a burst")


async def _slow(desk: FaultDesk, arguments: Sequence[str]) -> str:
    desk.reader.faults.slow_s = float(arguments[0]) / 1000
    return f"every message comes {arguments[0]} ms late"


async def _torn(desk: FaultDesk, _: Sequence[str]) -> str:
    report = encode.tag_report([_ANY_TAG], encode.ReportContent())
    await desk.reader.send_raw(report[: len(report) * 2 // 3])
    desk.reader.drop()
    return "a report broke off in the middle, and the connection with it"


async def _malformed(desk: FaultDesk, _: Sequence[str]) -> str:
    cut_epc = encode.parameter(240, encode.parameter(241, pack(">H", 96) + b"\x30\x00\x01"))
    await desk.reader.send_raw(encode.message(61, 0, cut_epc))
    return "a report came whose EPC is shorter than it says"


async def _unknown(desk: FaultDesk, _: Sequence[str]) -> str:
    await desk.reader.send_raw(encode.message(900, 0, b"what is this?"))
    return "a message of a kind that LLRP does not have was sent"


async def _error(desk: FaultDesk, _: Sequence[str]) -> str:
    await desk.reader.send_raw(encode.message(100, 0, encode.status(101, "nobody asked")))
    return "an ERROR_MESSAGE was sent that answers nothing"


async def _clock(desk: FaultDesk, arguments: Sequence[str]) -> str:
    seconds = float(arguments[0])
    desk.reader.faults.clock_shift_us = round(seconds * 1e6)
    return f"the reader's clock is {seconds:+g} s wrong"


async def _uptime(desk: FaultDesk, _: Sequence[str]) -> str:
    model = desk.reader.model
    model.facts = replace(model.facts, has_utc_clock=False)
    desk.reader.drop()
    return "the reader knows only how long it has been on, and says so when it is asked again"


async def _omit(desk: FaultDesk, arguments: Sequence[str]) -> str:
    names = {OMITTED[word] for word in " ".join(arguments).replace(",", " ").split()}
    if not names:
        raise ValueError
    desk.reader.faults.omitted |= names
    return f"reports lack {', '.join(sorted(desk.reader.faults.omitted))}"


async def _reboot(desk: FaultDesk, arguments: Sequence[str]) -> str:
    seconds = float(arguments[0]) if arguments else 5.0
    desk.reader.power_cycle()
    await desk.reader.stop()

    async def back() -> None:
        await desk.reader.start()

    desk.later(seconds, back)
    return f"the reader is off, and will be back in {seconds:g} s without its ROSpecs"


async def _antenna(desk: FaultDesk, arguments: Sequence[str]) -> str:
    port, on = int(arguments[0]), _on(arguments[1])
    if port not in desk.reader.model.settings.antenna_connected:
        raise ValueError
    await desk.reader.antenna(port, on)
    return f"antenna {port} is {'plugged in' if on else 'unplugged'}"


async def _gpi(desk: FaultDesk, arguments: Sequence[str]) -> str:
    port, on = int(arguments[0]), _on(arguments[1])
    await desk.reader.gpi(port, on)
    return f"GPI {port} is {'high' if on else 'low'}"


async def _heal(desk: FaultDesk, _: Sequence[str]) -> str:
    desk.reader.faults.heal()
    for port, connected in desk.reader.model.settings.antenna_connected.items():
        if not connected:
            await desk.reader.antenna(port, True)
    await desk.reader.report([])
    return "nothing is wrong any more"


def _on(word: str) -> bool:
    return {"on": True, "off": False}[word]


_ANY_TAG = TagRead(epc="30" + "00" * 11, epc_bits=96, antenna=1, peak_rssi_dbm=-50.0)

WORDS = {
    "drop": Words("drop", "cut the connection, as a network does", _drop),
    "silent": Words("silent [SECONDS]", "send nothing more, without closing", _silent),
    "half-open": Words(
        "half-open [SECONDS]", "cut it, but refuse everybody as if it still stood", _half_open
    ),
    "busy": Words("busy [SECONDS]", "let another client hold the reader", _busy),
    "burst": Words("burst [SECONDS]", "hold reports back, then send them all at once", _stall),
    "slow": Words("slow MILLISECONDS", "send every message late", _slow),
    "torn": Words("torn", "break off in the middle of a report", _torn),
    "malformed": Words("malformed", "send a report that makes no sense", _malformed),
    "unknown": Words("unknown", "send a message of an unknown kind", _unknown),
    "error": Words("error", "send an ERROR_MESSAGE out of nowhere", _error),
    "clock": Words("clock SECONDS", "let the reader's clock be wrong", _clock),
    "uptime": Words("uptime", "have no clock but the time since the start", _uptime),
    "omit": Words(f"omit {'|'.join(OMITTED)} ...", "leave fields out of reports", _omit),
    "reboot": Words("reboot [SECONDS]", "switch off and on, ROSpecs lost", _reboot),
    "antenna": Words("antenna N on|off", "plug an antenna in or out", _antenna),
    "gpi": Words("gpi N on|off", "drive an input, a photo-eye's for example", _gpi),
    "heal": Words("heal", "end all of these", _heal),
}
"""What can be said, with its help."""
