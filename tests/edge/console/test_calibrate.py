"""The calibration of scales: an emulated load cell on a line, an emulated MT-SICS scale."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
import pytest

from drivers.emulators.load_cell_node import EmulatedSerialNode
from drivers.emulators.mtsics_scale import EmulatedScale
from edge.console import records
from gateway.console import Troubled
from gateway.contract import DeviceDescribed, WeightSettled
from tests.edge.console.room import Room, room
from tests.edge.waiting import until

CELL = {"zero_counts": 84_000, "counts_per_g": 420.0}


class Wizard:
    """A technician before a plate."""

    def __init__(self, here: Room, device: str) -> None:
        self.here, self.device = here, device
        self.session = ""
        self.told: list[dict[str, Any]] = []

    @asynccontextmanager
    async def open(self, **arguments: Any) -> AsyncIterator[Wizard]:
        from edge.console.operation import find

        asked = {"device": self.device, "by": "A. Technician", **arguments}
        holding = asyncio.create_task(
            find("calibrate").run(self.here.bench, asked, self.told.append)
        )
        try:
            await until(lambda: bool(self.told) or holding.done())
            if holding.done():
                await holding
            self.session = self.told[-1]["session"]
            yield self
        finally:
            holding.cancel()
            await asyncio.gather(holding, return_exceptions=True)

    async def do(self, step: str, **arguments: Any) -> dict[str, Any]:
        return await self.here.ask("calibrate.step", session=self.session, step=step, **arguments)

    async def finish(self, **arguments: Any) -> dict[str, Any]:
        return await self.here.ask("calibrate.finish", session=self.session, **arguments)


def words_of(paper: dict[str, Any]) -> str:
    """The text of a PDF, pages and lines joined."""
    document = pdfium.PdfDocument(base64.b64decode(paper["base64"]))
    pages = [page.get_textpage().get_text_bounded() for page in document]
    return " ".join(" ".join(pages).split())


def row(picture: dict[str, Any], test: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in picture["results"] if one["test"] == test)
    return found


@asynccontextmanager
async def load_cell(tmp_path: Path) -> AsyncIterator[tuple[Wizard, EmulatedSerialNode, Room]]:
    node = EmulatedSerialNode("cell-1", window_s=0.05)
    port = await node.start()
    device = {
        "name": "plate-1", "driver": "load-cell-serial", "read_point": "shelf-1", "port": port,
        "node": "cell-1",
        "calibration": {
            "version": 3, "date": "2025-01-10", "by": "B. Before", "mass_g": 5_000,
            "zero_counts": 83_000, "counts_per_g": 421,
        },
    }  # fmt: skip
    try:
        async with room(tmp_path, device) as here:
            await here.running("plate-1")
            yield Wizard(here, "plate-1"), node, here
    finally:
        await node.stop()


async def test_a_load_cell_from_counts_to_a_certificate(tmp_path: Path) -> None:
    async with load_cell(tmp_path) as (wizard, node, here):
        here.kept.clear()
        async with wizard.open(capacity_g=20_000):
            noise = await wizard.do("noise", seconds=3)
            assert noise["kind"] == "counts"
            assert row(noise, "noise")["state"] == "noted"
            await wizard.do("zero")
            with pytest.raises(Troubled, match="Not enough load: the reading moved") as refused:
                await wizard.do("span", mass_g=5_000)
            assert refused.value.trouble.code == "not-enough-load"
            node.set_load_g(5_000)
            spanned = await wizard.do("span", mass_g=5_000, uncertainty_g=0.25)
            assert spanned["now"]["grams"] == pytest.approx(5_000, abs=3)
            assert row(spanned, "span")["state"] == "pass"
            with pytest.raises(Troubled, match="nearly the span mass"):
                await wizard.do("second", mass_g=5_100)
            node.set_load_g(2_000)
            second = await wizard.do("second", mass_g=2_000)
            assert row(second, "second")["state"] == "pass"
            trace = wizard.told[-1]["trace"]
            assert len(trace) > 20
            assert wizard.told[-1]["rate_hz"] >= 10
            assert wizard.told[-1]["now"]["at_rest"] in {True, False}
            with pytest.raises(Troubled, match="g more on the plate than") as refused:
                await wizard.finish()
            assert refused.value.trouble.code == "load-left"
            node.set_load_g(0)
            await until(lambda: wizard.told[-1]["left_on_g"] == 0.0)
            done = await wizard.finish(note="after moving the shelf", apply=False)
        made = done["certificate"]
        after = made["after"]
        assert float(after["zero_counts"]) == pytest.approx(CELL["zero_counts"], abs=60)
        assert float(after["counts_per_g"]) == pytest.approx(CELL["counts_per_g"], rel=5e-4)
        assert (after["version"], after["by"]) == (4, "A. Technician")
        assert made["before"]["version"] == 3
        assert made["before"]["zero_error_g"] == pytest.approx(1_000 / 421, abs=0.2)
        assert made["verdict"] == "pass"
        assert made["good_for_pieces_g"] > 0
        assert "Creep" in made["not_done"]
        assert made["mass"] == {"mass_g": 5_000, "uncertainty_g": 0.25, "pieces": None}
        assert made["due"] > made["at"]
        assert records.read(tmp_path, done["record"])["after"] == after
        listed = await here.ask("records", device="plate-1")
        assert [(one["name"], one["verdict"]) for one in listed["records"]] == [
            (done["record"], "pass")
        ]
        paper = await here.ask("record", name=done["record"], form="pdf")
        assert "Calibration certificate" in words_of(paper)
        assert "B. Before" not in words_of(paper), "before: the version and its error, no name"
        assert "Not done: " in words_of(paper)
        assert "version 4: zero at" in words_of(paper)
        # the agent has its device back, and the masses that lay there are not in the books
        await here.running("plate-1")
        await until(lambda: any(isinstance(one, WeightSettled) for one in here.kept))
        levels = [one.gross_mg for one in here.kept if isinstance(one, WeightSettled)]
        assert all(abs(level) < 100_000 for level in levels), levels


async def test_lifts_corners_creep_and_pieces(tmp_path: Path) -> None:
    async with load_cell(tmp_path) as (wizard, node, _), wizard.open():
        await wizard.do("noise", seconds=2)
        await wizard.do("zero")
        node.set_load_g(4_000)
        await wizard.do("span", pieces=8, piece_g=500)
        lifting = asyncio.create_task(wizard.do("repeat"))
        for lift in (1, 2, 3):
            for want, load_g in (("off", 0), ("on", 4_000)):
                await until(
                    lambda want=want, lift=lift: (
                        (running := wizard.told[-1]["running"]) is not None
                        and (running.get("want"), running.get("lift")) == (want, lift)
                    )
                )
                node.set_load_g(load_g)
        lifted = await lifting
        assert row(lifted, "repeat")["state"] == "pass"
        assert "3 lifts" in row(lifted, "repeat")["value"]
        for position in ("front-left", "front-right", "back-left", "back-right"):
            cornered = await wizard.do("corner", position=position, mass_g=4_000)
        assert row(cornered, "corners")["state"] == "pass"
        crept = await wizard.do("creep", seconds=3)
        assert row(crept, "creep")["state"] == "pass"
        assert "of R 76's 30 minutes" in row(crept, "creep")["says"]
        node.set_load_g(0)
        assert row(await wizard.do("return"), "return")["state"] in {"pass", "fail"}
        node.set_load_g(1_000)
        learnt = await wizard.do("unit", pieces=20)
        assert learnt["unit_g"] == pytest.approx(50.0, abs=0.5)
        assert "pieces can be counted" in row(learnt, "unit")["says"]
        waiting = asyncio.create_task(wizard.do("creep", seconds=60))
        try:
            await until(lambda: _session(wizard.session).running is not None)
            with pytest.raises(Troubled, match="still measures"):
                await wizard.do("zero")
        finally:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        assert _session(wizard.session).running is None, "a cancelled step leaves the plate free"
        node.set_load_g(0)


async def test_steps_have_their_order_and_an_unquiet_plate_is_told_why(tmp_path: Path) -> None:
    async with load_cell(tmp_path) as (wizard, node, _):
        async with wizard.open():
            with pytest.raises(Troubled, match="noise check first"):
                await wizard.do("zero")
            await wizard.do("noise", seconds=2)
            with pytest.raises(Troubled, match="Capture zero first"):
                await wizard.do("span", mass_g=100)
            with pytest.raises(Troubled, match="nothing to certify"):
                await wizard.finish()

            async def shake() -> None:
                load_g = 0
                while True:
                    load_g = 300 - load_g
                    node.set_load_g(load_g)
                    await asyncio.sleep(0.3)

            from edge.console.calibration import steps

            shaking = asyncio.create_task(shake())
            try:
                with pytest.raises(Troubled, match="did not come to rest") as refused:
                    await steps.settled(_session(wizard.session), patience_s=4.0)
                assert refused.value.trouble.code == "unstable"
                assert "unstable:" in str(refused.value)
            finally:
                shaking.cancel()
                await asyncio.gather(shaking, return_exceptions=True)
        with pytest.raises(Troubled, match="is over"):
            await wizard.do("zero")


def _session(session_id: str) -> Any:
    from edge.console.calibration.session import Session

    return Session.find(session_id)


async def test_a_scale_of_its_own_is_checked_and_certified(tmp_path: Path) -> None:
    scale = EmulatedScale(division_g="0.1")
    device = {
        "name": "bench-1", "driver": "mt-sics", "read_point": "packing",
        "port": await scale.start(),
    }  # fmt: skip
    try:
        async with room(tmp_path, device) as here:
            await here.running("bench-1")
            wizard = Wizard(here, "bench-1")
            async with wizard.open():
                await wizard.do("noise", seconds=3)
                await wizard.do("zero")
                scale.set_load_mg(1_000_200)
                spanned = await wizard.do("span", mass_g=1_000)
                assert row(spanned, "span")["state"] == "fail"
                assert "by its own menu" in row(spanned, "span")["says"]
                assert spanned["division_g"] == 0.1
                assert "show no noise" in row(spanned, "noise")["says"]
                done = await wizard.finish(as_it_is=True)
            made = done["certificate"]
            assert (made["verdict"], made["after"], made["applied"]) == ("fail", None, None)
            assert "MT-SICS" in made["identity"]
            told = [one for one in here.kept if isinstance(one, DeviceDescribed)]
            assert told[0].certificate is None
            paper = told[-1].certificate
            assert paper is not None, "told anew when there is one"
            assert (paper.due, paper.passed, paper.zero_limit_mg) == (made["due"], False, 2_000)
    finally:
        await scale.stop()


async def test_a_reader_is_no_scale(tmp_path: Path) -> None:
    reader = {"name": "gun", "driver": "scanner", "read_point": "x", "port": str(tmp_path / "no")}
    async with room(tmp_path, reader) as here:
        with pytest.raises(Troubled, match="no scale"):
            await here.ask("calibrate", device="gun", by="me")
