"""A review of a pallet at the dock, made up: three tags of which one is less sure."""

from __future__ import annotations

from sqlalchemy import Connection

from central.database.moments import to_us
from central.judging import findings
from central.reconcile.verdict import Hypothesis, Review
from central.stock import ledger
from central.stock.model import Cause, Movement
from tests.central.shop import NOON, moving, open_shop

OPENED_US = to_us(NOON) + 2_000_000
EPCS = ("3034AA01", "3034AA02", "3034AA03")
CAUSE = Cause(edge="dock-pi", epoch="e1", first_seq=5, last_seq=90)


def coming_in(number: int, epcs: tuple[str, ...]) -> Movement:
    return moving(
        number, "supplier", "hall", len(epcs), epcs=epcs, origin="portal", confidence=0.7,
        causes=(CAUSE,), evidence={"pass": "pass-1", "direction": "in"},
    )  # fmt: skip


def pallet(**more: object) -> Review:
    going = moving(
        13, "hall", "customer", 3, epcs=EPCS, origin="portal", evidence={"direction": "out"}
    )
    fields: dict[str, object] = {
        "id": "review-pallet-1",
        "read_point": "dock-1",
        "reason": "low confidence",
        "event_time": NOON,
        "hypotheses": (
            Hypothesis(
                says="all 3 tags came in", probability=0.6, movements=(coming_in(11, EPCS),)
            ),
            Hypothesis(
                says="2 tags came in (without ...34AA03)",
                probability=0.2,
                movements=(coming_in(12, EPCS[:2]),),
            ),
            Hypothesis(says="all 3 tags went out", probability=0.15, movements=(going,)),
            Hypothesis(says="nothing crossed", probability=0.05),
        ),
        "causes": (CAUSE,),
        "evidence": {
            "pass": "pass-1",
            "model": "abc",
            "tags": [
                {
                    "epc": epc, "direction": "in", "confidence": 0.7, "crossed": sure,
                    "inwards": 0.9, "features": {"loud": 0.1},
                }
                for epc, sure in zip(EPCS, (0.9, 0.8, 0.6), strict=True)
            ],
            "beside": [{"epc": "3034AA09", "direction": "in", "confidence": 0.2, "crossed": 0.3}],
        },
    }  # fmt: skip
    return Review(**fields | more)  # type: ignore[arg-type]


def ask(conn: Connection, *reviews: Review) -> None:
    """A shop with stock in the hall, and a review of a pallet."""
    open_shop(conn)
    ledger.post(conn, [moving(1, "supplier", "hall", 10)], record_us=to_us(NOON))
    findings.keep_reviews(conn, reviews or (pallet(),), OPENED_US, log_id=7)
