"""What a resolution teaches: what really happened, beside what judging had made of it. Pure.

A tag that the person's movements name crossed as these say; every other tag that the review asked
about, or had in doubt beside it, did not. A person who says quantities without tags teaches
nothing about tags, and one who dismisses a review nothing at all: both are kept as such.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from central.reviews.model import Choice, Outcome, Stored, alike
from central.stock.model import Movement

__all__ = ["Label", "of_resolution"]


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """One thing with its truth.

    ``kind`` is ``tag`` (``subject`` its EPC; ``truth`` and ``said`` are in, out or none),
    ``plate`` (``subject`` its number; signed pieces put on) or ``review`` (anything else; truth
    moved, nothing, dismissed or unknown). ``features`` is what judging saw, ``model`` the
    weights that judged.
    """

    review: str
    read_point: str
    kind: str
    subject: str
    truth: str
    said: str
    pass_id: str = ""
    features: dict[str, Any] = {}
    model: str = ""


def of_resolution(review: Stored, choice: Choice, follows: Outcome) -> list[Label]:
    """The labels of a review that was just resolved; one at least."""
    made = list(_labels(review, choice, follows)) if follows.how != "dismissed" else []
    if made:
        return made
    if follows.how == "dismissed":
        truth = "dismissed"
    elif follows.how == "quantities" and "tags" in review.evidence:
        truth = "unknown"
    else:
        truth = "moved" if follows.movements else "nothing"
    best = review.hypotheses[0].says if review.hypotheses else ""
    return [_label(review, "review", review.id, truth, best)]


def _labels(review: Stored, choice: Choice, follows: Outcome) -> Iterator[Label]:
    if "tags" in review.evidence:
        yield from _of_tags(review, choice, follows)
    elif "plate" in review.evidence:
        best = _pieces(review, review.hypotheses[0].movements) if review.hypotheses else 0
        truth = _pieces(review, follows.movements)
        if best is not None and truth is not None:
            yield _label(
                review,
                "plate",
                str(review.evidence["plate"]),
                f"{truth:+d}",
                f"{best:+d}",
                review.evidence,
            )


def _of_tags(review: Stored, choice: Choice, follows: Outcome) -> Iterator[Label]:
    ways = _ways(review, choice, follows)
    if ways is None:
        return
    asked: list[dict[str, Any]] | int = review.evidence["tags"]
    if isinstance(asked, int):
        return  # two counts that differ: of each tag nothing was asked
    for tag in [*asked, *review.evidence.get("beside", [])]:
        truth = ways.get(tag["epc"], "none")
        said = tag["direction"] if tag in asked else "none"
        yield _label(review, "tag", tag["epc"], truth, said, tag)


def _ways(review: Stored, choice: Choice, follows: Outcome) -> dict[str, str] | None:
    """Which way each tag went that crossed; ``None`` where nobody said it by tags."""
    ways: dict[str, str] = {}
    for movement in follows.movements:
        way = movement.evidence.get("direction")
        if not movement.epcs or way not in {"in", "out"}:
            return None
        ways.update(dict.fromkeys(movement.epcs, str(way)))
    if choice.hypothesis is not None:
        ways |= review.hypotheses[choice.hypothesis].crossed
    return ways


def _pieces(review: Stored, movements: Sequence[Movement]) -> int | None:
    """Pieces put on a plate, less those taken; ``None`` for movements that are not of it."""
    pieces = 0
    for movement in movements:
        meant = alike(review, movement.source, movement.destination)
        if meant is None or meant.sku != movement.sku:
            return None
        pieces += movement.quantity if meant.biz_step == "stocking" else -movement.quantity
    return pieces


def _label(  # noqa: PLR0917 (the columns, in order)
    review: Stored,
    kind: str,
    subject: str,
    truth: str,
    said: str,
    features: dict[str, Any] | None = None,
) -> Label:
    return Label(
        review=review.id,
        read_point=review.read_point,
        kind=kind,
        subject=subject,
        truth=truth,
        said=said,
        pass_id=str(review.evidence.get("pass", "")),
        features=features or {},
        model=str(review.evidence.get("model", "")),
    )
