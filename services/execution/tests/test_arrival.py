"""What makes no Job: a JobCreated that differs from its path, or that was not governed."""

from collections.abc import Mapping
from typing import Any

import pytest
from truth_execution.domain.arrival import check_created, queue_job
from truth_kit.fresh import new_id

from services.execution.tests.making import NOW, job_created, path, refused

JOB_DIFFERS: Mapping[str, Mapping[str, Any]] = {
    "request_id": {"request_id": new_id()},
    "prev": {"prev": "0" * 64},
    "task_id": {"task_id": new_id()},
    "operator_id": {"operator_id": "otto"},
    "surface": {"surface": "roof-inspections"},
    "maturity": {"maturity": "partial"},
    "stages": {"stages": ()},
    "prepared_by": {"prepared_by": "person:amir"},
}


@pytest.mark.parametrize("member", JOB_DIFFERS)
def test_guardrail_2_a_job_that_differs_from_its_path_is_refused(member: str) -> None:
    history = path(job=JOB_DIFFERS[member])
    refusal = check_created(job_created(history), history)
    assert refusal is not None
    assert (refusal.code, refusal.detail) == (
        "chain_broken",
        f"The chain is broken at job: it differs from its path in {member}.",
    )


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"task_approved": {"task_id": new_id()}}, "chain_broken", id="another Task approved"),
        pytest.param({"task_approved": {"actor": "client:acme"}}, "people_only", id="approved by a machine"),
        pytest.param({"task_assigned": {"actor": "service:x"}}, "people_only", id="assigned by a service"),
        pytest.param({"job_created": {"actor": "client:acme"}}, "people_only", id="created by a machine"),
        pytest.param({"request": {"actor": "person:ada"}}, "own_request", id="approved by who entered it"),
        pytest.param(
            {"request": {"requester": {"name": "Ada", "subject": "ada"}}},
            "own_request",
            id="by the requester",
        ),
        pytest.param(
            {"request": {"surface": "roof-inspections"}}, "chain_broken", id="another surface asked"
        ),
    ],
)
def test_guardrail_2_a_job_that_was_not_governed_is_refused(
    changes: Mapping[str, Mapping[str, Any]], code: str
) -> None:
    history = path(changes)
    assert refused(check_created(job_created(history), history)) == code


def test_guardrail_6_a_planned_surface_makes_no_job() -> None:
    history = path({"intake": {"maturity": "planned"}}, job={"maturity": "planned"})
    assert refused(check_created(job_created(history), history)) == "surface_planned"


def test_a_signed_body_that_cannot_be_read_makes_no_job() -> None:
    history = path()
    broken = type(history)((history.steps[0], '{"a":1}', *history.steps[2:]), history.chain)
    assert refused(check_created(job_created(history), broken)) == "body_invalid"


def test_a_path_without_room_for_its_completion_makes_no_job() -> None:
    history = path({"request": {"description": '"' * 60_000}})
    assert refused(check_created(job_created(history), history)) == "body_too_large"


def test_a_second_job_is_refused() -> None:
    history = path()
    existing = job_created(history).job.job_id
    assert refused(queue_job(existing, job_created(history), history, NOW)) == "job_exists"
