"""What was done to the system and what it said: a file of JSON lines, on disk before the next step is taken."""

import json
import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

Ids = Mapping[str, Any]
Outcome: TypeAlias = Literal["ok", "fail", "info"]
"""`info`: nobody knows whether it happened. `fail`: it was refused, so it must not have happened."""


class History:
    """Writes lines; from several threads. Times are seconds since the storm began."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("w", encoding="utf-8")
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._ops = 0

    def now(self) -> float:
        """Seconds since the storm began."""
        return round(time.monotonic() - self._began, 3)

    def note(self, what: str, **told: object) -> None:
        """One line, durable on return."""
        with self._lock:
            self._write({"at": self.now(), "type": what, **told})

    def new_op(self) -> int:
        """The number of a new operation; all attempts at it bear it."""
        with self._lock:
            self._ops += 1
            return self._ops

    def close(self) -> None:
        """Write no more."""
        with self._lock:
            self._file.close()

    def _write(self, line: Mapping[str, object]) -> None:
        if self._file.closed:
            return
        self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())


@dataclass(frozen=True, slots=True)
class Op:
    """One operation with all its attempts: a command over HTTP, or a message published.

    `path` of a published message is its topic. `asked` is what was sent, `answers` what came back, each once.
    """

    n: int
    who: str
    door: str  # a service, or "kafka"
    method: str
    path: str
    asked: Ids
    outcome: Outcome
    answers: tuple[Ids, ...] = ()
    attempts: int = 1
    refusals: tuple[str, ...] = ()  # codes of attempts that were refused


@dataclass(frozen=True, slots=True)
class Fault:
    """One injected fault, from its beginning until it was undone."""

    kind: str
    target: str
    began: float
    ended: float
    touched: frozenset[str] = frozenset()  # the replicas that it takes away while it lasts


@dataclass(frozen=True, slots=True)
class Sample:
    """The system at one moment. Numbers by service are None when nobody could tell."""

    at: float
    ready: Mapping[str, bool]  # by replica
    began: float = 0.0  # it takes a moment to look
    dead: tuple[str, ...] = ()  # replicas without a process
    lag: Mapping[str, int | None] = field(default_factory=dict[str, int | None])
    committed: Mapping[str, int | None] = field(default_factory=dict[str, int | None])
    outbox: Mapping[str, int | None] = field(default_factory=dict[str, int | None])
    rss: Mapping[str, tuple[int, float]] = field(default_factory=dict[str, tuple[int, float]])  # pid, MiB


@dataclass(frozen=True, slots=True)
class Sealed:
    """What the log held at one moment: digest of each body by index, and root by size."""

    at: float
    bodies: Mapping[int, str]
    roots: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Told:
    """A history as the checkers read it."""

    seed: int
    ops: tuple[Op, ...] = ()
    faults: tuple[Fault, ...] = ()
    samples: tuple[Sample, ...] = ()
    sealed: tuple[Sealed, ...] = ()
    vain: tuple[str, ...] = ()  # what somebody waited for in vain
    healed: float | None = None  # when the last fault was undone
    settled: float | None = None  # when nothing waited any more; None if it never came to that


def read(file: Path) -> Told:
    """The history in a file."""
    lines: list[dict[str, Any]] = [json.loads(line) for line in file.read_text().splitlines()]
    of = {kind: [line for line in lines if line["type"] == kind] for kind in {line["type"] for line in lines}}
    return Told(
        seed=of["begin"][0]["seed"],
        ops=_ops(lines),
        faults=tuple(
            Fault(line["kind"], line["target"], line["began"], line["at"], frozenset(line["touched"]))
            for line in of.get("undone", [])
        ),
        samples=tuple(_sample(line) for line in of.get("sample", [])),
        sealed=tuple(
            Sealed(
                line["at"],
                {int(idx): digest for idx, digest in line["bodies"].items()},
                {int(size): root for size, root in line["roots"].items()},
            )
            for line in of.get("sealed", [])
        ),
        vain=tuple(f"{line['at']:.0f} s: {line['failure']}" for line in of.get("vain", [])),
        healed=next((line["at"] for line in of.get("healed", [])), None),
        settled=next((line["at"] for line in of.get("settled", [])), None),
    )


def outcome_of(outcomes: Sequence[Outcome]) -> Outcome:
    """What the attempts at one operation amount to. Without any end it is unknown."""
    if "ok" in outcomes:
        return "ok"
    return "fail" if outcomes and set(outcomes) == {"fail"} else "info"


def _ops(lines: Sequence[dict[str, Any]]) -> tuple[Op, ...]:
    invoked: dict[int, list[dict[str, Any]]] = {}
    ended: dict[int, list[dict[str, Any]]] = {}
    for line in lines:
        if line["type"] == "invoke":
            invoked.setdefault(line["op"], []).append(line)
        elif line["type"] in ("ok", "fail", "info"):
            ended.setdefault(line["op"], []).append(line)
    return tuple(_op(n, attempts, ended.get(n, [])) for n, attempts in invoked.items())


def _op(n: int, attempts: Sequence[dict[str, Any]], ends: Sequence[dict[str, Any]]) -> Op:
    first = attempts[0]
    unended: list[Outcome] = ["info"] * (len(attempts) - len(ends))
    return Op(
        n=n,
        who=first["who"],
        door=first["door"],
        method=first["method"],
        path=first["path"],
        asked=first["asked"],
        outcome=outcome_of([*(end["type"] for end in ends), *unended]),
        answers=tuple(end["answer"] for end in ends if end["type"] == "ok"),
        attempts=len(attempts),
        refusals=tuple(end["code"] for end in ends if end["type"] == "fail"),
    )


def _sample(line: dict[str, Any]) -> Sample:
    return Sample(
        at=line["at"],
        ready=line["ready"],
        began=line["began"],
        dead=tuple(line["dead"]),
        lag=line["lag"],
        committed=line["committed"],
        outbox=line["outbox"],
        rss={part: (pid, mib) for part, (pid, mib) in line["rss"].items()},
    )
