"""Photos over HTTP: in by their digest, out under the type that they were judged to have."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from truth_contracts.base import Digest
from truth_contracts.refusals import Refusal
from truth_kit.auth import Actor, require
from truth_kit.database import DatabaseDependency
from truth_kit.fresh import utc_now
from truth_kit.problems import Refused, uploaded

from truth_execution.api.commanding import Operator
from truth_execution.domain.service_event import Blob
from truth_execution.evidence import EvidenceLostError, Store
from truth_execution.store import blobs

router = APIRouter(prefix="/api/evidence/{sha256}", tags=["evidence"])

Reader = Annotated[Actor, Depends(require("operator", "auditor"))]


def _store_of(request: Request) -> Store:
    store: Store = request.app.state.evidence
    return store


EvidenceStore = Annotated[Store, Depends(_store_of)]


def _chunks_of(request: Request, store: EvidenceStore) -> AsyncIterator[bytes]:
    return uploaded(request, store.bytes_max)


Chunks = Annotated[AsyncIterator[bytes], Depends(_chunks_of)]


class Received(BaseModel):
    """A photo that is kept."""

    sha256: str
    media_type: str
    bytes: int


@router.put("", status_code=201, response_model=Received, responses={200: {"model": Received}})
async def put_evidence(
    sha256: Digest, chunks: Chunks, operator: Operator, database: DatabaseDependency, store: EvidenceStore
) -> Response:
    """Keep a photo: 201, or 200 when it is here already. Its bytes are durable when this answers.

    The body is the bytes; the name and type that the client gives them do not matter.
    """
    async with database.connect() as conn:
        known = await blobs.find_blob(conn, sha256)
    photo = await store.receive(chunks, sha256, known_as=known.media_type if known else None)
    if isinstance(photo, Refusal):
        raise Refused(photo)
    blob = Blob(sha256, photo.media_type, photo.bytes, utc_now(), operator.reference)
    async with database.begin() as tx:
        is_new = await blobs.insert_blob(tx, blob)
    received = Received(sha256=sha256, media_type=photo.media_type, bytes=photo.bytes)
    return Response(received.model_dump_json(), 201 if is_new else 200, media_type="application/json")


@router.get("", response_class=StreamingResponse)
async def get_evidence(
    sha256: Digest, reader: Reader, database: DatabaseDependency, store: EvidenceStore
) -> StreamingResponse:
    """The bytes, for auditors, for whoever sent them, and for the operator on whose Job they are."""
    async with database.connect() as conn:
        blob = await blobs.find_blob(conn, sha256)
        if blob is None or not (
            "auditor" in reader.roles
            or blob.received_from == reader.reference
            or await blobs.is_on_own_job(conn, sha256, reader.subject)
        ):
            raise Refused(Refusal("evidence_unknown", "There is no such photo on your Jobs."))
    if await store.kept.size(sha256) is None:
        raise EvidenceLostError(sha256)
    headers = {  # beside nosniff, which every answer has
        "content-length": str(blob.bytes),
        "content-security-policy": "default-src 'none'; sandbox",
    }
    return StreamingResponse(store.kept.open(sha256), media_type=blob.media_type, headers=headers)
