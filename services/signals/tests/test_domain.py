"""What verifies, what the policy says of it, and what a Signal states; without I/O."""

import json
from typing import Any

import pytest
from pydantic import ValidationError
from truth_contracts.records import RecordSealed
from truth_sealing.canonical import Json, canonical
from truth_sealing.keyring import Keyring, read_keyring
from truth_sealing.keys import FileSigner
from truth_sealing.logged import Trust
from truth_sealing.samples import ORIGIN, Changes
from truth_sealing.sealed import read_record
from truth_sealing.signal import check_signal, sign_envelope
from truth_signals.domain.decision import Decision, decide, emitted, stated
from truth_signals.domain.policy import read_policy
from truth_signals.domain.sealed import read, verify

from services.signals.tests.builders import (
    KEYS,
    NOW,
    PINNED,
    POLICY,
    incomplete,
    partial_surface,
    record_sealed,
    uuid_of,
)


def decision(event: RecordSealed) -> Decision:
    assert verify(event, PINNED) is None
    return decide(read(event, PINNED), POLICY)


def test_a_verified_live_and_fulfilled_record_earns_a_signal() -> None:
    earned = decision(record_sealed())
    assert (earned.reasons, len(earned.answers)) == ([], 7)
    assert earned.signal_id is not None


def test_the_same_sealing_gives_the_same_signal_id() -> None:
    assert decision(record_sealed()).signal_id == decision(record_sealed()).signal_id


@pytest.mark.parametrize(
    ("steps", "rule"),
    [
        pytest.param(partial_surface(), "maturity", id="partial surface"),
        pytest.param(incomplete(outcome="partially_fulfilled"), "outcome", id="not wholly fulfilled"),
        pytest.param(
            incomplete(outcome="not_fulfilled", evidence_missing=["repair"]),
            "evidence_missing",
            id="no evidence",
        ),
        pytest.param(
            {"task_approved": {"actor": "person:rita"}}, "duties_separated", id="own request approved"
        ),
        pytest.param({"job_claimed": {"actor": "person:otto"}}, "duties_separated", id="claimed by another"),
        pytest.param(
            {"job_created": {"actor": "client:acme"}}, "duties_separated", id="created by a machine"
        ),
    ],
)
def test_a_rule_that_fails_withholds_the_signal_and_says_why(steps: Changes, rule: str) -> None:
    event = record_sealed(steps=steps)
    if verify(event, PINNED) is not None:
        pytest.fail(str(verify(event, PINNED)))
    withheld = decision(event)
    assert [reason.partition(":")[0] for reason in withheld.reasons][-1] == rule
    assert withheld.signal_id is None
    with pytest.raises(ValueError, match="withheld"):
        emitted(withheld, "{}", NOW)


def test_an_anonymous_requester_is_not_the_approver() -> None:
    assert decision(record_sealed(steps={"request": {"actor": "anonymous"}})).reasons == []


def test_witnesses_are_counted() -> None:
    wanted = json.loads(POLICY.octets)
    wanted["rules"]["witnesses_at_least"] = 3
    asked = decide(read(record_sealed(), PINNED), read_policy(json.dumps(wanted).encode()))
    assert [reason.partition(":")[0] for reason in asked.reasons] == ["witnesses"]


FORGED = FileSigner.generate(ORIGIN)
OTHER = record_sealed(2)


@pytest.mark.parametrize(
    ("event", "what"),
    [
        pytest.param(record_sealed(signer=FORGED), "logged", id="another log key"),
        pytest.param(record_sealed(proof=OTHER.proof), "integrity", id="another Record's proof"),
        pytest.param(record_sealed(proof="no proof"), "integrity", id="no proof"),
        pytest.param(
            record_sealed(record=OTHER.record, proof=OTHER.proof), "request_id", id="another Record"
        ),
        pytest.param(record_sealed(record_id=uuid_of("x")), "record_id", id="another record_id"),
        pytest.param(record_sealed(index=4), "index", id="another index"),
        pytest.param(record_sealed(sha256="0" * 64), "sha256", id="another digest"),
        pytest.param(record_sealed(members={"maturity": "partial"}), "integrity", id="maturity changed"),
        pytest.param(record_sealed(members={"outcome": "not_fulfilled"}), "integrity", id="outcome changed"),
        pytest.param(record_sealed(members={"chain": []}), "path_complete", id="no path"),
        pytest.param(record_sealed(record="{}"), "integrity", id="no Record"),
    ],
)
def test_what_does_not_verify_is_refused_with_the_failed_check(event: RecordSealed, what: str) -> None:
    refusal = verify(event, PINNED)
    assert refusal is not None
    assert refusal.code == "record_unverified"
    assert what in refusal.detail


def pinning(*signers: FileSigner, kind: str, to: Json = None) -> Keyring:
    """A keyring of these alone, in force up to `to`."""
    keys: list[Json] = [
        {"kind": kind, "vkey": signer.verify_key.vkey, "from": None, "to": to, "state": "active"}
        for signer in signers
    ]
    return read_keyring(canonical({"keys": keys}))


def test_an_unknown_step_key_is_refused() -> None:
    keyring = pinning(KEYS.steps["intake"], KEYS.steps["execution"], kind="step")
    refusal = verify(record_sealed(), Trust(PINNED.policy, keyring))
    assert refusal is not None
    assert "path_signed: task_approved is not signed by governance" in refusal.detail


def test_a_step_key_counts_to_its_end() -> None:
    keyring = pinning(*KEYS.steps.values(), kind="step", to="2026-11-24T10:01:30.000Z")
    refusal = verify(record_sealed(), Trust(PINNED.policy, keyring))
    assert refusal is not None
    assert "path_signed: task_approved is not signed by governance" in refusal.detail


@pytest.mark.parametrize(("last", "is_refused"), [(6, True), (7, False)])
def test_a_log_key_counts_to_its_last_size(last: int, is_refused: bool) -> None:
    steps = pinning(*KEYS.steps.values(), kind="step")
    log = pinning(KEYS.log, kind="log", to=last)
    refusal = verify(record_sealed(), Trust(PINNED.policy, Keyring(steps.keys + log.keys)))
    assert (refusal is not None and "was not in force at size" in refusal.detail) == is_refused


def test_a_signal_verifies_with_the_published_check() -> None:
    event = record_sealed()
    earned = decision(event)
    envelope = sign_envelope(
        stated(earned, KEYS.signal.name, NOW), KEYS.signal, KEYS.signal.verify_key.key_id
    )
    keyring = KEYS.trust("none").keyring
    assert keyring is not None
    finding = check_signal(envelope, read_record(event.record), (ORIGIN, 3), keyring)
    assert (finding.answer, finding.reason) == ("yes", "signed by signals.example.org over this Record")
    assert emitted(earned, envelope, NOW).record_sha256 == event.sha256


@pytest.mark.parametrize(
    "change",
    [
        {"version": "one"}, {"name": "A name"}, {"more": 1}, {"rules": {}},
        {"rules": {**json.loads(POLICY.octets)["rules"], "maturity": "partial"}},
        {"rules": {**json.loads(POLICY.octets)["rules"], "duties_separated": False}},
    ],
)  # fmt: skip
def test_a_policy_file_that_says_something_else_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read_policy(json.dumps({**json.loads(POLICY.octets), **change}).encode())
