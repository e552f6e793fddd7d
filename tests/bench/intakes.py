"""Whole, signed Intakes by the thousand, put on `intakes.accepted` as intake would."""

import base64
import secrets
from datetime import UTC, datetime
from uuid import uuid4

from confluent_kafka import Producer
from truth_contracts.base import instant_text
from truth_contracts.envelope import Message, to_kafka
from truth_contracts.intakes import IntakeAccepted
from truth_local.demo.upstream import settings
from truth_local.system import System
from truth_sealing.canonical import Json
from truth_sealing.keys import FileSigner
from truth_sealing.steps import History, hand_off, seal_step
from truth_topology.connection import Login

_DESCRIPTION = "The tap in the kitchen drips all night long, and the cupboard below is wet. " * 4
_FLUSH_SECONDS = 60


def intake_messages(system: System, count: int) -> list[Message]:
    """`count` messages of about 3 kB, each of a request of its own."""
    signer = FileSigner.read("intake", system.layout.step_key("intake"))
    return [to_kafka(IntakeAccepted.model_validate(hand_off(_history(signer)))) for _ in range(count)]


def produce(system: System, messages: list[Message]) -> None:
    """Publish them all and wait for every acknowledgement."""
    login = Login(system.bootstrap, "intake", system.principals["intake"].password)
    producer = Producer(settings(login) | {"linger.ms": 20, "queue.buffering.max.messages": 200_000})
    for message in messages:
        producer.produce(message.topic, message.value, message.key, headers=list(message.headers))
        producer.poll(0)
    if left := producer.flush(_FLUSH_SECONDS):
        raise TimeoutError(f"{left} messages were not acknowledged")


def _history(signer: FileSigner) -> History:
    request_id = str(uuid4())
    common: dict[str, Json] = {
        "request_id": request_id,
        "at": instant_text(datetime.now(UTC)),
        "salt": _salt(),
    }
    request: dict[str, Json] = {
        **common, "type": "truth.requests.received.v1", "step": "request", "event_id": f"bench-{request_id}",
        "actor": "upstream:acme", "prev": None, "source": "/upstreams/acme", "door": "kafka",
        "received_sha256": "0" * 64, "request_key": request_id, "surface": "kitchen-repairs",
        "summary": "The tap drips", "description": _DESCRIPTION, "requester": {"name": "Rita", "contact": None, "subject": None},
        "place": "12 Mill Lane", "wanted_by": None, "submitted_at": None, "details": [],
    }  # fmt: skip
    history = seal_step(request, History(), signer)
    intake: dict[str, Json] = {
        **common, "type": "truth.intakes.accepted.v1", "step": "intake", "event_id": str(uuid4()),
        "actor": "service:intake", "prev": history.head, "surface": "kitchen-repairs", "maturity": "live",
        "stages": [{"name": "inspect", "evidence_required": True}, {"name": "repair", "evidence_required": True}],
    }  # fmt: skip
    return seal_step(intake, history, signer)


def _salt() -> str:
    return base64.b64encode(secrets.token_bytes(16)).decode()
