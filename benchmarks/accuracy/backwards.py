"""Groups as if time had run backwards: to a portal's radio that is as good a recording.

A pallet that goes through backwards goes through, and one that turned back turned back: what was
heard before its middle is heard after it, and it nears as fast as it went. So each group that is
over teaches twice whether it went through. (Which way it went is another question.)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.accuracy.regression import Numbers

_MIRRORED = {"before": "after", "after": "before", "rise": "fall", "fall": "rise"}
_KINDS = ("heard", "loud", "nearing")


def backwards(rows: Numbers, names: Sequence[str]) -> Numbers:
    """The rows of features of these ``names`` (``cohort.GROUP``) with time turned round."""
    at = {name: place for place, name in enumerate(names)}
    source, sign = np.arange(len(names)), np.ones(len(names))
    for name, other in _MIRRORED.items():
        source[at[name]] = at[other]
    for kind in _KINDS:
        curve = [at[name] for name in names if name.rstrip("0123456789") == f"{kind}_"]
        source[curve] = curve[::-1]
        sign[curve] = -1.0 if kind == "nearing" else 1.0
    turned = rows[:, source] * sign
    turned[:, at["came"]] = rows[:, at["lasted"]] - rows[:, at["came"]]
    return np.asarray(turned)
