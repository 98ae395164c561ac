"""``tallyport edge tell gpo``: a person switches an output of a reader, as a lamp or a horn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from drivers.errors import DeviceRefused

if TYPE_CHECKING:
    from edge.config import DeviceConfig


async def switch(device: DeviceConfig, output: int, *, on: bool, seconds: float) -> Iterator[str]:
    """Switch one output; what there is to say then, line by line. Raises ``DeviceError``."""
    if device.driver != "llrp":
        raise DeviceRefused(
            f"{device.driver} has no outputs", hint="gpo is for readers with driver = llrp."
        )
    from drivers.llrp.outputs import set_output  # noqa: PLC0415 - only an edge with readers has it

    states = await set_output(device.options, output, on=on, seconds=seconds)
    return _described(output, states)


def _described(output: int, states: Mapping[int, bool]) -> Iterator[str]:
    yield f"output {output} is {_word(states[output])}"
    for other, state in states.items():
        if other != output:
            yield f"     output {other} is {_word(state)}"


def _word(on: bool) -> str:
    return "on" if on else "off"
