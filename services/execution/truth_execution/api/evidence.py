"""Photos over HTTP: in by their digest, out under the type that they were judged to have."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.responses import StreamingResponse
from truth_contracts.base import Digest
from truth_kit.auth import Actor, require
from truth_kit.database import DatabaseDependency

from truth_execution.api.commanding import Operator
from truth_execution.api.photos import (
    Chunks,
    EvidenceStore,
    Received,
    Sent,
    find_readable,
    receive,
    send_small,
    send_whole,
)

router = APIRouter(prefix="/api/evidence/{sha256}", tags=["evidence"])

Reader = Annotated[Actor, Depends(require("operator", "auditor"))]


@router.put(
    "",
    status_code=201,
    response_model=Received,
    responses={200: {"model": Received}},
    openapi_extra={"requestBody": {"content": {"application/octet-stream": {}}, "required": True}},
)
async def put_evidence(
    sha256: Digest, chunks: Chunks, operator: Operator, database: DatabaseDependency, store: EvidenceStore
) -> Response:
    """Keep a photo: 201, or 200 when it is here already. Its bytes are durable when this answers.

    The body is the bytes; the name and type that the client gives them do not matter.
    """
    return await receive(Sent(sha256, chunks, operator), database, store)


@router.get("", response_class=StreamingResponse)
async def get_evidence(
    sha256: Digest, reader: Reader, database: DatabaseDependency, store: EvidenceStore
) -> StreamingResponse:
    """The bytes, for auditors, for whoever sent them, and for the operator on whose Job they are."""
    return await send_whole(await find_readable(database, sha256, reader), store)


@router.get("/thumb", response_class=Response)
async def get_thumbnail(
    sha256: Digest, reader: Reader, database: DatabaseDependency, store: EvidenceStore
) -> Response:
    """The photo as WebP of at most 480 pixels a side, without EXIF; for the same people."""
    return await send_small(await find_readable(database, sha256, reader), store)
