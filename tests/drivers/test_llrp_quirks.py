"""What is told of makers' readers is data: each with how it is known, and what is done about it."""

from __future__ import annotations

import pytest

from drivers.llrp.quirks import (
    IMPINJ,
    QUIRKS,
    R420,
    R700,
    XSPAN,
    ZEBRA,
    Effect,
    Quirk,
    effects,
    quirks_of,
)


@pytest.mark.parametrize("quirk", QUIRKS, ids=lambda quirk: quirk.what[:40])
def test_nothing_is_claimed_without_saying_how_it_is_known(quirk: Quirk) -> None:
    assert (quirk.source == "") == (quirk.evidence == "unverified")
    assert str(quirk).startswith(quirk.what)
    assert quirk.evidence in str(quirk)
    if quirk.effect is not None:  # what the driver does rests on more than hearsay
        assert quirk.evidence != "unverified"


def test_every_named_family_is_there_and_every_effect_has_its_quirk() -> None:
    makers = {quirk.maker for quirk in QUIRKS}
    assert makers == {"Impinj", "Zebra FX7500 and FX9600", "ThingMagic", "Feig"}
    assert {quirk.effect for quirk in QUIRKS} - {None} == set(Effect)


def test_a_quirk_of_one_model_is_not_told_of_another() -> None:
    told = {
        model: {quirk.what for quirk in quirks_of(IMPINJ, model)} for model in (R420, R700, XSPAN)
    }
    common = told[R420] & told[R700] & told[XSPAN]
    assert len(common) >= 8
    assert all(len(told[model] - common) >= 1 for model in told)
    assert told[R420] - told[R700]
    assert not quirks_of(99_999, R420)


def test_whose_it_is_can_be_read() -> None:
    assert {"Impinj", "Impinj R420", "Impinj R700", "Impinj xSpan", "Feig"} <= {
        quirk.whose for quirk in QUIRKS
    }


def test_another_maker_gets_nothing_of_impinjs() -> None:
    assert effects(IMPINJ, R420) == set(Effect)
    assert effects(ZEBRA, 1) == frozenset()
    assert len(quirks_of(ZEBRA, 1)) == 4
