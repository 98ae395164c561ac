"""The settings of labels and of the printers for them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["LabelsSection", "PrinterSection"]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class LabelsSection(_Section):
    """Labels. ``templates`` is a folder of one's own (``NAME.toml``), beside those that come with
    Tallyport. ``company_prefixes`` are those of GS1 that keys in tags begin with, besides
    ``[orders] company_prefix``, ``first_serial`` the least serial that a tag is given.
    ``link_origin`` is where GS1 Digital Links lead to; ``font`` and ``font_bold`` are TrueType
    files for letters that the own ones lack. Jobs are kept for ``keep_days``.
    """

    templates: Path | None = None
    company_prefixes: tuple[Annotated[str, Field(pattern=r"^\d{6,12}$")], ...] = ()
    first_serial: Annotated[int, Field(ge=1, lt=2**38)] = 1
    link_origin: str = Field(default="https://id.gs1.org", pattern=r"^https?://[^\s?#]*[^\s/?#]$")
    font: Path | None = None
    font_bold: Path | None = None
    keep_days: Annotated[int, Field(ge=1, le=3_650)] = 30

    @model_validator(mode="after")
    def _there(self) -> LabelsSection:
        if (self.font is None) != (self.font_bold is None):
            raise ValueError("font and font_bold belong together: give both or neither")
        lacking = [str(one) for one in (self.font, self.font_bold) if one and not one.is_file()]
        if lacking:
            raise ValueError(f"there is no file {' and no file '.join(lacking)}")
        return self


class PrinterSection(_Section):
    """A printer of labels that takes them over TCP (port 9100): ``speaks`` ZPL, or PDF.

    ``place`` is the location where it stands: who was granted some places uses the printers there;
    one without a place is for who was granted printing everywhere. ``rfid``: it writes tags.
    ``status``: it answers ``~HS``, as Zebra's do.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    host: str = Field(pattern=r"^\S{1,253}$")
    port: Annotated[int, Field(ge=1, le=65535)] = 9100
    speaks: Literal["zpl", "pdf"] = "zpl"
    dpi: Literal[203, 300, 600] = 203
    rfid: bool = False
    status: bool = True
    place: Annotated[str, Field(max_length=64)] = ""

    @model_validator(mode="after")
    def _able(self) -> PrinterSection:
        if self.rfid and self.speaks != "zpl":
            raise ValueError('tags are written by printers that speak ZPL: speaks = "zpl"')
        return self

    @property
    def asks_status(self) -> bool:
        """Whether it can be asked how it is."""
        return self.status and self.speaks == "zpl"
