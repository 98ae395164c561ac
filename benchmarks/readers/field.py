"""Emulated readers in a process of their own, each with a dock door's traffic at a fixed rate.

``python -m benchmarks.readers.field`` prints the readers' ports as one line of JSON, waits until
all of them inventory, says ``{"ready": true}``, waits for a line on its input, reads for
``--seconds``, prints what it offered and delivered, and ends when its input is closed.

A door: ``standing`` tags lie about in the field, a pallet of ``passing`` cases rolls through it
every six seconds. The reader's turn goes from antenna to antenna every 200 ms; which tag answers
is drawn anew each time. Every read is a message of its own, as with ``report_every_n = 1``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time

import msgspec

from drivers.emulators.llrp_reader import EmulatedReader
from drivers.readings import TagRead

ANTENNAS = 4
_TURN_S, _PASS_S, _LOT_S = 0.2, 6.0, 0.001


class Door:
    """What one reader hears."""

    def __init__(self, number: int, standing: int, passing: int) -> None:
        self._number = number
        self._chance = random.Random(number)
        self._standing = [self._tag(0xA, n) for n in range(standing)]
        self._passing = passing
        self._pallet = -1
        self._cases: list[TagRead] = []

    def _tag(self, lot: int, number: int) -> TagRead:
        return TagRead(
            epc=f"3034{self._number:04X}{lot:08X}{number:08X}", epc_bits=96,
            peak_rssi_dbm=-60.0 + self._chance.randrange(12), channel=1 + number % 50,
        )  # fmt: skip

    def reads(self, count: int, at_s: float, now_us: int) -> list[TagRead]:
        """So many reads, ``at_s`` after the door opened."""
        pallet, into = divmod(at_s, _PASS_S)
        if pallet != self._pallet:
            self._pallet = int(pallet)
            self._cases = [self._tag(0xB0 + self._pallet, n) for n in range(self._passing)]
        turn = int(at_s / _TURN_S) % ANTENNAS
        row = into / _PASS_S - (0.35 if turn < ANTENNAS // 2 else 0.65)
        gain = -30.0 * abs(row)
        inside = len(self._standing)
        found = []
        for _ in range(count):
            drawn = self._chance.randrange(inside + self._passing)
            moves = drawn >= inside
            tag = self._cases[drawn - inside] if moves else self._standing[drawn]
            assert tag.peak_rssi_dbm is not None
            level = tag.peak_rssi_dbm + (gain if moves else -2.0 * turn)
            found.append(
                msgspec.structs.replace(
                    tag,
                    antenna=1 + turn,
                    first_seen_us=now_us,
                    last_seen_us=now_us,
                    phase_rad=(at_s * 7) % 6.28,
                    doppler_hz=2.0,
                    peak_rssi_dbm=level + self._chance.randrange(-8, 9) / 8,
                )
            )
        return found


async def _talk(reader: EmulatedReader, door: Door, rate: int, seconds: float) -> int:
    """Read at this rate, whatever the client does; how many reads were offered."""
    began, offered = time.monotonic(), 0
    while (at_s := time.monotonic() - began) < seconds:
        due = int(at_s * rate) - offered
        await reader.report(door.reads(due, at_s, time.time_ns() // 1_000))
        offered += due
        await asyncio.sleep(_LOT_S - (time.monotonic() - began) % _LOT_S)
    return offered


async def _main(asked: argparse.Namespace) -> None:
    readers = [EmulatedReader(antennas=ANTENNAS) for _ in range(asked.readers)]
    _tell({"ports": [await reader.start() for reader in readers]})
    for reader in readers:
        await reader.wait_inventorying()
    _tell({"ready": True})
    await asyncio.to_thread(sys.stdin.readline)
    began, cpu_s = time.monotonic(), time.process_time()
    doors = [Door(asked.first + n, asked.standing, asked.passing) for n in range(len(readers))]
    offered = await asyncio.gather(
        *(
            _talk(reader, door, asked.rate, asked.seconds)
            for reader, door in zip(readers, doors, strict=True)
        )
    )
    took_s = time.monotonic() - began
    _tell(
        {
            "offered": sum(offered),
            "seconds": took_s,
            "cpu": (time.process_time() - cpu_s) / took_s,
            "delivered": sum(reader.delivered for reader in readers),
            "held": sum(reader.held for reader in readers),
        }
    )
    await asyncio.to_thread(sys.stdin.read)
    for reader in readers:
        await reader.stop()


def _tell(news: dict[str, object]) -> None:
    print(json.dumps(news), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("readers", "rate", "standing", "passing", "first"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    asyncio.run(_main(parser.parse_args()))
