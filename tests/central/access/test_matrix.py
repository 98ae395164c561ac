"""Every route of the application, asked by everybody: each role, everywhere and for one warehouse,
strangers, an expired key, a session that was ended.

What is expected stands in the tables here, and was not made from the roles in central/access: a
route that is not in them is for nobody, and fails here until somebody says who it is for.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from central.access import keys, sessions
from central.access.keeper import Keeper
from central.access.model import Grant, Role
from central.api.access.gate import Gate
from tests.central.access.people import Clock, staffed
from tests.central.harness import Bench

PUBLIC = {
    "GET /favicon.ico", "GET /healthz", "GET /login", "POST /login",
    "GET /login/provider", "GET /login/callback", "POST /oauth/token",
    "GET /password", "POST /password", "GET /readyz", "GET /setup", "POST /setup", "GET /static",
    "POST /hooks/erp/{}/purchase-orders",
    "GET /scan", "GET /scan/decoder.js", "GET /scan/manifest.webmanifest", "GET /scan/worker.js",
}  # fmt: skip
SIGNED_IN = {
    "GET /account", "POST /account/password", "POST /account/sessions", "GET /docs",
    "POST /logout", "GET /openapi.json", "GET /sessions", "DELETE /sessions/{}", "POST /tokens",
    "GET /whoami", "POST /graphql",
}  # fmt: skip
RESOURCES = {
    "api/imports/items": "catalogue", "api/imports/locations": "places",
    "api/imports/stock": "stock", "api/exports/items": "catalogue",
    "api/exports/locations": "places", "api/exports/stock": "stock",
    "api/imports": "catalogue", "api/imports/lots": "stock", "api/exports/lots": "stock",
    "api/imports/orders": "orders", "api/exports/orders": "orders",
    "api/imports/inbound-orders": "orders", "api/exports/inbound-orders": "orders",
    "items": "catalogue", "api/products": "catalogue", "tag-bindings": "catalogue",
    "warehouses": "places", "locations": "places",
    "stock": "stock", "movements": "stock", "api/inventory": "stock", "api/locations": "stock",
    "api/receiving": "stock", "api/putaway": "stock", "lots": "stock", "api/counts": "counts",
    "api/count-schedules": "counts",
    "api/returns": "orders", "api/orders": "orders", "api/picking": "orders",
    "reservations": "orders",
    "documents": "documents", "reviews": "reviews",
    "api/attachments/items": "catalogue", "api/attachments/orders": "orders",
    "api/attachments/inbound-orders": "stock", "api/attachments/movements": "stock",
    "api/attachments/reviews": "reviews",
    "devices": "devices", "passes": "devices", "presence": "devices", "read-points": "devices",
    "road": "devices", "why": "devices",
    "": "screens", "live": "screens", "screen": "screens", "series": "screens", "feeds": "screens",
    "accuracy": "insight", "kpis": "insight", "metrics": "metrics", "audit": "audit",
    "users": "access", "grants": "access", "keys": "access", "roles": "access",
    "alerts": "alerts", "alerts/rules": "rules", "alerts/channels": "rules",
    "alerts/messages": "rules", "events": "events", "epcis": "epcis", "api/reports": "reports",
    "screen/devices": "devices",
    "erp": "erp", "screen/erp": "erp", "screen/reviews": "reviews",
    "screen/orders": "orders", "screen/picking": "orders",
    "screen/alerts": "alerts", "screen/alert-rules": "alerts", "screen/reports": "reports",
    "screen/alert-channels": "rules",
    "screen/counts": "counts", "screen/count-schedules": "counts",
    "labels": "labels", "api/scan": "stock",
}  # fmt: skip
"""By the first words of the path; the longest that fits."""
ODD = {
    "POST /erp/{}/purchase-orders": ("orders", "w"),
    "POST /devices/{}/ask/{}": ("devices", "r"),
    "DELETE /devices/{}/ask/{}": ("devices", "r"),
    "GET /devices/{}/find": ("devices", "w"),
    "GET /devices/{}/settings": ("devices", "w"),
    "GET /devices/{}/device/{}/calibrate": ("devices", "w"),
    "GET /devices/{}/device/{}/read": ("devices", "w"),
    "GET /devices/{}/device/{}/sweep": ("devices", "w"),
    "GET /devices/{}/device/{}/walk": ("devices", "w"),
    "PUT /read-points/{}/plates/{}": ("plates", "w"),
    "PUT /read-points/{}/layout": ("plates", "w"),
    "POST /read-points/{}/layout/preview": ("plates", "w"),
    "GET /screen/shelves/{}/arrange": ("plates", "w"),
    "GET /screen/shelves/{}/{}/setup": ("plates", "w"),
    "GET /screen/shelves/{}/{}/setup/items": ("plates", "w"),
    "GET /screen/shelves/{}/{}/setup/places": ("plates", "w"),
    "GET /locations/{}/inventory": ("stock", "r"),
    "GET /items/{}/alert-rules": ("alerts", "r"),
    "GET /api/counts/{}/lines": ("count-reviews", "r"),
    "POST /api/count-schedules": ("count-reviews", "w"),
    "POST /api/returns/{}/inspections": ("stock", "w"),
    "POST /api/count-schedules/{}/end": ("count-reviews", "w"),
    "POST /screen/reviews/{}/looking": ("reviews", "r"),
    **{
        f"POST /passes/{{}}/corrections{rest}": ("reviews", "w")
        for rest in ("", "/preview", "/{}/undo")
    },
    **{
        f"POST /api/counts{rest}": ("count-reviews", "w")
        for rest in ("", "/{}/cancel", "/{}/recount", "/{}/decisions", "/{}/review")
    },
    **{
        f"{method} /subscriptions{rest}": ("events", "w")
        for method in ("GET", "POST", "PATCH", "DELETE")
        for rest in ("", "/{}", "/{}/dead-letters", "/{}/dead-letters/replay", "/{}/delivery",
                     "/{}/secret")
    },
}  # fmt: skip
"""Those that are not what their path and method say."""
MAY = {
    #            admin manager operator technician auditor integration
    "catalogue": ("rw", "rw", "r", "r", "r", "rw"),
    "places":    ("rw", "rw", "r", "r", "r", "r"),
    "stock":     ("rw", "rw", "rw", "", "r", "rw"),
    "orders":    ("rw", "rw", "rw", "", "r", "rw"),
    "counts":    ("rw", "rw", "rw", "", "r", ""),
    "count-reviews": ("rw", "rw", "", "", "r", ""),
    "documents": ("rw", "rw", "rw", "", "r", "rw"),
    "reviews":   ("rw", "rw", "rw", "", "r", ""),
    "devices":   ("rw", "r", "", "rw", "r", ""),
    "plates":    ("w", "w", "", "w", "", ""),
    "screens":   ("r", "r", "r", "r", "r", ""),
    "insight":   ("r", "r", "", "r", "r", ""),
    "metrics":   ("r", "r", "", "r", "r", "r"),
    "audit":     ("r", "r", "", "", "r", ""),
    "access":    ("rw", "", "", "", "r", ""),
    "alerts":    ("rw", "rw", "rw", "rw", "r", "r"),
    "epcis":     ("rw", "rw", "", "", "r", "rw"),
    "erp":       ("rw", "rw", "", "", "r", "r"),
    "rules":     ("rw", "rw", "r", "r", "r", "r"),
    "events":    ("rw", "rw", "", "", "r", "rw"),
    "reports":   ("r", "r", "r", "", "r", "r"),
    "labels":    ("rw", "rw", "rw", "", "r", "rw"),
}  # fmt: skip
COLUMNS = ("admin", "manager", "operator", "technician", "auditor", "integration")
FOR_SOME_PLACES = re.compile(
    r"GET /(items|tag-bindings)(/\{\})?|GET /items/\{\}/(alert-rules|substitutes)"
    r"|(GET|POST|PUT|DELETE) /(alerts|alerts/rules)(/\{\})?(/(acknowledge|snooze))?"
    r"|(GET|POST) /(documents|reviews)(/.*)?|GET /(devices|passes|presence(/events)?)"
    r"|(GET|PUT|POST) /read-points(/.*)?|(GET|POST|PATCH) /(warehouses|locations)(/\{\})?"
    r"|GET(/api)? /locations/\{\}/inventory|GET /api/(inventory|locations/\{\}/inventory)"
    r"|POST /stock/[a-z]+|POST /api/inventory/move|PUT /api/inventory/\{\}/status"
    r"|GET /stock/\{\}(/available|/serials(/\{\})?)?|GET /movements(/\{\})?|GET /lots(/.*)?"
    r"|(GET|POST) /api/(orders|picking|receiving|putaway|returns|scan)(/.*)?"
    r"|(PUT|PATCH) /api/orders/(in|out)bound/\{\}"
    r"|(GET|POST) /reservations(/.*)?|GET /api/reports(/.*)?"
    r"|(GET|POST) /api/(im|ex)ports/(items|orders|inbound-orders|\{\})|GET /events/schemas(/.*)?"
    r"|(GET|POST|DELETE) /api/(counts|count-schedules)(/.*)?"
    r"|GET /api/exports/(locations|lots|stock)|POST /api/imports/(locations|stock)|POST /passes/.*"
    r"|(GET|POST) /screen/reviews(/.*)?|GET /screen/(portals|passes)(/.*)?"
    r"|GET /epcis/events|(GET|POST|DELETE) /epcis/queries(/.*)?|OPTIONS /epcis(/.*)?"
    r"|GET /epcis(/(eventTypes|epcs|bizSteps|bizLocations|readPoints|dispositions)(/.*)?)?"
    r"|GET /why/.*|GET /feeds|GET /series(/.*)?|GET /screen/movements/.*"
    r"|(GET|POST|DELETE) /devices/\{\}(/.*)?"
    r"|GET /api/attachments/items/.*|POST /labels|(GET|POST) /labels/.*"
    r"|(GET|POST|DELETE) /api/attachments/(orders|inbound-orders|movements|reviews)/.*"
    r"|(GET|POST) /reservations(/.*)?|GET /api/reports(/.*)?|GET /events/schemas(/.*)?"
    r"|GET /screen/(changes|find|items|places|shelves|counts|count-schedules)(/.*)?"
    r"|GET /screen/(orders|picking|alerts|alert-rules|reports)(/.*)?"
)
"""Where a grant for one warehouse is enough; everything else shows more than one place."""


class Answer(NamedTuple):
    status: int
    body: str


class Caller(NamedTuple):
    """Somebody, and the headers that they send."""

    name: str
    role: str | None
    everywhere: bool
    headers: dict[str, str]


def is_right(caller: Caller, route: str, answer: Answer) -> bool:
    """Whether this is what the tables say."""
    if route in PUBLIC:
        return answer.status == 204
    if caller.role is None:
        return answer.status == 401
    if route in SIGNED_IN:
        return answer.status == 204
    allowed = False
    if found := resource_of(route):
        resource, verb = found
        allowed = verb in MAY[resource][COLUMNS.index(caller.role)]
        allowed &= caller.everywhere or FOR_SOME_PLACES.fullmatch(route) is not None
    return answer.status == (204 if allowed else 403)


def resource_of(route: str) -> tuple[str, str] | None:
    """What a route is about, and whether it reads or writes that."""
    if route in ODD:
        return ODD[route]
    method, _, path = route.partition(" /")
    words = path.split("/")
    for upto in range(len(words), 0, -1):
        if resource := RESOURCES.get("/".join(words[:upto])):
            return resource, "r" if method in {"GET", "OPTIONS"} else "w"
    return None


def routes_of(made: Bench) -> list[str]:
    """Every route as ``METHOD /path/{}``: those of OpenAPI, and the pages."""
    known = set()
    for route in made.app.router.routes:
        path = re.sub(r"\{[^}]*\}", "{}", route.path)  # type: ignore[attr-defined]
        for method in getattr(route, "methods", None) or ("GET",):
            if method != "HEAD":
                known.add(f"{method} {path}")
    described: Any = made.app.openapi()["paths"]
    for path, operations in described.items():
        known |= {f"{m.upper()} {re.sub(r'{[^}]*}', '{}', path)}" for m in operations}
    return sorted(known)


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """Stands for what is behind the gate: who comes here was let in."""
    await Response(status_code=204)(scope, receive, send)


@pytest.fixture
async def staff(tmp_path: Path) -> AsyncIterator[tuple[Bench, Clock]]:
    async with staffed(tmp_path) as (made, clock):
        await made.database.write(
            lambda c: (
                c.exec_driver_sql(
                    "INSERT INTO location (code, name, created_us) VALUES ('WH-1', 'x', 1)"
                )
                and None
            )
        )
        for route in made.app.router.routes:
            gate = route.app  # type: ignore[attr-defined]
            assert isinstance(gate, Gate)
            gate._app = nothing
        yield made, clock


async def callers(keeper: Keeper, clock: Clock) -> list[Caller]:
    """With real keys and sessions."""
    told = keeper.told("test")

    async def key(*given: Grant, expires_us: int | None = None) -> dict[str, str]:
        _, secret = await keeper.change(lambda c: keys.add(c, "key", given, None, expires_us, told))
        return {"authorization": f"Bearer {secret}"}

    found = []
    for role in Role:
        for place in (None, "WH-1"):
            headers = await key(Grant(role=role, location=place))
            found.append(Caller(f"{role} at {place}", role.value, place is None, headers))
    admin = Grant(role=Role.ADMIN)
    expired = await key(admin, expires_us=clock.now_us)
    secret = await keeper.change(
        lambda c: sessions.begin(c, "root", told, keeper.lifetimes, "here", "browser")
    )
    (session,) = await keeper.database.read(lambda c: sessions.listed(c, "root"))
    await keeper.change(lambda c: sessions.end(c, "root", session.id, told))
    return [
        *found,
        Caller("a stranger", None, False, {}),
        Caller("an expired key", None, False, expired),
        Caller("an ended session", None, False, {"cookie": f"tp_session={secret}"}),
        Caller("nonsense", None, False, {"authorization": "Bearer nonsense"}),
    ]


async def ask(made: Bench, route: str, headers: dict[str, str]) -> Answer:
    """One request, straight to the application."""
    method, path = route.replace("{}", "1").split(" ")
    path = f"{path}/app.css" if path == "/static" else path
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Scope = {
        "type": "http", "http_version": "1.1", "method": method, "path": path, "raw_path": path,
        "query_string": b"", "root_path": "", "scheme": "http", "server": ("central", 80),
        "client": ("192.0.2.1", 1),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    await made.app(scope, receive, send)
    body = b"".join(one.get("body", b"") for one in sent[1:])
    return Answer(sent[0]["status"], body.decode())


async def test_everybody_at_every_route(staff: tuple[Bench, Clock]) -> None:
    made, clock = staff
    wrong, asked = [], 0
    everybody = await callers(made.entrance.keeper, clock)
    for route in routes_of(made):
        for caller in everybody:
            clock.now_us += 1_000_000  # so that nobody asks too often
            answer = await ask(made, route, caller.headers)
            asked += 1
            if not is_right(caller, route, answer):
                wrong.append(f"{caller.name}, {route}: {answer.status} {answer.body[:150]}")
    assert not wrong, f"{len(wrong)} of {asked}\n" + "\n".join(wrong[:40])
    assert asked > 1_500


async def test_a_route_that_the_tables_do_not_know_is_for_nobody() -> None:
    admin = Caller("admin", "admin", True, {})
    assert is_right(admin, "GET /new-thing", Answer(403, ""))
    assert not is_right(admin, "GET /new-thing", Answer(204, ""))
