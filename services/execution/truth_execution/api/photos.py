"""Photos in and out, whatever door they come through: who may send and see them, and under which headers."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from truth_contracts.refusals import Refusal
from truth_kit.auth import Actor
from truth_kit.database import Database
from truth_kit.fresh import utc_now
from truth_kit.problems import Refused, uploaded

from truth_execution.domain.service_event import Blob
from truth_execution.evidence import EvidenceLostError, Store
from truth_execution.store import blobs

# Beside nosniff, which every answer has: whatever a photo hides, a browser runs none of it.
_HARMLESS: Mapping[str, str] = {"content-security-policy": "default-src 'none'; sandbox"}


async def _store_of(request: Request) -> Store:
    store: Store = request.app.state.evidence
    return store


EvidenceStore = Annotated[Store, Depends(_store_of)]


async def _chunks_of(request: Request, store: EvidenceStore) -> AsyncIterator[bytes]:
    return uploaded(request, store.bytes_max)


Chunks = Annotated[AsyncIterator[bytes], Depends(_chunks_of)]


class Received(BaseModel):
    """A photo that is kept."""

    sha256: str
    media_type: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Sent:
    """A photo on its way in: the digest it is said to have, its bytes, and who sends it."""

    sha256: str
    chunks: AsyncIterator[bytes]
    sender: Actor


async def receive(sent: Sent, database: Database, store: Store) -> Response:
    """Keep a photo: 201, or 200 when it is here already. Its bytes are durable when this returns.

    Raises Refused: `not_a_photo`, `digest_mismatch`, `body_too_large`.
    """
    async with database.connect() as conn:
        known = await blobs.find_blob(conn, sent.sha256)
    photo = await store.receive(sent.chunks, sent.sha256, known_as=known.media_type if known else None)
    if isinstance(photo, Refusal):
        raise Refused(photo)
    blob = Blob(sent.sha256, photo.media_type, photo.bytes, utc_now(), sent.sender.reference)
    async with database.begin() as tx:
        is_new = await blobs.insert_blob(tx, blob)
    received = Received(sha256=sent.sha256, media_type=photo.media_type, bytes=photo.bytes)
    return Response(received.model_dump_json(), 201 if is_new else 200, media_type="application/json")


async def find_readable(database: Database, sha256: str, reader: Actor) -> Blob:
    """A photo that this reader may see: auditors all, others what they sent and what is on their Jobs."""
    async with database.connect() as conn:
        blob = await blobs.find_blob(conn, sha256)
        if blob is None or not (
            "auditor" in reader.roles
            or blob.received_from == reader.reference
            or await blobs.is_on_own_job(conn, sha256, reader.subject)
        ):
            raise Refused(Refusal("evidence_unknown", "There is no such photo on your Jobs."))
    return blob


async def send_whole(blob: Blob, store: Store) -> StreamingResponse:
    """The bytes as they were received."""
    if await store.kept.size(blob.sha256) is None:
        raise EvidenceLostError(blob.sha256)
    headers = {"content-length": str(blob.bytes), **_HARMLESS}
    return StreamingResponse(store.kept.open(blob.sha256), media_type=blob.media_type, headers=headers)


async def send_small(blob: Blob, store: Store) -> Response:
    """The thumbnail."""
    return Response(await store.thumbnail(blob.sha256), media_type="image/webp", headers=_HARMLESS)
