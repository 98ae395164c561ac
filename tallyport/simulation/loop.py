"""An event loop without a clock, threads or sockets: time passes when nothing else can happen.

What runs on it is the product's own code. Each process of the simulated site is a ``Node``; its
tasks, timers and worker threads carry it in their context. A node that dies is not cancelled
(that would run its clean-up): its steps are simply never taken any more, as after a kill -9.
Blocking work that the product gives to threads is done inline after a drawn delay, one piece
after another for each executor, so that a node can die before it or between it and its result.
"""

from __future__ import annotations

import asyncio
import contextvars
from asyncio import base_events, events
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")
_NODE: contextvars.ContextVar[Node | None] = contextvars.ContextVar("node", default=None)
NOBODY = contextvars.Context()
"""The context of what belongs to no node: the network, the weather, the director."""
_MOST_TURNS = 1_000_000


class Killed(BaseException):
    """The node died inside blocking work: nothing of its process runs after this."""


class Stalled(RuntimeError):
    """Nothing can ever happen again, or things never stop happening."""


class Node:
    """One process. ``slow`` stretches its blocking work; ``dies_at`` is a count of steps."""

    def __init__(self, name: str, when_dead: Callable[[], None]) -> None:
        self.name = name
        self.alive = True
        self.steps = 0
        self.dies_at: int | None = None
        self.slow = 1.0
        self._when_dead = when_dead
        self._frozen: list[tuple[Callable[..., object], tuple[Any, ...], contextvars.Context]] = []

    def run(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start a task of this node."""
        context = contextvars.copy_context()
        context.run(_NODE.set, self)
        return asyncio.get_running_loop().create_task(work, context=context)

    def call(self, work: Callable[[], T]) -> T:
        """Run something of this node now; what it starts belongs to the node."""
        context = contextvars.copy_context()
        context.run(_NODE.set, self)
        return context.run(work)

    def die(self) -> None:
        """Kill -9, now."""
        if self.alive:
            self.alive = False
            self._when_dead()

    def step(self, callback: Callable[..., object], *args: object) -> None:
        """Take one step, unless dead: then it is kept, never to be taken."""
        self.steps += 1
        if self.dies_at is not None and self.steps >= self.dies_at:
            self.dies_at = None
            self.die()
        if self.alive:
            callback(*args)
        else:
            self._frozen.append((callback, args, contextvars.copy_context()))

    def bury(self) -> None:
        """After the end: let what is left of it unwind, so that nothing dangles."""
        self.alive, self.dies_at = True, None
        frozen, self._frozen = self._frozen, []
        for callback, args, context in frozen:
            asyncio.get_running_loop().call_soon(callback, *args, context=context)


class _Steps:
    """In a selector's place: waiting moves the clock."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise Stalled("nothing is left that could ever happen")
        self._loop.pass_s(timeout)
        return []

    def close(self) -> None:
        """Nothing is open."""


class VirtualLoop(base_events.BaseEventLoop):
    """See the module. All randomness comes from ``chance``."""

    def __init__(self, chance: Random) -> None:
        super().__init__()
        self._selector = _Steps(self)
        self._chance = chance
        self._now_s = 0.0
        self.turns = 0
        self._busy_until: dict[tuple[Node | None, int], float] = {}
        self.errors: list[dict[str, Any]] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self.set_task_factory(self._new_task)  # type: ignore[arg-type]  # as create_task calls it
        self.set_exception_handler(lambda _loop, context: self.errors.append(context))

    def time(self) -> float:
        """Seconds since the simulation's start."""
        return self._now_s

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        self._now_s += seconds
        self.turns += 1
        if self.turns > _MOST_TURNS:
            self.turns = 0
            raise Stalled(f"still busy after {_MOST_TURNS} turns, {self._now_s / 3600:.1f} h in")

    def call_soon(  # type: ignore[override]
        self,
        callback: Callable[..., object],
        *args: Any,  # noqa: ANN401 (asyncio's own signature)
        context: contextvars.Context | None = None,
    ) -> events.Handle:
        """As asyncio's; the step is its node's."""
        node = _NODE.get() if context is None else context.get(_NODE)
        if node is None:
            return super().call_soon(callback, *args, context=context)
        return super().call_soon(node.step, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,  # noqa: ANN401 (asyncio's own signature)
        context: contextvars.Context | None = None,
    ) -> events.TimerHandle:
        """As asyncio's; the step is its node's."""
        node = _NODE.get() if context is None else context.get(_NODE)
        if node is None:
            return super().call_at(when, callback, *args, context=context)
        return super().call_at(when, node.step, callback, *args, context=context)

    def run_in_executor(
        self, executor: object, func: Callable[..., T], *args: object
    ) -> asyncio.Future[T]:
        """Do blocking work inline, after a while; its result comes after another."""
        node = _NODE.get()
        future: asyncio.Future[T] = self.create_future()
        lane = (node, id(executor))
        slow = 1.0 if node is None else node.slow
        begins = max(self._now_s, self._busy_until.get(lane, 0.0))
        begins += slow * self._chance.expovariate(1 / 0.002)
        self._busy_until[lane] = begins + 1e-6

        def work() -> None:
            if future.cancelled():
                return
            try:
                result = func(*args)
            except Killed:
                return
            except BaseException as error:  # noqa: BLE001 (the future's to carry)
                self.call_later(slow * 1e-4, _settle, future, None, error)
            else:
                self.call_later(slow * 1e-4, _settle, future, result, None)

        self.call_at(begins, work)
        return future

    def _new_task(
        self,
        _loop: asyncio.AbstractEventLoop,
        work: Coroutine[Any, Any, T],
        context: contextvars.Context | None = None,
    ) -> asyncio.Task[T]:
        """Nobody may collect the tasks of the dead: that would run their clean-up."""
        task = asyncio.Task(work, loop=self, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard, context=NOBODY.copy())
        return task

    def _process_events(self, event_list: list[Any]) -> None:
        assert not event_list

    def _write_to_self(self) -> None:
        """No other thread could have woken us."""


def later(delay_s: float, work: Callable[[], object]) -> events.TimerHandle:
    """Do ``work`` after a while, for nobody: it happens whoever is dead."""
    return asyncio.get_running_loop().call_later(delay_s, work, context=NOBODY.copy())


def _settle(future: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
