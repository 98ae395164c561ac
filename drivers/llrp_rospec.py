"""The ROSpec that a portal's reader runs, as the message dictionary that sllurp encodes.

Built here, not by sllurp: its own reports no antenna and no RSSI, waits for an end that
never comes, and asks some readers for a stop trigger that they refuse. Pure.

The ROSpec starts by START_ROSPEC or by a GPI edge and never ends by itself; each AISpec runs
until then; a report comes after every ``report_every_n`` tags (LLRP 1.0.1 section 16.2.4).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drivers.llrp_config import Antenna, Capabilities, LlrpConfig
from drivers.llrp_events import parameters

ROSPEC_ID = 1
_C1G2 = 1
_ACTIVE = 2


def build_rospec(
    config: LlrpConfig,
    found: Capabilities,
    current: Mapping[int, tuple[int, int]],
    *,
    impinj: bool,
) -> dict[str, Any]:
    """The ROSpec for these settings; ``check_settings`` has passed them.

    ``current`` is each antenna's hop table and channel as the reader is set: a
    transmitter can only be set as a whole, so that these are sent back unchanged.
    """
    chosen = config.antennas or tuple(
        Antenna(antenna=number) for number in range(1, found.antennas + 1)
    )
    report: dict[str, Any] = {
        "ROReportTrigger": "Upon_N_Tags_Or_End_Of_AISpec",
        "N": config.report_every_n,
        "TagReportContentSelector": {
            "EnableAntennaID": True,
            "EnableChannelIndex": True,
            "EnablePeakRSSI": True,
            "EnableFirstSeenTimestamp": True,
            "EnableLastSeenTimestamp": True,
            "EnableTagSeenCount": True,
        },
    }
    if impinj:
        report["ImpinjTagReportContentSelector"] = {
            "ImpinjEnableRFPhaseAngle": {"RFPhaseAngleMode": 1},
            "ImpinjEnablePeakRSSI": {"PeakRSSIMode": 1},
            "ImpinjEnableRFDopplerFrequency": {"RFDopplerFrequencyMode": 1},
        }
    inventory = {
        "InventoryParameterSpecID": 1,
        "ProtocolID": _C1G2,
        "AntennaConfiguration": [
            _antenna(config, antenna, found, current, impinj=impinj) for antenna in chosen
        ],
    }
    return {
        "ROSpecID": ROSPEC_ID,
        "Priority": 0,
        "CurrentState": "Disabled",
        "ROBoundarySpec": _boundary(config),
        "AISpec": [
            {
                "AntennaID": [antenna.antenna for antenna in chosen],
                "AISpecStopTrigger": {"AISpecStopTriggerType": "Null", "DurationTriggerValue": 0},
                "InventoryParameterSpec": [inventory],
            }
        ],
        "ROReportSpec": report,
    }


def _boundary(config: LlrpConfig) -> dict[str, Any]:
    start: dict[str, Any] = {"ROSpecStartTriggerType": "Null"}
    stop: dict[str, Any] = {"ROSpecStopTriggerType": "Null", "DurationTriggerValue": 0}
    trigger = config.gpi_trigger
    if trigger is not None:
        start = {
            "ROSpecStartTriggerType": "GPI",
            "GPITriggerValue": {
                "GPIPortNum": trigger.port, "GPIEvent": trigger.state, "Timeout": 0,
            },
        }  # fmt: skip
        stop = {
            "ROSpecStopTriggerType": "GPI with timeout",
            "DurationTriggerValue": 0,
            "GPITriggerValue": {
                "GPIPortNum": trigger.port,
                "GPIEvent": not trigger.state,
                "Timeout": round(trigger.timeout_s * 1000),
            },
        }
    return {"ROSpecStartTrigger": start, "ROSpecStopTrigger": stop}


def _antenna(
    config: LlrpConfig,
    antenna: Antenna,
    found: Capabilities,
    current: Mapping[int, tuple[int, int]],
    *,
    impinj: bool,
) -> dict[str, Any]:
    command: dict[str, Any] = {
        "TagInventoryStateAware": False,
        "C1G2SingulationControl": {
            "Session": config.session,
            "TagPopulation": config.tag_population,
            "TagTransitTime": 0,
        },
    }
    if config.rf_mode is not None:
        command["C1G2RFControl"] = {"ModeIndex": config.rf_mode, "Tari": 0}
    if impinj and config.impinj_search_mode is not None:
        command["ImpinjInventorySearchMode"] = {"InventorySearchMode": config.impinj_search_mode}
    settings: dict[str, Any] = {"AntennaID": antenna.antenna, "C1G2InventoryCommand": [command]}
    if antenna.tx_power_dbm is not None:
        default = (found.hop_table, found.channel)
        hop_table, channel = current.get(antenna.antenna, default)
        settings["RFTransmitter"] = {
            "HopTableId": hop_table,
            "ChannelIndex": channel,
            "TransmitPower": found.power_index(antenna.tx_power_dbm),
        }
    return settings


def read_back(message: bytes, config: LlrpConfig, found: Capabilities) -> str | None:
    """Compare a whole GET_ROSPECS_RESPONSE with what was asked: ``None`` or the difference.

    Raises ``ValueError`` when the message makes no sense.
    """
    specs = [body for kind, body in parameters(message, 10) if kind == 177 and len(body) >= 6]
    ours = [body for body in specs if int.from_bytes(body[:4], "big") == ROSPEC_ID]
    if not ours:
        return "the reader does not list the ROSpec it accepted"
    if config.gpi_trigger is None and ours[0][5] != _ACTIVE:
        return f"the ROSpec is in state {ours[0][5]} instead of active (2)"
    powers = _powers(ours[0])
    for antenna in config.antennas:
        if antenna.tx_power_dbm is None:
            continue
        asked = found.power_index(antenna.tx_power_dbm)
        runs = powers.get(antenna.antenna, asked)
        if runs != asked:
            dbm = found.powers_dbm.get(runs)
            return f"antenna {antenna.antenna} runs at {dbm} dBm, not {antenna.tx_power_dbm:g}"
    return None


def _powers(rospec: bytes) -> dict[int, int]:
    """Power index of each antenna in a ROSpec's body."""
    powers: dict[int, int] = {}
    for kind, body in parameters(rospec, 6):
        if kind != 183:
            continue
        start = 2 + 2 * int.from_bytes(body[:2], "big")
        for inner_kind, inner in parameters(body, start):
            if inner_kind != 186:
                continue
            for antenna_kind, antenna in parameters(inner, 3):
                if antenna_kind == 222:
                    number = int.from_bytes(antenna[:2], "big")
                    for setting_kind, setting in parameters(antenna, 2):
                        if setting_kind == 224:
                            powers[number] = int.from_bytes(setting[4:6], "big")
    return powers
