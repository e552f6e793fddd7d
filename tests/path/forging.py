"""Builds JobCreated messages as the holder of governance's step key and Kafka login could, whole or broken."""

import base64
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast
from uuid import uuid4

from truth_contracts.base import instant_text
from truth_local.demo import upstream
from truth_local.system import System
from truth_sealing.canonical import Json, canonical, sha256_hex
from truth_sealing.keys import FileSigner
from truth_sealing.steps import History, hand_off, history_of, seal_step
from truth_topology.connection import Login

Members = dict[str, Any]


def governance_key(system: System) -> FileSigner:
    """The key that signs governance's steps."""
    return FileSigner.read("governance", system.layout.step_key("governance"))


def job_created(accepted: Members, signer: FileSigner) -> Members:
    """A whole `job_created` hand-off over an accepted Intake, approved, assigned and created by Ada."""
    history = history_of(accepted)
    task_id = str(uuid4())
    history = _seal(
        history, signer, "task_approved", "tasks.approved", task_id=task_id, note=None, questions=[]
    )
    history = _seal(
        history, signer, "task_assigned", "tasks.assigned",
        task_id=task_id, operator_id="olga", operator_name="Olga", replaced=[],
    )  # fmt: skip
    job: dict[str, Json] = {
        "job_id": str(uuid4()), "task_id": task_id, "request_id": accepted["request_id"], "operator_id": "olga",
        "surface": accepted["surface"], "maturity": accepted["maturity"], "stages": accepted["stages"],
        "prepared_by": "person:ada", "prepared_at": now(), "prev": history.head,
    }  # fmt: skip
    history = _seal(history, signer, "job_created", "jobs.created", job=job, proof=None)
    return cast(Members, json.loads(json.dumps(hand_off(history))))


def _seal(history: History, signer: FileSigner, step: str, kind: str, **facts: Json) -> History:
    body: dict[str, Json] = {
        "type": f"truth.{kind}.v1", "step": step, "event_id": str(uuid4()),
        "request_id": history.body("request")["request_id"], "at": now(), "actor": "person:ada",
        "salt": base64.b64encode(secrets.token_bytes(16)).decode(), "prev": history.head, **facts,
    }  # fmt: skip
    return seal_step(body, history, signer)


def now() -> str:
    """The present instant as contracts write it."""
    return instant_text(datetime.now(UTC))


def resign(message: Members, step: str, signer: FileSigner) -> None:
    """Make a changed step's link fit its body again and sign it."""
    position = [link["step"] for link in message["chain"]].index(step)
    own = {name: value for name, value in message.items() if name not in ("steps", "chain")}
    body = own if position == len(message["steps"]) else json.loads(message["steps"][position])
    link = message["chain"][position]
    link["sha256"] = sha256_hex(canonical(body))
    unsigned: Mapping[str, Any] = {name: value for name, value in link.items() if name != "sig"}
    octets = canonical({**unsigned, "request_id": body["request_id"], "prev": body["prev"]})
    link["sig"] = base64.b64encode(signer.sign(b"runtime-truth/step/v1\n" + octets)).decode()


def send(login: Login, message: Members) -> None:
    """Publish a message to `jobs.created`, with the headers that governance writes."""
    headers = {
        "ce_specversion": "1.0", "ce_id": message["event_id"], "ce_source": "/runtime-truth/governance",
        "ce_type": "truth.jobs.created.v1", "ce_subject": message["request_id"],
        "content-type": "application/json",
    }  # fmt: skip
    key = str(message["request_id"]).encode()
    upstream.send(login, "jobs.created", json.dumps(message).encode(), headers, key=key)
