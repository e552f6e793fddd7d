"""What is asked of a service: requests that its OpenAPI document allows or forbids, by everybody.

Schemathesis invents them. Paths hold unknown ids, or those of a request that has walked the whole path and of one
that waits for its review: so the rules behind "not there" are met too.
"""

# Schemathesis and Hypothesis do not say all of what they hold.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hypothesis import strategies
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.core.result import Err
from schemathesis.openapi import from_dict
from schemathesis.schemas import BaseSchema
from truth_local.demo import acting, doors, walk
from truth_local.demo.acting import wait_for
from truth_local.system import System

Operation = APIOperation[Any, Any, Any, Any]
Asked = Case[Any]

Known = Sequence[Mapping[str, str]]
"""Path parameters that name something, by what they name it of."""

_REGISTERS = ("/api/surfaces/{name}", "/api/operators/{subject}")
"""Where a true name with an invented body would change what everybody works with."""


def make_known(system: System) -> Known:
    """Walk one request to its Signal and leave another at its review; the ids of both."""
    who = walk.people(system)
    walked, waiting = (
        doors.over_http("", doors.request("kitchen-repairs", "Drip", text), who, walk.unseen)
        for text in ("Walks.", "Waits.")
    )
    done = walk.walk("", walked, who, walk.unseen)
    return [
        {
            "request_id": done.request_id,
            "task_id": _task_of(who, done.request_id),
            "job_id": done.job_id,
            "record_id": done.record_id,
            "signal_id": str(done.signal_id),
            "ref": done.request_id,
            "sha256": next(iter(done.photos)),
            "token": str(walked["tracker_token"]),
        },
        {
            "request_id": str(waiting["request_id"]),
            "task_id": _task_of(who, str(waiting["request_id"])),
            "ref": str(waiting["request_id"]),
            "token": str(waiting["tracker_token"]),
        },
    ]


def operations(document: Mapping[str, object]) -> Iterator[Operation]:
    """Every operation of a document. Raises InvalidSchema for one that makes no sense."""
    schema: BaseSchema = from_dict(dict(document))
    for found in schema.get_all_operations():
        if isinstance(found, Err):
            raise found.err()
        yield found.ok()


def cases(operation: Operation, known: Known) -> strategies.SearchStrategy[Asked]:
    """Requests as the document wants them, with unknown ids and with `known` ones, and as it does not."""
    names = {parameter.name for parameter in operation.path_parameters}
    true_ids = [
        {name: ids[name] for name in names}
        for ids in known
        if names and names <= ids.keys() and operation.path not in _REGISTERS
    ]
    right = [operation.as_strategy(path_parameters=ids) for ids in true_ids]
    right.append(operation.as_strategy())
    if not (names or operation.query or operation.body):
        return right[0]  # nothing to say, so nothing to say wrongly
    return strategies.one_of(*right, operation.as_strategy(GenerationMode.NEGATIVE))


def _task_of(who: walk.People, request_id: str) -> str:
    return str(wait_for(lambda: acting.task_of(who.admin, request_id), "Task")["task_id"])
