"""Commands: who says what and when, with what an edge made for it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import AfterValidator
from truth_contracts.base import Contract, Instant
from truth_contracts.ids import CommandId, EventId
from truth_sealing.canonical import canonical


def _since_1970(at: datetime) -> datetime:
    # PostgreSQL's client takes the first instant of year 1 for minus infinity, and gives back no instant.
    if at.year < 1970:  # noqa: PLR2004 where a clock that was never set begins
        raise ValueError("a device's clock begins in 1970")
    return at


DeviceInstant = Annotated[Instant, AfterValidator(_since_1970)]
"""What the device's clock said: told, not trusted."""


class Command(Contract, frozen=True):
    """What an operator tells the Desk to do. The same `command_id` again gets the same answer."""

    NAME: ClassVar[str]
    command_id: CommandId


@dataclass(frozen=True, slots=True)
class Occasion:
    """Who gives a command and when, with the id and the salt made for what it causes."""

    subject: str
    at: datetime
    event_id: EventId
    salt: str

    @property
    def actor(self) -> str:
        """The person, as events name them. Only people give commands."""
        return f"person:{self.subject}"


def content_of(command: Command) -> str:
    """Everything that a command says, so that the same words can be told from others."""
    return canonical(command.model_dump(mode="json")).decode()
