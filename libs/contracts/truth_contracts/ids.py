"""Distinct id types, so that a Task's id cannot stand where a Job's belongs."""

from typing import NewType
from uuid import UUID

from uuid_utils.compat import uuid5

EventId = NewType("EventId", UUID)
RequestId = NewType("RequestId", UUID)
TaskId = NewType("TaskId", UUID)
JobId = NewType("JobId", UUID)
ServiceEventId = NewType("ServiceEventId", UUID)
RecordId = NewType("RecordId", UUID)
SignalId = NewType("SignalId", UUID)
CommandId = NewType("CommandId", UUID)

NAMESPACE = UUID("7b1f0f2e-6a0b-5a52-9a34-0c8c8d1f6d7e")
"""Namespace of ids that are derived from their cause (RFC 9562 section 5.5)."""


def derived_id(source: str, event_id: str, step: str) -> UUID:
    """UUIDv5 of the causing event's source and id and of what it caused.

    The same cause gives the same id on every replay. None of the three may hold a line feed.
    """
    return uuid5(NAMESPACE, f"{source}\n{event_id}\n{step}")
