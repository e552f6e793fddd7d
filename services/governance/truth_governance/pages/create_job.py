"""Create Job as people give it: a dialog of its own shows the frozen Job, and its button creates it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import TypeAdapter, ValidationError
from truth_contracts.ids import TaskId
from truth_contracts.refusals import Refusal
from truth_kit.auth import Actor
from truth_kit.database import DatabaseDependency
from truth_kit.pages import FrameDependency, Typed, signed_in, typed_in
from truth_kit.problems import Refused

from truth_governance.api import create_job as api
from truth_governance.api.commanding import ProvingDependency, StepSigner
from truth_governance.domain.create_job import CreateJob
from truth_governance.domain.credentials import Assertion
from truth_governance.domain.preparation import PrepareJob
from truth_governance.pages.tasks import refused_page, view_of

router = APIRouter(include_in_schema=False)
Creator = Annotated[Actor, Depends(signed_in("admin", "operator"))]

_ASSERTION: TypeAdapter[Assertion] = TypeAdapter(Assertion)


@router.post("/tasks/{task_id}/job/prepare")
async def show_frozen_job(  # noqa: PLR0913 all but two by name
    request: Request,
    task_id: TaskId,
    *,
    creator: Creator,
    database: DatabaseDependency,
    frame: FrameDependency,
    proving: ProvingDependency,
) -> Response:
    """The dialog: exactly what is frozen, for ten minutes. Moves nothing, and may be shown again."""
    typed = await typed_in(request)
    try:
        command = PrepareJob.model_validate({"version": typed["version"]})
        prepared = await api.prepare_job(task_id, command, creator, database, proving)
    except ValidationError:
        refused = Refused(Refusal("body_malformed", "The form does not say which version it was about."))
        return await refused_page(request, refused, task_id, creator, (database, frame, typed))
    except Refused as refused:
        return await refused_page(request, refused, task_id, creator, (database, frame, typed))
    view = await view_of(database, task_id, creator)
    return frame.show(request, "create.html", prepared=prepared, **view)


@router.post("/tasks/{task_id}/job")
async def give_create_job(  # noqa: PLR0913 all but two by name
    request: Request,
    task_id: TaskId,
    *,
    creator: Creator,
    database: DatabaseDependency,
    frame: FrameDependency,
    signer: StepSigner,
    proving: ProvingDependency,
) -> Response:
    """The one-way command, with the passkey's signature if the person chose to sign."""
    typed = await typed_in(request)
    try:
        await api.create_job(
            task_id, _command(typed), creator, database=database, signer=signer, proving=proving
        )
    except Refused as refused:
        return await refused_page(request, refused, task_id, creator, (database, frame, typed))
    return RedirectResponse(f"/tasks/{task_id}", 303)


def _command(typed: Typed) -> CreateJob:
    """What the dialog sent. Who chose to sign and did not is refused, whatever the deployment asks for."""
    if typed["with"] == "passkey" and not typed["assertion"]:
        raise Refused(Refusal("proof_missing", "Your browser has not signed. No Job was created."))
    try:
        assertion = _ASSERTION.validate_json(typed["assertion"]) if typed["assertion"] else None
        return CreateJob(digest=typed["digest"], assertion=assertion)
    except ValidationError:
        raise Refused(Refusal("body_malformed", "The dialog was sent incomplete. Begin anew.")) from None
