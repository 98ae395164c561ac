"""What can be wrong with what people ask of access; texts are sentences for people."""

from __future__ import annotations


class AccessError(Exception):
    """Refused; ``status`` fits HTTP."""

    status = 409

    @property
    def headers(self) -> dict[str, str]:
        """What the answer says besides."""
        return {}


class NotFound(AccessError):
    """Nobody and nothing of this name is there."""

    status = 404


class NotValid(AccessError):
    """The request makes no sense as it stands."""

    status = 422


class NotYours(AccessError):
    """What was shown lets nobody in: wrong, used up, expired or taken back."""

    status = 401


class TooOften(AccessError):
    """Wait for ``wait_s`` seconds."""

    status = 429

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"too often: try again in {wait_s} seconds")
        self.wait_s = wait_s

    @property
    def headers(self) -> dict[str, str]:
        """When to come back (RFC 9110, 10.2.3)."""
        return {"retry-after": str(self.wait_s)}
