"""Passkeys through their HTTP doors, and Create Job signed with one, to the message that execution gets."""

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest
from truth_contracts.envelope import Coordinates, Received, from_kafka
from truth_contracts.steps import arrived
from truth_contracts.topics import JOBS_CREATED
from truth_governance.domain.passkey import SIGNED_IN_WITHIN
from truth_issuer.people import ACCOUNTS
from truth_issuer.tokens import access_token, read_key
from truth_kit.database import Database
from truth_kit.fresh import utc_now
from truth_kit.testing import published
from truth_local.passwords import issuer_key
from truth_local.system import System
from truth_sealing.canonical import Json
from truth_sealing.passkey import create_job_signed

from services.governance.tests.authenticators import PRESENT, Authenticator, base64url
from services.governance.tests.doors import Answer, Door, refusal
from services.governance.tests.making import KEYS


def stale_token(system: System, who: str) -> str:
    """Of somebody who signed in a while ago; the token itself is new."""
    auth_time = int(time.time() - SIGNED_IN_WITHIN.total_seconds()) - 60
    return access_token(
        read_key(issuer_key(system.layout)), system.issuer, ACCOUNTS[who], auth_time=auth_time
    )


async def signed(
    door: Door, who: str, authenticator: Authenticator, **changes: Any
) -> tuple[Answer, Answer, Answer]:
    """An assigned Task, its prepared Job, and the passkey's answer to what was asked."""
    task = await door.assigned()
    prepared = await door.prepare(who, task)
    return task, prepared, authenticator.sign(prepared["passkey"], **changes)


async def message_body(database: Database) -> Mapping[str, Json]:
    """The step that was published last, its whole path checked on arrival as execution would."""
    message = (await published(database))[-1]
    received = from_kafka(JOBS_CREATED, message, Coordinates("jobs.created", 0, 0), utc_now())
    assert isinstance(received, Received)
    assert arrived(received.body, "job_created", KEYS, every_signature=True) is None
    return json.loads(message.value or b"")


@pytest.mark.parametrize("is_ed25519", [False, True], ids=["ES256", "Ed25519"])
async def test_b8_a_job_is_created_with_a_passkey_and_the_proof_holds_offline(
    strict_door: Door, database: Database, is_ed25519: bool
) -> None:
    door, phone = strict_door, Authenticator(is_ed25519=is_ed25519)
    registered = await door.register("ada", phone)
    task, prepared, assertion = await signed(door, "ada", phone)
    created = await door.create("ada", task, prepared["digest"], assertion)
    assert created.status_code == 201, created.text
    body = await message_body(database)
    finding = create_job_signed(body)
    assert (finding.answer, registered["fingerprint"] in finding.reason) == ("yes", True), finding
    job = body["job"]
    assert isinstance(job, dict)
    changed = create_job_signed({**body, "job": job | {"operator_id": "otto"}})
    assert (changed.answer, changed.reason) == ("no", "the passkey signed another Job")
    shown = await door.done("vera", "GET", f"/api/tasks/{task['task_id']}")
    assert shown["created"]["passkey_id"] == registered["passkey_id"]
    (mine,) = (await door.done("ada", "GET", "/api/passkeys"))["passkeys"]
    assert mine["used_at"] is not None


async def test_prepare_asks_for_the_persons_own_passkeys(door: Door, strict_door: Door) -> None:
    task = await door.assigned()
    prepared = await door.prepare("ada", task)
    assert (prepared["proof"], prepared["passkey"]) == ("optional", None)
    phone, key = Authenticator(), Authenticator()
    await door.register("ada", phone)
    await door.register("amir", key)
    asked = (await strict_door.prepare("ada", task))["passkey"]
    assert [one["id"] for one in asked["allowCredentials"]] == [base64url(phone.credential_id)]
    assert asked["rpId"] == "localhost"
    assert (await strict_door.prepare("olga", task))["proof"] == "required"


async def test_a_passkey_that_is_required_cannot_be_left_out(strict_door: Door, database: Database) -> None:
    task = await strict_door.assigned()
    digest = (await strict_door.prepare("ada", task))["digest"]
    assert refusal(await strict_door.create("ada", task, digest)) == (403, "proof_missing")
    assert [message.topic for message in await published(database)].count("jobs.created") == 0


async def test_a_passkey_that_is_optional_can_be_left_out(door: Door, database: Database) -> None:
    await door.register("ada", Authenticator())
    task = await door.assigned()
    digest = (await door.prepare("ada", task))["digest"]
    assert (await door.create("ada", task, digest)).status_code == 201
    assert (await message_body(database))["proof"] is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        pytest.param({"challenge": base64url(bytes(32))}, "another Job", id="another challenge"),
        pytest.param({"origin": "http://localhost:8002"}, "another site", id="another origin"),
        pytest.param({"flags": PRESENT}, "did not verify its user", id="user not verified"),
    ],
)
async def test_a_proof_that_does_not_hold_creates_nothing(
    door: Door, database: Database, changes: dict[str, object], why: str
) -> None:
    """Also where it is optional: a wrong proof is never dropped in silence."""
    phone = Authenticator()
    await door.register("ada", phone)
    task, prepared, assertion = await signed(door, "ada", phone, **changes)
    answer = await door.create("ada", task, prepared["digest"], assertion)
    assert refusal(answer) == (403, "proof_invalid")
    assert why in answer.json()["detail"]
    assert [message.topic for message in await published(database)].count("jobs.created") == 0
    honest = phone.sign(prepared["passkey"])
    assert (await door.create("ada", task, prepared["digest"], honest)).status_code == 201


async def test_another_persons_passkey_is_refused(strict_door: Door) -> None:
    door, amirs = strict_door, Authenticator()
    await door.register("ada", Authenticator())
    await door.register("amir", amirs)
    task, prepared, assertion = await signed(door, "ada", amirs)
    answer = await door.create("ada", task, prepared["digest"], assertion)
    assert (refusal(answer), "not one of yours" in answer.text) == ((403, "proof_invalid"), True)
    stranger = Authenticator().sign(prepared["passkey"])
    assert refusal(await door.create("ada", task, prepared["digest"], stranger)) == (403, "proof_invalid")


async def test_a_revoked_passkey_is_refused_and_not_asked_for(strict_door: Door) -> None:
    door, phone = strict_door, Authenticator()
    registered = await door.register("ada", phone)
    task, prepared, assertion = await signed(door, "ada", phone)
    path = f"/api/passkeys/{registered['passkey_id']}/revoke"
    first = await door.done("ada", "POST", path)
    assert first["revoked_at"] is not None
    assert await door.done("ada", "POST", path) == first
    assert refusal(await door.create("ada", task, prepared["digest"], assertion)) == (403, "passkey_revoked")
    assert (await door.prepare("ada", task))["passkey"] is None


async def test_a_counter_that_goes_back_is_refused(strict_door: Door) -> None:
    door, phone = strict_door, Authenticator(sign_count=1)
    await door.register("ada", phone)
    task, prepared, assertion = await signed(door, "ada", phone)
    assert (await door.create("ada", task, prepared["digest"], assertion)).status_code == 201
    phone.sign_count = 1  # a copy, taken before
    task, prepared, assertion = await signed(door, "ada", phone)
    answer = await door.create("ada", task, prepared["digest"], assertion)
    assert (refusal(answer), "counter went back" in answer.text) == ((403, "proof_invalid"), True)


async def test_a_proof_is_good_for_one_job(strict_door: Door, database: Database) -> None:
    door, phone = strict_door, Authenticator()
    await door.register("ada", phone)
    task, prepared, assertion = await signed(door, "ada", phone)
    other = await door.assigned()
    digest = (await door.prepare("ada", other))["digest"]
    assert refusal(await door.create("ada", other, digest, assertion)) == (403, "proof_invalid")
    first = await door.create("ada", task, prepared["digest"], assertion)
    replayed = await door.create("ada", task, prepared["digest"], assertion)
    assert (first.status_code, replayed.status_code) == (201, 200)
    assert first.json() == replayed.json()
    assert [message.topic for message in await published(database)].count("jobs.created") == 1


async def test_a_proof_over_a_stale_preparation_is_refused(strict_door: Door) -> None:
    door, phone = strict_door, Authenticator()
    await door.register("ada", phone)
    task, prepared, assertion = await signed(door, "ada", phone)
    await door.done("ada", "PUT", "/api/operators/otto", {"name": "Otto", "active": True})
    await door.command("ada", task, "assign", operator_id="otto")
    assert refusal(await door.create("ada", task, prepared["digest"], assertion)) == (409, "version_stale")


async def test_ten_at_once_with_one_passkey_make_one_job(strict_door: Door, database: Database) -> None:
    door, phone = strict_door, Authenticator(sign_count=1)
    await door.register("ada", phone)
    task, prepared, assertion = await signed(door, "ada", phone)
    answers = await asyncio.gather(
        *(door.create("ada", task, prepared["digest"], assertion) for _ in range(10))
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
    assert [message.topic for message in await published(database)].count("jobs.created") == 1


async def test_a_challenge_takes_one_passkey_and_a_passkey_is_taken_once(door: Door) -> None:
    options = (await door.done("ada", "POST", "/api/passkeys/options"))["options"]
    phone, other = Authenticator(), Authenticator()
    first = {"name": "Phone", "credential": phone.register(options)}
    assert (await door.ask("ada", "POST", "/api/passkeys", first)).status_code == 201
    for credential in (first["credential"], other.register(options)):
        answer = await door.ask("ada", "POST", "/api/passkeys", {"name": "Again", "credential": credential})
        assert refusal(answer) == (409, "passkey_exists")
    amirs = (await door.done("amir", "POST", "/api/passkeys/options"))["options"]
    stolen = {"name": "Mine now", "credential": phone.register(amirs)}
    assert refusal(await door.ask("amir", "POST", "/api/passkeys", stolen)) == (409, "passkey_exists")
    assert (await door.done("amir", "GET", "/api/passkeys"))["passkeys"] == []


async def test_ten_registrations_at_once_take_one(door: Door) -> None:
    options = (await door.done("ada", "POST", "/api/passkeys/options"))["options"]
    body = {"name": "Phone", "credential": Authenticator().register(options)}
    answers = await asyncio.gather(*(door.ask("ada", "POST", "/api/passkeys", body) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9


async def test_a_registration_is_bound_to_person_challenge_and_site(door: Door) -> None:
    options = (await door.done("ada", "POST", "/api/passkeys/options"))["options"]
    phone = Authenticator()
    foreign = {"name": "x", "credential": phone.register(options)}
    assert refusal(await door.ask("amir", "POST", "/api/passkeys", foreign)) == (409, "challenge_unknown")
    invented = phone.register({**options, "challenge": base64url(bytes(32))})
    answer = await door.ask("ada", "POST", "/api/passkeys", {"name": "x", "credential": invented})
    assert refusal(answer) == (409, "challenge_unknown")
    wrong: list[Answer] = [{"origin": "https://evil.example"}, {"flags": PRESENT}]
    for changes in wrong:
        credential = phone.register(options, **changes)
        answer = await door.ask("ada", "POST", "/api/passkeys", {"name": "x", "credential": credential})
        assert refusal(answer) == (422, "passkey_invalid")
    unreadable = phone.register(options)
    unreadable["response"]["clientDataJSON"] = base64url(b"{")
    answer = await door.ask("ada", "POST", "/api/passkeys", {"name": "x", "credential": unreadable})
    assert refusal(answer) == (409, "challenge_unknown")
    answer = await door.ask("ada", "POST", "/api/passkeys", {"name": "", "credential": {}})
    assert refusal(answer) == (422, "body_malformed")


async def test_passkeys_change_only_after_a_fresh_sign_in(door: Door, infrastructure: System) -> None:
    phone = Authenticator()
    registered = await door.register("ada", phone)
    options = (await door.done("ada", "POST", "/api/passkeys/options"))["options"]
    door.tokens["ada"] = stale_token(infrastructure, "ada")
    body = {"name": "x", "credential": Authenticator().register(options)}
    for path, sent in (
        ("/api/passkeys/options", None),
        ("/api/passkeys", body),
        (f"/api/passkeys/{registered['passkey_id']}/revoke", None),
    ):
        assert refusal(await door.ask("ada", "POST", path, sent)) == (403, "sign_in_stale")
    assert len((await door.done("ada", "GET", "/api/passkeys"))["passkeys"]) == 1
    task, prepared, assertion = await signed(door, "ada", phone)  # the passkey itself is fresh enough
    assert (await door.create("ada", task, prepared["digest"], assertion)).status_code == 201


async def test_passkeys_are_their_owners_alone(door: Door) -> None:
    registered = await door.register("ada", Authenticator())
    path = f"/api/passkeys/{registered['passkey_id']}/revoke"
    assert refusal(await door.ask("amir", "POST", path)) == (404, "passkey_unknown")
    assert refusal(await door.ask("ada", "POST", f"/api/passkeys/{uuid4()}/revoke")) == (
        404,
        "passkey_unknown",
    )
    assert (await door.done("olga", "GET", "/api/passkeys"))["passkeys"] == []
    (mine,) = (await door.done("ada", "GET", "/api/passkeys"))["passkeys"]
    assert mine == registered
    for who, code in {"acme": "people_only", "vera": "role_missing", "rita": "role_missing"}.items():
        for method, route in (
            ("GET", ""),
            ("POST", ""),
            ("POST", "/options"),
            ("POST", f"/{uuid4()}/revoke"),
        ):
            assert refusal(await door.ask(who, method, f"/api/passkeys{route}")) == (403, code)
