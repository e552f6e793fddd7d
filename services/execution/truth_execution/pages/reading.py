"""What pages need of a request: the signed-in person, and the Job that they may see."""

from typing import Annotated
from urllib.parse import unquote

from fastapi import Depends, Header
from truth_contracts.ids import JobId
from truth_contracts.refusals import Refusal
from truth_kit.auth import Actor
from truth_kit.database import Database
from truth_kit.pages import signed_in
from truth_kit.problems import Refused

from truth_execution.api.shown import shown
from truth_execution.pages.sheet import Sheet, sheet
from truth_execution.store.work import find_work


async def _operator(
    person: Annotated[Actor, Depends(signed_in("operator"))],
    truth_person: Annotated[str | None, Header()] = None,
) -> Actor:
    """The operator. An outbox says whose work it brings: the cookie may be somebody else's by now."""
    if truth_person is not None and unquote(truth_person) != person.subject:
        raise Refused(Refusal("sign_in_needed", "Sign in as the person whose work this is."))
    return person


Operator = Annotated[Actor, Depends(_operator)]
Reader = Annotated[Actor, Depends(signed_in("operator", "auditor"))]


async def find_sheet(database: Database, job_id: JobId, person: Actor) -> Sheet:
    """The Job's page as it stands, for its operator and for auditors; Refused for everybody else."""
    async with database.connect() as conn:
        found = await find_work(conn, job_id)
    if found is None:
        raise Refused(Refusal("job_unknown", f"There is no Job {job_id}."))
    if "auditor" not in person.roles and found.job.frozen.operator_id != person.subject:
        raise Refused(Refusal("not_assigned", "This Job is assigned to another operator."))
    return sheet(shown(found), person)
