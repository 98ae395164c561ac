"""Where labels are made: what is known of things, into a template, into a document."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from central.catalogue.changes import Told
from central.catalogue.tags import Binding
from central.config import CentralSettings
from central.labels import subjects
from central.labels.drawing import Drawing, draw
from central.labels.letters import OWN, Faces
from central.labels.model import Dpi, Form, Kind, Label, LabelRefused, Printed, Subject
from central.labels.numbers import SSCC, allot, claim
from central.labels.pdf import as_pdf, as_sheets
from central.labels.shelf import Shelf
from central.labels.tags import epc_of, own_serial, scope_of, with_tag
from central.labels.zpl import as_zpl
from central.orders.packing import Numbers

__all__ = ["MOST_LABELS", "Gathered", "LabelDesk", "Wish"]

MOST_LABELS = 1_000
"""Of one request."""


class Wish(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Labels that somebody wants: of ``subjects``, or of the places of ``types`` ``within`` one.
    With ``tags`` their chips are written, and stand for the goods if ``bind``. ``sheet``: many on
    a page, the first ``skip`` places left empty.
    """

    kind: Kind
    template: str = ""
    subjects: tuple[Subject, ...] = ()
    within: str = ""
    types: tuple[str, ...] = ()
    copies: int = 1
    tags: bool = False
    bind: bool = False
    sheet: bool = False
    skip: int = 0

    @property
    def gives_numbers(self) -> bool:
        """Whether something is written into the books for it."""
        return self.tags or (self.kind == "logistic" and any(not one.sscc for one in self.subjects))


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """Labels with all that they show, and what their tags are to stand for."""

    labels: tuple[Label, ...]
    bindings: tuple[Binding, ...] = ()


class LabelDesk:
    """Makes labels by the settings. Raises ``ConfigError`` with all that is wrong with templates.

    Gathering takes a transaction of the caller's, one that may write where a wish gives numbers;
    drawing needs none.
    """

    def __init__(self, settings: CentralSettings) -> None:
        rules, orders = settings.labels, settings.orders
        self.shelf = Shelf(rules.templates)
        self.printers = {one.name: one for one in settings.printers}
        self._glns = settings.epcis.locations
        self._ssccs = Numbers(company_prefix=orders.company_prefix, extension=orders.sscc_extension)
        prefixes = {*rules.company_prefixes, orders.company_prefix} - {""}
        self._prefixes = frozenset(one for one in prefixes if len(one) >= 6)
        self._first_serial = rules.first_serial
        self._origin = rules.link_origin
        self._faces = OWN
        if rules.font is not None and rules.font_bold is not None:
            self._faces = Faces(rules.font, rules.font_bold)

    def gather(self, conn: Connection, wish: Wish, command: str, told: Told) -> Gathered:
        """What the labels show. ``command`` again gives the same numbers. Raises ``LabelRefused``,
        and what the slices raise that own the things.
        """
        self.shelf.template(wish.kind, wish.template)
        wanted = wish.subjects
        if wish.within:
            if wish.kind != "place":
                raise LabelRefused("`within` is for labels of places")
            wanted += tuple(subjects.places_within(conn, wish.within, wish.types))
        if not wanted:
            raise LabelRefused("say what the labels are of (`labels`, or `within` for places)")
        if len(wanted) * wish.copies > MOST_LABELS:
            raise LabelRefused(f"{MOST_LABELS} labels at a time, not {len(wanted) * wish.copies}")
        if wish.kind == "logistic":
            wanted = self._numbered(conn, wanted, command, told)
        found = [subjects.fields_of(conn, wish.kind, one, self._glns) for one in wanted]
        if not wish.tags:
            if wish.bind:
                raise LabelRefused("`bind` is for labels with tags (`rfid`)")
            each = (Label(fields=fields) for fields in found)
            return Gathered(labels=tuple(one for one in each for _ in range(wish.copies)))
        return self._tagged(conn, wish, found, command, told)

    def _numbered(
        self, conn: Connection, wanted: tuple[Subject, ...], command: str, told: Told
    ) -> tuple[Subject, ...]:
        """Those without an SSCC get one."""
        fresh = [SSCC for one in wanted if not one.sscc]
        given = iter(self._allot(conn, command, fresh, told))
        return tuple(
            one if one.sscc else msgspec.structs.replace(one, sscc=f"{next(given):018}")
            for one in wanted
        )

    def _allot(self, conn: Connection, command: str, scopes: list[str], told: Told) -> list[int]:
        if not scopes:
            return []
        return allot(conn, command, scopes, self._ssccs, self._first_serial, told)

    def _tagged(
        self,
        conn: Connection,
        wish: Wish,
        found: list[dict[str, str]],
        command: str,
        told: Told,
    ) -> Gathered:
        each = [fields for fields in found for _ in range(wish.copies)]
        scopes = [scope_of(wish.kind, fields) for fields in each]
        if wish.copies > 1 and not all(scopes):
            raise LabelRefused(
                "copies of this label would be two tags with the same EPC: print one with a tag, "
                "and copies without"
            )
        wanted = [scope for scope in scopes if scope]
        given = iter(self._allot(conn, command, wanted, told))
        labels, bindings = [], []
        for fields, scope in zip(each, scopes, strict=True):
            serial = str(next(given)) if scope else ""
            epc = epc_of(wish.kind, fields, serial, self._prefixes)
            if own := own_serial(epc, scope):
                claim(conn, *own, told)
            labels.append(Label(fields=with_tag(fields, epc), epc=epc))
            if wish.bind:
                bindings.append(_binding(wish.kind, fields, epc))
        return Gathered(labels=tuple(labels), bindings=tuple(bindings))

    def render(self, wish: Wish, gathered: Gathered, form: Form, dpi: Dpi) -> Printed:
        """The document. Takes a while: not for the event loop. Raises ``LabelRefused``."""
        template = self.shelf.template(wish.kind, wish.template)
        drawings: list[Drawing] = []
        before: Label | None = None
        for one in gathered.labels:
            if one is before:  # a copy
                drawings.append(drawings[-1])
                continue
            before = one
            drawings.append(
                draw(
                    template, one.fields, dpi,
                    faces=self._faces, link_origin=self._origin, epc=one.epc,
                )
            )  # fmt: skip
        if form == "zpl":
            if wish.sheet:
                raise LabelRefused("sheets are for PDF: a label printer's labels come one by one")
            return Printed(as_zpl(drawings, self._faces), form, len(drawings))
        if not wish.sheet:
            return Printed(as_pdf(drawings, self._faces), form, len(drawings))
        if template.sheet is None:
            fit = [name for name, one in self.shelf.templates.items()
                   if one.sheet and one.kind == wish.kind]  # fmt: skip
            raise LabelRefused(
                f"template {wish.template or wish.kind} has no [sheet]; of its kind there "
                f"{'is ' + ', '.join(sorted(fit)) if fit else 'is none that has'}"
            )
        size_mm = (template.width_mm, template.height_mm)
        content = as_sheets(drawings, template.sheet, size_mm, self._faces, wish.skip)
        return Printed(content, form, len(drawings))


def _binding(kind: Kind, fields: dict[str, str], epc: str) -> Binding:
    if kind not in {"item", "lot", "serial"}:
        raise LabelRefused(f"a tag on a {kind} stands for no item: leave `bind` out")
    units = 1 if kind == "serial" else int(fields["quantity"])
    return Binding(
        epc=epc, sku=fields["sku"], quantity=units, lot=fields.get("lot", ""),
        serial=fields["serial"] if kind == "serial" else "",
    )  # fmt: skip
