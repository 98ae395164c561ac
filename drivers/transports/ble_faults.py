"""What goes wrong with Bluetooth, in words for a technician.

bleak raises its own errors, those of D-Bus, and bare ``OSError``. It is imported only where
Bluetooth is used: an edge without a Bluetooth device needs no bleak.
"""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from drivers.errors import DeviceRefused, DeviceUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

_START = (
    "Install BlueZ (package bluez) and start it: systemctl enable --now bluetooth. "
    "A container must be given the system's D-Bus socket."
)
_RESTART = "Start it anew: systemctl restart bluetooth. If that fails, unplug the adapter."
_SWITCH_ON = "Switch it on: bluetoothctl power on. If that fails: rfkill unblock bluetooth."
_OTHERS = (
    "Does another program on this computer use Bluetooth? One agent must have the adapter for "
    "itself. Wi-Fi on the same chip disturbs, too: a Bluetooth dongle on a USB cable helps."
)
_NO_BLUEZ = {
    "org.freedesktop.DBus.Error.ServiceUnknown",
    "org.freedesktop.DBus.Error.NameHasNoOwner",
    "org.freedesktop.DBus.Error.Spawn.ServiceNotFound",
}


def bleak() -> Any:  # noqa: ANN401 - the module, imported when it is needed
    """The bleak package. Raises ``DeviceRefused`` where it is not installed."""
    try:
        return import_module("bleak")
    except ImportError as error:
        raise DeviceRefused(
            f"Bluetooth devices need a package that is not installed: {error}.",
            hint='Install it beside Tallyport: pip install "tallyport[ble]"',
        ) from error


def faults() -> tuple[type[Exception], ...]:
    """All that bleak raises when Bluetooth, or a device, does not do what it should."""
    errors: list[type[Exception]] = [bleak().exc.BleakError, OSError, EOFError]
    with suppress(ImportError):  # no Linux: bleak comes without it
        errors.append(import_module("dbus_fast.errors").DBusFastError)
    return tuple(errors)


def radio_fault(error: Exception, adapter: str | None) -> DeviceUnavailable:
    """Why the adapter cannot be used."""
    which = f"The Bluetooth adapter {adapter}" if adapter else "Bluetooth"
    exc = bleak().exc
    if isinstance(error, exc.BleakBluetoothNotAvailableError):
        return _not_available(error.reason.name, str(error.args[0]))
    if isinstance(error, exc.BleakDBusError) and error.dbus_error in _NO_BLUEZ:
        return DeviceUnavailable("Bluetooth is not available: BlueZ does not run.", hint=_START)
    if isinstance(error, exc.BleakDBusError) and error.dbus_error == "org.bluez.Error.NotReady":
        return DeviceUnavailable(f"{which} is switched off.", hint=_SWITCH_ON)
    if not isinstance(error, exc.BleakError):
        return _no_answer(error)
    if adapter and "not found" in str(error):
        return DeviceUnavailable(
            f"There is no Bluetooth adapter {adapter}.",
            hint="bluetoothctl list shows those that this computer has.",
        )
    return DeviceUnavailable(f"{which} cannot be used: {error}.", hint=_OTHERS)


def _no_answer(error: Exception) -> DeviceUnavailable:
    if isinstance(error, TimeoutError):
        return DeviceUnavailable("Bluetooth does not answer: BlueZ hangs.", hint=_RESTART)
    return DeviceUnavailable(
        f"Bluetooth is not available: this computer's D-Bus cannot be reached ({error}).",
        hint=_START,
    )


def _not_available(reason: str, message: str) -> DeviceUnavailable:
    if reason == "POWERED_OFF":
        return DeviceUnavailable("The Bluetooth adapter is switched off.", hint=_SWITCH_ON)
    if reason.startswith("DENIED"):
        return DeviceUnavailable(
            f"Bluetooth is not available: permission was denied ({message}).",
            hint="Put the agent's user into the group bluetooth, and restart the agent.",
        )
    if reason == "NO_BLE_CENTRAL_ROLE":
        return DeviceUnavailable(
            "The Bluetooth adapter knows no Bluetooth Low Energy.",
            hint="Plug in a dongle with Bluetooth 4.0 or later.",
        )
    return DeviceUnavailable(
        f"This computer has no Bluetooth adapter ({message}).",
        hint="Plug in a Bluetooth dongle, or switch Bluetooth on in the computer's set-up.",
    )


def link_fault(where: str, error: Exception) -> DeviceUnavailable:
    """Why a device that was seen cannot be connected to, or talked to."""
    exc = bleak().exc
    if isinstance(error, exc.BleakDeviceNotFoundError):
        return DeviceUnavailable(
            f"{where} went away before it could be connected.",
            hint="Is it near enough, and its battery full?",
        )
    if isinstance(error, exc.BleakGATTProtocolError):
        return DeviceUnavailable(
            f"{where} refused what it was asked: {error}.",
            hint="If it asks for pairing, pair it once: bluetoothctl pair, then trust.",
        )
    if isinstance(error, TimeoutError):
        return DeviceUnavailable(
            f"{where} does not answer.",
            hint="Is a telephone or another computer connected to it? It takes one at a time.",
        )
    if isinstance(error, exc.BleakError):
        return DeviceUnavailable(f"{where} cannot be connected: {error}.", hint=_OTHERS)
    return radio_fault(error, None)


def away(where: str, waited_s: float, heard: Iterable[str]) -> DeviceUnavailable:
    """Nobody of this address or name was heard; ``heard`` names who was."""
    names = sorted(heard)
    nearby = f" Heard instead: {', '.join(names)}." if names else " Nothing at all was heard."
    return DeviceUnavailable(
        f"{where} was not heard within {waited_s:g} s.",
        hint="Is it switched on and awake, near enough, and is no telephone connected to it? A "
        f"connected device cannot be found.{nearby}",
    )


def wrong_device(where: str, wanted: str, offers: Iterable[str]) -> DeviceRefused:
    """The device has not the services that its kind needs."""
    there = ", ".join(sorted(offers)) or "nothing"
    return DeviceRefused(
        f"{where} is no {wanted}: it offers {there}.",
        hint="Is the address right, and the driver the one for this device?",
    )
