"""Words of alerts for people."""

from __future__ import annotations

from central.alerts.model import ChannelKind, Kind

__all__ = ["EXAMPLES", "HAPPENED", "KINDS", "WAYS"]

KINDS: dict[Kind, tuple[str, str]] = {
    Kind.LOW: ("Too little", "units"), Kind.OVER: ("Too much", "units"),
    Kind.EXPIRY: ("Expires soon", "days"), Kind.STILL: ("Does not move", "days"),
    Kind.UNEXPLAINED: ("Came or went unexplained", "units"),
    Kind.BACKORDER: ("Waited for", "units"), Kind.SHRINKAGE: ("Shrinks", "units"),
    Kind.IDLE: ("Quiet place", "hours"), Kind.DEVICE: ("Device is not well", ""),
    Kind.LATE: ("Late goods or order", "minutes"), Kind.REVIEW: ("Unanswered review", "minutes"),
    Kind.DISCREPANCY: ("Books and sensors differ", "units"),
    Kind.CALIBRATION: ("Scale to be calibrated", "days"),
}  # fmt: skip
"""What a rule watches for, and the unit of its limit."""
HAPPENED = {
    "raised": "Raised", "acknowledged": "Somebody sees to it", "snoozed": "Put to sleep",
    "woken": "Awake again, and still there", "escalated": "Escalated", "cleared": "Over",
}  # fmt: skip
WAYS: dict[ChannelKind, str] = {
    "email": "Mail",
    "webhook": "A program, by a webhook",
    "mqtt": "Programs, on central's broker",
    "apprise": "A service (ntfy, Slack, ...)",
}
"""By what a channel tells."""
EXAMPLES = {"webhook": "https://", "apprise": "ntfy://ntfy.example.com/dock-alerts"}
"""How addresses of these begin."""
