"""In which order ``docs/accuracy.md`` tells its figures, and what is said of each in words."""

from __future__ import annotations

from typing import NamedTuple


class Section(NamedTuple):
    """A result's ``name``, its heading, what it is, and how its recordings are made."""

    name: str
    title: str
    about: str
    made_of: tuple[str, ...] = ()


SECTIONS = (
    Section(
        "radio",
        "Is the emulated radio worth believing?",
        "What was measured on real recordings, measured again before the emulated radio in halls "
        "of both suites (layouts for training), and what simple rules score on the real "
        "experiments done again. A range is the measured quartiles where there were many places, "
        "else all that was seen; for rules the 95 % interval of the real score.",
    ),
    Section(
        "nedap",
        "Real: a box among hundreds of tags (Nedap)",
        "Thirty-second scans of a box of ten labelled articles in a shop, 150 to 410 tags around "
        "it, by a reader of another make. Real radio, real strays, true labels. It is a scan and "
        "no portal: every wanted tag counts as come in, so this tells strays from goods, not "
        "directions. The recordings are not ours to ship.",
        ("python -m benchmarks.datasets.nedap SRC nedap",),
    ),
    Section(
        "r420",
        "Real: direction of single tags (R420 through sllurp)",
        "One tag is carried along straight lines through a room with an antenna in each corner, "
        "some 14 reads a second in all. Real radio, true directions; the line that makes a portal "
        "of the room is ours, and the moment of crossing is taken halfway. The recordings are not "
        "ours to ship.",
        ("python -m benchmarks.datasets.r420 SRC r420",),
    ),
    Section(
        "passes",
        "Real: counting passes (ECD)",
        "Tags that pass an FX7500 by hand, up to once a second, counted by hand. CC0.",
    ),
    Section(
        "presence",
        "Real: steadiness and lag of presence (Nedap)",
        "Which tags are in a zone, from the same scans: how often a tag that is there is said to "
        "be gone, and how long one is still said to be there after its last read. More, and what "
        "was chosen on it: [presence.md](presence.md).",
    ),
    Section(
        "standard_test",
        "Emulated: the standard suite",
        "A portal as it should be built: antennas 0.4 to 0.5 m apart and turned by 20 to 30 "
        "degrees, goods in cartons, 10 to 90 strays. No layout of it was trained on.",
        ("python -m benchmarks.datasets.docks standard test 0 60 standard_test",),
    ),
    Section(
        "hard_test",
        "Emulated: the hard suite",
        "A portal as it is found: antennas in one plane, liquids, 60 to 200 strays, an older "
        "reader between steel, faster forklifts. No layout of it was trained on.",
        ("python -m benchmarks.datasets.docks hard test 0 60 hard_test",),
    ),
    Section(
        "small_test",
        "Emulated: small loads",
        "A shop's door: one to eight cases at a time on a pallet, a roll cage, a trolley or in "
        "somebody's hands, one to four antennas, few strays or none, minutes without anything, a "
        "photo-eye at every second door. Goods also wait beside the door for up to a minute and "
        "a half before they go through, or stand in it. No layout of it was trained on.",
        ("python -m benchmarks.datasets.docks small test 0 60 small_test",),
    ),
    Section(
        "apart_test",
        "Emulated by another radio: antennas apart",
        "A second emulator, which shares nothing with the first: a coherent sum of paths, scenes "
        "of 12 s one after another (in, out, two behind each other, nearly through, through and "
        "back, past the door). Antennas 0.3 to 0.5 m either side, cartons, up to 90 strays. None "
        "of its halls was trained on.",
        ("python -m benchmarks.datasets.second_radio apart test 0 40 apart_test",),
    ),
    Section(
        "flat_test",
        "Emulated by another radio: antennas in one plane",
        "The same with antennas 0.1 to 0.25 m either side that are hardly turned, liquids, 40 to "
        "180 strays and up to 3.2 m/s.",
        ("python -m benchmarks.datasets.second_radio flat test 0 40 flat_test",),
    ),
    Section(
        "odd",
        "Emulated: docks with one oddity each",
        "Pallets of 5 to 24 cases at a dock with antennas on both sides (*plain*), and the same "
        "with one thing otherwise: a reader that tells less, other antennas, more or no strays, "
        "other traffic. 16 to 32 crossings each. None of these docks was trained on. Others of "
        "most kinds were; new are 500 reads a second, no strays, 280 strays, no phase, no "
        "levels, times of 1 s and shuffled ones.",
        ("python -m benchmarks.datasets.odd_docks all test 0 8 odd",),
    ),
    Section(
        "shelves_standard",
        "Emulated: shelves, standard",
        "Load plates with the noise measured on a real shelf (footsteps, cross-talk, creep, "
        "drift), and people who take and put back. Two minutes a shelf; no shelf of it was "
        "trained on.",
        ("python -m benchmarks.datasets.shelves standard test 0 30 shelves_standard",),
    ),
    Section(
        "shelves_hard",
        "Emulated: shelves, hard",
        "The same with plates changed in the same second, hands that rest, foreign things, pieces "
        "put back on another item's plate, stronger leaks and more footsteps.",
        ("python -m benchmarks.datasets.shelves hard test 0 30 shelves_hard",),
    ),
    Section(
        "shelves_by_mass",
        "Emulated: shelves by the pieces' mass, with idle hours",
        "Three hundred other shelves of each suite, looked at once and after everything was "
        "chosen, beside rounding the difference of two seconds' means. *Exact* is what was posted "
        "or proposed first to a person, *posted exact* what was posted alone. Idle are six plates "
        "that nobody touches, with the noise, footsteps, creep, warmth and drift of the others.",
    ),
)
