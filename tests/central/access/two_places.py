"""Two warehouses, of which the second has one of everything that lies somewhere: all its names
have EAST in them, so that whatever tells of it can be seen by that.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, insert

from central import schema
from central.insight.points import Point
from tests.central.harness import Bench

__all__ = ["EAST_FILE", "READ", "WRITTEN", "fill"]

_NOON_US = 1_770_000_000_000_000
EAST_FILE = b"EAST, in words"
_FILE_HASH = "{file}"
_KINDS = {"orders": "EAST-order", "inbound-orders": "EAST-inbound", "movements": "EAST-first",
          "reviews": "EAST-review"}  # fmt: skip
_REPORTS = (
    "ageing", "days-of-stock", "expiry", "fast-movers", "run-out", "sensor-accuracy", "shrinkage",
    "slow-movers", "stock-levels", "turnover", "fulfilment", "picking-times", "picking-tasks",
)  # fmt: skip
_FEED = quote('["stock", {"location": "EAST-B", "sku": "NUT"}, "on_hand"]')
EPCIS = {
    "eventTypes": "ObjectEvent", "epcs": "urn:x:EAST-epc",
    "bizSteps": "receiving", "dispositions": "in_progress",
    "bizLocations": "urn:tallyport:location:EAST-B", "readPoints": "urn:tallyport:location:EAST-B",
}  # fmt: skip
READ: dict[str, list[str]] = {
    "/alerts": ["/alerts?state=all"],
    "/alerts/rules": ["/alerts/rules", "/alerts/rules?location=EAST"],
    "/alerts/rules/{rule_id}": ["/alerts/rules/EAST-rule"],
    "/alerts/{no}": ["/alerts/1"],
    **{f"/api/attachments/{kind}/{{subject}}": [f"/api/attachments/{kind}/{one}"]
       for kind, one in _KINDS.items()},
    **{f"/api/attachments/{kind}/{{subject}}/{{sha256}}":
       [f"/api/attachments/{kind}/{one}/{_FILE_HASH}"] for kind, one in _KINDS.items()},
    "/api/count-schedules": ["/api/count-schedules"],
    "/api/counts": ["/api/counts", "/api/counts?status=all"],
    "/api/counts/{count_id}": ["/api/counts/EAST-count"],
    "/api/counts/{count_id}/lines": ["/api/counts/EAST-count/lines"],
    "/api/inventory": ["/api/inventory", "/api/inventory?location=EAST-B"],
    "/api/locations/{code}/inventory": ["/api/locations/EAST-B/inventory"],
    "/api/orders/inbound": ["/api/orders/inbound"],
    "/api/orders/inbound/{order_id}": ["/api/orders/inbound/EAST-inbound"],
    "/api/orders/outbound": ["/api/orders/outbound"],
    "/api/orders/outbound/{order_id}": ["/api/orders/outbound/EAST-order"],
    "/api/picking/tasks/{task_id}": ["/api/picking/tasks/EAST-task"],
    "/api/putaway/proposals": ["/api/putaway/proposals?sku=NUT&quantity=1&from=EAST-B",
                               "/api/putaway/proposals?sku=NUT&quantity=1&from=WEST-B"],
    "/api/receiving/{session_id}": ["/api/receiving/EAST-session"],
    "/api/scan/package": ["/api/scan/package"],
    "/api/scan/catalogue": ["/api/scan/catalogue", "/api/scan/catalogue?wanted=NUT"],
    "/api/scan/code": ["/api/scan/code?code=EAST-B", "/api/scan/code?code=TP-L-EAST-B-J"],
    **{f"/api/reports/{name}": [f"/api/reports/{name}", f"/api/reports/{name}?location=EAST"]
       for name in _REPORTS},
    "/devices": ["/devices"],
    **{f"/devices/{{edge}}{rest}": [f"/devices/EAST-edge{rest.format(device='EAST-reader')}"]
       for rest in ("", "/asked", "/device/{device}", "/device/{device}/calibrate",
                    "/device/{device}/read", "/device/{device}/sweep", "/device/{device}/walk",
                    "/find", "/settings", "/records", "/health", "/logs")},
    "/devices/{edge}/ask/{ask_id}": ["/devices/EAST-edge/ask/1"],
    "/devices/{edge}/ask/{ask_id}/live": ["/devices/EAST-edge/ask/1/live"],
    "/devices/{edge}/diagnostics.tar.gz": [],  # asks the edge, and waits for it
    "/documents": ["/documents?status=all"],
    "/documents/{document_id}": ["/documents/EAST-asn"],
    "/items/{sku}/alert-rules": ["/items/NUT/alert-rules"],
    **{f"/api/exports/{kind}": [f"/api/exports/{kind}"]
       for kind in ("orders", "inbound-orders", "locations", "lots", "stock")},
    "/api/orders/outbound/{order_id}/cartons/{sscc}/label": [
        "/api/orders/outbound/EAST-order/cartons/{sscc}/label"],
    "/labels/printers": ["/labels/printers"],
    "/labels/jobs": ["/labels/jobs"],
    "/labels/jobs/{job_id}": ["/labels/jobs/EAST-labels"],
    "/labels/jobs/{job_id}/document": ["/labels/jobs/EAST-labels/document"],
    "/screen/changes": [],
    "/screen/movements/{movement_id}": ["/screen/movements/EAST-first"],
    "/why/{of}": ["/why/EAST-first", "/why/EAST-review", "/why/EAST-pass"],
    "/epcis/events": ["/epcis/events", "/epcis/events?WD_bizLocation=urn:tallyport:location:EAST"],
    **{
        f"/epcis/{name}{rest}": [f"/epcis/{name}{asked}"]
        for name, one in EPCIS.items()
        for rest, asked in (
            ("", ""), ("/{value:path}", f"/{one}"), ("/{value:path}/events", f"/{one}/events"),
        )
    },
    "/epcis/queries/{name}/events": ["/epcis/queries/EAST-query/events"],
    "/epcis/queries/{name}/subscriptions": ["/epcis/queries/EAST-query/subscriptions"],
    "/epcis/queries/{name}/subscriptions/{subscription}": [
        "/epcis/queries/EAST-query/subscriptions/{subscription}"],
    "/feeds": ["/feeds"],
    "/series": [f"/series?feed={_FEED}&to_s=1770000100"],
    "/series/export": [f"/series/export?feed={_FEED}&to_s=1770000100"],
    "/series/happenings": [f"/series/happenings?feed={_FEED}&seconds=300000000&to_s=1900000000"],
    "/series/feeds": ["/series/feeds", f"/series/feeds?feed={_FEED}"],
    "/screen/count-schedules": ["/screen/count-schedules"],
    "/screen/alert-rules": ["/screen/alert-rules"],
    "/screen/alerts": ["/screen/alerts", "/screen/alerts?location=EAST"],
    "/screen/alerts/{no}": ["/screen/alerts/1"],
    "/screen/reports/{name}": ["/screen/reports/stock-levels"],
    "/screen/counts": ["/screen/counts", "/screen/counts?choice=all", "/screen/counts?place=EAST"],
    "/screen/counts/{count_id}": ["/screen/counts/EAST-count"],
    "/screen/counts/{count_id}/now": ["/screen/counts/EAST-count/now"],
    "/screen/find": ["/screen/find?q=EAS", "/screen/find?q=AST-B"],
    "/screen/items": ["/screen/items", "/screen/items?sort=most", "/screen/items?only=low",
                      "/screen/items?only=blocked", "/screen/items?q=EAST-B"],
    "/screen/items/{sku}": ["/screen/items/NUT", "/screen/items/MILK"],
    "/screen/items/{sku}/now": ["/screen/items/NUT/now", "/screen/items/DRILL/now"],
    "/screen/items/{sku}/movements": ["/screen/items/NUT/movements?before=1000"],
    "/screen/items/{sku}/places": ["/screen/items/NUT/places?skip=0"],
    "/screen/items/{sku}/history": ["/screen/items/NUT/history"],
    "/screen/orders": ["/screen/orders", "/screen/orders?way=in", "/screen/orders?way=back",
                       "/screen/orders?choice=all&q=EAST"],
    "/screen/orders/new": ["/screen/orders/new"],
    "/screen/orders/{order_id}": ["/screen/orders/EAST-order", "/screen/orders/EAST-inbound",
                                  "/screen/orders/EAST-return"],
    "/screen/picking/{task_id}": ["/screen/picking/EAST-task"],
    "/screen/places": ["/screen/places"],
    "/screen/places/{code}": ["/screen/places/EAST-B", "/screen/places/EAST"],
    "/screen/places/{code}/branch": ["/screen/places/EAST/branch"],
    "/screen/places/{code}/now": ["/screen/places/EAST/now"],
    "/screen/shelves": ["/screen/shelves"],
    "/screen/shelves/{code}": ["/screen/shelves/EAST-shelf"],
    "/screen/shelves/{code}/now": ["/screen/shelves/EAST-shelf/now"],
    "/screen/shelves/{code}/arrange": ["/screen/shelves/EAST-shelf/arrange"],
    "/screen/shelves/{code}/{plate}/setup": ["/screen/shelves/EAST-shelf/1/setup"],
    "/screen/shelves/{code}/{plate}/setup/items": ["/screen/shelves/EAST-shelf/1/setup/items?q=N"],
    "/screen/shelves/{code}/{plate}/setup/places": [
        "/screen/shelves/EAST-shelf/1/setup/places?q=EAST"],
    "/screen/shelves/{code}/{plate}/trace": ["/screen/shelves/EAST-shelf/1/trace"],
    "/locations": ["/locations", "/locations?under=EAST"],
    "/locations/{code}": ["/locations/EAST-B"],
    "/locations/{code}/inventory": ["/locations/EAST/inventory?subtree=true"],
    "/lots": ["/lots", "/lots?sku=MILK"],
    "/lots/{sku}/{lot}": ["/lots/MILK/EAST-LOT"],
    "/movements": ["/movements", "/movements?location=EAST-B"],
    "/movements/{movement_id}": ["/movements/EAST-first"],
    "/passes": ["/passes"],
    "/presence": ["/presence", "/presence?place=EAST-B", "/presence?read_point=EAST-zone"],
    "/presence/events": ["/presence/events", "/presence/events?epc=AA"],
    "/read-points": ["/read-points"],
    "/read-points/{code}/layout": ["/read-points/EAST-shelf/layout"],
    "/read-points/{code}/plates/{plate}/history": ["/read-points/EAST-shelf/plates/1/history"],
    "/reservations": ["/reservations"],
    "/reservations/{reservation_id}": ["/reservations/EAST-wish"],
    "/api/returns": ["/api/returns"],
    "/api/returns/{return_id}": ["/api/returns/EAST-return"],
    "/screen/passes/{pass_id}": ["/screen/passes/EAST-pass"],
    "/screen/passes/{pass_id}/signal": ["/screen/passes/EAST-pass/signal"],
    "/screen/passes/{pass_id}/tags": ["/screen/passes/EAST-pass/tags?skip=0"],
    "/screen/portals": ["/screen/portals"],
    "/screen/portals/{read_point}": ["/screen/portals/EAST-dock?on=1970-01-01"],
    "/screen/portals/{read_point}/day": ["/screen/portals/EAST-dock/day?on=1970-01-01&kind=empty"],
    "/screen/reviews": ["/screen/reviews", "/screen/reviews?open=EAST-review"],
    "/screen/reviews/list": ["/screen/reviews/list"],
    "/screen/reviews/{review_id}": ["/screen/reviews/EAST-review",
                                    "/screen/reviews/received-EAST"],
    "/reviews": ["/reviews?status=all", "/reviews?status=all&read_point=EAST-dock"],
    "/reviews/{review_id}": ["/reviews/EAST-review", "/reviews/received-EAST"],
    "/stock/{sku}": ["/stock/NUT", "/stock/MILK"],
    "/stock/{sku}/available": ["/stock/NUT/available"],
    "/stock/{sku}/serials": ["/stock/DRILL/serials?location=EAST-B"],
    "/stock/{sku}/serials/{serial}": ["/stock/DRILL/serials/EAST-1"],
    "/warehouses": ["/warehouses"],
    "/warehouses/{code}": ["/warehouses/EAST"],
}  # fmt: skip
"""What may be read of it, by the routes' paths."""

_NUTS: dict[str, Any] = {"sku": "NUT", "quantity": 1}
_LAYOUT: dict[str, Any] = {
    "boards": [{"board": 1, "width_mm": 400, "depth_mm": 300}],
    "plates": [{"plate": 1, "board": 1, "x_mm": 0, "y_mm": 0, "width_mm": 90, "depth_mm": 90}],
}
_RULE: dict[str, Any] = {"kind": "low", "sku": "NUT", "location": "EAST", "limit": 50}
_ORDER: dict[str, Any] = {"customer": "Jo", "ship_to": {"city": "Leeds"}, "warehouse": "EAST",
                          "lines": [{"line": "1", **_NUTS}]}  # fmt: skip
_RETURN: dict[str, Any] = {"customer": "Jo", "location": "EAST", "reason": "damaged",
                           "lines": [{"line": "1", "reason": "other", **_NUTS}]}  # fmt: skip
_INBOUND: dict[str, Any] = {"supplier": "Acme", "location": "EAST", "reference": "PO-1",
                            "lines": [{"line": "1", **_NUTS}]}  # fmt: skip
WRITTEN: dict[str, list[tuple[str, object]]] = {
    "DELETE /alerts/rules/{rule_id}": [("/alerts/rules/EAST-rule", None)],
    "DELETE /devices/{edge}/ask/{ask_id}": [("/devices/EAST-edge/ask/1", None)],
    "POST /devices/{edge}/ask/{op}": [("/devices/EAST-edge/ask/health", {})],
    "POST /devices/{edge}/do/{op}": [("/devices/EAST-edge/do/restart", {})],
    **{f"DELETE /api/attachments/{kind}/{{subject}}/{{sha256}}":
       [(f"/api/attachments/{kind}/{one}/{_FILE_HASH}", None)] for kind, one in _KINDS.items()},
    **{f"POST /api/attachments/{kind}/{{subject}}":
       [(f"/api/attachments/{kind}/{one}?name=x.txt", b"more words")]
       for kind, one in _KINDS.items()},
    "PATCH /locations/{code}": [("/locations/EAST-B", {"name": "x"}),
                                ("/locations/WEST-B", {"parent": "EAST"})],
    "PATCH /warehouses/{code}": [("/warehouses/EAST", {"name": "x"})],
    "POST /alerts/rules": [("/alerts/rules", _RULE | {"id": "mine-12345"}),
                           ("/alerts/rules", {"id": "all", "kind": "still", "limit": 9})],
    "PUT /alerts/rules/{rule_id}": [("/alerts/rules/EAST-rule", _RULE | {"limit": 1})],
    "POST /alerts/{no}/acknowledge": [("/alerts/1/acknowledge", {})],
    "POST /alerts/{no}/snooze": [("/alerts/1/snooze", {"minutes": 9})],
    "POST /api/count-schedules": [("/api/count-schedules", {
        "id": "mine-12345", "location": "EAST", "every_days": 7})],
    "POST /api/count-schedules/{schedule_id}/end": [("/api/count-schedules/EAST-plan/end", None)],
    "POST /api/counts": [("/api/counts", {"id": "mine-12345", "location": "EAST-B"})],
    **{f"POST /api/counts/{{count_id}}/{step}": [(f"/api/counts/EAST-count/{step}", body)]
       for step, body in (
           ("cancel", None), ("start", None), ("finish", {}), ("review", {"by": "x"}),
           ("recount", None), ("entries", {"id": "entry-12345", **_NUTS}),
           ("decisions", {"lines": [{"sku": "NUT", "location": "EAST-B", "reason": "found"}],
                          "by": "x"}))},
    "POST /api/inventory/move": [("/api/inventory/move", {
        **_NUTS, "source": "EAST-B", "destination": "WEST-B"})],
    "POST /api/orders/inbound": [("/api/orders/inbound", _INBOUND | {"id": "mine-12345"})],
    **{f"{method} /api/orders/{way}/{{order_id}}": [
           (f"/api/orders/{way}/EAST-{name}", body | {"reference": "mine"})]
       for method in ("PUT", "PATCH")
       for way, name, body in (("inbound", "inbound", _INBOUND), ("outbound", "order", _ORDER))},
    "POST /api/orders/inbound/{order_id}/asns": [("/api/orders/inbound/EAST-inbound/asns", {
        "id": "asn-12345", "lines": [{"line": "1", **_NUTS}]})],
    "POST /api/orders/inbound/{order_id}/cancel": [
        ("/api/orders/inbound/EAST-inbound/cancel", None)],
    "POST /api/orders/inbound/{order_id}/close": [("/api/orders/inbound/EAST-inbound/close", {})],
    "POST /api/orders/outbound": [("/api/orders/outbound", _ORDER | {"id": "mine-12345"})],
    "POST /api/orders/outbound/bulk": [],
    "POST /api/orders/outbound/{order_id}/cancel": [("/api/orders/outbound/EAST-order/cancel",
                                                     None)],
    "POST /api/orders/outbound/{order_id}/substitute": [
        ("/api/orders/outbound/EAST-order/substitute", None)],
    "POST /api/orders/outbound/{order_id}/cartons": [("/api/orders/outbound/EAST-order/cartons", {
        "id": "carton-12345", "contents": [{"line": "1", "quantity": 1}]})],
    "POST /api/orders/outbound/{order_id}/ship": [("/api/orders/outbound/EAST-order/ship",
                                                   {"id": "truck-12345"})],
    "POST /api/picking/picks/{pick_id}/confirm": [("/api/picking/picks/{pick}/confirm", {
        "id": "picked-12345", "location": "EAST-B", **_NUTS})],
    "POST /api/picking/picks/{pick_id}/put-back": [("/api/picking/picks/{pick}/put-back", {
        "command": "picked-12345"})],
    "DELETE /api/counts/{count_id}/entries/{entry_id}": [
        ("/api/counts/EAST-count/entries/EAST-entry", None)],
    "POST /api/receiving/{session_id}/receipts/{receipt_id}/take-back": [
        ("/api/receiving/EAST-session/receipts/EAST-receipt/take-back", None)],
    "POST /api/picking/tasks": [("/api/picking/tasks", {
        "id": "mine-12345", "orders": ["EAST-order"]})],
    "POST /api/putaway": [("/api/putaway", {**_NUTS, "from": "EAST-B", "to": "WEST-B"}),
                          ("/api/putaway", {**_NUTS, "from": "WEST-B", "to": "EAST-B"})],
    "POST /api/receiving": [("/api/receiving", {"id": "mine-12345", "order": "EAST-inbound"})],
    "POST /api/receiving/{session_id}/close": [("/api/receiving/EAST-session/close", {})],
    "POST /api/receiving/{session_id}/receipts": [("/api/receiving/EAST-session/receipts", {
        "id": "hand-12345", **_NUTS})],
    "POST /api/returns": [("/api/returns", _RETURN | {"id": "mine-12345"})],
    **{f"POST /api/returns/{{return_id}}/{step}": [(f"/api/returns/EAST-return/{step}", body)]
       for step, body in (
           ("authorise", None), ("refuse", {"reason": "x"}), ("cancel", None), ("close", {}),
           ("inspections", {"id": "looked-12345", "line": "1", "quantity": 1,
                            "disposition": "restock"}))},
    "POST /documents": [("/documents", {
        "id": "mine-12345", "kind": "transfer", "source": "WEST", "destination": "EAST",
        "lines": [_NUTS]})],
    "POST /documents/{document_id}/close": [("/documents/EAST-asn/close", None)],
    **{f"POST /api/imports/{kind}": [] for kind in ("orders", "inbound-orders",
                                                        "locations", "stock")},
    "POST /labels": [("/labels", {"kind": "place", "within": "EAST"})],
    "POST /labels/print": [("/labels/print", {
        "id": "mine-12345", "printer": "EAST-printer", "kind": "place", "within": "WEST"})],
    **{f"POST /labels/jobs/{{job_id}}/{step}": [(f"/labels/jobs/EAST-labels/{step}", body)]
       for step, body in (("cancel", None), ("reprint", {"id": "again-12345"}))},
    "POST /epcis/queries/{name}/subscriptions": [],  # tells of what is granted
    "DELETE /epcis/queries/{name}": [("/epcis/queries/EAST-query", None)],
    "DELETE /epcis/queries/{name}/subscriptions/{subscription}": [
        ("/epcis/queries/EAST-query/subscriptions/{subscription}", None)],
    "POST /locations": [("/locations", {"code": "NEW", "name": "x", "parent": "EAST"}),
                        ("/locations", {"code": "NEW", "name": "x"})],
    "POST /reservations": [("/reservations", {"id": "mine-12345", **_NUTS, "location": "EAST"}),
                           ("/reservations", {"id": "mine-12345", **_NUTS})],
    "POST /reservations/{reservation_id}/extend": [("/reservations/EAST-wish/extend", {
        "expires_at": "2040-01-01T00:00:00Z"})],
    "POST /reservations/{reservation_id}/fulfil": [("/reservations/EAST-wish/fulfil", {})],
    "POST /reservations/{reservation_id}/release": [("/reservations/EAST-wish/release", None)],
    "POST /passes/{pass_id}/corrections": [
        ("/passes/EAST-pass/corrections", {"tags": {"AA": "none"}})],
    "POST /passes/{pass_id}/corrections/preview": [
        ("/passes/EAST-pass/corrections/preview", {"whole": "none"})],
    "POST /passes/{pass_id}/corrections/{correction}/undo": [
        ("/passes/EAST-pass/corrections/corrected-EAST/undo", None)],
    "POST /reviews/{review_id}/undo": [("/reviews/EAST-review/undo", None),
                                       ("/reviews/received-EAST/undo", None)],
    "POST /reviews/{review_id}/resolve": [
        ("/reviews/EAST-review/resolve", {"id": "answer-1", "by": "x", "dismiss": True}),
        ("/reviews/EAST-review/resolve", {"id": "EAST-answer", "by": "x", "dismiss": True}),
        ("/reviews/received-EAST/resolve", {"id": "answer-2", "by": "x", "dismiss": True})],
    "POST /stock/adjust": [("/stock/adjust", {"sku": "NUT", "change": 1, "location": "EAST-B",
                                              "code": "found"})],
    "POST /stock/count": [("/stock/count", {"sku": "NUT", "counted": 1, "location": "EAST-B"})],
    "POST /stock/lines": [],
    "POST /stock/move": [
        ("/stock/move", {**_NUTS, "source": "EAST-B", "destination": "WEST-B"}),
        ("/stock/move", {**_NUTS, "source": "WEST-B", "destination": "EAST-B"})],
    **{f"POST /stock/{verb}": [(f"/stock/{verb}", {**_NUTS, "location": "EAST-B", **more})]
       for verb, more in (
           ("receive", {}), ("return", {}), ("scrap", {}), ("ship", {}),
           ("status", {"to_status": "quarantined"}))},
    "POST /warehouses": [("/warehouses", {"code": "NEW", "name": "x"})],
    "PUT /api/inventory/{sku}/status": [("/api/inventory/NUT/status", {
        "location": "EAST-B", "status": "quarantined", "quantity": 1})],
    "PUT /read-points/{code}": [
        ("/read-points/EAST-dock", {"kind": "portal", "location": "WEST-B"}),
        ("/read-points/mine", {"kind": "portal", "location": "EAST-B"}),
        ("/read-points/mine", {"kind": "portal", "location": "WEST-B", "inbound_from": "EAST-B"})],
    "PUT /read-points/{code}/layout": [("/read-points/EAST-shelf/layout", _LAYOUT)],
    "POST /read-points/{code}/layout/preview": [
        ("/read-points/EAST-shelf/layout/preview", _LAYOUT)],
    "PUT /read-points/{code}/plates/{plate}": [("/read-points/EAST-shelf/plates/1", {
        "sku": "NUT", "unit_mg": 9})],
}  # fmt: skip
"""What changes it, by method and path. Those that take many at once are looked at by themselves."""


async def fill(made: Bench) -> dict[str, str]:
    """Both warehouses; what is known of the second one only by now: a file's hash, a pick's id."""
    for code in ("WEST", "EAST"):
        await made.post("/warehouses", code=code, name=f"{code} side")
        await made.post("/locations", code=f"{code}-B", name=code, parent=code, type="bin")
    await made.post("/items", sku="NUT", name="Nut", unit_mg=1_000)
    await made.post("/items", sku="MILK", name="Milk", tracking="lot")
    await made.post("/items", sku="DRILL", name="Drill", tracking="serial")
    received = {"sku": "NUT", "quantity": 20}
    for code in ("WEST", "EAST"):
        await made.post("/stock/receive", id=f"{code}-first", location=f"{code}-B", **received)
    await made.post("/stock/receive", sku="MILK", quantity=1, location="EAST-B", lot="EAST-LOT")
    await made.put("/lots/MILK/EAST-LOT", expires_on="2026-12-24")
    await made.post("/stock/receive", sku="DRILL", quantity=1, location="EAST-B",
                    serials=["EAST-1"])  # fmt: skip
    for kind, code in (("portal", "EAST-dock"), ("shelf", "EAST-shelf"), ("zone", "EAST-zone")):
        await made.put(f"/read-points/{code}", kind=kind, location="EAST-B")
    await made.put("/read-points/EAST-shelf/plates/1", sku="NUT", unit_mg=1_000)
    await made.put("/read-points/EAST-shelf/layout", **_LAYOUT)
    await made.post("/alerts/rules", **_RULE, id="EAST-rule")
    await made.post("/documents", id="EAST-asn", kind="asn", destination="EAST", lines=[_NUTS])
    await made.post("/reservations", id="EAST-wish", **_NUTS, location="EAST")
    await made.post("/api/orders/inbound", **_INBOUND, id="EAST-inbound")
    await made.post("/api/returns", **_RETURN, id="EAST-return")
    await made.post("/api/receiving", id="EAST-session", order="EAST-inbound")
    await made.post("/api/orders/outbound", **_ORDER, id="EAST-order")
    task = await made.post("/api/picking/tasks", id="EAST-task", orders=["EAST-order"])
    await made.post("/api/counts", id="EAST-count", location="EAST-B", blind=False)
    await made.post("/api/count-schedules", id="EAST-plan", location="EAST", every_days=7)
    await made.database.write(_sensed)
    made.services.consoles.heard_of("site", "EAST-edge")
    await made.series.write([
        Point(measurement="stock", tags={"location": f"{code}-B", "sku": "NUT"},
              fields={"on_hand": 20.0}, time_us=_NOON_US)
        for code in ("WEST", "EAST")
    ])  # fmt: skip
    await made.post("/epcis/events", type="ObjectEvent", eventTime="2026-01-31T08:00:00Z",
                    eventTimeZoneOffset="+00:00", action="OBSERVE", epcList=["urn:x:EAST-epc"],
                    bizLocation={"id": EPCIS["bizLocations"]})  # fmt: skip
    await made.post("/epcis/queries", name="EAST-query", query={})
    told = await made.post("/epcis/queries/EAST-query/subscriptions", stream=True,
                           dest="https://EAST.example.com/told")  # fmt: skip
    known = {"pick": _pick_of(task), "sscc": "003401234500000017",
             "subscription": str(told["subscriptionID"])}  # fmt: skip
    for kind, subject in _KINDS.items():
        answer = await made.http.post(
            f"/api/attachments/{kind}/{subject}?name=EAST.txt", content=EAST_FILE
        )
        assert answer.status_code == 201, answer.text
        known["file"] = answer.json()["sha256"]
    return known


def _pick_of(task: Any) -> str:
    picks = task.get("picks") or [one for stop in task["stops"] for one in stop["picks"]]
    return str(picks[0]["id"])


def _sensed(conn: Connection) -> None:
    """What devices and judging tell."""
    opened = {"opened_us": _NOON_US, "event_us": _NOON_US, "causes": "[]", "evidence": "{}"}
    for name, point in (("EAST-review", "EAST-dock"), ("received-EAST", "EAST-B")):
        conn.execute(insert(schema.review).values(
            id=name, read_point=point, reason="EAST?", **opened))  # fmt: skip
    conn.execute(insert(schema.portal_pass).values(
        id="EAST-pass", read_point="EAST-dock", opened_us=1, closed_us=2, direction="in",
        decision="posted", tags="[]", causes="[]"))  # fmt: skip
    conn.execute(insert(schema.device).values(
        edge="EAST-edge", device="EAST-reader", read_point="EAST-dock"))  # fmt: skip
    there = {"read_point": "EAST-zone", "epc": "AA", "place": "EAST-B", "confidence": 1.0}
    conn.execute(insert(schema.presence).values(**there, arrived_us=1, since_us=1))
    conn.execute(insert(schema.presence_event).values(
        **there, id="EAST-came", kind="arrived", was="", event_us=1, decided_us=1, heard_us=1,
        reads=1, causes="[]", log_id=1))  # fmt: skip
    conn.execute(insert(schema.label_job).values(
        id="EAST-labels", seq=1, printer="EAST-printer", place="EAST-B", kind="place", labels=1,
        form="zpl", asked="", bindings="[]", document=b"EAST", state="queued", tries=0, next_us=1,
        why="", made_by="", made_us=1, changed_us=1))  # fmt: skip
    conn.execute(insert(schema.alert).values(
        key="low EAST", kind="low", rule="EAST-rule", severity="warning", state="raised",
        says="EAST has few", value=1, limit=50, since_us=1, raised_us=1, sku="NUT",
        location="EAST"))  # fmt: skip
