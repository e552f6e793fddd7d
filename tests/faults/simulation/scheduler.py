"""Who goes next: one step of one actor at a time, chosen by a seeded die, so that a seed replays exactly."""

import hashlib
import random
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass, field
from types import coroutine
from typing import Any, TypeAlias

Condition: TypeAlias = Callable[[], bool]


class AwayError(Exception):
    """A neighbour went away in the middle: what was asked of it may or may not have happened."""


class ViolationError(AssertionError):
    """Something that may never happen has happened."""


@coroutine
def step() -> Generator[None]:
    """Let others go first. Between any two steps everything else may happen, a kill too."""
    yield None


@coroutine
def until(condition: Condition) -> Generator[Condition]:
    """Wait for others to make it so."""
    while not condition():
        yield condition


@dataclass(slots=True, eq=False)
class Actor:
    """Somebody with steps to take. `home` is the process that it lives and dies with; people have none."""

    name: str
    steps: Coroutine[Condition | None, None, Any]
    home: object | None = None
    waiting: Condition | None = None
    is_over: bool = False
    result: Any = None
    error: Exception | None = None


@dataclass(slots=True)
class Scheduler:
    """The actors of one run, and the die."""

    die: random.Random
    actors: list[Actor] = field(default_factory=list[Actor])
    trace: list[str] = field(default_factory=list[str])

    def spawn(
        self, name: str, steps: Coroutine[Condition | None, None, Any], home: object | None = None
    ) -> Actor:
        """A new actor; its first step is still to come."""
        actor = Actor(name, steps, home)
        self.actors.append(actor)
        return actor

    def choose(self) -> Actor | None:
        """One of those who can take a step now, each as likely as the other; None if nobody can."""
        left = self.actors[:]
        while left:
            position = int(self.die.random() * len(left))
            actor = left[position]
            if actor.waiting is None or actor.waiting():
                return actor
            left[position] = left[-1]
            left.pop()
        return None

    def advance(self, actor: Actor, error: Exception | None = None) -> None:
        """One step, or an error where it stands."""
        self.trace.append(actor.name)
        try:
            actor.waiting = actor.steps.send(None) if error is None else actor.steps.throw(error)
        except StopIteration as end:
            actor.result = end.value
            self._end(actor)
        except AwayError as away:
            actor.error = away
            self._end(actor)

    def kill(self, home: object) -> None:
        """Everything that lives in a process ends where it stands."""
        for actor in [actor for actor in self.actors if actor.home is home]:
            actor.steps.close()
            actor.error = AwayError("killed")
            self._end(actor)

    def digest(self) -> str:
        """What identifies the order in which everything happened."""
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()

    def _end(self, actor: Actor) -> None:
        actor.is_over = True
        self.actors.remove(actor)
