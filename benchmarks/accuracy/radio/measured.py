"""What was measured on real recordings: the ranges that the emulated radio is held against.

Of an R420 read through sllurp in a room of 15 x 15 ft (its tests 8 and 12 to 15), an FX7500 (ECD)
and Nedap's reader in a shop. A range is the measured quartiles where there were many places, else
all that was seen. The scores of rules are those of the recordings that ``benchmarks.datasets``
converts, with their 95 % intervals as ``tallyport bench accuracy`` tells them.
"""

from __future__ import annotations

from typing import NamedTuple


class Measured(NamedTuple):
    """A quantity with what was found; believable is what lies between ``low`` and ``high``."""

    name: str
    words: str
    unit: str
    low: float
    high: float
    found: str
    where: str


NOISE = (
    Measured("one_tag_rate", "reads of one still tag by one antenna", "1/s", 69.0, 225.0,
             "69.7 (R420), 222 (FX7500)", "room, ECD"),
    Measured("crowd_rate", "reads in all of 150 tags", "1/s", 100.0, 195.0,
             "102 (hand-held) to 175 (Nedap); R420 up to 195", "shop, room"),
    Measured("within_db", "level within a channel, sd", "dB", 0.25, 0.55,
             "mean 0.48 (0.25-0.52), FX7500 0.18-0.55", "room, ECD"),
    Measured("between_db", "level between channels, sd", "dB", 0.95, 1.9,
             "mean 1.6 (0.95-1.9)", "room"),
    Measured("over_hops_db", "level at a fixed place over hopping, sd", "dB", 1.7, 2.7,
             "2.1 (1.7-2.7)", "room, 249 places"),
    Measured("residual_db", "level from place to place around a line over log distance", "dB",
             2.8, 3.6, "2.8-3.6", "room, 4 antennas"),
    Measured("slope_n", "slope of that line, n of 10 n log10 d", "", 1.8, 2.4, "1.8-2.4",
             "room, 4 antennas"),
    Measured("level_0.3m", "level at 0.3 m", "dBm", -26.6, -19.4, "-23", "room"),
    Measured("level_0.9m", "level at 0.9 m", "dBm", -37.6, -30.4, "-34", "room"),
    Measured("level_1.5m", "level at 1.5 m", "dBm", -46.6, -39.4, "-43, a fade", "room"),
    Measured("level_2.1m", "level at 2.1 m", "dBm", -41.6, -34.4, "-38", "room"),
    Measured("phase_deg", "phase within a channel, sd", "degrees", 1.2, 4.2,
             "median 2.1 (1.2-4.2), FX7500 2-2.8", "room, ECD"),
    Measured("doppler_hz", "Doppler of a still tag, sd", "Hz", 6.7, 16.0,
             "median 7.5 (6.7-16)", "room"),
    Measured("weakest_dbm", "the weakest level told", "dBm", -80.0, -73.0,
             "-76 (walks), -81 (ceiling); Nedap's reader -91", "room, shop"),
    Measured("stray_rate", "reads of one stray, median", "1/s", 0.07, 0.5,
             "0.13-0.17 (0.07-0.5)", "shop, emulated box"),
    Measured("unseen_5s", "a stray is unseen for over 5 s", "share of time", 0.25, 0.5,
             "0.34-0.38", "shop, emulated box"),
    Measured("unseen_10s", "a stray is unseen for over 10 s", "share of time", 0.1, 0.3,
             "0.15-0.19", "shop, emulated box"),
)  # fmt: skip
"""The four levels may differ by the 3.6 dB that places differ by; the shares of the shop are held
against the emulated box (``scenes.box``), whose hidden tags are drawn by ourselves."""

RULES = (
    Measured("walks.any_read_direction", "walks: first antenna, direction", "share", 0.48, 0.80,
             "0.656 (of 64: 0.53-0.76)", "walks"),
    Measured("walks.strong_read_recall", "walks: a read above -50 dBm, recall", "share",
             0.23, 0.55, "0.375", "walks"),
    Measured("walks.edgex_f1", "walks: EdgeX, F1", "share", 0.45, 0.79, "0.63", "walks"),
    Measured("walks.edgex_direction", "walks: EdgeX, direction", "share", 0.57, 0.90, "0.77",
             "walks"),
    Measured("walks.rssi_f1", "walks: classifier of RSSI and times, F1", "share", 0.44, 0.77,
             "0.61", "walks"),
    Measured("box.any_read_f1", "box: any read, F1", "share", 0.05, 0.15, "0.10 (0.08 of 30)",
             "shop"),
    Measured("box.strong_read_f1", "box: a read above -50 dBm, F1", "share", 0.98, 1.0, "0.99",
             "shop"),
)  # fmt: skip
