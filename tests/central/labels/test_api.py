"""Labels over REST: of everything that there is, with tags, and of orders' cartons."""

from __future__ import annotations

import asyncio
from typing import Any

import pypdfium2
import pytest
import zxingcpp

from gateway.gs1.epc import decode_epc
from gateway.gs1.keys import is_sscc
from tests.central.harness import Bench
from tests.central.labels.conftest import GLN, GTIN
from tests.central.labels.zpl_reader import Format, read

ORDERS = "/api/orders/outbound"


def codes(pdf: bytes) -> list[set[str]]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        pictures = [page.render(scale=300 / 72).to_pil().convert("L") for page in document]
    finally:
        document.close()
    return [{one.text for one in zxingcpp.read_barcodes(each)} for each in pictures]


def words(label: Format) -> set[str]:
    return {one.data for one in label.fields if one.kind == "A0"}


async def zpl(made: Bench, **body: Any) -> list[Format]:
    answer = await made.http.post("/labels", json=body | {"format": "zpl"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zpl"
    found = read(answer.content)
    assert sum(one.quantity for one in found) == int(answer.headers["x-labels"])
    return found


async def refused(made: Bench, status: int, **body: Any) -> str:
    answer = await made.http.post("/labels", json=body)
    assert answer.status_code == status, answer.text
    return str(answer.json()["detail"])


async def test_every_kind_is_printed_from_what_the_books_know(made: Bench) -> None:
    (item,) = await zpl(made, kind="item", labels=[{"sku": "ABC-12345"}], copies=2)
    assert item.quantity == 2
    assert {"Wireless mouse", "ABC-12345", f"(01){GTIN}"} <= words(item)
    (box,) = await zpl(made, kind="item", labels=[{"sku": "ABC-12345", "quantity": 10}])
    assert {"10 each", "(01)14012345000013"} <= words(box)
    (cable,) = await zpl(made, kind="item", labels=[{"sku": "PLAIN-1"}])
    assert {one.data for one in cable.fields if one.kind in {"BC", "BX"}} == {"PLAIN-1"}
    (lot,) = await zpl(made, kind="lot", labels=[{"sku": "ABC-12345", "lot": "L-1"}])
    assert f"(01){GTIN}(17)300131(10)L-1" in words(lot)
    piece = {"sku": "ABC-12345", "serial": "SN-7"}
    (serial,) = await zpl(made, kind="serial", labels=[piece])
    assert "SN-7" in words(serial)
    (dock,) = await zpl(made, kind="place", labels=[{"place": "WH-01-DOCK"}])
    assert f"GLN {GLN}" in words(dock)
    crate = {"grai": "4012345000016", "serial": "9", "name": "Crate"}
    (asset,) = await zpl(made, kind="asset", labels=[crate])
    assert f"(8003)0{crate['grai']}9" in words(asset)


async def test_all_bins_of_an_aisle_on_a_sheet(shop: Bench) -> None:
    body = {"kind": "place", "template": "bin", "within": "WH-01-A", "types": ["bin"]}
    answer = await shop.http.post("/labels", json=body | {"sheet": True})
    assert (answer.status_code, answer.headers["x-labels"]) == (200, "3"), answer.text
    (page,) = codes(answer.content)
    assert len(page) == 3
    assert {one[:13] for one in page} == {f"TP-L-WH-01-A{n}" for n in (1, 2, 3)}
    leaves = await zpl(shop, kind="place", within="WH-01")
    assert len(leaves) == 4, "the bins and the dock: what holds no other place"


async def test_a_pallet_gets_a_number_once(made: Bench) -> None:
    said = {"sku": "ABC-12345", "quantity": 40, "lot": "L-1"}
    body = {"id": "pallet-0001", "kind": "logistic", "labels": [said], "copies": 2}
    (first,) = await zpl(made, **body)
    (again,) = await zpl(made, **body)
    assert again == first
    assert first.quantity == 2, "two sides of a pallet"
    (sscc,) = {one for one in words(first) if is_sscc(one)}
    assert {f"(00){sscc}", "(10)L-1"} <= words(first)
    (second,) = await zpl(made, **body | {"id": "pallet-0002"})
    assert sscc not in words(second)
    named = {"kind": "logistic", "labels": [{"sscc": sscc, "name": "Mixed goods"}]}
    (mixed,) = await zpl(made, **named)
    assert sscc in words(mixed)


async def test_tags_get_epcs_that_no_other_has(made: Bench) -> None:
    body = {
        "id": "tags-00001", "kind": "item", "labels": [{"sku": "ABC-12345"}], "copies": 3,
        "rfid": True,
    }  # fmt: skip
    first = [one.epc for one in await zpl(made, **body)]
    assert [(decode_epc(one).gtin, decode_epc(one).serial) for one in first] == [
        (GTIN, "1"), (GTIN, "2"), (GTIN, "3"),
    ]  # fmt: skip
    assert [one.epc for one in await zpl(made, **body)] == first, "the same request"
    assert "use a fresh id" in await refused(made, 409, **body | {"copies": 2, "format": "zpl"})
    more = [one.epc for one in await zpl(made, **body | {"id": "tags-00002"})]
    assert not set(more) & set(first)
    epcs = {one: decode_epc(one).scheme for one in (*first, *more)}
    assert set(epcs.values()) == {"sgtin-96"}


@pytest.mark.parametrize(
    ("kind", "label", "scheme", "serial"),
    [
        ("serial", {"sku": "ABC-12345", "serial": "42"}, "sgtin-96", "42"),
        ("serial", {"sku": "ABC-12345", "serial": "SN-7"}, "sgtin-198", "SN-7"),
        ("place", {"place": "WH-01-DOCK"}, "sgln-96", "0"),
        ("logistic", {}, "sscc-96", None),
        ("asset", {"grai": "4012345000016"}, "grai-96", "1"),
    ],
)
async def test_each_thing_has_the_epc_of_its_kind(
    shop: Bench, kind: str, label: dict[str, str], scheme: str, serial: str | None
) -> None:
    (printed,) = await zpl(shop, kind=kind, labels=[label], rfid=True)
    epc = decode_epc(printed.epc)
    assert (epc.scheme, epc.serial, epc.company_prefix) == (scheme, serial, "4012345")
    if kind == "asset":
        assert "(8003)040123450000161" in words(printed)
    copies = {"kind": kind, "labels": [label], "rfid": True, "copies": 2, "format": "zpl"}
    if kind != "asset":
        assert "two tags with the same EPC" in await refused(shop, 422, **copies)


async def test_a_piece_s_own_serial_is_given_to_no_other_tag(made: Bench) -> None:
    piece = {"kind": "serial", "rfid": True, "labels": [{"sku": "ABC-12345", "serial": "2"}]}
    (first,) = await zpl(made, **piece)
    (again,) = await zpl(made, **piece)
    assert first.epc == again.epc, "the same piece, whoever asks"
    plain = {"kind": "item", "rfid": True, "labels": [{"sku": "ABC-12345"}], "copies": 3}
    given = [decode_epc(one.epc).serial for one in await zpl(made, **plain)]
    assert given == ["1", "3", "4"]
    taken = piece | {"labels": [{"sku": "ABC-12345", "serial": "3"}], "format": "zpl"}
    assert "was given to a tag without" in await refused(made, 409, **taken)


async def test_bound_tags_stand_for_the_lot(made: Bench) -> None:
    body = {
        "id": "bound-0001", "kind": "lot", "labels": [{"sku": "ABC-12345", "lot": "L-1"}],
        "copies": 2, "rfid": True, "bind": True,
    }  # fmt: skip
    printed = await zpl(made, **body)
    assert await zpl(made, **body) == printed
    rows: Any = (await made.get("/tag-bindings?sku=ABC-12345"))["rows"]
    assert [row["epc"] for row in rows] == sorted(one.epc for one in printed)
    assert {row["lot"] for row in rows} == {"L-1"}


async def test_what_cannot_be_made_says_why(shop: Bench) -> None:
    mouse = [{"sku": "ABC-12345"}]
    assert "no item NONE" in await refused(shop, 404, kind="item", labels=[{"sku": "NONE"}])
    assert "needs sku and lot" in await refused(shop, 422, kind="lot", labels=[{}])
    assert "what the labels are of" in await refused(shop, 422, kind="item")
    assert "for item there are item" in await refused(
        shop, 404, kind="item", labels=mouse, template="none"
    )
    assert "of kind lot, not item" in await refused(
        shop, 422, kind="item", labels=mouse, template="lot"
    )
    assert "no [sheet]" in await refused(shop, 422, kind="item", labels=mouse, sheet=True)
    assert "1000 labels at a time, not 1998" in await refused(
        shop, 422, kind="item", labels=mouse * 2, copies=999
    )
    tag: dict[str, Any] = {"kind": "item", "rfid": True, "format": "zpl"}
    assert "tags are written by ZPL" in await refused(
        shop, 422, **tag | {"format": "pdf"}, labels=mouse
    )
    assert "PLAIN-1 has no GTIN" in await refused(shop, 422, **tag, labels=[{"sku": "PLAIN-1"}])
    assert "has no GLN" in await refused(
        shop, 422, kind="place", labels=[{"place": "WH-01-A1"}], rfid=True, format="zpl"
    )
    foreign = [{"gtin": "09506000134352"}]
    await shop.post("/items", sku="FOREIGN", name="Another's", gtins=foreign)
    assert "begins with no company prefix of the settings (4012345)" in await refused(
        shop, 422, **tag, labels=[{"sku": "FOREIGN"}]
    )
    assert "no order has a carton" in await refused(
        shop, 404, kind="shipping", labels=[{"sscc": "340123450000000017"}]
    )
    assert "check digit" in await refused(
        shop, 422, kind="logistic", labels=[{"sscc": "340123450000000018"}]
    )
    assert "leave `bind` out" in await refused(
        shop,
        422,
        kind="place",
        labels=[{"place": "WH-01-DOCK"}],
        rfid=True,
        bind=True,
        format="zpl",
    )


async def packed(made: Bench) -> tuple[str, list[str]]:
    """An order on its way in two cartons."""
    await made.post(
        ORDERS, id="web-2026-000123", customer="Jane Doe", warehouse="WH-01",
        ship_to={"street": "1 High Street", "city": "Leeds", "postcode": "LS1 1AA",
                 "country": "GB", "phone": "0113"},
        lines=[{"sku": "ABC-12345", "quantity": 5, "lot": "L-1"}],
    )  # fmt: skip
    task: Any = await made.post("/api/picking/tasks", id="wave-0001", orders=["web-2026-000123"])
    (pick,) = task["picks"]
    body = {name: pick[name] for name in ("location", "sku", "lot", "quantity")}
    await made.post(f"/api/picking/picks/{pick['id']}/confirm", status=200, **body)
    cartons = []
    for number, units in ((1, 2), (2, 3)):
        contents = [{"line": "1", "quantity": units}]
        path = f"{ORDERS}/web-2026-000123/cartons"
        carton = await made.post(path, id=f"carton-{number:04}", contents=contents)
        assert carton["label"] == f"{path}/{carton['sscc']}/label"
        cartons.append(str(carton["sscc"]))
    return "web-2026-000123", cartons


async def test_a_carton_s_labels_know_its_order_and_its_shipment(made: Bench) -> None:
    order, cartons = await packed(made)
    path = f"{ORDERS}/{order}/cartons/{cartons[1]}/label"
    answer = await made.http.get(f"{path}?format=zpl")
    assert answer.status_code == 200, answer.text
    (label,) = read(answer.content)
    assert {"2 / 2", "Jane Doe", "1 High Street", "LS1 1AA Leeds", "(420)LS11AA"} <= words(label)
    assert {"Leeds", "1 Park Row", f"(00){cartons[1]}"} <= words(label)
    assert "0113" not in words(label)
    ship = {"id": "truck-00001", "carrier": "parcels", "service": "Next day"}
    await made.post(f"{ORDERS}/{order}/ship", **ship)
    (page,) = codes((await made.http.get(path)).content)
    assert page == {f"(00){cartons[1]}", "(420)LS11AA"}
    answer = await made.http.get(f"{path}?kind=logistic&format=zpl&dpi=300")
    (logistic,) = read(answer.content)
    assert {"(10)L-1", f"(00){cartons[1]}", "3"} <= words(logistic)
    assert f"(02){GTIN}(17)300131(37)3" in words(logistic)
    assert (await made.http.get(f"{ORDERS}/{order}/cartons/{GTIN}/label")).status_code == 404
    assert (await made.http.get(f"{path}?kind=item")).status_code == 422


async def test_templates_are_listed_with_what_they_may_name(shop: Bench) -> None:
    rows: Any = (await shop.get("/labels/templates?kind=place"))["rows"]
    assert [row["name"] for row in rows] == ["bin", "place"]
    assert rows[0]["sheet"]["columns"] == 3
    assert "floor_code" in rows[0]["fields"]


async def test_numbers_are_never_given_twice_to_two_at_a_time(made: Bench) -> None:
    body = {"kind": "item", "labels": [{"sku": "ABC-12345"}], "copies": 5, "rfid": True}
    answers = await asyncio.gather(*(zpl(made, **body, id=f"at-once-{n}") for n in range(8)))
    epcs = [one.epc for labels in answers for one in labels]
    assert len(epcs) == len(set(epcs)) == 40
