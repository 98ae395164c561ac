"""Finds brought together and judged: identity goes before place."""

from __future__ import annotations

from typing import Any

from edge.console.discovery.hits import Find, Hit, Ours, judged, same

MAC = "00:16:25:11:25:d6"


def find(source: Any = "llrp", place: str = "10.0.0.7:5084", **more: Any) -> Find:
    fields = {"kind": "reader", "title": "Impinj R700", "where": place, "places": (place,)}
    return Find(source=source, **(fields | more))


def ours(place: str = "10.0.0.7:5084", **more: Any) -> Ours:
    return Ours(name="dock-1", where=place, places=(place,), **more)


def only(finds: list[Find], *devices: Ours) -> Hit:
    (hit,) = judged(finds, devices)
    return hit


def test_one_device_of_several_sources_is_one_hit() -> None:
    hit = only([find("mdns", title="SpeedwayR-11-25-D6", detail="announced"), find(identity=MAC)])
    assert (hit.state, hit.title, hit.identity) == ("new", "Impinj R700", MAC)
    assert hit.sources == ("llrp", "mdns")
    assert hit.detail == "announced"
    # Two addresses of one identity are one device; two identities never are.
    assert only([find(identity=MAC), find(place="10.0.0.8:5084", identity=MAC.upper())])
    assert len(judged([find(identity=MAC), find("mdns", identity="00:16:25:00:00:01")], [])) == 2


def test_a_chain_of_places_joins_all() -> None:
    first = find("mdns", place="a", places=("a",))
    last = find("usb", place="b", places=("b",))
    both = find("llrp", place="a", places=("a", "b"))
    assert only([first, last, both]).sources == ("llrp", "usb", "mdns")


def test_a_known_device_is_known_by_identity_and_may_have_moved() -> None:
    hit = only([find(place="10.0.0.9:5084", identity=MAC)], ours(identity="001625FF1125D6"))
    assert hit.state == "new"  # another identity, however alike
    hit = only([find(place="10.0.0.9:5084", identity=MAC)], ours(identity="00-16-25-11-25-D6"))
    assert (hit.state, hit.device, hit.moved_from) == ("known", "dock-1", "10.0.0.7:5084")
    assert "Let dock-1 follow it" in hit.advice


def test_a_stranger_at_a_known_address_is_told() -> None:
    hit = only([find(identity=MAC)], ours(identity="00:16:25:00:00:01"))
    assert (hit.state, hit.device) == ("new", "")
    assert hit.detail.startswith("dock-1 was at this address; another device answers there now.")


def test_who_holds_a_busy_one() -> None:
    busy = find(condition="busy", held_by="another client is connected to it", advice="Stop it.")
    assert only([busy]).state == "busy"
    hit = only([busy], ours(running=True))
    assert (hit.state, hit.held_by, hit.advice) == ("known", "this edge (dock-1)", "")
    # Ours, but not in our hands: whoever holds it is in the way.
    hit = only([busy], ours(running=False))
    assert (hit.state, hit.device, hit.held_by) == ("busy", "dock-1", busy.held_by)


def test_new_ones_come_first() -> None:
    found = [
        find(place="10.0.0.1:5084"),
        find(place="10.0.0.7:5084"),
        find(place="10.0.0.2:5084", condition="busy"),
        find(place="10.0.0.3:5084", condition="wrong_mode"),
    ]
    states = [hit.state for hit in judged(found, [ours()])]
    assert states == ["new", "wrong_mode", "busy", "known"]


def test_identities_are_compared_as_people_write_them() -> None:
    assert same("00:16:25:11:25:D6", "0016 2511-25d6")
    assert not same("", "")
