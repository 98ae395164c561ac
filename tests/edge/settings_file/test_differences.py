"""What differs between two texts of the settings, for a person."""

from __future__ import annotations

from edge.settings_file.differences import Change, changes

OLD = """
[edge]
name = "pi"  # in the hall
[mqtt]
host = "a"
[[devices]]
name = "dock"
driver = "llrp"
read_point = "dock-1"
antennas = [{antenna = 1, side = "outside"}, {antenna = 2, side = "inside"}]
[[devices]]
name = "plate"
driver = "mt-sics"
read_point = "shelf"
plate = 3
"""


def said(old: str, new: str) -> list[tuple[str, str, str | None, str | None]]:
    found = changes(old, new)
    assert found is not None
    assert all(isinstance(one, Change) for one in found)
    return [(one.where, one.key, one.before, one.after) for one in found]


def test_each_key_with_what_it_was_and_is() -> None:
    new = OLD.replace("plate = 3", 'plate = 5\nport = "/dev/x"').replace('host = "a"', 'host = "b"')
    assert said(OLD, new) == [
        ("[mqtt]", "host", '"a"', '"b"'),
        ("plate", "plate", "3", "5"),
        ("plate", "port", None, '"/dev/x"'),
    ]
    assert ("plate", "port", '"/dev/x"', None) in said(new, OLD)


def test_an_antenna_goes_by_its_number_and_not_by_its_place_in_the_list() -> None:
    lists = '[{antenna = 1, side = "outside"}, {antenna = 2, side = "inside"}]'
    turned = '[{antenna = 2, side = "inside", tx_power_dbm = 20}, {antenna = 1, side = "outside"}]'
    assert said(OLD, OLD.replace(lists, turned)) == [
        ("dock", "antenna 2: tx_power_dbm", None, "20")
    ]


def test_a_device_that_comes_or_goes_is_one_line() -> None:
    gun = '[[devices]]\nname = "gun"\ndriver = "scanner"\nread_point = "desk"\n'
    assert said(OLD, OLD + gun) == [("gun", "", None, "scanner at desk")]
    assert said(OLD + gun, OLD) == [("gun", "", "scanner at desk", None)]
    bare = OLD[: OLD.index("[[devices]]")]
    assert [one[0] for one in said(bare, OLD)] == ["dock", "plate"]


def test_comments_and_order_are_no_difference_and_no_toml_is_none() -> None:
    assert said(OLD, OLD.replace("  # in the hall", "")) == []
    assert changes("=", OLD) is None
    assert changes(OLD, "=") is None


def test_of_a_secret_only_that_it_is_another_one() -> None:
    old, new = (OLD.replace('host = "a"', f'password = "{one}"') for one in ("first", "second"))
    ((where, key, before, after),) = said(old, new)
    assert (where, key, after) == ("[mqtt]", "password", "another one")
    assert "first" not in str(before)
    assert "second" not in str(said(OLD, new))
