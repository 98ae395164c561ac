"""The parameters of an EPCIS query, by the names of the standard (EPCIS 2.0, 8.2.7.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AwareDatetime, Field, model_validator

from central.api.epcis.parameters import Sensed, us
from central.api.epcis.texts import Flag, Words, is_true, words
from central.epcis.model import Wanted
from central.epcis.sensing import COMPARED

__all__ = ["Asked"]

_PARTIES = ("location", "owning_party", "possessing_party")
Quantity = Annotated[float, Field(ge=0, le=1e15, allow_inf_nan=False)]
_SPELLED = {f"{how}_errorDeclaration_Time": f"{how}_errorDeclarationTime" for how in ("GE", "LT")}
"""As GS1's schema of queries writes two names, and as the standard's text does (8.2.7.1)."""


class Papers(Sensed):
    """Business transactions that are asked for, by the types of CBV 2.0, 7.3."""

    po: Words | None = Field(None, alias="EQ_bizTransaction_po")
    poc: Words | None = Field(None, alias="EQ_bizTransaction_poc")
    inv: Words | None = Field(None, alias="EQ_bizTransaction_inv")
    desadv: Words | None = Field(None, alias="EQ_bizTransaction_desadv")
    recadv: Words | None = Field(None, alias="EQ_bizTransaction_recadv")
    bol: Words | None = Field(None, alias="EQ_bizTransaction_bol")
    prodorder: Words | None = Field(None, alias="EQ_bizTransaction_prodorder")
    rma: Words | None = Field(None, alias="EQ_bizTransaction_rma")
    pedigree: Words | None = Field(None, alias="EQ_bizTransaction_pedigree")
    cert: Words | None = Field(None, alias="EQ_bizTransaction_cert")
    testprd: Words | None = Field(None, alias="EQ_bizTransaction_testprd")
    testres: Words | None = Field(None, alias="EQ_bizTransaction_testres")
    upevt: Words | None = Field(None, alias="EQ_bizTransaction_upevt")

    def papers(self) -> dict[str, tuple[str, ...]]:
        """Those that are asked for."""
        named = Papers.model_fields.keys() - Sensed.model_fields.keys()
        asked = {name: words(getattr(self, name)) for name in sorted(named)}
        return {name: uris for name, uris in asked.items() if uris}


class Parties(Papers):
    """Where goods come from and go to, by the types of CBV 2.0, 7.4."""

    source_location: Words | None = Field(None, alias="EQ_source_location")
    source_owning_party: Words | None = Field(None, alias="EQ_source_owning_party")
    source_possessing_party: Words | None = Field(None, alias="EQ_source_possessing_party")
    destination_location: Words | None = Field(None, alias="EQ_destination_location")
    destination_owning_party: Words | None = Field(None, alias="EQ_destination_owning_party")
    destination_possessing_party: Words | None = Field(
        None, alias="EQ_destination_possessing_party"
    )

    def parties(self, end: str) -> dict[str, tuple[str, ...]]:
        """Those of an end (``source``, ``destination``) that are asked for."""
        named = {kind: words(getattr(self, f"{end}_{kind}")) for kind in _PARTIES}
        return {kind: uris for kind, uris in named.items() if uris}


class Things(Parties):
    """What events are about, beside what is indexed."""

    event_id: Words | None = Field(None, alias="EQ_eventID")
    transformation: Words | None = Field(None, alias="EQ_transformationID")
    set_disposition: Words | None = Field(None, alias="EQ_persistentDisposition_set")
    unset_disposition: Words | None = Field(None, alias="EQ_persistentDisposition_unset")
    input_epc: Words | None = Field(None, alias="MATCH_inputEPC")
    output_epc: Words | None = Field(None, alias="MATCH_outputEPC")
    input_class: Words | None = Field(None, alias="MATCH_inputEPCClass")
    output_class: Words | None = Field(None, alias="MATCH_outputEPCClass")
    any_class: Words | None = Field(None, alias="MATCH_anyEPCClass")
    within_read_point: Words | None = Field(None, alias="WD_readPoint")
    within_biz_location: Words | None = Field(None, alias="WD_bizLocation")
    eq_quantity: Quantity | None = Field(None, alias="EQ_quantity")
    gt_quantity: Quantity | None = Field(None, alias="GT_quantity")
    ge_quantity: Quantity | None = Field(None, alias="GE_quantity")
    lt_quantity: Quantity | None = Field(None, alias="LT_quantity")
    le_quantity: Quantity | None = Field(None, alias="LE_quantity")

    def quantities(self) -> tuple[tuple[str, float], ...]:
        """How quantities are to compare, and with what."""
        asked = ((how, getattr(self, f"{how.lower()}_quantity")) for how in COMPARED)
        return tuple((how, than) for how, than in asked if than is not None)


class Asked(Things):
    """The query's parameters, by the standard's names: one that is not known is refused."""

    event_type: Words | None = Field(None, alias="eventType")
    ge_event: AwareDatetime | None = Field(None, alias="GE_eventTime")
    lt_event: AwareDatetime | None = Field(None, alias="LT_eventTime")
    ge_record: AwareDatetime | None = Field(None, alias="GE_recordTime")
    lt_record: AwareDatetime | None = Field(None, alias="LT_recordTime")
    biz_step: Words | None = Field(None, alias="EQ_bizStep")
    disposition: Words | None = Field(None, alias="EQ_disposition")
    read_point: Words | None = Field(None, alias="EQ_readPoint")
    biz_location: Words | None = Field(None, alias="EQ_bizLocation")
    epc: Words | None = Field(None, alias="MATCH_epc")
    any_epc: Words | None = Field(None, alias="MATCH_anyEPC")
    epc_class: Words | None = Field(None, alias="MATCH_epcClass")
    parent: Words | None = Field(None, alias="MATCH_parentID")
    action: Words | None = Field(None, alias="EQ_action")
    declared: Flag | None = Field(None, alias="EXISTS_errorDeclaration")
    ge_declared: AwareDatetime | None = Field(None, alias="GE_errorDeclarationTime")
    lt_declared: AwareDatetime | None = Field(None, alias="LT_errorDeclarationTime")
    error_reason: Words | None = Field(None, alias="EQ_errorReason")
    corrective: Words | None = Field(None, alias="EQ_correctiveEventID")
    per_page: Annotated[int, Field(ge=1, le=500)] = Field(30, alias="perPage")
    token: Annotated[str, Field(max_length=200)] | None = Field(None, alias="nextPageToken")

    @model_validator(mode="before")
    @classmethod
    def _spelled_alike(cls, said: object) -> object:
        if not isinstance(said, Mapping):
            return said
        return {_SPELLED.get(name, name): value for name, value in said.items()}

    def wanted(self, prefixes: Mapping[str, str]) -> Wanted:
        """What is asked for; ``prefixes`` are those that whoever asks defines. Raises ``Problem``
        for values that cannot be asked for.
        """
        extended = self.extended(prefixes)
        return Wanted(
            added=extended.added,
            typed=extended.typed,
            attributes=extended.attributes,
            types=words(self.event_type),
            ge_event_us=us(self.ge_event),
            lt_event_us=us(self.lt_event),
            ge_record_us=us(self.ge_record),
            lt_record_us=us(self.lt_record),
            biz_steps=words(self.biz_step),
            dispositions=words(self.disposition),
            read_points=words(self.read_point),
            biz_locations=words(self.biz_location),
            epcs=words(self.epc),
            any_epcs=words(self.any_epc),
            classes=words(self.epc_class),
            declared=is_true(self.declared),
            ge_declared_us=us(self.ge_declared),
            lt_declared_us=us(self.lt_declared),
            error_reasons=words(self.error_reason),
            correctives=words(self.corrective),
            actions=words(self.action),
            parents=words(self.parent),
            papers=self.papers(),
            sources=self.parties("source"),
            destinations=self.parties("destination"),
            quantities=self.quantities(),
            measures=self.measures(),
            sensed=is_true(self.sensed),
            reported=self.reported(),
            reported_at=self.reported_at(),
            order=self.order(prefixes),
            most=self.max_count,
            event_ids=words(self.event_id),
            transformations=words(self.transformation),
            set_dispositions=words(self.set_disposition),
            unset_dispositions=words(self.unset_disposition),
            input_epcs=words(self.input_epc),
            output_epcs=words(self.output_epc),
            input_classes=words(self.input_class),
            output_classes=words(self.output_class),
            any_classes=words(self.any_class),
            within_read_points=words(self.within_read_point),
            within_biz_locations=words(self.within_biz_location),
        )
