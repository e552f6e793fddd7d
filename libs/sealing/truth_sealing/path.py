"""Whether no step of the path was skipped, who signed it, and whether nobody judged their own work."""

from collections.abc import Iterator
from datetime import timedelta

from truth_sealing.findings import Finding, finding
from truth_sealing.instants import EPOCH, read_instant
from truth_sealing.keyring import Keyring
from truth_sealing.sealed import SealedRecord
from truth_sealing.shown import Shown, member
from truth_sealing.steps import SKEW, STEP_OWNERS, STEPS, check_signature

_WITH_DUTIES = tuple(step for step in STEPS if step != "intake")
"""The steps in which somebody acts; an Intake opens its Task by itself."""


def signed_steps(record: SealedRecord, keyring: Keyring | None) -> frozenset[str]:
    """The steps whose links are signed by a pinned key of their owner, for this request and predecessor."""
    if keyring is None:
        return frozenset()
    return frozenset(
        link["step"]
        for link in record.chain
        if check_signature(
            link, record["request_id"], record.prev(link["step"]), keyring.step_keys(link["at"])
        )
    )


def path_signed(keyring: Keyring | None, signed: frozenset[str]) -> Finding:
    """All seven signatures, or none that could be checked."""
    if keyring is None or not keyring.has_step_keys:
        return finding("path_signed", wrong=[], missing=["no step keys are pinned"], right="")
    wrong = [f"{step} is not signed by {STEP_OWNERS[step]}" for step in STEPS if step not in signed]
    return finding("path_signed", wrong=wrong, missing=[], right="all seven links are signed by their owners")


def path_complete(record: SealedRecord, shown: Shown, signed: frozenset[str]) -> Finding:
    """Seven steps in order for one request, each bound to the one before it by its body or its signature."""
    unbound = [step for step in STEPS if step not in shown.bodies and step not in signed]
    return finding(
        "path_complete",
        wrong=[*_body_problems(record, shown), *_time_problems(record)],
        missing=[f"nothing binds {step} to the step before it" for step in unbound],
        right="seven steps in order, each following the one before it",
    )


def _body_problems(record: SealedRecord, shown: Shown) -> Iterator[str]:
    for step, body in shown.bodies.items():
        if body.get("request_id") != record["request_id"]:
            yield f"{step} belongs to another request"
        if body.get("prev") != record.prev(step):
            yield f"{step} does not follow the step before it"


def _time_problems(record: SealedRecord) -> Iterator[str]:
    before = EPOCH
    told = [*((link["step"], link["at"]) for link in record.chain), ("the Record", record["recorded_at"])]
    for what, text in told:
        at = read_instant(text)
        if at is None:
            yield f"the time of {what} is not an instant"
        elif at < before - SKEW:
            yield f"{what} lies more than {SKEW // timedelta(minutes=1)} minutes before the step before it"
        before = at or EPOCH


def duties_separated(record: SealedRecord, shown: Shown, signed: frozenset[str]) -> Finding:
    """Whoever asked did not approve, whoever claimed was assigned, and people did both."""
    requester, approver = record.link("request")["actor"], record.link("task_approved")["actor"]
    unbound = [step for step in _WITH_DUTIES if step not in shown.bodies and step not in signed]
    anonymous = ["the requester is anonymous"] if requester == "anonymous" else []
    return finding(
        "duties_separated",
        wrong=list(_duty_problems(record, shown)),
        missing=[*anonymous, *(f"nothing vouches for who did {step}" for step in unbound)],
        right=f"asked by {requester}, approved by {approver}, claimed by the assigned operator",
    )


def _duty_problems(record: SealedRecord, shown: Shown) -> Iterator[str]:
    approver, creator = record.link("task_approved")["actor"], record.link("job_created")["actor"]
    if approver == record.link("request")["actor"]:
        yield "whoever asked also approved"
    subject = member(shown.body("request"), "requester", "subject")
    if isinstance(subject, str) and approver == f"person:{subject}":
        yield "the person for whom the work was asked also approved"
    assignee = f"person:{record['operator_id']}"
    if record.link("job_claimed")["actor"] != assignee:
        yield "the Job was not claimed by the assigned operator"
    if record.link("service_event_completed")["actor"] != assignee:
        yield "the work was not completed by the assigned operator"
    if not approver.startswith("person:"):
        yield "the approval is not a person's"
    if not creator.startswith("person:"):
        yield "Create Job is not a person's command"
