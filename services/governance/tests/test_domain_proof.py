"""The passkey proof of Create Job, as a decision; what is kept is checked as a stranger would."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from truth_contracts.refusals import Refusal
from truth_governance.domain.authenticator.asking import request_options
from truth_governance.domain.create_job import CreateJob, Known, Promotion, create_job
from truth_governance.domain.passkey import Passkey
from truth_governance.domain.preparation import Preparation
from truth_governance.domain.proof import Proving
from truth_governance.domain.task import Task
from truth_sealing.passkey import create_job_signed
from truth_sealing.steps import check_hand_off, hand_off

from services.governance.tests.authenticators import (
    PRESENT,
    VERIFIED,
    Authenticator,
    base64url,
    from_base64url,
)
from services.governance.tests.making import (
    KEYS,
    NOW,
    OLGA,
    PROVING,
    assigned,
    carried,
    occasion,
    operator,
    prepared,
)
from services.governance.tests.test_domain_passkey import passkey

REQUIRED = replace(PROVING, policy="required")
TASK = assigned()
PREPARED: Preparation = prepared(TASK)
HOLDER = Authenticator()
PASSKEY = passkey(HOLDER)


def asked(key: Passkey = PASSKEY, preparation: Preparation = PREPARED) -> dict[str, Any]:
    options = request_options(PROVING.site, preparation.digest, [key])
    assert options is not None
    return options


def created(
    assertion: dict[str, Any] | None,
    key: Passkey | None = PASSKEY,
    *,
    proving: Proving = REQUIRED,
    preparation: Preparation = PREPARED,
    task: Task = TASK,
) -> Promotion | Refusal:
    command = CreateJob.model_validate({"digest": preparation.digest, "assertion": assertion})
    at = NOW + timedelta(minutes=1)
    outcome = create_job(task, Known(None, preparation, operator(), key), command, occasion(at=at), proving)
    assert isinstance(outcome, Promotion | Refusal)
    return outcome


def refusal_of(outcome: Promotion | Refusal) -> tuple[str, str]:
    assert isinstance(outcome, Refusal), outcome
    return outcome.code, outcome.detail


def test_the_browser_is_asked_for_one_of_the_persons_keys_over_the_digest() -> None:
    assert from_base64url(asked()["challenge"]).hex() == PREPARED.digest
    assert asked()["userVerification"] == "required"
    assert asked()["allowCredentials"] == [{"id": base64url(HOLDER.credential_id), "type": "public-key"}]


@pytest.mark.parametrize("is_ed25519", [False, True], ids=["ES256", "Ed25519"])
@pytest.mark.parametrize("policy", ["optional", "required"])
def test_what_a_passkey_signed_is_kept_and_holds_offline(
    is_ed25519: bool, policy: Literal["optional", "required"]
) -> None:
    authenticator = Authenticator(is_ed25519=is_ed25519)
    key = passkey(authenticator)
    outcome = created(authenticator.sign(asked(key)), key, proving=replace(PROVING, policy=policy))
    assert isinstance(outcome, Promotion)
    body = outcome.body.model_dump(mode="json")
    finding = create_job_signed(body)
    assert (finding.answer, key.fingerprint in finding.reason) == ("yes", True)
    changed = body | {"job": body["job"] | {"operator_id": "otto"}}
    assert "another Job" in create_job_signed(changed).reason
    path = hand_off(carried(outcome).history)
    assert check_hand_off(path, "job_created", KEYS, every_signature=True) is None
    assert outcome.creation.passkey_id == key.passkey_id
    assert outcome.passkey == replace(key, used_at=NOW + timedelta(minutes=1))


def test_a_counter_is_kept() -> None:
    authenticator = Authenticator(sign_count=5)
    key = passkey(authenticator)
    outcome = created(authenticator.sign(asked(key)), key)
    assert isinstance(outcome, Promotion)
    assert outcome.passkey is not None
    assert (key.key.sign_count, outcome.passkey.key.sign_count) == (5, 6)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        pytest.param({"challenge": base64url(bytes(32))}, "another Job", id="another challenge"),
        pytest.param({"origin": "https://evil.example"}, "another site", id="another origin"),
        pytest.param({"origin": "http://localhost:8002"}, "another site", id="another port"),
        pytest.param({"rp_id": "example.org"}, "another site", id="another RP id"),
        pytest.param({"crossOrigin": True}, "within another site", id="framed"),
        pytest.param({"type": "webauthn.create"}, "webauthn.get", id="a registration"),
        pytest.param({"flags": PRESENT}, "did not verify its user", id="user not verified"),
        pytest.param({"flags": VERIFIED}, "verify its user", id="nobody there"),
    ],
)
def test_a_proof_made_otherwise_is_refused(changes: dict[str, Any], why: str) -> None:
    code, detail = refusal_of(created(HOLDER.sign(asked(), **changes)))
    assert (code, why in detail) == ("proof_invalid", True), detail


def test_another_key_under_a_known_name_is_refused() -> None:
    thief = Authenticator()
    thief.credential_id = HOLDER.credential_id
    assert "signature is wrong" in refusal_of(created(thief.sign(asked())))[1]


def test_a_counter_that_goes_back_is_refused() -> None:
    copy = Authenticator(sign_count=4)
    key = passkey(copy)
    ahead = replace(key, key=replace(key.key, sign_count=5))
    code, detail = refusal_of(created(copy.sign(asked(key)), ahead))  # signs as number 5 once more
    assert (code, "counter went back" in detail) == ("proof_invalid", True)


def test_a_key_of_nobody_or_of_somebody_else_is_refused() -> None:
    for key in (None, replace(PASSKEY, owner=OLGA.reference)):
        assert "not one of yours" in refusal_of(created(HOLDER.sign(asked()), key))[1]


def test_a_revoked_key_is_refused() -> None:
    revoked = replace(PASSKEY, revoked_at=NOW)
    assert refusal_of(created(HOLDER.sign(asked()), revoked))[0] == "passkey_revoked"


def test_a_proof_over_one_job_does_not_do_for_the_next() -> None:
    assertion = HOLDER.sign(asked())
    again: Preparation = prepared(TASK)  # the same Task, prepared once more
    assert "another Job" in refusal_of(created(assertion, preparation=again))[1]
    task = assigned()
    other: Preparation = prepared(task)
    assert "another Job" in refusal_of(created(assertion, preparation=other, task=task))[1]


def test_whether_a_passkey_is_needed_is_the_deployments_word() -> None:
    assert refusal_of(created(None, None))[0] == "proof_missing"
    without = created(None, None, proving=PROVING)
    assert isinstance(without, Promotion)
    assert (without.body.proof, without.passkey, without.creation.passkey_id) == (None, None, None)
    off = replace(PROVING, policy="off")
    assert isinstance(created(None, None, proving=off), Promotion)
    assert "nobody is asked" in refusal_of(created(HOLDER.sign(asked()), proving=off))[1]


def test_the_task_is_looked_at_before_the_proof() -> None:
    """A missing or wrong proof tells nothing to somebody who may not create this Job anyway."""
    command = CreateJob(digest=PREPARED.digest)
    stranger = occasion(replace(OLGA, subject="otto", reference="person:otto"))
    outcome = create_job(TASK, Known(None, PREPARED, operator()), command, stranger, REQUIRED)
    assert isinstance(outcome, Refusal)
    assert outcome.code == "not_assigned"


@settings(deadline=None)
@given(
    part=st.sampled_from(["clientDataJSON", "authenticatorData", "signature"]),
    at=st.floats(0, 1, exclude_max=True),
    octets=st.binary(min_size=1, max_size=8),
)
def test_no_changed_byte_is_taken(part: str, at: float, octets: bytes) -> None:
    assertion = HOLDER.sign(asked())
    honest = from_base64url(assertion["response"][part])
    place = int(at * len(honest))
    changed = honest[:place] + octets + honest[place + len(octets) :]
    assertion["response"] |= {part: base64url(changed)}
    if changed == honest:
        return
    assert refusal_of(created(assertion))[0] == "proof_invalid"
