"""What each kind of device is, for people: families, connection, protocol, emulator, quirks.

Beside ``drivers.registry``, which says where a kind's driver is. From both, from the samples in
``firmware_configs`` and from what the tests prove, ``python -m benchmarks.devices`` writes
``docs/devices.md``. Every kind of the registry has an entry here.
"""

from __future__ import annotations

from dataclasses import dataclass

from drivers.llrp.quirks import QUIRKS
from drivers.scales.protocols import PROTOCOLS

LINE = "serial, USB, TCP, MQTT bridge, Bluetooth bridge"
"""What ``drivers.transports.transport`` carries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A run on real hardware. ``recording`` is the file in ``tests/captures/<kind>``."""

    hardware: str
    firmware: str
    recording: str


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """One kind. ``emulator`` is ``module:Class``; ``quirks`` are sentences for a technician."""

    families: str
    protocol: str
    emulator: str
    connection: str = LINE
    quirks: tuple[str, ...] = ()
    verified: tuple[Verified, ...] = ()


def _indicator(kind: str, families: str, *quirks: str) -> tuple[str, About]:
    """A scale of the table of protocols: one driver and one emulator for all of them."""
    return kind, About(
        families=families,
        protocol=PROTOCOLS[kind].title,
        emulator="drivers.emulators.indicator:EmulatedIndicator",
        quirks=quirks,
    )


def _bluetooth(
    families: str, protocol: str, *quirks: str, connection: str = "Bluetooth LE, connected"
) -> About:
    """A scale with Bluetooth of its own."""
    return About(
        families=families,
        protocol=protocol,
        connection=connection,
        emulator="drivers.emulators.ble_scale:EmulatedBleScale",
        quirks=(*quirks, "Never run with a real adapter by us: tested over a virtual one."),
    )


_NO_UNIT = "No unit is sent: set unit, or what is told is a guess."
_CLONES = "Clones differ in the width of the figure and in their ends of lines; both are accepted."

ABOUT: dict[str, About] = {
    "llrp": About(
        families="RFID readers with LLRP 1.0.1: Impinj Speedway and R700, Zebra FX7500 and "
        "FX9600, and others",
        protocol="EPCglobal LLRP 1.0.1",
        connection="TCP (port 5084) or TLS (5085), dialled or dialling in",
        emulator="drivers.emulators.llrp_reader:EmulatedReader",
        quirks=(
            "A reader takes one client. A client that died without a good-bye keeps the next one "
            "out until the reader misses its keepalives.",
            "An Impinj R700 with firmware 8.2 or later is shipped with its own interface on, and "
            "LLRP off: see `firmware_configs/impinj/r700.md`.",
            *(f"{one.whose}: {one}." for one in QUIRKS),
        ),
    ),
    "mt-sics": About(
        families="Scales with MT-SICS level 0: Mettler-Toledo, Kern (KCP), OHAUS (after `PSI`), "
        "clones",
        protocol="Mettler-Toledo Standard Interface Command Set (MT-SICS)",
        emulator="drivers.emulators.mtsics_scale:EmulatedScale",
        quirks=("Small scales do not know SIR: the driver says so; set command = SI.",),
    ),
    "modbus-rtu": About(
        families="Weighing transmitters with Modbus-RTU, by a register map in the settings",
        protocol="Modbus-RTU, functions 3 and 4 to read, by pymodbus",
        connection="serial (RS-485), or RTU carried over TCP",
        emulator="drivers.emulators.transmitter:EmulatedTransmitter",
        quirks=(
            "Manuals that count from 40001 mean address 0.",
            "Written is only what the map names as a command, by `tallyport edge tell` alone.",
        ),
    ),
    "modbus-tcp": About(
        families="Weighing transmitters with Modbus-TCP, by a register map in the settings",
        protocol="Modbus-TCP, functions 3 and 4 to read, by pymodbus",
        connection="TCP, port 502",
        emulator="drivers.emulators.transmitter:EmulatedTransmitter",
        quirks=(
            "Manuals that count from 40001 mean address 0.",
            "Written is only what the map names as a command, by `tallyport edge tell` alone.",
        ),
    ),
    "scale-pattern": About(
        families="Any other scale that sends lines: a pattern with named groups, learned from "
        "three lines by `tallyport edge learn`",
        protocol="lines of text that fit a pattern",
        emulator="drivers.emulators.indicator:EmulatedIndicator",
        quirks=("A pattern without groups for it says nothing of stability.",),
    ),
    "load-cell-mqtt": About(
        families="Load cells with an ESPHome node: HX711 and NAU7802 on an ESP32",
        protocol="JSON messages of raw counts, `firmware_configs/esphome/README.md`",
        connection="MQTT",
        emulator="drivers.emulators.load_cell_node:EmulatedMqttNode",
        quirks=(
            "What a node says while nobody listens is gone: put the broker near it.",
            "ESPHome retains what it publishes unless told otherwise. Retained messages are old "
            "weights, and are passed over.",
            "Without [devices.calibration] there are raw counts, and never grams.",
        ),
    ),
    "load-cell-serial": About(
        families="Load cells with an Arduino node or an ESPHome node on a cable: HX711",
        protocol="TP1 lines of raw counts, `firmware_configs/arduino/tp1-serial.md`",
        emulator="drivers.emulators.load_cell_node:EmulatedSerialNode",
        quirks=(
            "An Arduino starts anew when its port is opened, and is silent for some two seconds.",
            "Without [devices.calibration] there are raw counts, and never grams.",
        ),
    ),
    "ble-acaia": _bluetooth(
        "Acaia scales: Pearl, Lunar, Pyxis, Cinco",
        "Acaia's messages, as programs of others have found them out",
        "The scale hangs up without heartbeats; the driver sends them.",
        "It switches itself off unless its menu forbids that.",
    ),
    "ble-bthome": _bluetooth(
        "Load cells and other devices that advertise a mass as BTHome v2",
        "BTHome v2, unencrypted",
        "It steps by 10 g, and anybody near can forge it.",
        "An advertisement that does not change may be passed on only once in a while: let the "
        "device count its packets.",
        connection="Bluetooth LE, advertisements",
    ),
    "ble-decent": _bluetooth(
        "Decent Scale, Half Decent Scale",
        "Decent's published API, of 7 and of 10 bytes",
        "Old firmware drops a command at times: each is sent twice.",
        "Public descriptions disagree on the check of the 10 bytes: both ways are accepted.",
    ),
    "ble-weight-scale": _bluetooth(
        "Body scales, and others with the standard service",
        "Weight Scale Service (181D), Weight Measurement (2A9D)",
        "It steps by 5 g. Many such scales sleep between weighings, and then count as away.",
    ),
    "ble-xiaomi": _bluetooth(
        "Mi Smart Scale, Mi Body Composition Scale",
        "Xiaomi's 10 and 13 bytes of service data",
        "A weight that was taken off is told as busy. While nobody weighs, the scale sleeps.",
        connection="Bluetooth LE, advertisements or connected",
    ),
    "scanner": About(
        families="Barcode scanners as USB-CDC (virtual COM port) or RS-232, or with a network "
        "socket: Zebra, Honeywell, Datalogic, and others",
        protocol="lines of text with AIM identifiers (ISO/IEC 15424)",
        emulator="drivers.emulators.scanner:EmulatedScanner",
        quirks=(
            "Without AIM identifiers a GS1 code is guessed from its digits: see the sheets in "
            "`firmware_configs/scanners`.",
            "Datalogic scanners send UPC-A and UPC-E as EAN-13 when AIM identifiers are on.",
        ),
    ),
    "scanner-hid": About(
        families='Barcode scanners that are keyboards (USB HID, "keyboard wedge"), with a layout '
        "or in ALT mode; grabbed through evdev",
        protocol="the kernel's input events",
        connection="USB",
        emulator="drivers.emulators.keyboard_scanner:EmulatedKeyboardScanner",
        quirks=(
            "The layout must be the scanner's own, not the computer's.",
            "Not yet run on a kernel's own input device.",
        ),
    ),
} | dict(
    (
        _indicator(
            "and-standard",
            "A&D EK, EJ and GC series, and others with the A&D standard format",
            "The overload frame is full of nines: it is told as overload, never as a weight.",
        ),
        _indicator("cas-22", "CAS CI and NT series indicators, with the 22-byte format"),
        _indicator("cas-enq", "CAS scales for tills, asked with ENQ"),
        _indicator(
            "dibal-epos-tisa",
            "Dibal scales for tills (G-310) with the protocol EPOS TISA",
            "Two public descriptions of its check character disagree; the one that fits the "
            "published frames is used.",
        ),
        _indicator("dini-argeo", "Dini Argeo indicators that answer READ"),
        _indicator(
            "mt-continuous",
            "Mettler-Toledo and Toledo terminals (Wildcat, IND), Kern FTC, Liden, and many clones "
            "in continuous mode, without a check character",
            "Some clones send a decimal point within the digits; it wins over the status word.",
        ),
        _indicator(
            "mt-continuous-checksum",
            "Mettler-Toledo and Toledo terminals (Wildcat, IND), Rockwell converters in "
            "continuous mode, with a check character",
        ),
        _indicator("nci-scp01", "Avery Weigh-Tronix, Brecknell, Salter: NCI, SCP-01"),
        _indicator(
            "ohaus-print", "OHAUS balances and scales with the standard print format on RS232"
        ),
        _indicator("ohaus-ranger", "OHAUS Ranger scales, whose print format tells net and gross"),
        _indicator("radwag", "Radwag balances and scales: PS series and others"),
        _indicator(
            "sartorius-sbi",
            "Sartorius and Minebea balances with SBI: LE, EB and others",
            "A blank unit means that the weight is not stable.",
        ),
        _indicator(
            "sma",
            "Fairbanks, and Sartorius and Minebea process indicators: SMA SCP-0499, the protocol "
            "of the Scale Manufacturers Association",
        ),
        _indicator(
            "st-gs",
            "CAS CI, Yaohua, weighbridge indicators, USR converters, and very many clones that "
            "send lines like ST,GS,+012340kg",
            _CLONES,
        ),
        _indicator(
            "toledo-8217",
            "Scales at tills: Mettler-Toledo DIVA and Ariva, Magellan scanner scales, and others "
            "in their 8217 mode",
            _NO_UNIT,
            "Some tell a weight once, and from then on only that nothing changed.",
        ),
    )
)
