"""What a certificate says in words, alike on paper and on a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tallyport.certify.certificate import Certificate
from tallyport.evaluate.measures import Share


class Headline(NamedTuple):
    """A figure that stands large, with what it is and how sure it is."""

    figure: str
    what: str
    interval: str


def percent(value: float | None) -> str:
    """With as many digits as it takes to tell it from 100 %."""
    if value is None:
        return "-"
    return f"{100 * value:.0f} %" if value in {0.0, 1.0} else f"{100 * value:.1f} %"


def between(share: Share) -> str:
    """Of how many, and the interval."""
    interval = share.interval
    if interval is None:
        return "nothing to count"
    low, high = interval
    return f"{share.hits} of {share.cases}; 95 %: {100 * low:.1f} to {100 * high:.1f} %"


def headlines(made: Certificate) -> list[Headline]:
    """The four that people ask for first."""
    right = sum(walk.is_right for walk in made.walks)
    hours = (made.idle_s + made.walked_s) / 3600
    wrong = made.strays_idle + made.strays_walking
    return [
        Headline(percent(made.recall.value), "of carried tags told right", between(made.recall)),
        Headline(percent(made.direction.value), "of those the right way", between(made.direction)),
        Headline(
            f"{made.strays_per_hour:.3g}",
            "false movements an hour",
            f"{wrong} in {hours * 60:.1f} minutes; {made.strays_per_pass:.2g} a walk",
        ),
        Headline(f"{right}/{len(made.walks)}", "walks right as a whole", _asked(made)),
    ]


def _asked(made: Certificate) -> str:
    return f"a person was asked on {made.asked.hits} of {made.asked.cases}"


def facts(made: Certificate) -> Iterator[tuple[str, str]]:
    """Where, when and by whom."""
    yield "Read point", made.plan.read_point
    if made.plan.site:
        yield "Site", made.plan.site
    yield "Measured", f"{made.measured_at:%Y-%m-%d %H:%M} UTC"
    if made.plan.technician:
        yield "By", made.plan.technician
    yield "Judged by", f"Tallyport {made.tallyport}, weights {made.weights}"


def more_figures(made: Certificate) -> Iterator[tuple[str, str, str]]:
    """The figures that do not stand large."""
    yield "Carried tags heard at all", percent(made.heard.value), between(made.heard)
    yield "Walks on which a person was asked", percent(made.asked.value), between(made.asked)
    yield "Walks by the door that told nothing", percent(made.quiet.value), between(made.quiet)
    told = f"{made.strays_idle} false movements in {made.idle_s:.0f} s"
    yield "Quiet minutes", told, f"{made.survey.strays} other tags were heard in all"


def provenance(made: Certificate) -> str:
    """What is real and what is not."""
    if made.emulated:
        return (
            f"EMULATED: no radio was involved. The dock is an emulated one of the suite "
            f"{made.emulated}; its figures say nothing of any real portal."
        )
    return (
        "Measured with this portal's own reader, antennas and surroundings, and judged by the "
        "same program that judges in production. Captures and walks as listed; the walk list is "
        "the technician's word."
    )


def caution(made: Certificate) -> str:
    """How far ten walks carry."""
    interval = made.recall.interval
    low = f"{100 * interval[0]:.1f} %" if interval else "nothing"
    return (
        f"{made.recall.cases} carried tags are few: with 95 % confidence the share told right is "
        f"above {low}, were tags independent, which those of one trolley are not. Other goods, "
        "other packing and other days differ."
    )
