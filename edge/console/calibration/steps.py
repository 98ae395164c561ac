"""The steps of a calibration: each waits for what it needs, measures, and says why it cannot.

The reasons are a technician's: ``unstable``, ``not-enough-load``, ``saturated``, ``no-zero`` ...
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Literal

import msgspec

from edge.console.calibration import model
from edge.console.calibration.draft import Creep, Grams, Loaded, Position, Unit
from edge.console.calibration.session import Session
from edge.console.calibration.settling import Level, Sample
from edge.console.operation import Changing
from gateway.console import Troubled

PATIENCE_S = 20.0
_HAND_S = 90.0
"""How long a person may take to lift a load off or put it on."""
_TICK_S = 0.25
_GONE, _BACK = 0.2, 0.8
"""Shares of a load at which it counts as lifted off, and as put back."""

Name = Literal["noise", "zero", "span", "second", "repeat", "corner", "creep", "return", "unit"]


class StepArguments(Changing, frozen=True, kw_only=True):
    """One step of a session. ``mass_g`` with ``uncertainty_g`` (k = 2, as on the weight's own
    certificate), or ``pieces`` of ``piece_g`` each, is what lies on the plate. ``seconds`` is how
    long noise and creep are watched; ``cv`` how much pieces differ.
    """

    session: str
    step: Name
    mass_g: Grams | None = None
    uncertainty_g: Annotated[float, msgspec.Meta(ge=0, le=1e6)] = 0.0
    pieces: Annotated[int, msgspec.Meta(ge=1, le=100_000)] | None = None
    piece_g: Grams | None = None
    position: Position | None = None
    seconds: Annotated[float, msgspec.Meta(ge=1, le=7_200)] | None = None
    cv: Annotated[float, msgspec.Meta(gt=0, le=0.5)] = 0.01

    @property
    def load_g(self) -> float:
        """What lies on the plate. Raises ``Troubled`` where nobody said."""
        if self.mass_g is not None:
            return self.mass_g
        if self.pieces is not None and self.piece_g is not None:
            return self.pieces * self.piece_g
        raise Troubled(
            "no-mass",
            "Nobody said what lies on the plate.",
            "Give the mass in grams, or so many pieces and what one weighs.",
        )


async def settled(here: Session, *, patience_s: float = PATIENCE_S) -> Level:
    """The reading once the plate rests. Raises ``Troubled``, with the reason, when it does not."""
    rest = here.rest()
    until_s = here.now_s() + patience_s
    with here.listening(rest.feed):
        while here.now_s() < until_s:
            await here.news(_TICK_S)
            if (level := rest.level()) is not None and not here.plate.trouble:
                return level
            here.say(waits_for=here.plate.trouble or rest.why_not)
    why = here.plate.trouble or rest.why_not
    code = "saturated" if why.startswith(("saturated", "overload")) else "unstable"
    raise Troubled(
        code,
        f"The plate did not come to rest within {patience_s:.0f} s: {why}.",
        "Take your hands off, keep doors and fans away, see that nothing touches the plate; "
        "then try this step again.",
    )


def _need_noise(here: Session) -> None:
    if here.draft.noise is None:
        raise Troubled("no-noise", "Do the noise check first: it tells what rest is here.")


def _need_zero(here: Session) -> Level:
    _need_noise(here)
    if here.draft.zero is None:
        raise Troubled("no-zero", "Capture zero first, with the plate empty.")
    return here.draft.zero


def _need_span(here: Session) -> Loaded:
    if here.draft.span is None:
        raise Troubled("no-span", "Do the span first: nothing is known in grams before it.")
    return here.draft.span


async def noise(here: Session, asked: StepArguments) -> None:
    """Watch the untouched plate."""
    seconds = asked.seconds or 10.0
    samples: list[Sample] = []
    begun_s = here.now_s()
    with here.listening(samples.append):
        while (done_s := here.now_s() - begun_s) < seconds:
            here.say(done_s=round(done_s, 1), of_s=seconds)
            await here.news(_TICK_S)
    try:
        found = model.noise([one.at_s for one in samples], [one.value for one in samples])
    except ValueError:
        raise Troubled(
            "silent",
            f"Only {len(samples)} values came in {seconds:g} s: {here.plate.trouble or 'too few'}.",
            "Let the device send more often, or watch it for longer.",
        ) from None
    here.draft.noise = found
    if here.draft.kind == "grams" and not here.draft.division_g:
        here.draft.division_g = here.plate.finest


async def zero(here: Session, _asked: StepArguments) -> None:
    """Capture the empty plate."""
    _need_noise(here)
    level = await settled(here)
    draft = here.draft
    draft.zero = level
    # whatever was measured from another zero is of another line
    draft.span = draft.second = draft.creep = draft.zero_again = draft.unit = None
    draft.lifts, draft.corners = [], {}


def _enough(here: Session, level: Level, load_g: float, zero_at: Level) -> None:
    noise_found = here.draft.noise
    assert noise_found is not None
    moved = abs(level.mean - zero_at.mean)
    sigma = max(noise_found.sigma, here.plate.finest)
    if moved < model.ENOUGH_SIGMAS * sigma:
        raise Troubled(
            "not-enough-load",
            f"Not enough load: the reading moved by {moved:,.1f} {here.plate.unit}, "
            + (
                f"which is only {moved / sigma:.0f} times its noise."
                if moved > 2 * sigma
                else "no more than it trembles by itself."
            ),
            f"Is the mass on the plate? Use one that moves it {model.ENOUGH_SIGMAS:.0f} times.",
        )
    capacity = here.draft.capacity_g
    if capacity and load_g < model.LEAST_SHARE * capacity:
        raise Troubled(
            "not-enough-load",
            f"Not enough load: {load_g:g} g of a capacity of {capacity:g} g.",
            f"Use {model.LEAST_SHARE * capacity:g} g or more, best half of the capacity.",
        )


async def span(here: Session, asked: StepArguments) -> None:
    """Read a known mass: what counts are worth, or how wrong the scale is."""
    zero_at, load_g = _need_zero(here), asked.load_g
    level = await settled(here)
    _enough(here, level, load_g, zero_at)
    draft = here.draft
    if draft.kind == "grams" and not 0.5 < (level.mean - zero_at.mean) / load_g < 2.0:
        raise Troubled(
            "other-mass",
            f"The scale reads {level.mean:g} g where {load_g:g} g should lie.",
            "Is it another mass, or is its unit another one?",
        )
    draft.span = Loaded(
        mass_g=load_g, level=level, uncertainty_g=asked.uncertainty_g, pieces=asked.pieces
    )
    draft.second = draft.creep = draft.unit = None
    draft.lifts, draft.corners = [], {}


async def second(here: Session, asked: StepArguments) -> None:
    """Read another known mass on the same line."""
    _need_zero(here)
    first, load_g = _need_span(here), asked.load_g
    if abs(load_g - first.mass_g) < 0.1 * first.mass_g:
        raise Troubled(
            "same-mass",
            f"{load_g:g} g is nearly the span mass of {first.mass_g:g} g: it shows nothing new.",
            "Use about half of it, or twice.",
        )
    here.draft.second = Loaded(
        mass_g=load_g, level=await settled(here), uncertainty_g=asked.uncertainty_g
    )


async def repeat(here: Session, asked: StepArguments) -> None:
    """Three times off and on again, seen by the plate itself."""
    zero_at = _need_zero(here)
    load_g = asked.mass_g or _need_span(here).mass_g
    assert here.draft.counts_per_g is not None
    change = load_g * here.draft.counts_per_g
    lifts: list[Level] = []
    while len(lifts) < model.LIFTS:
        here.say(lift=len(lifts) + 1, of=model.LIFTS, want="off")
        await _hand(here, lambda value: (value - zero_at.mean) / change < _GONE, "lifted off")
        here.say(want="on")
        await _hand(here, lambda value: (value - zero_at.mean) / change > _BACK, "put on")
        here.say(want="wait")
        lifts.append(await settled(here))
    here.draft.lifts, here.draft.lifted_g = lifts, load_g


async def _hand(here: Session, done: Callable[[float], bool], what: str) -> None:
    until_s = here.now_s() + _HAND_S
    while here.now_s() < until_s:
        samples = here.plate.samples
        if samples and done(samples[-1].value):
            return
        await here.news(_TICK_S)
    raise Troubled(
        "nobody",
        f"The load was not {what} within {_HAND_S:.0f} s.",
        "Begin the three lifts again when you are ready.",
    )


async def corner(here: Session, asked: StepArguments) -> None:
    """Read the same mass at one position."""
    _need_zero(here)
    _need_span(here)
    if asked.position is None:
        raise Troubled("no-position", "Say at which corner the mass lies.")
    load_g, draft = asked.load_g, here.draft
    level = await settled(here)
    if load_g != draft.cornered_g:
        draft.corners, draft.cornered_g = {}, load_g
    draft.corners[asked.position] = level


async def creep(here: Session, asked: StepArguments) -> None:
    """Watch a load that lies: five minutes, or as long as is asked."""
    _need_zero(here)
    seconds = asked.seconds or 300.0
    load_g = asked.mass_g or _need_span(here).mass_g
    first = await settled(here)
    begun_s = here.now_s()
    furthest = last = first.mean
    while (done_s := here.now_s() - begun_s) < seconds:
        rest = here.rest()
        with here.listening(rest.feed):
            pause_s = here.now_s() + min(2.5, seconds - done_s + 0.1)
            while here.now_s() < pause_s:
                await here.news(_TICK_S)
        if (level := rest.level()) is not None:
            last = level.mean
            furthest = max((furthest, last), key=lambda value: abs(value - first.mean))
        moved = here.draft.grams_of_spread(furthest - first.mean)
        here.say(done_s=round(done_s), of_s=seconds, moved_g=moved and round(moved, 4))
    here.draft.creep = Creep(
        mass_g=load_g, seconds=seconds, first=first.mean, furthest=furthest, last=last
    )


async def zero_again(here: Session, _asked: StepArguments) -> None:
    """Read the empty plate once more, after the load."""
    _need_zero(here)
    here.draft.zero_again = await settled(here)


async def unit(here: Session, asked: StepArguments) -> None:
    """Learn what one piece weighs."""
    zero_at = _need_zero(here)
    if here.draft.kind == "counts":
        _need_span(here)
    if asked.pieces is None:
        raise Troubled("no-pieces", "Say how many pieces lie on the plate.")
    level = await settled(here)
    assert here.draft.counts_per_g is not None
    if (level.mean - zero_at.mean) / here.draft.counts_per_g <= 0:
        raise Troubled("not-enough-load", "Nothing lies on the plate: put the pieces on it.")
    here.draft.unit = Unit(pieces=asked.pieces, level=level, cv=asked.cv)


STEPS: Mapping[Name, Callable[[Session, StepArguments], Awaitable[None]]] = {
    "noise": noise,
    "zero": zero,
    "span": span,
    "second": second,
    "repeat": repeat,
    "corner": corner,
    "creep": creep,
    "return": zero_again,
    "unit": unit,
}
