"""What the tests of the HTTP door have in common."""

from typing import Any
from uuid import uuid4

import httpx
from truth_contracts.envelope import Coordinates, Received, from_kafka
from truth_contracts.intakes import IntakeAccepted, IntakeAnswered
from truth_contracts.steps import arrived
from truth_contracts.topics import INTAKES_ACCEPTED, INTAKES_ANSWERED
from truth_intake.consumer import routes
from truth_kit.database import Database
from truth_kit.subscribe import decide
from truth_kit.testing import arrival, published

from services.intake.tests.builders import KEYS, NOW, SIGNER

ROUTES = routes(SIGNER)


async def post(client: httpx.AsyncClient, members: object) -> httpx.Response:
    return await client.post("/api/requests", json=members)


def problem(answer: httpx.Response) -> tuple[int, str, str | None]:
    body = answer.json()
    fields: list[dict[str, str]] = body.get("fields", [])
    return answer.status_code, body["code"], fields[0]["field"] if fields else None


async def accepted(database: Database) -> list[IntakeAccepted]:
    found: list[IntakeAccepted] = []
    for message in await published(database):
        if message.topic == "intakes.accepted":
            came = from_kafka(INTAKES_ACCEPTED, message, Coordinates(message.topic, 0, 0), NOW)
            assert isinstance(came, Received)
            assert isinstance(came.event, IntakeAccepted)
            assert arrived(came.body, "intake", KEYS) is None
            found.append(came.event)
    return found


async def answers(database: Database) -> list[IntakeAnswered]:
    found: list[IntakeAnswered] = []
    for message in await published(database):
        if message.topic == "intakes.answered":
            came = from_kafka(INTAKES_ANSWERED, message, Coordinates(message.topic, 0, 0), NOW)
            assert isinstance(came, Received)
            assert isinstance(came.event, IntakeAnswered)
            found.append(came.event)
    return found


async def tell(database: Database, *events: Any) -> None:
    """Other services' news, each at a place of its own."""
    for event in events:
        decided = await decide(database, "intake", ROUTES, [arrival(event, offset=uuid4().int % 10**9)], NOW)
        assert decided.acted_on == 1
