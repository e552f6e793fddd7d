"""One Job: its page, its live part, and the commands that its forms give."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from truth_contracts.ids import JobId
from truth_contracts.refusals import Refusal
from truth_kit.auth import Actor
from truth_kit.database import DatabaseDependency
from truth_kit.pages import FrameDependency, Typed, stream, typed_in
from truth_kit.problems import STATUSES, Refused

from truth_execution.api.commanding import StepSigner
from truth_execution.api.giving import give
from truth_execution.api.photos import EvidenceStore
from truth_execution.pages.forms import Name, read_command
from truth_execution.pages.reading import Operator, Reader, find_sheet

router = APIRouter(prefix="/jobs/{job_id}", tags=["pages"], include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Around:
    """What is around a Job's page."""

    request: Request
    frame: FrameDependency
    database: DatabaseDependency
    store: EvidenceStore
    signer: StepSigner

    async def show(
        self, job_id: JobId, person: Actor, typed: Typed | None = None, refusal: Refusal | None = None
    ) -> Response:
        """The whole page; after a refusal with what was typed, and why it was refused."""
        return self.frame.show(
            self.request,
            "job.html",
            status=200 if refusal is None else STATUSES[refusal.code],
            sheet=await find_sheet(self.database, job_id, person),
            typed=typed or Typed(),
            refusal=refusal,
            bytes_max=self.store.bytes_max,
        )


AroundDependency = Annotated[Around, Depends()]


@router.get("")
async def show_job(job_id: JobId, person: Reader, around: AroundDependency) -> Response:
    """The frozen context, where Job and ServiceEvent stand, and what can be done now."""
    return await around.show(job_id, person)


@router.get("/live")
async def follow_job(job_id: JobId, person: Reader, around: AroundDependency) -> Response:
    """The states and stages, whenever they change."""

    async def draw() -> str:
        found = await find_sheet(around.database, job_id, person)
        return around.frame.draw(around.request, "_state.html", sheet=found)

    return await stream(around.request, draw)


@router.post("/{name}")
async def give_command(job_id: JobId, name: Name, operator: Operator, around: AroundDependency) -> Response:
    """Give a command. A form leads back to the page; the outbox asks for JSON and is answered as by API."""
    typed = await typed_in(around.request)
    is_form = "text/html" in around.request.headers.get("accept", "")
    try:
        answer = await give(around.database, job_id, read_command(name, typed), operator, around.signer)
    except Refused as refused:
        if not is_form or refused.refusal.code in ("job_unknown", "not_assigned"):
            raise
        return await around.show(job_id, operator, typed, refused.refusal)
    return RedirectResponse(f"/jobs/{job_id}", 303) if is_form else answer
