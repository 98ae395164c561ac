"""A warehouse with a portal at its dock, hands that move goods, and who watches its ledger."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from sqlalchemy import Connection, text

from central.database.tide import Tide
from central.intake.ingest import Ingest
from central.judging.followed import Followed
from central.judging.replay import differences
from central.orders.watching import OrderWatcher
from central.reservations.following import Settler
from central.stock import chain, projection
from central.stock.holdings import KeptHoldings
from central.stock.witnesses import height
from central.tags.watching import TagWatcher
from central.why import sentences, story
from drivers.emulators.portal_physics import Path, Scene, dock_antennas, pallet, simulate
from gateway.contract import DeviceHealth
from gateway.gs1 import sgtin96_hex
from tests.central.harness import Bench
from tests.central.test_ingest_and_judge import judge_all, wire
from tests.fakes import portal_log

OAT, DRILL = "09521234000013", "09521234000020"
CASES = [sgtin96_hex(OAT, 7, n) for n in range(1, 11)]
PIECES = [sgtin96_hex(DRILL, 7, n) for n in (71, 72, 73)]


class Dock:
    """Its methods return when the watchers have seen what was done."""

    def __init__(self, made: Bench) -> None:
        self.made = made
        self._settler = Settler(made.database, Tide(), watchers=[TagWatcher(), OrderWatcher()])
        self._next_seq, self._at_s = 1, 0.0

    async def passes(self, epcs: Sequence[str], way: str, *, side: str = "") -> None:
        """A pallet crosses the dock, two minutes after the one before; only antennas on ``side``
        hear it, if that is told.
        """
        path = Path.through(self._at_s + 4.0, speed=1.0, inwards=way == "in")
        tags = pallet(list(epcs), path, Random(1))
        antennas = tuple(one for one in dock_antennas() if side in {"", one.side})
        scene = Scene(antennas=antennas, tags=tuple(tags), seed=1)
        reads = simulate(scene, self._at_s, self._at_s + 18.0)
        at = portal_log.moment(self._at_s + 40.0)
        beat = DeviceHealth(event_time=at, state="running", **portal_log.WHO)
        seen = [portal_log.described(antennas), *portal_log.fold(reads), beat]
        first, self._next_seq = self._next_seq, self._next_seq + len(seen)
        batches = [wire(first + n, seen[n : n + 700]) for n in range(0, len(seen), 700)]
        await Ingest(self.made.database, Tide()).receive(batches)
        await judge_all(self.made.database)
        self._at_s += 120.0
        await self.watched()

    async def moves(self, name: str, units: int, way: str, **more: object) -> None:
        """Somebody moves goods by hand, ``from>to``, naming no tags."""
        source, destination = way.split(">")
        body: dict[str, Any] = {
            "id": f"move-{name}",
            "sku": "OAT",
            "quantity": units,
            "event_time": self.now,
        }
        body |= more
        await self.made.post("/stock/move", **body, **{"from": source, "to": destination})
        await self.watched()

    @property
    def now(self) -> str:
        return portal_log.moment(self._at_s).isoformat()

    async def watched(self) -> None:
        while await self._settler.step():
            pass

    async def lie(self) -> dict[str, int]:
        """Tags by where they are said to lie."""
        query = text("SELECT location, count(*) FROM tag_place GROUP BY location")
        found = await self.made.database.read(lambda c: c.execute(query).all())
        return {row[0]: row[1] for row in found}

    async def held(self, sku: str = "OAT") -> dict[str, int]:
        found: Any = await self.made.get(f"/stock/{sku}")
        return dict(found["by_location"])

    async def asked(self) -> list[str]:
        found: Any = await self.made.get("/reviews")
        return [one["reason"] for one in found["rows"]]

    async def is_sound(self) -> bool:
        """Replay agrees, the chain holds, tags lie where ledger and witnesses put them, and who
        follows the ledger comes to what the tables hold.
        """
        checks = (
            differences, chain.verify, projection.check_balances, projection.check_tags, _astray,
        )  # fmt: skip
        return not any([await self.made.database.read(one) for one in checks])

    async def picks(self, name: str, units: int) -> None:
        """Somebody picks goods for an order and brings them to the dock, naming no tags."""
        made, at = self.made, {"ship_to": {}, "warehouse": "wh", "ship_from": "pack"}
        order: dict[str, Any] = {"id": name, "customer": "Jane", **at}
        await made.post("/api/orders/outbound", **order, lines=[{"sku": "OAT", "quantity": units}])
        task: Any = await made.post("/api/picking/tasks", id=f"wave-{name}", orders=[name])
        for pick in task["picks"]:
            said: dict[str, Any] = {name: pick[name] for name in ("location", "sku", "quantity")}
            said["event_time"] = self.now
            await made.post(f"/api/picking/picks/{pick['id']}/confirm", 200, **said)
        await self.watched()

    async def why(self, name: str) -> list[str]:
        return sentences.told(await self.made.database.read(lambda c: story.why(c, name)))

    async def books(self, units: int, place: str) -> None:
        """Stock that was there before there were tags."""
        body: dict[str, Any] = {"id": f"open-{place}", "sku": "OAT", "quantity": units}
        await self.made.post("/stock/receive", **body, location=place, event_time=self.now)


def _astray(conn: Connection) -> list[str]:
    followed, lots = Followed(conn), [("OAT", ""), ("DRILL", "")]
    followed.bring(height(conn))
    same = followed.of(lots) == KeptHoldings(conn).of(lots)
    return [] if same else ["who follows the ledger comes to something else"]
