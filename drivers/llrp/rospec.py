"""The ROSpec that a portal's reader runs, as the message dictionary that sllurp encodes.

Built here, not by sllurp: its own reports no antenna and no RSSI, waits for an end that
never comes, and asks some readers for a stop trigger that they refuse. Pure.

The ROSpec starts by START_ROSPEC or by a GPI edge and never ends by itself; each AISpec runs
until then; a report comes after every ``report_every_n`` tags (LLRP 1.0.1 section 16.2.4).
What runs is read back and compared: ``drivers.llrp.readback``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drivers.llrp.capabilities import Capabilities
from drivers.llrp.config import REPORTED, Antenna, LlrpConfig
from drivers.llrp.filters import filter_parameters
from drivers.llrp.modes import chosen_mode

ROSPEC_ID = 1
_C1G2 = 1
_CHANNEL_LIST = 2

_SELECTED = {
    "antenna": "EnableAntennaID",
    "channel": "EnableChannelIndex",
    "rssi": "EnablePeakRSSI",
    "first_seen": "EnableFirstSeenTimestamp",
    "last_seen": "EnableLastSeenTimestamp",
    "count": "EnableTagSeenCount",
    "rospec": "EnableROSpecID",
    "access": "EnableAccessSpecID",
}
_OF_THE_MEMORY = {"crc": "EnableCRC", "pc": "EnablePCBits"}
_OF_IMPINJ = {
    "phase": ("ImpinjEnableRFPhaseAngle", "RFPhaseAngleMode"),
    "fine_rssi": ("ImpinjEnablePeakRSSI", "PeakRSSIMode"),
    "doppler": ("ImpinjEnableRFDopplerFrequency", "RFDopplerFrequencyMode"),
}


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
    command = _inventory_command(config, found, impinj=impinj)
    inventory = {
        "InventoryParameterSpecID": 1,
        "ProtocolID": _C1G2,
        "AntennaConfiguration": [_antenna(one, command, found, current) for one in chosen],
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
        "ROReportSpec": _report(config, impinj=impinj),
    }


def _report(config: LlrpConfig, *, impinj: bool) -> dict[str, Any]:
    fields = REPORTED if config.report is None else config.report
    content: dict[str, Any] = {_SELECTED[name]: True for name in fields if name in _SELECTED}
    memory = {_OF_THE_MEMORY[name]: True for name in fields if name in _OF_THE_MEMORY}
    if memory:
        content["C1G2EPCMemorySelector"] = memory
    report: dict[str, Any] = {
        "ROReportTrigger": "Upon_N_Tags_Or_End_Of_AISpec",
        "N": config.report_every_n,
        "TagReportContentSelector": content,
    }
    extra = {
        parameter: {mode: 1}
        for name, (parameter, mode) in _OF_IMPINJ.items()
        if impinj and name in fields
    }
    if extra:
        report["ImpinjTagReportContentSelector"] = extra
    return report


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
        port, state = trigger.stop
        stop = {
            "ROSpecStopTriggerType": "GPI with timeout",
            "DurationTriggerValue": 0,
            "GPITriggerValue": {
                "GPIPortNum": port,
                "GPIEvent": state,
                "Timeout": round(trigger.timeout_s * 1000),
            },
        }
    return {"ROSpecStartTrigger": start, "ROSpecStopTrigger": stop}


def _inventory_command(config: LlrpConfig, found: Capabilities, *, impinj: bool) -> dict[str, Any]:
    """What all antennas do alike: Impinj's readers take nothing of it per antenna."""
    command: dict[str, Any] = {
        "TagInventoryStateAware": False,
        "C1G2SingulationControl": {
            "Session": config.session,
            "TagPopulation": config.tag_population,
            "TagTransitTime": config.tag_transit_ms,
        },
    }
    if config.filters:
        command["C1G2Filter"] = filter_parameters(config.filters)
    mode = chosen_mode(config.rf_mode, found)
    if mode is not None:
        command["C1G2RFControl"] = {"ModeIndex": mode.identifier, "Tari": config.tari_ns}
    if impinj and config.search_mode is not None:
        command["ImpinjInventorySearchMode"] = {"InventorySearchMode": config.search_mode}
    if impinj and config.impinj_frequencies_mhz:
        channels = [found.fixed_khz.index(round(mhz * 1000)) + 1
                    for mhz in config.impinj_frequencies_mhz]  # fmt: skip
        command["ImpinjFixedFrequencyList"] = {
            "FixedFrequencyMode": _CHANNEL_LIST, "ChannelList": channels,
        }  # fmt: skip
    return command


def _antenna(
    antenna: Antenna,
    command: dict[str, Any],
    found: Capabilities,
    current: Mapping[int, tuple[int, int]],
) -> dict[str, Any]:
    number = antenna.antenna
    settings: dict[str, Any] = {"AntennaID": number, "C1G2InventoryCommand": [command]}
    if antenna.rx_sensitivity_db is not None:
        index = found.sensitivity_index(number, antenna.rx_sensitivity_db)
        settings["RFReceiver"] = {"ReceiverSensitivity": index}
    if antenna.tx_power_dbm is not None:
        hop_table, channel = current.get(number, (found.hop_table, found.channel))
        settings["RFTransmitter"] = {
            "HopTableId": hop_table,
            "ChannelIndex": channel,
            "TransmitPower": found.power_index(antenna.tx_power_dbm),
        }
    return settings
