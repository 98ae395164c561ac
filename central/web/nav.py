"""Where one can go at central: each part's pages have their entry here."""

from __future__ import annotations

from central.access.behalf import asker
from central.access.model import reach
from screens.nav import Entry, Group, shown

__all__ = ["groups"]

_GROUPS = (
    Group(
        label="",
        entries=(
            Entry(key="now", label="Now", address="/", icon="now", needs="read:screens",
                  thumb=True),
            Entry(key="stock", label="Stock", address="/screen/items", icon="box",
                  needs="read:screens", thumb=True),
            Entry(key="places", label="Places", address="/screen/places", icon="place",
                  needs="read:screens"),
            Entry(key="shelves", label="Shelves", address="/screen/shelves", icon="scale",
                  needs="read:screens"),
            Entry(key="portals", label="Portals", address="/screen/portals", icon="portal",
                  needs="read:screens"),
            Entry(key="reviews", label="Reviews", address="/screen/reviews", icon="review",
                  needs="read:reviews", thumb=True),
            Entry(key="orders", label="Orders", address="/screen/orders", icon="out",
                  needs="read:orders"),
            Entry(key="counts", label="Counts", address="/screen/counts", icon="check",
                  needs="read:counts"),
            Entry(key="alerts", label="Alerts", address="/screen/alerts", icon="bell",
                  needs="read:alerts"),
            Entry(key="reports", label="Reports", address="/screen/reports", icon="ledger",
                  needs="read:reports"),
            Entry(key="scan", label="Scan", address="/scan", icon="scan", needs="read:stock",
                  thumb=True),
        ),
    ),
    Group(
        label="Sensors",
        entries=(
            Entry(key="feeds", label="Feeds", address="/feeds", icon="feed",
                  needs="read:screens"),
            Entry(key="devices", label="Devices", address="/devices", icon="device",
                  needs="read:devices"),
            Entry(key="accuracy", label="Accuracy", address="/accuracy", icon="target",
                  needs="read:insight"),
        ),
    ),
    Group(
        label="Connections",
        entries=(
            Entry(key="erp", label="ERP", address="/screen/erp", icon="plug", needs="read:erp"),
            Entry(key="docs", label="API", address="/docs", icon="book"),
            Entry(key="account", label="Account", address="/account", icon="person"),
        ),
    ),
)  # fmt: skip


def groups() -> list[Group]:
    """What whoever asks may go to; nothing for somebody who has not said who they are."""
    actor = asker()
    return [] if actor is None else shown(_GROUPS, lambda one: reach(actor, one) != frozenset())
