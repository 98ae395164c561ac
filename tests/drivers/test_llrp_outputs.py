"""A reader's outputs, switched by a person's command against the emulated reader over TCP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import pytest

from drivers.emulators.llrp_encode import message
from drivers.emulators.llrp_reader import EmulatedReader
from drivers.errors import DeviceError, DeviceRefused, DeviceUnavailable
from drivers.llrp.frames import CLOSE_CONNECTION, KEEPALIVE, KEEPALIVE_ACK
from drivers.llrp.outputs import set_output
from drivers.llrp.reader import LlrpConfig, LlrpReader
from drivers.readings import DeviceEvent
from tests.drivers.listening import listening

GET_CONFIG, SET_CONFIG = 2, 3


@pytest.fixture
async def reader() -> AsyncIterator[EmulatedReader]:
    emulator = EmulatedReader(gpos=3)
    await emulator.start()
    yield emulator
    await emulator.stop()


def settings(reader: EmulatedReader) -> LlrpConfig:
    return LlrpConfig(host="127.0.0.1", port=reader.port)


async def switched(reader: EmulatedReader, port: int, *, on: bool) -> Mapping[int, bool]:
    return await set_output(settings(reader), port, on=on, seconds=60)


async def failure(reader: EmulatedReader, port: int = 1) -> DeviceError:
    with pytest.raises(DeviceError) as caught:
        await switched(reader, port, on=True)
    assert caught.value.hint
    return caught.value


async def test_an_output_is_switched_and_read_back(reader: EmulatedReader) -> None:
    reader.faults.before[SET_CONFIG] = message(KEEPALIVE, 9)
    assert await switched(reader, 2, on=True) == {1: False, 2: True, 3: False}
    assert await switched(reader, 3, on=True) == {1: False, 2: True, 3: True}
    assert await switched(reader, 2, on=False) == {1: False, 2: False, 3: True}
    kinds = [frame.kind for frame in reader.received]
    assert KEEPALIVE_ACK in kinds
    assert kinds.count(CLOSE_CONNECTION) == 3  # the reader is free for the agent at once


async def test_an_output_that_is_not_there_is_refused_with_those_that_are(
    reader: EmulatedReader,
) -> None:
    assert "outputs 1 to 3, not output 4" in str(await failure(reader, 4))
    assert SET_CONFIG not in [frame.kind for frame in reader.received]
    bare = EmulatedReader(gpos=0)
    await bare.start()
    assert "has no outputs" in str(await failure(bare))
    await bare.stop()


async def test_the_reader_says_no(reader: EmulatedReader) -> None:
    reader.faults.refuse[SET_CONFIG] = (301, "not mine")
    error = await failure(reader)
    assert isinstance(error, DeviceRefused)
    assert "not mine" in str(error)


async def test_the_reader_says_yes_and_does_not(reader: EmulatedReader) -> None:
    reader.faults.before[GET_CONFIG] = b""
    reader.model.settings.gpo_state = Stuck(reader.model.settings.gpo_state)
    assert "output 1 is still off" in str(await failure(reader))


class Stuck(dict[int, bool]):
    def __setitem__(self, port: int, state: bool) -> None:
        """The output is wired to the reader itself."""


async def test_a_reader_that_is_heard_by_an_agent_is_busy(reader: EmulatedReader) -> None:
    async with listening(LlrpReader(settings(reader))) as listener:
        await listener.heard(DeviceEvent, lambda event: event.name == "connected")
        error = await failure(reader)
        assert isinstance(error, DeviceUnavailable)
        assert "busy" in str(error)
        assert not listener.task.done()


async def test_no_answer_and_no_reader(reader: EmulatedReader) -> None:
    reader.faults.ignore.add(GET_CONFIG)
    with pytest.raises(DeviceUnavailable, match=r"did not answer within 0\.5 s"):
        await set_output(settings(reader), 1, on=True, seconds=0.5)
    await reader.stop()
    with pytest.raises(DeviceUnavailable, match="Cannot connect"):
        await switched(reader, 1, on=True)


async def test_nonsense_is_no_traceback(reader: EmulatedReader) -> None:
    reader.faults.before[GET_CONFIG] = message(12, 1, b"\xff\xff")
    assert isinstance(await failure(reader), DeviceUnavailable)
