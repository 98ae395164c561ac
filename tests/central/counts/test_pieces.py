"""Counting pieces with serial numbers: by name, by label and by sweep, while stock moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.counts.pieces import Heard, Place, Sight, held_against
from central.stock import projection, serials
from gateway.gs1 import sgtin96_hex
from tests.central.harness import Bench, bench

DRILL = "09521234000020"


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url) as opened:
        for code in ("bin-1", "bin-2"):
            await opened.post("/locations", code=code, name=code)
        gtins = [{"gtin": DRILL}]
        await opened.post("/items", sku="DRILL", name="Drill", tracking="serial", gtins=gtins)
        for place, names in (("bin-1", ["1", "2", "3"]), ("bin-2", ["4"])):
            await opened.post(
                "/stock/receive", sku="DRILL", quantity=len(names), location=place, serials=names,
                epcs=[sgtin96_hex(DRILL, 7, int(name)) for name in names],
            )  # fmt: skip
        yield opened


async def ask(made: Bench, number: int = 1, **more: object) -> str:
    name = f"count-00{number}"
    await made.post("/api/counts", **({"id": name, "location": "bin-1"} | more))
    await made.post(f"/api/counts/{name}/start", 200)
    return f"/api/counts/{name}"


async def tell(made: Bench, path: str, number: int, status: int = 201, **found: object) -> Any:
    name = f"found-{path[-1]}-{number}"
    return await made.post(f"{path}/entries", status, id=name, by="anna", **found)


async def lines(made: Bench, path: str) -> list[tuple[object, ...]]:
    rows: Any = (await made.get(f"{path}/lines"))["rows"]
    return [(one["kind"], one["elsewhere"], one["serials"]) for one in rows]


async def accept(made: Bench, path: str, status: int = 200) -> Any:
    said = [{"reason": "misplaced"}]
    await made.post(f"{path}/decisions", 200, lines=said, by="bert")
    return await made.post(f"{path}/review", status, by="bert")


async def lies(made: Bench, serial: str) -> str:
    return str((await made.get(f"/stock/DRILL/serials/{serial}"))["location"])


async def sound(made: Bench) -> bool:
    wrong = [await made.database.read(one) for one in (projection.check_balances, serials.check)]
    return not any(wrong)


async def test_what_is_missing_and_what_is_strange_is_told_by_piece(made: Bench) -> None:
    path = await ask(made)
    await tell(made, path, 1, code=f"01{DRILL}211")
    await tell(made, path, 2, sku="DRILL", serials=["1", "4", "99"])
    finished: Any = await made.post(f"{path}/finish", 200)
    assert finished["state"] == "COUNTED"
    assert await lines(made, path) == [
        ("quantity", "", ["1"]), ("missing", "", ["2", "3"]), ("stranger", "adjustment", ["99"]),
        ("stranger", "bin-2", ["4"]),
    ]  # fmt: skip
    assert (await accept(made, path))["state"] == "REVIEWED"
    places = [await lies(made, name) for name in ("1", "2", "3", "4", "99")]
    assert places == ["bin-1", "adjustment", "adjustment", "bin-1", "bin-1"]
    rows: Any = (await made.get(f"{path}/lines"))["rows"]
    assert [one["serials"] for one in rows] == [[], ["2", "3"], ["99"], ["4"]]
    assert await sound(made)


async def test_what_agrees_is_reviewed_at_once_and_nothing_is_an_answer_too(made: Bench) -> None:
    path = await ask(made)
    await tell(made, path, 1, sku="DRILL", serials=["1", "2", "3"])
    assert (await made.post(f"{path}/finish", 200))["state"] == "REVIEWED"
    kpis: Any = await made.get("/kpis")
    assert (kpis["counted_accuracy"]["hits"], kpis["counted_accuracy"]["cases"]) == (1, 1)
    path = await ask(made, 2)
    await tell(made, path, 1, sku="DRILL", quantity=0)
    await made.post(f"{path}/finish", 200)
    assert await lines(made, path) == [("missing", "", ["1", "2", "3"])]


async def test_what_nobody_looked_for_is_missing_where_all_was_counted(made: Bench) -> None:
    await made.post("/items", sku="NUT", name="Nut")
    path = await ask(made)
    await tell(made, path, 1, sku="NUT", quantity=0)
    await made.post(f"{path}/finish", 200)
    assert ("missing", "", ["1", "2", "3"]) in await lines(made, path)


async def test_a_sweep_hears_pieces_and_a_recount_takes_its_place(made: Bench) -> None:
    path = await ask(made)
    # One that has no tag cannot be heard, and is not missing.
    await made.post("/stock/receive", sku="DRILL", quantity=1, location="bin-1", serials=["X"])
    heard = [sgtin96_hex(DRILL, 7, number) for number in (1, 4)]
    await tell(made, path, 1, epcs=heard)
    await made.post(f"{path}/finish", 200)
    assert await lines(made, path) == [
        ("quantity", "", ["1"]), ("missing", "", ["2", "3"]), ("stranger", "bin-2", ["4"]),
    ]  # fmt: skip
    await made.post(f"{path}/recount", 200)
    await tell(made, path, 2, sku="DRILL", serials=["1", "2", "3", "X"])
    assert (await made.post(f"{path}/finish", 200))["state"] == "REVIEWED"


async def test_a_sweep_of_some_items_misses_none_of_the_others(made: Bench) -> None:
    saw = "09521234000037"
    await made.post("/items", sku="SAW", name="Saw", tracking="serial", gtins=[{"gtin": saw}])
    await made.post(
        "/stock/receive", sku="SAW", quantity=1, location="bin-1", serials=["7"],
        epcs=[sgtin96_hex(saw, 7, 7)],
    )  # fmt: skip
    path = await ask(made, skus=["DRILL"])
    await tell(made, path, 1, epcs=[sgtin96_hex(DRILL, 7, number) for number in (1, 2)])
    await made.post(f"{path}/finish", 200)
    assert await lines(made, path) == [("quantity", "", ["1", "2"]), ("missing", "", ["3"])]


async def test_what_moves_after_it_was_looked_at_is_settled_by_that(made: Bench) -> None:
    path = await ask(made)
    await tell(made, path, 1, sku="DRILL", serials=["1", "2"])
    moved = {"sku": "DRILL", "quantity": 1}
    await made.post("/stock/move", **moved, source="bin-1", destination="bin-2", serials=["2"])
    await made.post("/stock/move", **moved, source="bin-2", destination="bin-1", serials=["4"])
    await made.post(f"{path}/finish", 200)
    assert await lines(made, path) == [("quantity", "", ["1"]), ("missing", "", ["3"])]
    await accept(made, path)
    places = [await lies(made, name) for name in ("1", "2", "3", "4")]
    assert places == ["bin-1", "bin-2", "adjustment", "bin-1"]
    assert await sound(made)


async def test_another_piece_that_is_missing_by_now_makes_a_decision_stale(made: Bench) -> None:
    path = await ask(made)
    await tell(made, path, 1, sku="DRILL", serials=["1", "2"])
    await made.post(f"{path}/finish", 200)
    await made.post(f"{path}/decisions", 200, lines=[{"reason": "lost"}], by="bert")
    # It had left before, and is told late; the other one came back to the books as late.
    late = "2026-01-01T08:00:00Z"
    for source, destination, name in (("bin-1", "bin-2", "3"), ("bin-2", "bin-1", "4")):
        await made.post(
            "/stock/move", sku="DRILL", quantity=1, source=source, destination=destination,
            serials=[name], event_time=late,
        )  # fmt: skip
    assert await lines(made, path) == [("quantity", "", ["1", "2"]), ("missing", "", ["4"])]
    refused = await made.post(f"{path}/review", 409, by="bert")
    assert refused["type"] == "urn:tallyport:problem:stale-count"
    await accept(made, path)
    assert [await lies(made, name) for name in ("3", "4")] == ["bin-2", "adjustment"]


@pytest.mark.parametrize(
    "found",
    [
        {"sku": "DRILL", "quantity": 2},
        {"sku": "DRILL", "serials": ["1", "1"]},
        {"sku": "DRILL", "gross_mg": 1000},
        {"code": DRILL},
        {"sku": "DRILL", "quantity": 1, "serials": ["1"]},
        {"code": DRILL, "serials": ["1"]},
    ],
)
async def test_what_names_no_pieces_is_refused(made: Bench, found: dict[str, object]) -> None:
    await tell(made, await ask(made), 1, 422, **found)


# ---- whatever happens, the books are right afterwards ------------------------------------------
class Step(NamedTuple):
    """Somebody looks at a place, or a piece moves; ``late``: the books hear of it at the end."""

    looks: bool
    piece: int
    to: int
    late: bool


PLACES = ("here", "there", "adjustment")
STEPS = st.lists(
    st.builds(
        Step, looks=st.booleans(), piece=st.integers(0, 3), to=st.integers(0, 1), late=st.booleans()
    ),
    max_size=8,
)


@pytest.mark.parametrize(
    ("seq", "us", "counts"),
    [(5, 50, True), (5, 150, True), (15, 50, True), (15, 150, False)],
    ids=["before", "wrong-clock", "late-word-of-before", "after"],
)
def test_only_what_moved_after_the_look_and_was_told_after_it_is_settled(
    seq: int, us: int, *, counts: bool
) -> None:
    """Looked at while the ledger stood at 10 and the clock at 100: the last word of a piece was
    told as number ``seq``, of what happened at ``us``.
    """
    looked = Sight(10, 100)
    gone = Place("1", "", "elsewhere", "available", seq, us)
    held = held_against("here", Heard({"1": looked}, looked, looked), [], {"1": gone})
    assert held.strange == ((gone,) if counts else ())
    unseen = gone._replace(location="here")
    held = held_against("here", Heard({}, looked, looked), [unseen], {})
    assert held.missing == ((unseen,) if counts else ())


@given(
    truth=st.lists(st.integers(0, 2), min_size=4, max_size=4),
    books=st.lists(st.integers(0, 2), min_size=4, max_size=4),
    before=STEPS,
    after=STEPS,
)
def test_any_interleaving_of_movements_and_a_count_leaves_each_piece_where_it_is(
    truth: list[int], books: list[int], before: list[Step], after: list[Step]
) -> None:
    """Pieces move before and after somebody looks at ``here``, and some of that is told late; what
    the count says is accepted. Of the pieces that are or were here by then nothing is wrong.
    """
    real = [PLACES[one] for one in truth]
    ledger = {
        f"{n}": Place(f"{n}", "", PLACES[one], "available", n + 1, 0) for n, one in enumerate(books)
    }
    seq, late = len(books), list[Place]()

    def move(us: int, step: Step) -> None:
        nonlocal seq
        name, real[step.piece] = f"{step.piece}", PLACES[step.to]
        place = Place(name, "", PLACES[step.to], "available", 0, us)
        if step.late:
            late.append(place)
            return
        seq += 1
        ledger[name] = place._replace(last_seq=seq)

    for us, step in enumerate(before, 1):
        move(us, step)
    looked = Sight(seq, 100)
    found = {f"{n}": looked for n, place in enumerate(real) if place == "here"}
    for us, step in enumerate(after, 101):
        move(us, step)
    for place in late:
        # Judging refuses what it saw after a later word of the same piece.
        if ledger[place.serial].event_us <= place.event_us:
            seq += 1
            ledger[place.serial] = place._replace(last_seq=seq)
    books_now = [one for one in ledger.values() if one.location == "here"]
    held = held_against("here", Heard(found, looked, looked), books_now, ledger)
    moved = {name for name, one in ledger.items() if one.moved_after(looked)}
    ends = {name: one.location for name, one in ledger.items()}
    ends |= {one.serial: "elsewhere" for one in held.missing}
    ends |= {one.serial: "here" for one in held.strange}
    for number, place in enumerate(real):
        name = f"{number}"
        assert (ends[name] == "here") == (place == "here"), (name, real, ledger, held)
        assert name not in moved or ends[name] == ledger[name].location
