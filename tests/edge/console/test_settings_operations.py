"""The settings and the devices of a running agent, changed from its desk."""

from __future__ import annotations

import asyncio
import sys
import tomllib
from pathlib import Path
from typing import Any

import httpx
import pytest

from drivers.emulators.llrp_reader import EmulatedReader
from drivers.emulators.mtsics_scale import EmulatedScale
from drivers.readings import TagRead
from gateway.console import Told
from tests.edge.console.bench import Site, ask, site
from tests.edge.waiting import until


def result(told: Told) -> dict[str, Any]:
    assert told.state == "done", told.error
    assert told.result is not None
    return told.result


def trouble(told: Told) -> tuple[str, str]:
    assert told.state == "failed"
    assert told.error is not None
    return told.error.code, f"{told.error.text} {told.error.hint}"


async def running(it: Site, name: str) -> None:
    fleet = it.agent.fleet
    await until(lambda: name in fleet.supervisors
                and fleet.supervisors[name].health.state == "running", name)  # fmt: skip


async def test_a_device_is_tried_added_edited_and_removed(tmp_path: Path) -> None:
    scale = EmulatedScale(serial="TP77")
    scale.set_load_mg(250_000)
    fields = {"driver": "mt-sics", "port": await scale.start()}
    async with site(tmp_path) as it:
        for name in ("dock", "plate"):
            await running(it, name)
        before, others = it.path.read_text(), dict(it.agent.fleet.supervisors)
        tried = result(await ask(it.desk, "try_device", fields=fields))
        assert tried["identity"] == "TP77"
        assert tried["count"] >= 1
        assert tried["readings"][-1]["unit"] == "g"
        whole = fields | {"name": "plate-4", "read_point": "shelf", "plate": 4, "identity": "TP77"}
        # Nothing is saved that was not heard as it is set.
        elsewhere = whole | {"port": "/dev/none-such"}
        code, _ = trouble(await ask(it.desk, "device.add", fields=elsewhere, proof=tried["proof"]))
        assert code == "not-proved"
        assert it.path.read_text() == before
        added = result(
            await ask(it.desk, "device.add", fields=whole, proof=tried["proof"], who="ann")
        )
        assert not added["restart"]
        assert it.path.read_text().startswith(before)
        assert tomllib.loads(it.path.read_text())["devices"][-1] == whole
        assert it.agent.fleet.supervisors["plate-4"].health.state == "running"
        assert {name: it.agent.fleet.supervisors[name] for name in others} == others
        code, told = trouble(await ask(it.desk, "try_device", fields=fields))
        assert (code, told.split(".")[0]) == ("known", "This is plate-4 already")
        await ask(it.desk, "device.edit", device="plate-4", fields={"plate": 9}, who="ann")
        assert it.agent.fleet.devices[-1].plate == 9
        result(await ask(it.desk, "device.remove", device="plate-4", who="ben"))
        assert "plate-4" not in it.agent.fleet.supervisors
        assert it.path.read_text().rstrip() == before.rstrip()
        rows = result(await ask(it.desk, "config.versions"))["versions"]
        assert [(row["author"], row["reason"], row["outcome"]) for row in rows] == [
            ("ben", "plate-4 was removed", "applied"),
            ("ann", "plate-4: plate", "applied"),
            ("ann", "plate-4 was added", "applied"),
            ("the file", "as it was found", ""),
        ]
        assert rows[0]["in_use"]
    await scale.stop()


async def test_a_reader_is_proved_by_a_tag_and_known_by_its_mac(tmp_path: Path) -> None:
    reader = EmulatedReader()
    fields = {"driver": "llrp", "host": "127.0.0.1", "port": await reader.start()}
    async with site(tmp_path) as it:
        code, told = trouble(await ask(it.desk, "try_device", fields=fields, seconds=1.5))
        assert code == "nothing-heard"
        assert "Hold a tag in front of an antenna" in told
        trying = asyncio.create_task(ask(it.desk, "try_device", fields=fields))
        await reader.wait_inventorying()
        read = TagRead(epc="30340789000F460000000007", epc_bits=96, antenna=2, peak_rssi_dbm=-50.0)
        await reader.report([read] * 4)
        tried = result(await trying)
        assert tried["identity"] == "00:16:25:00:54:52"
        assert tried["antennas"] == {"2": 4}
        assert any("antennas: 1 to 2" in note for note in tried["notes"])
        other = await asyncio.open_connection("127.0.0.1", reader.port)
        await reader.wait_until(lambda: reader.connected)
        code, told = trouble(await ask(it.desk, "try_device", fields=fields))
        assert "busy: another client is connected to it" in told
        assert "Stop the other one" in told
        other[1].transport.abort()
    await reader.stop()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"driver": "llrp", "host": "127.0.0.1", "port": 9}, "Check the reader's power, cable"),
        ({"driver": "mt-sics", "port": "/dev/none-such"}, "There is no serial port /dev/none-such"),
        ({"driver": "mt-sicks", "port": "/dev/x"}, 'Did you mean "mt-sics"?'),
        ({"driver": "llrp", "hots": "x", "host": "h"}, "Did you mean host?"),
    ],
)  # fmt: skip
async def test_a_failure_names_cause_and_fix(
    tmp_path: Path, fields: dict[str, Any], words: str
) -> None:
    async with site(tmp_path) as it:
        _, told = trouble(await ask(it.desk, "try_device", fields=fields, seconds=5))
        assert words in told


async def test_the_file_is_read_checked_applied_and_taken_back(tmp_path: Path) -> None:
    async with site(tmp_path, page={"port": 0, "pin": "sesame-77"}) as it:
        await running(it, "plate")
        before = it.path.read_bytes()
        shown = result(await ask(it.desk, "config.get"))
        assert "sesame-77" not in shown["text"]
        text = shown["text"].replace('driver = "mt-sics"', 'driver = "mt-sicks"')
        (mistake,) = result(await ask(it.desk, "config.check", text=text))["mistakes"]
        line = text[: text.index('driver = "mt-sicks"')].count("\n") + 1
        assert (mistake["line"], mistake["column"]) == (line, 1)
        assert mistake["nearest"] == '"mt-sics"'
        code, _ = trouble(await ask(it.desk, "config.apply", text=text, base=shown["sha256"]))
        assert code == "mistakes"
        text = shown["text"].replace("plate = 3", "plate = 5  # moved")
        assert result(await ask(it.desk, "config.check", text=text))["restart"] == []
        applied = result(
            await ask(
                it.desk, "config.apply", text=text, base=shown["sha256"], who="ann", reason="moved"
            )
        )
        assert "sesame-77" in it.path.read_text()
        assert "# moved" in it.path.read_text()
        code, _ = trouble(await ask(it.desk, "config.apply", text=text, base=shown["sha256"]))
        assert code == "changed-meanwhile"
        lines = result(await ask(it.desk, "config.diff", old=1, new=applied["version"]))["lines"]
        assert "+plate = 5  # moved" in lines
        result(await ask(it.desk, "config.rollback", version=1, who="ann"))
        assert it.path.read_bytes() == before
        assert it.agent.fleet.devices[1].plate == 3
        schema = result(await ask(it.desk, "config.schema"))
        assert schema["title"] == "Settings of a Tallyport edge"


async def test_a_restart_takes_the_new_settings_or_the_old_ones(tmp_path: Path) -> None:
    """A whole process: new settings of the page's port come up by themselves after a restart."""
    path = tmp_path / "edge.toml"
    first, second = await _free_port(), await _free_port()
    text = '[edge]\nname = "pi"\nsite = "s"\ndata_dir = "data"\ndrain_s = 0\n[mqtt]\nport = 9\n'
    path.write_text(f"{text}[page]\nport = {first}\n")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tallyport", "edge", "run", "--config", str(path),
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with httpx.AsyncClient() as client:
            shown = await _asked(client, first, "ask", "config.get", {})
            changed = shown["text"].replace(str(first), str(second))
            applied = await _asked(
                client, first, "do", "config.apply", {"text": changed, "base": shown["sha256"]}
            )
            assert applied["restart"]
            shown = await _asked(client, second, "ask", "config.get", {})
            assert shown["version"] == applied["version"]
            async with asyncio.timeout(40):
                outcome = "trial"
                while outcome == "trial":
                    told = await _asked(client, second, "ask", "config.versions", {})
                    outcome = told["versions"][0]["outcome"]
            assert outcome == "applied"
        assert process.returncode is None
    finally:
        process.terminate()
        assert await process.wait() == 0


async def _free_port() -> int:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    async with server:
        return int(server.sockets[0].getsockname()[1])


async def _asked(
    client: httpx.AsyncClient, port: int, way: str, op: str, arguments: dict[str, Any]
) -> dict[str, Any]:
    """Ask at a page that may just be coming up."""
    url = f"http://127.0.0.1:{port}"
    async with asyncio.timeout(40):
        while True:
            try:
                begun = await client.post(f"{url}/{way}/{op}", json=arguments)
                assert begun.status_code == 202, begun.text
                while True:
                    told = (await client.get(f"{url}/ask/{begun.json()['id']}")).json()
                    if told["state"] != "running":
                        assert told["state"] == "done", told
                        return dict(told["result"])
                    await asyncio.sleep(0.05)
            except httpx.TransportError:
                await asyncio.sleep(0.1)
