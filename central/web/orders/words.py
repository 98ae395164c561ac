"""Words of orders for people."""

from __future__ import annotations

__all__ = ["DIFFERS", "DISPOSITIONS", "INBOUND_REASONS", "RETURN_REASONS", "STATES", "WAYS"]

WAYS = {"out": "Leaving", "in": "Coming", "back": "Returns"}
STATES = {
    "new": ("waits for goods", "warn"), "allocated": ("ready to pick", "good"),
    "released": ("on a wave", ""), "picking": ("being picked", ""), "packed": ("packed", "good"),
    "shipped": ("shipped", ""), "partly-delivered": ("partly delivered", ""),
    "delivered": ("delivered", ""), "cancelled": ("cancelled", ""),
    "expected": ("expected", ""), "receiving": ("being received", "warn"),
    "received": ("received", "good"), "short": ("short", "bad"), "over": ("over", "bad"),
    "closed": ("closed", ""), "announced": ("to authorise", "warn"),
    "authorised": ("expected back", ""), "inspected": ("inspected", "good"),
    "refused": ("refused", ""),
}  # fmt: skip
"""How an order or a return stands, and the tone of its tag."""
INBOUND_REASONS = {
    "short_shipped": "The supplier sent fewer", "over_shipped": "The supplier sent more",
    "damaged_in_transit": "Damaged on the way", "wrong_item": "Another item came",
    "wrong_lot": "Another lot came", "refused": "We refused it", "lost": "Lost",
    "miscounted": "Counted wrong", "other": "Something else",
}  # fmt: skip
RETURN_REASONS = {
    "damaged": "Damaged", "defective": "Does not work", "wrong_item": "Another item was sent",
    "not_wanted": "Not wanted", "too_late": "Came too late", "undeliverable": "Not delivered",
    "recalled": "Recalled", "warranty": "Warranty", "other": "Something else",
}  # fmt: skip
DISPOSITIONS = {
    "restock": "Sell it again", "quarantine": "Keep it in quarantine", "damaged": "It is damaged",
    "scrap": "Throw it away",
}  # fmt: skip
DIFFERS = {
    "short": "missing", "over": "too many", "damaged": "damaged", "unexpected": "on no line",
    "wrong_lot": "of another lot",
}  # fmt: skip
