"""A hand-off tells of its owner's own steps, each with the time since the step before it."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from truth_contracts.base import instant_text
from truth_contracts.ids import RequestId
from truth_contracts.reached import Reached, reached
from truth_contracts.records import RecordSealed
from truth_contracts.signals import Policy, SignalEmitted
from truth_contracts.steps import HandOff
from truth_contracts.tasks import TaskChanged
from truth_sealing.steps import STEPS
from uuid_utils.compat import uuid7

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
SHA256 = "0" * 64


def event(**members: Any) -> dict[str, Any]:
    """What every event has, and these."""
    return {"event_id": uuid4(), "at": NOW, "actor": "service:x", "request_id": uuid4()} | members


def chain(length: int) -> list[dict[str, Any]]:
    """The links of the first steps, ten seconds between each and the next."""
    return [
        {"step": step, "event_id": "e", "at": instant_text(NOW + timedelta(seconds=10 * n)), "actor": "service:x",
         "facts": {}, "sha256": SHA256, "sig": ""}
        for n, step in enumerate(STEPS[:length])
    ]  # fmt: skip


def hand_off(length: int) -> HandOff:
    """With nothing in it but its chain."""
    return HandOff(**event(salt="A" * 22 + "==", prev=None, steps=(), chain=chain(length)))


@pytest.mark.parametrize(
    ("length", "told"),
    [
        pytest.param(2, [Reached("request"), Reached("intake", "request", 10)], id="intakes.accepted"),
        pytest.param(
            5,
            [
                Reached("task_approved", "intake", 10),
                Reached("task_assigned", "task_approved", 10),
                Reached("job_created", "task_assigned", 10),
            ],
            id="jobs.created",
        ),
        pytest.param(
            7,
            [
                Reached("job_claimed", "job_created", 10),
                Reached("service_event_completed", "job_claimed", 10),
            ],
            id="service-events.completed",
        ),
    ],
)
def test_a_hand_off_tells_of_its_owners_steps(length: int, told: Sequence[Reached]) -> None:
    assert reached(hand_off(length)) == told


def test_every_step_is_told_of_once_on_the_way() -> None:
    assert [one.step for length in (2, 5, 7) for one in reached(hand_off(length))] == list(STEPS)


def test_a_record_is_told_since_the_completion() -> None:
    told = {"record_id": uuid4(), "record": json.dumps({"chain": chain(7)}), "sha256": SHA256, "index": 0}
    sealed = RecordSealed(**event(at=NOW + timedelta(seconds=61.5), proof="", **told))
    assert reached(sealed) == (Reached("record", "service_event_completed", 1.5),)


def test_a_signal_is_told_since_the_request() -> None:
    request_id = RequestId(uuid7())
    at = datetime.fromtimestamp((request_id.int >> 80) / 1000, UTC) + timedelta(days=2)
    policy = Policy(name="default", version="1.0", sha256=SHA256)
    told = {"signal_id": uuid4(), "record_id": uuid4(), "record_sha256": SHA256, "envelope": "{}"}
    emitted = SignalEmitted(**event(request_id=request_id, at=at, policy=policy, **told))
    assert reached(emitted) == (Reached("signal", "request", 2 * 24 * 3600),)


@pytest.mark.parametrize(
    "request_id",
    [
        pytest.param(UUID("ffffffff-ffff-7fff-bfff-ffffffffffff"), id="born after the year 9999"),
        pytest.param(uuid4(), id="without a time"),
        pytest.param(UUID(int=0), id="nothing"),
    ],
)
def test_a_signal_for_a_request_that_tells_no_time_is_a_step_all_the_same(request_id: UUID) -> None:
    policy = Policy(name="default", version="1.0", sha256=SHA256)
    told = {"signal_id": uuid4(), "record_id": uuid4(), "record_sha256": SHA256, "envelope": "{}"}
    emitted = SignalEmitted(**event(request_id=RequestId(request_id), policy=policy, **told))
    assert reached(emitted) == (Reached("signal"),)


def test_what_watchers_are_told_is_no_step() -> None:
    assert reached(TaskChanged(**event(id=uuid4(), version=1, state="approved"))) == ()
