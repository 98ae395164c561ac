"""``calibrate`` holds a scale and shows it live; ``calibrate.step`` measures; ``calibrate.finish``
writes the certificate, and the calibration into the settings.

Nothing of what lies on the plate meanwhile reaches the books: the agent does not hear the device.
Whoever cancels changes nothing. When the agent has its device back it reads the plate as it then
is, so what was really taken meanwhile is noticed, and the masses, put away, are not.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any

import msgspec

from drivers.readings import Reading
from edge.console import records
from edge.console.bench import Bench
from edge.console.calibration import certificate
from edge.console.calibration.plate import kind_of, raw
from edge.console.calibration.session import Session
from edge.console.calibration.steps import STEPS, StepArguments
from edge.console.hearing import hearing
from edge.console.operation import Changing, Operation, Tell
from gateway.console import Troubled

__all__ = ["CALIBRATE", "FINISH", "STEP"]

_EVERY_S = 0.1
_LEFT_ALONE_S = 1_800.0
By = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class CalibrateArguments(Changing, frozen=True, kw_only=True):
    """``by`` is who calibrates, for the certificate. ``division_g`` 0 goes by the scale's own
    digits, or by the noise of a load cell.
    """

    device: str
    by: By
    division_g: Annotated[float, msgspec.Meta(ge=0, le=1e6)] = 0.0
    capacity_g: Annotated[float, msgspec.Meta(gt=0, le=1e9)] | None = None


async def calibrate(bench: Bench, asked: CalibrateArguments, tell: Tell) -> dict[str, Any]:
    """Hold the device until the calibration is finished or cancelled; ten pictures a second."""
    device = bench.device(asked.device)
    kind = kind_of(device)
    if kind is None:
        raise Troubled("no-scale", f"{device.name} is no scale: there is nothing to calibrate.")
    session = Session(device, kind, by=asked.by)
    session.draft.division_g = asked.division_g
    session.draft.capacity_g = asked.capacity_g
    try:
        async with (
            bench.hold(device.name, f"a calibration by {asked.by}"),
            hearing(raw(device)) as heard,
        ):
            session.identity = heard.identity

            def hear(readings: Any) -> None:  # noqa: ANN401 - a sequence of readings
                lots: tuple[Reading, ...] = tuple(readings)
                session.feed(lots)

            heard.hear = hear
            while not session.wanted_end.is_set():
                if session.now_s() - session.touched_s > _LEFT_ALONE_S and not session.running:
                    raise Troubled(
                        "left-alone",
                        f"Nothing was done for {_LEFT_ALONE_S / 60:.0f} minutes, so "
                        f"{device.name} was given back to the agent. Nothing was changed.",
                    )
                tell(session.picture())
                await heard.listen(_EVERY_S)
    finally:
        session.wanted_end.set()
        session.released.set()
    return {"session": session.id, "ended": "finished"}


async def step(_bench: Bench, asked: StepArguments, tell: Tell) -> dict[str, Any]:
    """Do one step; its result stands in the picture afterwards. Raises ``Troubled`` with the
    reason where it cannot be done.
    """
    session = Session.find(asked.session)
    with session.step(asked.step):
        tell({"step": asked.step})
        await STEPS[asked.step](session, asked)
    return session.picture() | {"trace": []}


class FinishArguments(Changing, frozen=True, kw_only=True):
    """``apply`` puts a load cell's calibration into the settings. ``as_it_is``: give the plate
    back although it is not loaded as at the beginning. ``temperature_c`` where the device does not
    tell one itself.
    """

    session: str
    as_it_is: bool = False
    apply: bool = True
    note: Annotated[str, msgspec.Meta(max_length=500)] = ""
    temperature_c: Annotated[float, msgspec.Meta(ge=-100, le=200)] | None = None
    due_days: Annotated[int, msgspec.Meta(ge=1, le=3_650)] = certificate.DUE_DAYS


async def finish(bench: Bench, asked: FinishArguments, tell: Tell) -> dict[str, Any]:
    """Give the device back, put the calibration into the settings, keep the certificate."""
    session = Session.find(asked.session)
    if session.running is not None:
        raise Troubled("busy", f"The step {session.running['step']} still measures: wait for it.")
    if session.draft.span is None:
        raise Troubled("incomplete", "There is nothing to certify yet: zero and span are needed.")
    left_g = session.left_on_g
    if left_g and not asked.as_it_is:
        raise Troubled(
            "load-left",
            f"There are {abs(left_g):,.0f} g {'more' if left_g > 0 else 'less'} on the plate than "
            "at the beginning: given back like this, they would be taken for stock.",
            "Take the masses off and put back what lay there; then finish.",
        )
    at = datetime.fromtimestamp(bench.time.now_us() / 1e6, UTC)
    temperature = asked.temperature_c
    made = certificate.record(
        session.draft,
        session.device,
        by=session.by,
        at=at,
        site=bench.config.edge.site,
        edge=bench.config.edge.name,
        identity=session.identity,
        temperature_c=session.plate.temp_c if temperature is None else temperature,
        note=asked.note,
        due_days=asked.due_days,
        software=software(),
    )
    session.wanted_end.set()
    tell({"phase": "giving the device back"})
    await session.released.wait()
    trouble: Troubled | None = None
    if asked.apply and session.draft.kind == "counts":
        tell({"phase": "writing the settings"})
        try:
            made["applied"] = await _apply(bench, session, made["after"], tell)
        except Troubled as error:
            trouble = error
            made["applied"] = {"refused": str(error)}
    name = records.name_of("calibration", session.device.name, at)
    await asyncio.to_thread(records.keep, bench.data_dir, name, made)
    await bench.supervisor(session.device.name).describe()
    if trouble is not None:
        raise Troubled(
            trouble.trouble.code,
            f"The certificate {name} is kept, but the calibration was not applied: {trouble}",
            trouble.trouble.hint,
        )
    return {"record": name, "certificate": made}


async def _apply(
    bench: Bench, session: Session, after: dict[str, Any], tell: Tell
) -> dict[str, Any]:
    def edit(table: Any) -> None:  # noqa: ANN401 - tomlkit's table
        table["calibration"] = after

    return await bench.settings.change(
        session.device.name,
        edit,
        why=f"calibration {after['version']} of {session.device.name}",
        who=session.by,
        tell=tell,
    )


def software() -> str:
    """What made a record."""
    try:
        return f"Tallyport {version('tallyport')}"
    except PackageNotFoundError:
        return "Tallyport"


CALIBRATE = Operation(CalibrateArguments, calibrate)
STEP = Operation(StepArguments, step)
FINISH = Operation(FinishArguments, finish)
