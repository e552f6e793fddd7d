"""Reading: the Desk, Jobs in lists, and one Job with its whole frozen context and its ServiceEvent."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from truth_contracts.ids import JobId, RequestId
from truth_contracts.refusals import Refusal
from truth_kit.auth import Actor, require
from truth_kit.database import Database, DatabaseDependency
from truth_kit.problems import Refused

from truth_execution.api.shown import JobShown, shown
from truth_execution.domain.work import JobState
from truth_execution.store.listing import Listed, list_desk, list_jobs
from truth_execution.store.work import find_work

router = APIRouter(tags=["desk"])

LISTED_MAX = 200
DONE_MAX = 50

Operator = Annotated[Actor, Depends(require("operator"))]
Overseer = Annotated[Actor, Depends(require("operator", "admin", "auditor", "ops"))]
Reader = Annotated[Actor, Depends(require("operator", "auditor"))]


class Jobs(BaseModel):
    """Jobs, last moved first."""

    jobs: list[Listed]


class Desk(BaseModel):
    """An operator's own Jobs: queued for them, claimed by them, and the last that they closed."""

    assigned: list[Listed]
    in_progress: list[Listed]
    done: list[Listed]


@router.get("/api/desk")
async def show_desk(operator: Operator, database: DatabaseDependency) -> Desk:
    """What is assigned to the caller, what they work on, and what they did last."""
    return await read_desk(database, operator.subject)


async def read_desk(database: Database, operator_id: str) -> Desk:
    """An operator's own Jobs; of the closed ones the last DONE_MAX."""
    async with database.connect() as conn:
        return Desk(
            assigned=await list_desk(conn, operator_id, JobState.QUEUED, LISTED_MAX),
            in_progress=await list_desk(conn, operator_id, JobState.CLAIMED, LISTED_MAX),
            done=await list_desk(conn, operator_id, JobState.CLOSED, DONE_MAX),
        )


@router.get("/api/jobs")
async def list_(reader: Overseer, database: DatabaseDependency, request_id: RequestId | None = None) -> Jobs:
    """The last moved Jobs, or that of a request. An operator sees their own."""
    operator_id = None if _sees_all(reader) else reader.subject
    async with database.connect() as conn:
        found = await list_jobs(conn, operator_id=operator_id, request_id=request_id, limit=LISTED_MAX)
    return Jobs(jobs=found)


@router.get("/api/jobs/{job_id}")
async def find_job(job_id: JobId, reader: Reader, database: DatabaseDependency) -> JobShown:
    """One Job with everything that its operator needs; for them and for auditors."""
    async with database.connect() as conn:
        found = await find_work(conn, job_id)
    if found is None:
        raise Refused(Refusal("job_unknown", f"There is no Job {job_id}."))
    if "auditor" not in reader.roles and found.job.frozen.operator_id != reader.subject:
        raise Refused(Refusal("not_assigned", "This Job is assigned to another operator."))
    return shown(found)


def _sees_all(reader: Actor) -> bool:
    return not reader.roles.isdisjoint({"admin", "auditor", "ops"})
