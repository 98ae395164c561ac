"""Who may do what, and where. Pure: no database, no clock.

A permission is ``verb:resource``. A role is a set of permissions. A grant gives a subject (a user
or a key) a role, everywhere or in one location and all that lies within it. What nothing gives is
denied: a permission that no role names, a route that names no permission, a place outside.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

__all__ = [
    "OPEN", "PERMISSIONS", "PUBLIC", "ROLES", "SIGNED_IN", "Actor", "Grant", "Places", "Role",
    "may", "reach",
]  # fmt: skip

PUBLIC = "public"
"""What everybody may, unasked: is central alive, the log-in page, its style."""
SIGNED_IN = "signed-in"
"""What everybody may who said who they are: their own sessions, the API's description."""

Places = Literal["all", "own", "none"]
"""What a route is about: places wherever they lie (a grant for some is not enough), only those that
the caller was granted (the route sees to it), or no place at all.
"""


class Role(StrEnum):
    """What somebody is here."""

    ADMIN = "admin"
    MANAGER = "manager"
    OPERATOR = "operator"
    TECHNICIAN = "technician"
    AUDITOR = "auditor"
    INTEGRATION = "integration"


_READ = (
    "catalogue", "places", "stock", "documents", "orders", "counts",
    "count-reviews", "reviews", "devices", "screens",
    "insight", "metrics", "audit", "access", "alerts", "events", "reports", "epcis", "erp",
    "labels",
)  # fmt: skip
_WRITE = (
    "catalogue", "places", "stock", "documents", "orders", "counts",
    "count-reviews", "reviews", "devices", "plates", "access", "alerts",
    "alert-rules", "events", "epcis", "erp",
    "labels",
)  # fmt: skip
PERMISSIONS = frozenset({*(f"read:{one}" for one in _READ), *(f"write:{one}" for one in _WRITE)})
"""All there are. A route that names another one is for nobody, and a test names the route."""


def _given(*, read: str = "", write: str = "") -> frozenset[str]:
    wanted = {f"read:{one}" for one in read.split()} | {f"write:{one}" for one in write.split()}
    assert wanted <= PERMISSIONS, wanted - PERMISSIONS
    return frozenset(wanted)


ROLES: dict[Role, frozenset[str]] = {
    Role.ADMIN: PERMISSIONS,
    Role.MANAGER: _given(
        read="counts count-reviews "
        "catalogue places stock documents orders reviews devices screens insight metrics "
        "audit alerts events"
        " reports epcis erp labels",
        write="counts count-reviews "
        "catalogue places plates stock documents orders reviews alerts alert-rules events epcis "
        "erp "
        "labels",
    ),
    Role.OPERATOR: _given(
        read="counts catalogue places stock documents orders reviews screens alerts reports labels",
        write="counts stock documents orders reviews alerts labels",
    ),
    Role.TECHNICIAN: _given(
        read="catalogue places devices screens insight metrics alerts",
        write="devices plates alerts",
    ),
    Role.AUDITOR: _given(read=" ".join(_READ)),
    Role.INTEGRATION: _given(
        read="catalogue places stock documents orders metrics alerts events reports epcis erp "
        "labels",
        write="catalogue stock documents orders events epcis labels",
    ),
}


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """A role, in ``location`` and all that lies within it; everywhere without one."""

    role: Role
    location: str | None = None


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, and what they were granted. ``scopes`` are what a key was narrowed to; ``None``
    leaves it all that its roles give. ``subject`` is how grants name them.
    """

    name: str
    subject: str = ""
    grants: tuple[Grant, ...] = ()
    scopes: frozenset[str] | None = None


OPEN = Actor(name="api", grants=(Grant(role=Role.ADMIN),))
"""Whoever asks a central that is open to all: nobody said who that is."""


def reach(actor: Actor, permission: str) -> frozenset[str] | None:
    """The locations, each with all within it, for which the actor has the permission: ``None``
    for everywhere, empty for nowhere.
    """
    if actor.scopes is not None and permission not in actor.scopes:
        return frozenset()
    given = [one.location for one in actor.grants if permission in ROLES[one.role]]
    if None in given:
        return None
    return frozenset(code for code in given if code is not None)


def may(actor: Actor, permission: str, places: Places) -> bool:
    """Whether the actor may use a route that needs the permission and is about such places."""
    if permission in {PUBLIC, SIGNED_IN}:
        return True
    within = reach(actor, permission)
    return within is None or (places != "all" and bool(within))
