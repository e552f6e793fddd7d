"""Rolling upgrade and rollback of each service alone, under load: `python -m tests.contracts.rolling`.

Two versions of the contracts, of which the newer drops an optional member of every event and step and adds
another, are built as packages of their own. While 200 requests a minute come in, one service at a time is
swapped: out in path order (writers first), back in reverse (readers first), then out and back the other way
round. Each swap is first put to the gate. In the end nothing may be lost, doubled or refused; and a version of
which the gate says no is deployed all the same, to see that it was right.
"""

import json
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
from confluent_kafka import Producer
from truth_contracts.manifest import Manifest
from truth_contracts.topics import SERVICES
from truth_gate.decide import by_schemas
from truth_gate.flight import live
from truth_gate.places import RELEASED
from truth_gate.released import Released
from truth_gate.verdict import Exit, by_flight, verdict
from truth_local import ports, processes
from truth_local.demo import doors, walk
from truth_local.demo.acting import wait_for
from truth_local.demo.upstream import settings
from truth_local.demo.walk import unseen
from truth_local.facts import write_facts
from truth_local.starting import start_infrastructure, start_services, stop_all
from truth_local.system import System, describe
from truth_local.watch import Watch
from truth_topology.connection import Login

from tests.contracts.variants import Variant, lay_down
from tests.faults.settled import check_once, rows, wait_until_healed
from tests.faults.traffic import Account, flowing, patient_people

PER_MINUTE = 200
_SETTLED_SECONDS = 300.0
OLD = Variant(1, "of_the_old", 'str | None = "told by 1.1"')
NEW = Variant(2, "of_the_new", 'str | None = "told by 1.2"')
NARROW = Variant(3, "shelf", "str", frozenset({"class RecordSealed(PathEvent, frozen=True):"}))
"""Its readers demand what nobody else writes."""


@dataclass(slots=True)
class Load:
    """Requests published at a steady rate, by their keys."""

    system: System
    keys: list[str] = field(default_factory=list[str])
    stopping: threading.Event = field(default_factory=threading.Event)
    began: float = field(default_factory=time.monotonic)

    def run(self) -> None:
        """Publish until told to stop; the rate is kept whatever the system does."""
        login = Login(
            self.system.bootstrap, "upstream-acme", self.system.principals["upstream-acme"].password
        )
        producer = Producer(settings(login) | {"acks": "all", "enable.idempotence": True})
        while not self.stopping.wait(
            max(0.0, self.began + len(self.keys) * 60 / PER_MINUTE - time.monotonic())
        ):
            asked = doors.request("kitchen-repairs", "Tap drips", "While it is upgraded.")
            headers = {
                "ce_specversion": "1.0", "ce_id": str(uuid4()), "ce_source": doors.SOURCE,
                "ce_type": "truth.requests.submitted.v1", "content-type": "application/json",
            }  # fmt: skip
            producer.produce("requests.submitted", json.dumps(asked).encode(), headers=list(headers.items()))
            producer.poll(0)
            self.keys.append(asked["request_key"])
        assert producer.flush(60) == 0


@dataclass(frozen=True, slots=True)
class Trial:
    """A system whose services can be run by either version."""

    system: System
    pythons: Mapping[str, Path]
    released: Released

    def run_by(self, service: str, version: str) -> System:
        """The system with one service described as a version runs it."""
        part = self.system.parts[f"{service}-1"]
        command = (str(self.pythons[version]), *part.command[1:])
        return replace(self.system, parts={**self.system.parts, part.name: replace(part, command=command)})

    def manifest(self, service: str, version: str, running: Mapping[str, Manifest]) -> Manifest:
        """What a version of a service reads and writes: the same types as what runs, each in this version."""
        minor, told = version.rpartition(".")[0], running[service].model_dump()
        told |= {side: dict.fromkeys(told[side], minor) for side in ("reads", "writes")}
        return Manifest.model_validate(told | {"version": version})

    def asks(self, service: str, version: str) -> tuple[Exit, list[str]]:
        """The gate's answer about a swap, with its reasons: schemas, and what is in flight."""
        system = live(self.system.layout.facts)
        running = system.manifests()
        candidate = self.manifest(service, version, running)
        findings = by_schemas(candidate, running, self.released)
        now = datetime.now(UTC)
        findings += [by_flight(candidate, one, self.released, now) for one in system.flying_to(candidate)]
        return verdict(findings), [
            f"{one.what} by {one.writer}: {one.why}" for one in findings if one.says != "yes"
        ]

    def swap(self, service: str, version: str) -> float:
        """Stop a service and start it as another version; returns the seconds until it was ready again."""
        began, name = time.monotonic(), f"{service}-1"
        self.system.stop(name)
        part = self.run_by(service, version).parts[name]
        processes.start(part)
        processes.wait_ready(part, Watch().check)
        about = httpx.get(f"{self.system.urls[service]}/about", timeout=10, trust_env=False).json()
        assert about["version"] == version, about
        return time.monotonic() - began


def rounds() -> list[tuple[str, str, Sequence[str]]]:
    """What is swapped to which version in which order: both directions, writers first and readers first."""
    back = tuple(reversed(SERVICES))
    return [
        ("upgrade, writers first", "1.2.0", SERVICES),
        ("rollback, readers first", "1.1.0", back),
        ("upgrade, readers first", "1.2.0", back),
        ("rollback, writers first", "1.1.0", SERVICES),
    ]


def say(text: str) -> None:
    """One line, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def upgrade(trial: Trial) -> None:
    """All twenty swaps under load; raises AssertionError when anything is lost, doubled or refused."""
    load = Load(trial.system)
    publishing = threading.Thread(target=load.run)
    with flowing(trial.system, workers=2) as account:
        publishing.start()
        try:
            for told, version, order in rounds():
                for service in order:
                    said, reasons = trial.asks(service, version)
                    assert said is Exit.YES, (service, version, reasons)
                    walked, published = len(account.walked), len(load.keys)
                    seconds = trial.swap(service, version)
                    say(f"{told}: {service} {version}, gate: yes, away {seconds:.1f} s")
                    wait_for(
                        lambda walked=walked, published=published: (
                            (len(account.walked) > walked and len(load.keys) > published + 10) or None
                        ),
                        "traffic that flows on",
                        _SETTLED_SECONDS,
                    )
        finally:
            load.stopping.set()
            publishing.join()
    minutes = (time.monotonic() - load.began) / 60
    say(
        f"{len(load.keys)} requests published in {minutes:.1f} min, {len(account.walked)} more walked to their Signal"
    )
    check(trial.system, load, account)


def check(system: System, load: Load, account: Account) -> None:
    """Nothing lost, doubled or refused."""

    def arrived() -> bool | None:
        intakes = {key for (key,) in rows(system, "intake", "SELECT request_key FROM truth.intake")}
        (tasks,) = rows(system, "governance", "SELECT count(*) FROM truth.task")
        return True if intakes >= set(load.keys) and tasks[0] == len(intakes) else None

    wait_for(arrived, "every request as an Intake with its Task", _SETTLED_SECONDS)
    wait_until_healed(system)
    check_once(system, account)
    counts = rows(system, "intake", "SELECT request_key, count(*) FROM truth.intake GROUP BY 1")
    assert [key for key, count in counts if count != 1] == []
    say(f"lost 0, doubled 0, dead letters 0 of {len(load.keys) + len(account.accepted)} requests")


def break_it(trial: Trial) -> None:
    """Deploy the reader that the gate refuses, and see what it does."""
    lay_down(trial.pythons["1.3.0"], trial.released.folder)
    said, reasons = trial.asks("signals", "1.3.0")
    assert said is Exit.NO, reasons
    say(f"signals 1.3.0, gate: no, since {reasons[0]}")
    trial.swap("signals", "1.3.0")
    who = patient_people(trial.system)
    asked = doors.request("kitchen-repairs", "Tap drips", "For a reader that demands too much.")
    intake = doors.over_http("", asked, who, unseen)
    ended = threading.Thread(target=_walk, args=(intake, who))
    ended.start()
    query = "SELECT detail FROM truth.dead_letter"
    ((detail,), *_) = wait_for(
        lambda: rows(trial.system, "signals", query) or None, "dead letter", _SETTLED_SECONDS
    )
    say(f"and it was right: signals refuses what records writes ({detail})")
    ended.join()


def _walk(intake: Mapping[str, object], who: walk.People) -> None:
    with suppress(TimeoutError):  # the decision of signals never comes
        walk.walk("", dict(intake), replace(who, patience_seconds=20), unseen)


def main() -> int:
    """Build, start, swap, count."""
    folder = Path(tempfile.mkdtemp(prefix="truth-rolling-"))
    system = describe(folder / "system", ports.free())
    try:
        began = time.monotonic()
        pythons = {
            f"1.{variant.minor}.0": variant.build(folder / str(variant.minor))
            for variant in (OLD, NEW, NARROW)
        }
        released = Released(shutil.copytree(RELEASED, folder / "released"))
        for version in ("1.1.0", "1.2.0"):
            lay_down(pythons[version], released.folder)
        say(f"three versions built and installed in {time.monotonic() - began:.0f} s")
        start_infrastructure(system, Watch())
        trial = Trial(system, pythons, released)
        parts = {
            name: trial.run_by(name.removesuffix("-1"), "1.1.0").parts[name] for name in system.replica_urls
        }
        start_services(replace(system, parts={**system.parts, **parts}), Watch())
        write_facts(system)
        upgrade(trial)
        break_it(trial)
    finally:
        stop_all(system, lambda _part, _what: None)
        shutil.rmtree(folder, ignore_errors=True)
    say("rolling upgrade and rollback: nothing lost, nothing doubled, nothing refused")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
