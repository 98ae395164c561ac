"""What a new site tells central before the first pallet: items, places, read points, opening
stock. Everything goes through the REST API, as an integration would do it.
"""

from __future__ import annotations

from collections import Counter

from tallyport.demo.client import Api
from tallyport.demo.goods import (
    BACKROOM,
    BACKROOM_OPENING,
    BOARDS,
    CASES,
    DOCK_POINT,
    PLACES,
    PLATES,
    RECEIVING,
    SCAN_POINT,
    SHELF,
    SHELF_POINT,
    WAREHOUSE,
)
from tallyport.demo.world import Load


async def open_books(api: Api, staged: Load) -> None:
    """Set the site up, and receive what stands there already."""
    await open_catalogue(api)
    for good in PLATES:
        await _receive(api, f"opening-{good.sku}-{SHELF}", good.sku, good.opening, SHELF)
        await _receive(api, f"opening-{good.sku}-{BACKROOM}", good.sku, BACKROOM_OPENING, BACKROOM)
    cases = Counter(case for _, case in staged.cases)
    for case, count in cases.items():
        epcs = [epc for epc, of in staged.cases if of is case]
        opening = f"opening-{case.sku}-{WAREHOUSE}"
        await _receive(api, opening, case.sku, count * case.pack, WAREHOUSE, epcs=epcs)


async def open_catalogue(api: Api) -> None:
    """Items, places and read points."""
    for code, name in PLACES.items():
        await api.send("POST", "/locations", {"code": code, "name": name})
    for case in CASES:
        pack = {"gtin": case.case_gtin, "quantity": case.pack}
        await _item(api, sku=case.sku, name=case.name, category="cases", gtins=[pack])
    for good in PLATES:
        await _item(api, sku=good.sku, name=good.name, category="shelf", unit_mg=good.unit_mg)
    await _read_point(api, DOCK_POINT, kind="portal", location=WAREHOUSE)
    await _read_point(api, SCAN_POINT, kind="scan", location=RECEIVING)
    await _read_point(api, SHELF_POINT, kind="shelf", location=SHELF, inbound_from=BACKROOM)
    for plate, good in enumerate(PLATES, start=1):
        plan = {"sku": good.sku, "unit_mg": good.unit_mg, "unit_cv": 0.01}
        await api.send("PUT", f"/read-points/{SHELF_POINT}/plates/{plate}", plan)
    await api.send("PUT", f"/read-points/{SHELF_POINT}/layout", layout())


def layout() -> dict[str, object]:
    """How the shelf stands: its plates side by side on two boards, with a little room between."""
    plates, number = list[dict[str, int]](), 0
    for board, widths in BOARDS.items():
        x_mm = 0
        for width_mm in widths:
            number += 1
            plates.append({
                "plate": number, "board": board, "x_mm": x_mm + 10, "y_mm": 20,
                "width_mm": width_mm, "depth_mm": 320,
            })  # fmt: skip
            x_mm += width_mm + 20
    boards = [{"board": board, "width_mm": 900, "depth_mm": 360} for board in BOARDS]
    return {"boards": boards, "plates": plates}


async def _item(api: Api, **item: object) -> None:
    await api.send("POST", "/items", item)


async def _read_point(api: Api, code: str, **point: object) -> None:
    await api.send("PUT", f"/read-points/{code}", point)


async def _receive(
    api: Api, opening: str, sku: str, quantity: int, location: str, **more: object
) -> None:
    body = {"id": opening, "sku": sku, "quantity": quantity, "location": location, **more}
    await api.send("POST", "/stock/receive", body)
