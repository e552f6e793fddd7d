"""Photos from the Desk: in by their digest, out whole and small."""

from fastapi import APIRouter, Response
from truth_contracts.base import Digest
from truth_kit.database import DatabaseDependency

from truth_execution.api.photos import (
    Chunks,
    EvidenceStore,
    Sent,
    find_readable,
    receive,
    send_small,
    send_whole,
)
from truth_execution.pages.reading import Operator, Reader

router = APIRouter(prefix="/evidence/{sha256}", tags=["pages"], include_in_schema=False)


@router.put("")
async def put_photo(
    sha256: Digest, chunks: Chunks, operator: Operator, database: DatabaseDependency, store: EvidenceStore
) -> Response:
    """Keep a photo: the same as by API, for a browser."""
    return await receive(Sent(sha256, chunks, operator), database, store)


@router.get("")
async def show_photo(
    sha256: Digest, reader: Reader, database: DatabaseDependency, store: EvidenceStore
) -> Response:
    """The bytes as they were received."""
    return await send_whole(await find_readable(database, sha256, reader), store)


@router.get("/thumb")
async def show_thumbnail(
    sha256: Digest, reader: Reader, database: DatabaseDependency, store: EvidenceStore
) -> Response:
    """The photo, small."""
    return await send_small(await find_readable(database, sha256, reader), store)
