"""The emulated shelf against recordings of real ones: as loud, as quick, as tilted."""

from __future__ import annotations

import csv
import gzip
import json
import struct
from base64 import b64decode
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from math import isnan
from pathlib import Path
from statistics import fmean, median, pstdev

import pytest

from drivers.emulators.shelf_physics import SHOP, Shelf, quieter

DATA = Path(__file__).parents[2].parent / "shared" / "data"
DIGITISED = DATA / "scales" / "aifi_cps_test_01" / "gondola1_shelf5_digitised.csv"
RAW = DATA / "rfid_logs" / "aifi_shelf_weight" / "BENCHMARK-1" / "plate_data.json.gz"
_needs = pytest.mark.skipif(
    not (DIGITISED.is_file() and RAW.is_file()), reason=f"no recordings in {DATA}"
)
pytestmark = _needs


def second_means(values: list[float], per_second: int) -> list[float]:
    whole = len(values) - len(values) % per_second
    return [fmean(values[n : n + per_second]) for n in range(0, whole, per_second)]


def roughness(values: Iterable[float]) -> float:
    """Of a series that may drift: a step's size between neighbours, as a standard deviation."""
    steps = list(values)
    return pstdev(b - a for a, b in pairwise(steps)) / 2**0.5


def test_windows_are_as_loud_as_those_of_a_shop_s_twelve_plates() -> None:
    series: dict[tuple[str, str], list[float]] = defaultdict(list)
    with DIGITISED.open() as file:
        for row in csv.DictReader(file):
            series[row["series"], row["stat"]].append(float(row["grams"]))
    plates = [f"plate{n}" for n in range(1, 13) if n != 10]  # 10 is where somebody takes
    loud = sorted(median(series[plate, "std"]) for plate in plates)
    # the series has a point every 0.09 s: every other one does not share samples with the last
    calm = median(roughness(series[plate, "mean"][::2]) for plate in plates)
    ours_loud, ours_calm = [], []
    for seed in range(4):
        shelf = Shelf(11, seed=seed)
        taken = [[shelf.window(plate) for _ in range(170)] for plate in range(11)]
        ours_loud += [median(one.std_g for one in plate) for plate in taken]
        ours_calm += [roughness(one.mean_g for one in plate) for plate in taken]
    assert 0.6 <= median(ours_loud) / median(loud) <= 1.5
    assert 0.4 <= median(ours_calm) / calm <= 2.5
    assert any(mean < -1000 for mean in (series[plate, "mean"][0] for plate in plates))


def raw_plates() -> dict[tuple[int, int, int], list[float]]:
    """(gondola, shelf, plate) -> every sample."""
    plates: dict[tuple[int, int, int], list[float]] = defaultdict(list)
    with gzip.open(RAW, "rt") as file:
        for line in file:
            document = json.loads(line)["document"]
            data = document["plate_data"]
            gondola = data["plate_id"]["shelf_id"]["gondola_id"]["id"]
            samples, shelves, width = data["values"]["shape"]
            floats = struct.unpack(
                f"<{samples * shelves * width}f", b64decode(data["values"]["data"])
            )
            for index, value in enumerate(floats):
                if not isnan(value):  # a place without a plate
                    _, place = divmod(index, shelves * width)
                    plates[gondola, *divmod(place, width)].append(value)
    return plates


def test_sixty_hertz_look_the_same() -> None:
    """The store of this recording was five times as quiet; what a second's mean keeps of the raw
    noise, and how much of it is slower than a window, is what has to agree.
    """
    theirs_raw, theirs_kept = [], []
    for values in raw_plates().values():
        if len(values) < 600:
            continue
        seconds = [values[n : n + 60] for n in range(0, len(values) - 59, 60)]
        quiet = median(pstdev(second) for second in seconds)
        if quiet > 0.05:  # plates that only repeat one value are dead
            theirs_raw.append(quiet)
            theirs_kept.append(roughness(second_means(values, 12)) / quiet)
    level = median(theirs_raw)
    assert 0.3 <= level <= 1.5
    shelf = Shelf(8, noise=quieter(SHOP, level / SHOP.vibration_g), seed=2)
    ours_raw, ours_kept = [], []
    for plate in range(8):
        values = shelf.raw(plate, 17 * 60)
        quiet = median(pstdev(values[n : n + 60]) for n in range(0, len(values) - 59, 60))
        ours_raw.append(quiet)
        ours_kept.append(roughness(second_means(values, 12)) / quiet)
    assert 0.6 <= median(ours_raw) / level <= 1.6
    assert 0.2 <= median(ours_kept) / median(theirs_kept) <= 3.0
