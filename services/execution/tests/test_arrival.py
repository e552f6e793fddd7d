"""What makes no Job: a JobCreated that differs from its path, or that was not governed."""

from collections.abc import Mapping
from typing import Any

import pytest
from truth_execution.domain.arrival import ProofPolicy, check_created, queue_job
from truth_kit.fresh import new_id
from truth_sealing.samples import passkey_proof
from truth_sealing.steps import History, seal_step

from services.execution.tests.making import NOW, SIGNERS, job_created, path, refused

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


GARBAGE: Mapping[str, str] = dict.fromkeys(
    ("public_key", "authenticator_data", "client_data_json", "signature"), "AAAA"
)


def with_proof(history: History, proof: Mapping[str, Any]) -> History:
    """The same path, created with this passkey proof."""
    body = {**history.body("job_created"), "proof": dict(proof)}
    return seal_step(body, history.until("task_assigned"), SIGNERS["governance"])


@pytest.mark.parametrize("policy", ["off", "optional", "required"])
def test_guardrail_2_a_proof_that_does_not_hold_makes_no_job_whatever_is_asked_for(
    policy: ProofPolicy,
) -> None:
    history = path()
    for proof in (GARBAGE, passkey_proof(path().body("job_created")["job"])):
        forged = with_proof(history, proof)
        assert refused(check_created(job_created(forged), forged, policy)) == "proof_invalid"


@pytest.mark.parametrize("policy", ["off", "optional", "required"])
def test_a_job_that_its_passkey_signed_is_taken(policy: ProofPolicy) -> None:
    history = path()
    proven = with_proof(history, passkey_proof(history.body("job_created")["job"]))
    assert check_created(job_created(proven), proven, policy) is None


def test_guardrail_2_where_a_passkey_is_required_none_makes_no_job() -> None:
    history = path()
    assert refused(check_created(job_created(history), history, "required")) == "proof_missing"
    assert check_created(job_created(history), history, "off") is None


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
