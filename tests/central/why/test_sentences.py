"""A story in sentences: what a person reads before any number."""

from __future__ import annotations

from central.reconcile.verdict import Stage
from central.why.sentences import told
from central.why.story import Story, Versions


def story(*stages: tuple[str, dict[str, object]], **more: object) -> Story:
    fields: dict[str, object] = {
        "kind": "movement",
        "id": "movement-1",
        "log_id": 7,
        "stages": tuple(Stage(name=name, facts=facts) for name, facts in stages),
        "observations": (),
        "posted": (),
    }
    return Story(**fields | more)  # type: ignore[arg-type]


def test_a_weight_is_told_in_pieces() -> None:
    weight = {
        "plate": 3, "before_mg": 412_400, "after_mg": 383_600, "unit_mg": 3_200, "residual_mg": 120,
    }  # fmt: skip
    assert told(story(("weight", dict(weight)))) == [
        "The weight on plate 3 went from 412.4 g to 383.6 g (-28.8 g).",
        "A piece weighs 3.20 g, so that is -9.00 pieces; 0.12 g are left over.",
    ]


def test_of_many_tags_the_least_sure_is_told_and_what_did_not_count_has_a_reason() -> None:
    columns = ["epc", "reads outside", "reads inside", "peak_rssi_dbm", "company", "crossed"]
    rows: list[list[object]] = [
        [f"3034AA0{n}", 9, 8, -50.0, -1.5 if n == 0 else 2.0, crossed]
        for n, crossed in enumerate((0.31, 0.97, 0.999, 0.98))
    ]
    tags: dict[str, object] = {f"3034AA0{n}": ["in", "crossed"] for n in (1, 2, 3)}
    tags["3034AA00"] = ["none", "in doubt"]
    decision = {
        "decision": "moved", "direction": "in", "tags": tags,
        "thresholds": {"CROSSED_AT": 0.5, "SURE_TAG": 0.9},
    }  # fmt: skip
    said = told(
        story(
            ("tags", {"columns": columns, "rows": rows}),
            ("decision", dict(decision)),
            corrected_by=("movement-2",),
            versions=Versions(app="0.1.0", reconciler=1, context=1, model="abc"),
        )
    )
    assert said == [
        "That they crossed is 31 % sure of the least sure tag, and more than 99 % of the surest.",
        "Tag …34AA00 was read 9 times outside and 8 inside, at best -50 dBm: 31 % that it crossed; "
        "what went along spoke against it.",
        "Decided: 3 tags came in.",
        "Left out: 1 tag (in doubt).",
        "A tag counts as crossed from 50 % on, and moves without asking from 90 % on.",
        "1 later movement put this right.",
        "Judged by Tallyport 0.1.0 with weights abc.",
    ]


def test_what_a_person_was_asked_and_said_is_told() -> None:
    asked = {"reason": "low confidence", "hypotheses": [["all 3 tags came in", 0.6]], "status": "x"}
    resolved = {"by": "anna", "at": "now", "how": "hypothesis", "says": "2 came in", "note": ""}
    assert told(story(("asked", dict(asked)), ("resolved", dict(resolved)))) == [
        "A person was asked (low confidence); most likely: all 3 tags came in, 60 %.",
        "anna answered: 2 came in.",
    ]


def test_without_a_trace_nothing_is_made_up() -> None:
    assert told(story(log_id=0)) == []


def test_what_the_ledger_said_of_the_way_is_told() -> None:
    columns = ["epc", "ledger", "inwards before", "inwards"]
    rows: list[list[object]] = [
        ["A", -3.0, 0.5, 0.05],
        ["B", -3.0, 0.5, 0.05],
        ["C", 1.0, 0.5, 0.7],
    ]
    assert told(story(("ledger", {"columns": columns, "rows": rows}))) == [
        "The ledger had 2 tags inside, which could only go out.",
        "The ledger did not have 1 tag inside, which could only come in.",
    ]
