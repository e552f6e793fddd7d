"""Rounds: a few points armed in each service, what reaches them set off, then everything checked."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import zip_longest

from truth_contracts.topics import SERVICES
from truth_local.demo.acting import wait_for
from truth_local.system import System

from tests.faults.crash.checking import wrong_in_databases, wrong_in_log, wrong_on_topics
from tests.faults.crash.points import Case, Trigger
from tests.faults.crash.walking import (
    Finished,
    Poisoned,
    poison,
    redrive_after_cure,
    redrive_in_vain,
    walk_whole,
)
from tests.faults.crash.woven import arm_points, restarted, unreached
from tests.faults.groups import is_caught_up
from tests.faults.settled import rows

_REACHED_SECONDS = 90.0
_TRIGGERS: Sequence[Trigger] = ("walk", "poison", "rebalance", "redrive")


@dataclass(frozen=True, slots=True)
class Round:
    """Cases that are tried together; all have one trigger."""

    trigger: Trigger
    cases: Sequence[Case]


@dataclass(slots=True)
class Done:
    """What all rounds together set off."""

    finished: list[Finished] = field(default_factory=list[Finished])
    poisoned: list[Poisoned] = field(default_factory=list[Poisoned])
    redriven: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a round ended: nothing wrong, or what."""

    tried: Round
    wrong: Sequence[str]
    seconds: float
    deaths: int


def plan(cases: Iterable[Case], at_once: int) -> list[Round]:
    """Rounds with at most so many points of each service; one kill lies behind another on the same walk."""
    lanes: defaultdict[tuple[Trigger, str], list[Case]] = defaultdict(list)
    for case in cases:
        lanes[case.point.trigger, case.service].append(case)
    rounds: list[Round] = []
    for trigger in _TRIGGERS:
        chunks = [_chunks(lanes[trigger, service], at_once) for service in SERVICES]
        rounds += [
            Round(trigger, [case for lane in lanes_now for case in lane])
            for lanes_now in zip_longest(*chunks, fillvalue=())
        ]
    return rounds


def _chunks(cases: Sequence[Case], size: int) -> Iterator[Sequence[Case]]:
    """Spread, so that the points of a round lie in different parts of the service."""
    count = -(-len(cases) // size)
    return (cases[first::count] for first in range(count))


def run(system: System, tried: Round, done: Done) -> Verdict:
    """Arm, set off, wait until every point has killed its service and all is well again, and check."""
    began, wrong = time.monotonic(), list[str]()
    names = _by_service(tried.cases)
    for service, points in names.items():
        arm_points(system, service, points)
    before = len(done.finished)
    deaths = 0
    try:
        with restarted(system) as watched:
            _SET_OFF[tried.trigger](system, tried, done)
            wait_for(
                lambda: None if _unreached(system, names) else True, "kill at every point", _REACHED_SECONDS
            )
            wait_until_settled(system)
        deaths = sum(watched.deaths.values()) - _ended_first(tried)
        if deaths != len(tried.cases):
            wrong.append(f"{deaths} deaths instead of {len(tried.cases)}: {watched.deaths}")
    except Exception as error:  # noqa: BLE001 whatever it is, it is the verdict
        wrong.append(f"{error!r}; not reached: {_unreached(system, names)}")
    finally:
        for service in SERVICES:
            arm_points(system, service, ())
    for finished in done.finished[before:]:
        wrong += wrong_in_databases(system, finished)
    return Verdict(tried, wrong, time.monotonic() - began, deaths)


def wrong_at_the_end(system: System, since: Mapping[tuple[str, int], int], done: Done) -> list[str]:
    """What all topics, the dead letters and the log tell after the last round."""
    wrong = [*wrong_on_topics(system, since, done.finished, done.poisoned), *wrong_in_log(system)]
    for request_key in done.redriven:
        query = f"SELECT count(*) FROM truth.intake WHERE request_key = '{request_key}'"  # noqa: S608 our own key
        ((count,),) = rows(system, "intake", query)
        if count != 1:
            wrong.append(f"intake: {count} Intakes of the redriven {request_key}")
    return wrong


def wait_until_settled(system: System) -> None:
    """Every first replica ready, every outbox empty, every group at its end."""
    for service in SERVICES:
        wait_for(lambda service=service: system.parts[f"{service}-1"].ready() or None, f"{service} ready", 90)
    for service in SERVICES:
        wait_for(
            lambda service=service: None if _unsent(system, service) else True, f"{service} to publish", 90
        )
    for service in SERVICES:
        wait_for(lambda service=service: is_caught_up(system, service), f"{service} caught up", 90)


def _unsent(system: System, service: str) -> int:
    ((count,),) = rows(system, service, "SELECT count(*) FROM truth.outbox")
    return count


def _ended_first(tried: Round) -> int:
    """How many processes are ended so that they start: the sealer's edge is restored only then."""
    return sum(case.point.function == "_restore" for case in tried.cases)


def _unreached(system: System, names: Mapping[str, Sequence[str]]) -> list[str]:
    return [f"{service}: {point}" for service in names for point in unreached(system, service)]


def _by_service(cases: Iterable[Case]) -> dict[str, list[str]]:
    names: defaultdict[str, list[str]] = defaultdict(list)
    for case in cases:
        names[case.service].append(case.point.name)
    return dict(names)


def _walk(system: System, tried: Round, done: Done) -> None:
    """Through both doors at once."""
    if _ended_first(tried):
        system.kill("records-1")
    with ThreadPoolExecutor(2) as pool:
        walks = [pool.submit(walk_whole, system, over_kafka=over_kafka) for over_kafka in (True, False)]
        done.finished += [walk.result() for walk in walks]


def _poison(system: System, tried: Round, done: Done) -> None:
    done.poisoned += [
        poison(system, service) for service in dict.fromkeys(case.service for case in tried.cases)
    ]
    done.finished.append(walk_whole(system, over_kafka=True))


def _rebalance(system: System, tried: Round, done: Done) -> None:
    """Second replicas come while a request is on its way, and leave again."""
    seconds = [f"{service}-2" for service in dict.fromkeys(case.service for case in tried.cases)]
    with ThreadPoolExecutor(6) as pool:
        walking = pool.submit(walk_whole, system, over_kafka=True)
        try:
            list(pool.map(system.start, seconds))
            done.finished.append(walking.result())
        finally:
            list(pool.map(system.stop, seconds))


def _redrive(system: System, tried: Round, done: Done) -> None:
    """A cured letter in intake, whose cause somebody can take away; elsewhere one that is refused again."""
    for service in dict.fromkeys(case.service for case in tried.cases):
        if service == "intake":
            done.redriven.append(redrive_after_cure(system))
        else:
            done.poisoned.append(redrive_in_vain(system, service))


_SET_OFF: Mapping[Trigger, Callable[[System, Round, Done], None]] = {
    "walk": _walk,
    "poison": _poison,
    "rebalance": _rebalance,
    "redrive": _redrive,
}
