"""Why a device stopped, said so that the supervisor and a technician know what to do.

DeviceError                     ``hint`` for the technician, ``retry`` for the supervisor
 +- DeviceUnavailable  (retry)  port missing, refused, timeout, silent, busy (names the holder)
 +- DeviceRefused      (stop)   wrong ROSpec, unsupported model, setting outside the device's table
 +- FrameError         (skip)   bytes make no sense: counted, resynchronised, never ends a driver
"""

from __future__ import annotations

from typing import ClassVar


class DeviceError(Exception):
    """A device cannot do what was asked; ``hint`` says what a person can do about it."""

    retry: ClassVar[bool] = True

    def __init__(self, what: str, *, hint: str = "") -> None:
        super().__init__(what)
        self.hint = hint


class DeviceUnavailable(DeviceError):
    """The device cannot be reached now; trying again later makes sense."""


class DeviceRefused(DeviceError):
    """The device answered, and said no; trying again without a change is pointless."""

    retry: ClassVar[bool] = False


class FrameError(DeviceError):
    """Bytes that make no sense, at ``offset`` of the stream; decoding goes on after them."""

    def __init__(self, what: str, *, offset: int, frame: bytes = b"", hint: str = "") -> None:
        super().__init__(what, hint=hint)
        self.offset = offset
        self.frame = frame
