"""Create Job, as a decision."""

from datetime import timedelta

import pytest
from truth_contracts.ids import JobId
from truth_contracts.refusals import Refusal
from truth_governance.domain.commanding import Person
from truth_governance.domain.create_job import CreateJob, Creation, Known, Promotion, create_job
from truth_governance.domain.preparation import Preparation, PrepareJob, digest_of, prepare_job
from truth_governance.domain.task import TaskState
from truth_kit.fresh import new_id
from truth_sealing.steps import check_hand_off, hand_off

from services.governance.tests.making import (
    ADA,
    AMIR,
    KEYS,
    NOW,
    OLGA,
    OTTO,
    PROVING,
    assigned,
    carried,
    occasion,
    operator,
    prepared,
    promoted,
    refused,
)


def test_a_prepared_job_holds_the_whole_context_and_its_digest() -> None:
    task = assigned()
    preparation = prepared(task, OLGA)
    assert isinstance(preparation, Preparation)
    job = preparation.job
    assert preparation.digest == digest_of(job)
    assert preparation.expires_at == NOW + timedelta(minutes=10)
    assert (job.task_id, job.request_id, job.operator_id) == (task.task_id, task.request_id, "olga")
    assert (job.surface, job.maturity, job.prepared_by) == ("kitchen-repairs", "live", "person:olga")
    assert [stage.name for stage in job.stages] == ["inspect", "repair"]
    assert job.prev == task.history.link("task_assigned")["sha256"]


@pytest.mark.parametrize("person", [OTTO, Person("person:rita", "rita", "Rita", is_admin=False)])
def test_only_an_admin_or_the_assigned_operator_creates(person: Person) -> None:
    task = assigned()
    assert refused(prepared(task, person)) == "not_assigned"
    preparation = prepared(task, ADA)
    command = CreateJob(digest=preparation.digest)
    assert (
        refused(create_job(task, Known(None, preparation, operator()), command, occasion(person), PROVING))
        == "not_assigned"
    )


def test_nobody_prepares_from_an_old_page_or_for_an_operator_who_left() -> None:
    task = assigned()
    job_id = JobId(new_id())
    assert (
        refused(prepare_job(task, operator(), PrepareJob(version=2), occasion(), job_id)) == "version_stale"
    )
    gone = operator(is_active=False)
    assert refused(prepare_job(task, gone, PrepareJob(version=3), occasion(), job_id)) == "operator_unknown"


def test_create_job_promotes_and_makes_a_whole_path() -> None:
    task = promoted()
    assert (task.state, task.last.command) == (TaskState.PROMOTED, "create_job")
    assert check_hand_off(hand_off(task.history), "job_created", KEYS, every_signature=True) is None


def test_create_job_needs_the_digest_that_the_same_person_prepared() -> None:
    task = assigned()
    preparation = prepared(task, ADA)
    command = CreateJob(digest=preparation.digest)
    assert (
        refused(create_job(task, Known(None, None, operator()), command, occasion(), PROVING))
        == "digest_unknown"
    )
    assert (
        refused(
            create_job(
                task, Known(None, preparation, operator()), CreateJob(digest="1" * 64), occasion(), PROVING
            )
        )
        == "digest_unknown"
    )
    assert (
        refused(create_job(task, Known(None, preparation, operator()), command, occasion(AMIR), PROVING))
        == "digest_unknown"
    )
    assert (
        refused(create_job(task, Known(None, preparation, operator()), command, occasion(OLGA), PROVING))
        == "digest_unknown"
    )


def test_a_digest_lasts_ten_minutes_and_not_beyond_a_reassignment() -> None:
    task = assigned()
    preparation = prepared(task)
    command = CreateJob(digest=preparation.digest)
    late = occasion(at=NOW + timedelta(minutes=10, milliseconds=1))
    assert (
        refused(create_job(task, Known(None, preparation, operator()), command, late, PROVING))
        == "preparation_expired"
    )
    last = occasion(at=NOW + timedelta(minutes=10))
    assert isinstance(
        create_job(task, Known(None, preparation, operator()), command, last, PROVING), Promotion
    )
    assert (
        refused(
            create_job(
                assigned(task, OTTO), Known(None, preparation, operator()), command, occasion(), PROVING
            )
        )
        == "version_stale"
    )


def test_nobody_creates_the_job_of_an_operator_who_left_meanwhile() -> None:
    task = assigned()
    preparation = prepared(task)
    command = CreateJob(digest=preparation.digest)
    for gone in (operator(is_active=False), None):
        known = Known(None, preparation, gone)
        assert refused(create_job(task, known, command, occasion(), PROVING)) == "operator_unknown"


def test_a_second_create_job_gives_the_first_job_or_is_refused() -> None:
    task = assigned()
    preparation = prepared(task)
    command = CreateJob(digest=preparation.digest)
    outcome = create_job(task, Known(None, preparation, operator()), command, occasion(), PROVING)
    assert isinstance(outcome, Promotion)
    task, creation = carried(outcome), outcome.creation
    late = occasion(at=NOW + timedelta(days=1))
    assert create_job(task, Known(creation, preparation, None), command, late, PROVING) == creation
    other = create_job(
        task, Known(creation, None, operator()), CreateJob(digest="1" * 64), occasion(), PROVING
    )
    assert refused(other) == "job_exists"
    assert isinstance(other, Refusal)
    assert str(creation.job_id) in other.detail
    assert isinstance(creation, Creation)
