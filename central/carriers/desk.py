"""Tells carriers what leaves and keeps what they tell: a part that runs for as long as central.

What is still to be told is a state of the shipment in the books, and what was told leaves the
carrier's side only when it is in the books: a crash in between repeats, and a repeat does nothing.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from functools import partial

import structlog
from sqlalchemy.exc import DBAPIError

from central.carriers.model import Carrier, CarrierUnavailable, Consignment, Goods, Notice, Parcel
from central.database.moments import from_us, to_us
from central.database.store import Database, passes_by
from central.database.tide import Tide
from central.orders import tracking
from central.orders.model import OrderError
from central.orders.tracking import Heard, Unsent
from gateway.clock import Clock, SystemClock

__all__ = ["CarrierDesk", "consignment"]

_log = structlog.get_logger("central.carriers")


def consignment(one: Unsent) -> Consignment:
    """What a carrier is told of a shipment. Pure."""
    shipment, order, cartons = one
    skus = {line.line: line.sku for line in order.lines}
    return Consignment(
        shipment=shipment.id,
        order=order.id,
        reference=order.reference,
        carrier=shipment.carrier,
        service=shipment.service,
        customer=order.customer,
        ship_to=order.ship_to,
        shipped_at=from_us(shipment.shipped_us).isoformat(),
        lines=tuple(
            Goods(line=line, sku=skus[line], quantity=units)
            for line, units in sorted(shipment.lines.items())
        ),
        parcels=tuple(
            Parcel(
                sscc=box.sscc,
                contents=tuple((part.line, part.quantity) for part in box.contents),
            )
            for box in cartons
        ),
    )


class CarrierDesk:
    """See the module. ``counters``: ``handed_over``, ``heard``, ``refused``, ``failed`` tries."""

    def __init__(
        self,
        database: Database,
        tide: Tide,
        carriers: Mapping[str, Carrier],
        *,
        look_every_s: float,
        clock: Clock | None = None,
    ) -> None:
        self._database, self._tide = database, tide
        self._carriers = dict(carriers)
        self._look_every_s = look_every_s
        self._clock = clock or SystemClock()
        self.counters: Counter[str] = Counter()

    async def run(self) -> None:
        """Look every so often until cancelled; a database that is away is tried again."""
        while True:
            try:
                await self.step()
            except DBAPIError as error:
                if not passes_by(error):
                    raise
                self.counters["failed"] += 1
                _log.warning("carriers_wait", why=str(error.orig))
            await asyncio.sleep(self._look_every_s)

    async def step(self) -> None:
        """Look once at each carrier; one that cannot be reached holds up no other."""
        for name, carrier in self._carriers.items():
            try:
                await self._tell(name, carrier)
                for notice in await carrier.told():
                    await self._keep(name, carrier, notice)
            except CarrierUnavailable as error:
                self.counters["failed"] += 1
                _log.error("carrier_unavailable", carrier=name, why=str(error))

    async def _tell(self, name: str, carrier: Carrier) -> None:
        while found := await self._database.read(lambda c: tracking.unsent(c, name)):
            for one in found:
                await carrier.hand_over(consignment(one))
            await self._database.write(
                partial(
                    tracking.handed_over,
                    names=[one.shipment.id for one in found],
                    at_us=self._clock.now_us(),
                )
            )
            self.counters["handed_over"] += len(found)
            self._tide.rise()

    async def _keep(self, name: str, carrier: Carrier, notice: Notice) -> None:
        said, at_us = notice.said, self._clock.now_us()
        heard = Heard(
            shipment=said.shipment,
            carrier=name,
            tracking=said.tracking,
            event=said.event,
            happened_us=to_us(said.at),
            reason=said.reason,
        )
        try:
            fresh = await self._database.write(lambda c: tracking.hear(c, heard, at_us=at_us))
        except OrderError as error:
            await carrier.settle(notice, refused=str(error))
            self.counters["refused"] += 1
            return
        await carrier.settle(notice)
        if fresh:
            self.counters["heard"] += 1
            self._tide.rise()
