"""The disk's model: what is safe after which sync, and what a cut may leave."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.powercut.disk import MODELS, SURVIVALS, Disk, Model, Survival
from benchmarks.powercut.recording import Op


def made(name: str, file: int) -> Op:
    return Op("C", file, name=name)


def wrote(file: int, data: bytes, at: int = 0) -> Op:
    return Op("W", file, at, data=data)


def synced(file: int) -> Op:
    return Op("S", file)


def sized(file: int, size: int) -> Op:
    return Op("T", file, size)


def renamed(old: str, new: str) -> Op:
    return Op("R", name=old, data=new.encode())


FOLDER_SYNCED = Op("D")


def disk(*ops: Op, model: Model = "ordered", content: dict[str, bytes] | None = None) -> Disk:
    told = Disk(content, model)
    for op in ops:
        told.apply(op)
    return told


def outcomes(told: Disk, *survivals: Survival) -> list[dict[str, bytes]]:
    """Everything that a hundred cuts leave, each once."""
    seen: list[dict[str, bytes]] = []
    for survival in survivals or SURVIVALS:
        for seed in range(100):
            left = told.after_cut(survival, random.Random(seed))
            if left not in seen:
                seen.append(left)
    return seen


@pytest.mark.parametrize("model", MODELS)
def test_what_file_and_folder_synced_is_safe_whatever_comes(model: Model) -> None:
    told = disk(made("a", 1), wrote(1, b"rows"), synced(1), FOLDER_SYNCED, model=model)
    assert outcomes(told) == [{"a": b"rows"}]


def test_a_name_is_safe_with_its_files_sync_when_ordered_and_not_when_strict() -> None:
    ops = (made("a", 1), wrote(1, b"rows"), synced(1))
    assert outcomes(disk(*ops)) == [{"a": b"rows"}]
    left = outcomes(disk(*ops, model="strict"))
    assert sorted(left, key=len) == [{}, {"a": b"rows"}]


def test_syncing_an_overwrite_makes_no_other_change_safe() -> None:
    begin = {"a": b"old!", "b": b""}
    told = Disk(begin)
    told.apply(Op("O", 1, name="a"))
    for op in (made("c", 3), wrote(1, b"new!"), synced(1)):
        told.apply(op)
    assert told.after_cut("dropped", random.Random(1))["a"] == b"new!"
    assert {"a": b"new!", "b": b""} in outcomes(told, "dropped")


def test_a_rename_is_all_or_nothing_and_needs_the_folders_sync_when_strict() -> None:
    ops = (made("new", 2), wrote(2, b"2"), synced(2), renamed("new", "a"))
    for model in MODELS:
        left = outcomes(disk(*ops, model=model, content={"a": b"1"}))
        assert all(one.get("a") in {b"1", b"2"} for one in left)
        assert {"a": b"2"} in left
        assert any(one["a"] == b"1" for one in left)
        safe = disk(*ops, FOLDER_SYNCED, model=model, content={"a": b"1"})
        assert outcomes(safe) == [{"a": b"2"}]


def test_unsynced_content_is_dropped_kept_scattered_and_torn() -> None:
    base = (made("a", 1), wrote(1, b"-" * 9000), synced(1), FOLDER_SYNCED)
    told = disk(*base, wrote(1, b"+" * 9000, at=9000))
    assert outcomes(told, "dropped") == [{"a": b"-" * 9000}]
    assert outcomes(told, "kept") == [{"a": b"-" * 9000 + b"+" * 9000}]
    for left in outcomes(told, "sectors"):
        assert len(left["a"]) == 18_000
        assert set(left["a"][9216 : 9216 + 512]) in ({ord("+")}, {0})
    assert len({len(left["a"]) for left in outcomes(told, "pages")}) > 2
    torn = outcomes(told, "torn")
    assert len(torn) > 50
    assert all(left["a"] == b"-" * 9000 + b"+" * (len(left["a"]) - 9000) for left in torn)


def test_what_was_cut_off_does_not_come_back_with_another_files_sync() -> None:
    told = disk(
        made("a", 1), FOLDER_SYNCED, wrote(1, b"gone"), sized(1, 0),
        made("b", 2), wrote(2, b"b"), synced(2),
    )  # fmt: skip
    assert {left["a"] for left in outcomes(told)} == {b""}


def test_a_lying_disk_keeps_some_prefix_of_what_was_done() -> None:
    told = disk(made("a", 1), wrote(1, b"1"), synced(1), FOLDER_SYNCED)
    told.lie()
    for at in range(1, 6):
        told.apply(wrote(1, b"%d" % (at + 1), at=at))
        told.apply(synced(1))
    left = {one["a"] for one in outcomes(told, "dropped")}
    assert left == {b"123456"[:length] for length in range(1, 7)}


@pytest.mark.parametrize("model", MODELS)
def test_the_number_of_a_removed_file_may_be_given_again(model: Model) -> None:
    told = disk(
        made("a", 1), wrote(1, b"old"), synced(1), FOLDER_SYNCED,
        Op("U", name="a"), made("b", 1), wrote(1, b"new"), synced(1), model=model,
    )  # fmt: skip
    assert told.now.by_name() == {"b": b"new"}
    for left in outcomes(told):
        assert left.get("a", b"old") == b"old"
        assert left.get("b", b"new") == b"new"


FILES = st.integers(1, 3)
OPS = st.one_of(
    st.builds(lambda file: made(f"f{file}", file), FILES),
    st.builds(wrote, FILES, st.binary(min_size=1, max_size=40), st.integers(0, 60)),
    st.builds(sized, FILES, st.integers(0, 80)),
    st.builds(synced, FILES),
    st.builds(lambda a, b: renamed(f"f{a}", f"f{b}"), FILES, FILES),
    st.just(FOLDER_SYNCED),
)


@given(ops=st.lists(OPS, max_size=30), model=st.sampled_from(MODELS), seed=st.integers(0, 9))
def test_after_syncing_everything_no_cut_takes_anything(
    ops: list[Op], model: Model, seed: int
) -> None:
    known: set[int] = set()
    sensible = []
    for op in ops:
        if op.kind == "C" and op.file in known:
            continue
        known |= {op.file} if op.kind == "C" else set()
        if op.kind in "CRD" or op.file in known:
            sensible.append(op)
    told = disk(*sensible, *(synced(file) for file in known), FOLDER_SYNCED, model=model)
    for survival in SURVIVALS:
        assert told.after_cut(survival, random.Random(seed)) == told.now.by_name()
