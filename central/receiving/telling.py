"""What a person is told after each scan: what it was, and what to do next. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from central.receiving.model import Count, Order, Ruling, Seen

__all__ = ["GRAVEST", "said"]

GRAVEST = (
    "expected", "already", "over", "damaged", "wrong_lot", "unexpected", "foreign", "in_stock",
)  # fmt: skip
"""Verdicts, the one that a person must look at most last."""


def said(
    order: Order, counts: Mapping[str, Count], seen: Seen, ruling: Ruling, aside: str | None
) -> str:
    """A sentence or two; ``counts`` are those after it, ``aside`` is where goods are set aside."""
    goods = f"{seen.quantity} of {seen.sku}"
    where = f"put them into {aside}" if aside else "keep them apart: they are not received"
    if ruling.verdict == "already":
        return f"{seen.sku}: this was received before, and counts once"
    if ruling.verdict == "in_stock":
        lies = ", ".join(f"{one.serial} at {one.lies}" for one in seen.pieces)
        return (
            f"{seen.sku}: by the books this is in stock ({lies}), and is not received again: move "
            "it from there, or correct the books"
        )
    if ruling.verdict == "foreign":
        names = ", ".join(seen.serials)
        return f"{seen.sku} {names} is none of the pieces of {order.reference}: {where}"
    if ruling.verdict == "unexpected":
        return f"{goods} are on no line of order {order.reference}: {where}"
    if ruling.verdict == "wrong_lot":
        lots = sorted({one.lot for one in order.lines if one.sku == seen.sku and one.lot})
        return f"{goods} are of lot {seen.lot}, expected is {', '.join(lots)}: {where}"
    told = _taken(ruling, goods)
    if ruling.verdict == "damaged":
        told += ", as damaged"
    if ruling.aside:
        more = "one" if ruling.aside == 1 else str(ruling.aside)
        told += f"; {more} more than is taken: {where}"
    return f"{told}. {_next(order, counts, ruling)}"


def _taken(ruling: Ruling, goods: str) -> str:
    posted = sum(one.posted for one in ruling.takes)
    confirmed = sum(one.confirmed for one in ruling.takes)
    if confirmed and posted:
        return f"{goods}: {confirmed} were sensed already, {posted} are received now"
    if confirmed:
        return f"{goods}: confirmed, a sensor has told of them already"
    if posted:
        return f"{posted} of {goods.partition(' of ')[2]} received"
    return goods


def _next(order: Order, counts: Mapping[str, Count], ruling: Ruling) -> str:
    left = {one.line: one.quantity - counts[one.line].received for one in order.lines}
    for take in ruling.takes:
        if left[take.line] > 0:
            return f"Line {take.line} lacks {left[take.line]} more"
    open_lines = [name for name, units in left.items() if units > 0]
    if open_lines:
        return f"Next: line {open_lines[0]}, {order.line(open_lines[0]).sku}"
    return "Everything is there: close the session"
