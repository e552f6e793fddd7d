"""What every command on a Task has: who gives it, which version it is about, and its entry in the log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from truth_contracts.base import Contract
from truth_contracts.ids import EventId
from truth_contracts.refusals import Refusal
from truth_sealing.canonical import canonical

from truth_governance.domain.task import Decision, Task, TaskState


@dataclass(frozen=True, slots=True)
class Person:
    """Who gives a command: a person, as their token tells."""

    reference: str
    subject: str
    name: str
    is_admin: bool
    signed_in_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Occasion:
    """Who decides and when, with the new id and salt that only an edge may make."""

    person: Person
    at: datetime
    event_id: EventId
    salt: str


class Command(Contract, frozen=True):
    """A wish about a Task as somebody saw it: `version` is the Task's, then."""

    NAME: ClassVar[str]
    version: int


def decided(task: Task, command: Command, state: TaskState, occasion: Occasion) -> Decision:
    """The log's next entry: `command` was given and led to `state`."""
    return Decision(
        occasion.event_id,
        task.version + 1,
        command.NAME,
        state,
        occasion.person.reference,
        occasion.person.name,
        occasion.at,
        content_of(command),
    )


def content_of(command: Command) -> str:
    """What a command says besides the version, so that the same words can be told from others."""
    return canonical(command.model_dump(mode="json", exclude={"version"})).decode()


def first_answer(task: Task, command: Command, actor: str) -> Decision | Refusal | None:
    """None when `command` is about the Task as it is now.

    The same command by the same actor at the same version, in the same words, was decided already: the
    decision it got then. Anything else about an earlier version, or one yet to come, is `version_stale`.
    """
    if command.version == task.version:
        return None
    if 0 < command.version < task.version:
        then = task.decisions[
            command.version
        ]  # entries count from 0, versions from 1: this one led on from it
        if (then.actor, then.command, then.content) == (actor, command.NAME, content_of(command)):
            return then
    return stale(task)


def stale(task: Task) -> Refusal:
    """`version_stale`, in words: where the Task stands and who brought it there."""
    last = task.last
    who = last.actor_name or last.actor
    return Refusal(
        "version_stale", f"The Task is at version {last.version}, {last.state}: {last.command} by {who}."
    )


def forbidden(task: Task, command: str, *, after: Sequence[TaskState]) -> Refusal | None:
    """`move_forbidden` unless the Task stands where `command` is possible."""
    if task.state in after:
        return None
    wanted = " or ".join(after)
    return Refusal("move_forbidden", f"{command} takes a Task that is {wanted}; this one is {task.state}.")
