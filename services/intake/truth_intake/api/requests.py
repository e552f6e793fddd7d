"""POST /api/requests: the same door as requests.submitted."""

import secrets
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel
from truth_contracts.ids import RequestId
from truth_contracts.refusals import Refusal
from truth_contracts.requests import RequestSubmitted
from truth_contracts.steps import Maturity, SurfaceName
from truth_kit import traces
from truth_kit.auth import Actor, require
from truth_kit.database import DatabaseDependency
from truth_kit.fresh import utc_now
from truth_kit.problems import Refused, uploaded
from truth_kit.tracing import TRACEPARENT, good_parent

from truth_intake.api.admitting import StepSigner, admit
from truth_intake.domain.intake import Known, Repeated
from truth_intake.domain.submission import (
    Submission,
    entrance_of_client,
    entrance_of_person,
    read_submitted,
    submission_by_http,
)

log = structlog.get_logger()

BODY_BYTES_MAX = 64 * 1024
"""Longest body, as long as a message on requests.submitted."""
_TOKEN_BYTES = 16
_SUBMITTED = RequestSubmitted.model_json_schema(
    ref_template="#/paths/~1api~1requests/post/requestBody/content/application~1json/schema/$defs/{model}"
)
_BODY = {
    "content": {"application/json": {"schema": _SUBMITTED}},
    "required": True,
}
"""What the document tells of the body, which is read as bytes: its digest is of them."""

router = APIRouter(tags=["requests"])
Submitter = Annotated[Actor, Depends(require("requester", "operator", "admin"))]


class Receipt(BaseModel, frozen=True):
    """The Intake of a request. The tracker's token is told once, to whoever's call made the Intake."""

    request_id: RequestId
    source: str
    request_key: str
    surface: SurfaceName
    maturity: Maturity
    tracker_token: str | None = None


@router.post(
    "/api/requests",
    status_code=201,
    response_model_exclude_none=True,
    responses={200: {"model": Receipt}},
    openapi_extra={"requestBody": _BODY},
)
async def submit_request(
    request: Request, response: Response, actor: Submitter, database: DatabaseDependency, signer: StepSigner
) -> Receipt:
    """Submit a request (RequestSubmitted): 201 with its new Intake, 200 with the one it has already.

    Durable when this answers. No work is ordered by it. An operator or admin enters it for a caller.
    """
    octets = b"".join([chunk async for chunk in uploaded(request, BODY_BYTES_MAX)])
    submission = _submission(octets, actor)
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    async with database.begin() as tx:
        verdict = await admit(tx, submission, token, signer)
        if isinstance(verdict, Known):
            await traces.keep(tx, {verdict.request_id: good_parent(request.headers.get(TRACEPARENT))})
    if isinstance(verdict, Repeated):
        response.status_code = 200
        return _receipt(verdict.intake)
    log.info("request.accepted", request_id=str(verdict.request_id), door=submission.entrance.door)
    return _receipt(verdict, token)


def _submission(octets: bytes, actor: Actor) -> Submission:
    submitted = read_submitted(octets)
    if isinstance(submitted, Refusal):
        raise Refused(submitted)
    if actor.kind == "machine":
        entrance = entrance_of_client(actor.subject)
    else:
        entrance = entrance_of_person(actor.subject, actor.roles, submitted.surface)
    if isinstance(entrance, Refusal):
        raise Refused(entrance)
    return submission_by_http(submitted, octets, entrance, utc_now())


def _receipt(known: Known, token: str | None = None) -> Receipt:
    return Receipt(
        request_id=known.request_id,
        source=known.source,
        request_key=known.request_key,
        surface=known.surface,
        maturity=known.maturity,
        tracker_token=token,
    )
