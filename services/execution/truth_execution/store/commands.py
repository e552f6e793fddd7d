"""Commands that were carried out, by the id that the client gave them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.ids import CommandId, JobId

from truth_execution.tables import command

_INSERT = insert(command).on_conflict_do_nothing().returning(command.c.command_id)


@dataclass(frozen=True, slots=True)
class CarriedOut:
    """A command, what it said, and the answer it got."""

    command_id: CommandId
    job_id: JobId
    command: str
    actor: str
    at: datetime
    content: str
    answer: str


async def find_command(tx: AsyncConnection, command_id: CommandId) -> CarriedOut | None:
    """The command with this id, if it was carried out."""
    c = command.c
    query = select(c.command_id, c.job_id, c.command, c.actor, c.at, c.content, c.answer).where(
        c.command_id == command_id
    )
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        return None
    found_id, job_id, name, actor, at, content, answer = row
    return CarriedOut(found_id, job_id, name, actor, at, content, answer)


async def insert_command(tx: AsyncConnection, done: CarriedOut) -> bool:
    """Keep it, for good. False when the id was used meanwhile, for another Job."""
    row = {
        "command_id": done.command_id,
        "job_id": done.job_id,
        "command": done.command,
        "actor": done.actor,
        "at": done.at,
        "content": done.content,
        "answer": done.answer,
    }
    return (await tx.execute(_INSERT, row)).one_or_none() is not None
