"""Guardrail 2: without governance's signed steps over this very request, a JobCreated makes no Job."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaException
from truth_local.demo import acting
from truth_local.demo.acting import Answer, Person, wait_for
from truth_local.demo.reading import read_topic
from truth_local.demo.walk import People
from truth_local.system import System
from truth_sealing.keys import FileSigner
from truth_sealing.samples import passkey_proof
from truth_topology.connection import Login

from tests.path import forging
from tests.path.forging import Members

Logins = Callable[[str], Login]
Make = Callable[[], Answer]
Anybody = Callable[[str], Person]
Forge = Callable[[Members, Members, FileSigner], None]


@pytest.fixture
def accepted(submit: Make, login: Logins) -> Callable[[], Members]:
    """The `intakes.accepted` message of a new Intake."""

    def make() -> Members:
        key = str(submit()["request_id"]).encode()

        def published() -> Members | None:
            found = [m.value for m in read_topic(login("console"), "intakes.accepted") if m.key == key]
            return json.loads(found[0] or b"") if found else None

        return wait_for(published, "message on intakes.accepted")

    return make


@pytest.mark.parametrize(
    "name", ["upstream-acme", "intake", "execution", "records", "signals", "console", "partner-demo"]
)
def test_guardrail_1_the_broker_lets_only_governance_write_jobs_created(
    name: str, accepted: Callable[[], Members], login: Logins, system: System
) -> None:
    message = forging.job_created(accepted(), forging.governance_key(system))
    with pytest.raises(KafkaException, match="TOPIC_AUTHORIZATION_FAILED"):
        forging.send(login(name), message)


def test_guardrail_2_what_forging_builds_is_whole_when_nothing_is_broken(
    accepted: Callable[[], Members], login: Logins, system: System, who: People
) -> None:
    """The counter-proof: below, it is the broken check and nothing else that makes no Job."""
    message = forging.job_created(accepted(), forging.governance_key(system))
    forging.send(login("governance"), message)
    job = wait_for(lambda: acting.job_of(who.operator, message["request_id"]), "Job")
    assert job["job_id"] == message["job"]["job_id"]


def drop_the_approval(message: Members, _other: Members, _signer: FileSigner) -> None:
    del message["steps"][2], message["chain"][2]


def take_a_foreign_assignment(message: Members, other: Members, _signer: FileSigner) -> None:
    message["steps"][3], message["chain"][3] = other["steps"][3], other["chain"][3]


def take_a_foreign_link(message: Members, other: Members, _signer: FileSigner) -> None:
    message["chain"][0] = other["chain"][0]


def change_a_body(message: Members, _other: Members, _signer: FileSigner) -> None:
    message["steps"][0] = message["steps"][0].replace("Tap drips", "Tap sings")


def follow_nothing(message: Members, _other: Members, signer: FileSigner) -> None:
    message["prev"] = "0" * 64
    forging.resign(message, "job_created", signer)


def sign_with_an_own_key(message: Members, _other: Members, _signer: FileSigner) -> None:
    forging.resign(message, "job_created", FileSigner.generate("governance"))


def leave_the_signature_empty(message: Members, _other: Members, _signer: FileSigner) -> None:
    message["chain"][-1]["sig"] = base64.b64encode(bytes(64)).decode()


def forge_an_earlier_signature(message: Members, _other: Members, _signer: FileSigner) -> None:
    message["chain"][2]["sig"] = base64.b64encode(bytes(64)).decode()


def prove_by_no_passkey(message: Members, _other: Members, signer: FileSigner) -> None:
    members = ("public_key", "authenticator_data", "client_data_json", "signature")
    message["proof"] = dict.fromkeys(members, "AAAA")
    forging.resign(message, "job_created", signer)


def prove_another_job(message: Members, other: Members, signer: FileSigner) -> None:
    message["proof"] = passkey_proof(other["job"])
    forging.resign(message, "job_created", signer)


@pytest.mark.parametrize(
    ("forge", "code", "told"),
    [
        pytest.param(drop_the_approval, "chain_broken", "broken at order", id="a missing step"),
        pytest.param(take_a_foreign_assignment, "chain_broken", "broken at request_id", id="a foreign step"),
        pytest.param(take_a_foreign_link, "chain_broken", "broken at digest", id="another request's link"),
        pytest.param(change_a_body, "chain_broken", "broken at digest", id="a wrong digest"),
        pytest.param(follow_nothing, "chain_broken", "broken at prev", id="a wrong prev"),
        pytest.param(
            sign_with_an_own_key, "chain_broken", "broken at signature", id="a signature by a foreign key"
        ),
        pytest.param(leave_the_signature_empty, "chain_broken", "broken at signature", id="a bad signature"),
        pytest.param(
            forge_an_earlier_signature,
            "chain_broken",
            "broken at signature",
            id="a bad signature of an earlier step",
        ),
        pytest.param(
            prove_by_no_passkey, "proof_invalid", "cannot be read", id="a passkey proof that is none"
        ),
        pytest.param(
            prove_another_job, "proof_invalid", "signed another Job", id="a passkey over another Job"
        ),
    ],
)
def test_guardrail_2_a_forged_job_makes_no_job_and_one_dead_letter(
    forge: Forge, code: str, told: str, accepted: Callable[[], Members], login: Logins, system: System,
    who: People, as_person: Anybody,
) -> None:  # fmt: skip
    signer, ops = forging.governance_key(system), as_person("paul")
    message = forging.job_created(accepted(), signer)
    other = forging.job_created(accepted(), signer)
    forge(message, other, signer)
    forging.send(login("governance"), message)

    def letters() -> list[Answer] | None:
        found = ops.get("execution", "/api/ops/dead-letters")["dead_letters"]
        mine = [letter for letter in found if letter["event_id"] == message["event_id"]]
        return mine or None

    (letter,) = wait_for(letters, "dead letter")
    assert letter["code"] == code
    assert told in letter["detail"]
    assert acting.job_of(who.operator, message["request_id"]) is None

    def published() -> list[dict[str, Any]] | None:
        refused = read_topic(login("console"), "execution.dead-letters")
        mine = [
            dict(m.headers) for m in refused if dict(m.headers).get("ce_id") == message["event_id"].encode()
        ]
        return mine or None

    (headers,) = wait_for(published, "message on execution.dead-letters")
    assert headers["dl_reason"] == code.encode()
    assert headers["dl_topic"] == b"jobs.created"
