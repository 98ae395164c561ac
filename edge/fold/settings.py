"""How readings are folded: the ``[fold]`` table of an edge's settings, or one device's own."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class FoldSettings(BaseModel):
    """Every field has a unit in its name; the defaults suit a dock door and a shop shelf."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sighting_ms: int = Field(default=100, ge=10, le=1_000)
    """Reads of one tag on one antenna within this time are one sighting."""
    resident_after_s: float = Field(default=10.0, ge=1, le=600)
    """A tag heard unchanged for so long is summarised as a resident."""
    resident_every_s: float = Field(default=10.0, ge=1, le=600)
    resident_gap_s: float = Field(default=5.0, ge=0.5, le=60)
    """A pause longer than this ends a tag's steadiness."""
    steady_db: float = Field(default=3.0, gt=0, le=20)
    leave_db: float = Field(default=6.0, gt=0, le=40)
    max_tags: int = Field(default=20_000, ge=100, le=1_000_000)
    gate: Literal["quiet", "gpi", "both", "off"] = "both"
    """What opens and closes gate windows: fresh tags and silence, a photo-eye on an input of
    the reader, both (an input holds the window open where there is one), or nothing."""
    gpi_port: int = Field(default=1, ge=1, le=8)
    gpi_active: bool = True
    """Level of the input while something stands in the gate."""
    gpi_settle_s: float = Field(default=0.5, ge=0, le=10)
    beam_free_s: float = Field(default=0.2, ge=0.05, le=10)
    """A photo-eye's beam free for less is still dark: a pallet's feet, a trembling eye."""
    quiet_s: float = Field(default=1.5, ge=0.2, le=60)
    limit_s: float = Field(default=30.0, ge=1, le=600)
    settle_s: float = Field(default=0.6, ge=0.1, le=10)
    """A weight is at rest when its means agreed, as its plate's own noise allows, for so long."""
    min_change_g: float = Field(default=0.3, gt=0, le=10_000)
    """Smaller changes are never events; larger ones are where they exceed a plate's own noise."""
    held_s: float = Field(default=10.0, ge=1, le=600)
    """Disturbed for so long without a rest: a hand lies on the plate, or something blocks it."""
    repeat_s: float = Field(default=60.0, ge=5, le=3_600)
    """A level at rest is said again so often."""
    tare_g: float | None = None
    """Known tare of a scale that sends net weights: gross = net + tare. Without it a net
    weight is taken as it was sent; differences, which are what judging uses, are the same."""
    repeat_scan_s: float = Field(default=0.5, ge=0, le=10)
    """The same code again within this time is the same scan."""
