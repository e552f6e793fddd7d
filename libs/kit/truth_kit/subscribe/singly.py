"""Deciding record by record, after a batch broke on a value that PostgreSQL does not take."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError
from truth_contracts.envelope import Received
from truth_contracts.refusals import Refusal

from truth_kit.database import Database
from truth_kit.dead_letters import DeadLetter
from truth_kit.subscribe.decide import Decided, decide
from truth_kit.subscribe.reading import Blocked, Partition
from truth_kit.subscribe.route import AnyRoute, Arrival
from truth_kit.telemetry import described

log = structlog.get_logger()

_DATA_EXCEPTION = "22"
_NOT_KEPT = Refusal("body_invalid", "The database does not take a value in this message.", "data")


def is_about_a_value(error: BaseException | None) -> bool:
    """Whether PostgreSQL does not take a value (SQLSTATE class 22): no waiting helps against that."""
    state = getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None
    return str(state).startswith(_DATA_EXCEPTION)


async def decide_singly(
    database: Database, service: str, routes: Sequence[AnyRoute], arrivals: Sequence[Arrival], now: datetime
) -> Decided:
    """As `decide`, each record in a transaction of its own. One with a value that is not taken is refused.

    A check should have refused it, so somebody must act; meanwhile its partition goes on. When this raises,
    what was decided before stays decided.
    """
    refusing = [replace(route, check=_refuse) for route in routes]
    blocked: dict[Partition, Blocked] = {}
    parts: list[Decided] = []
    for arrival in arrivals:
        place = arrival.coordinates
        if (place.topic, place.partition) in blocked:
            continue
        try:
            part = await decide(database, service, routes, [arrival], now)
        except DBAPIError as error:
            if not is_about_a_value(error):
                raise
            log.error("message.not_kept", topic=place.topic, offset=place.offset, error=described(error))
            part = await decide(database, service, refusing, [arrival], now)
        parts.append(part)
        blocked |= part.blocked
    return _together(parts, blocked)


def _refuse(received: Received[Any]) -> Refusal:  # noqa: ARG001 a check
    return _NOT_KEPT


def _together(parts: Sequence[Decided], blocked: dict[Partition, Blocked]) -> Decided:
    events: list[Received[Any]] = [event for part in parts for event in part.events]
    letters: list[DeadLetter] = [letter for part in parts for letter in part.letters]
    repeated = sum(part.repeated for part in parts)
    return Decided(len(events), len(letters), repeated, blocked, events, letters)
