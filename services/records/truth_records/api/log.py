"""HTTP in: the public log (C2SP tlog-tiles) and what verifiers pin. Anyone may read; nothing is personal."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.refusals import Refusal
from truth_kit.database import DatabaseDependency
from truth_kit.pages import limited
from truth_kit.problems import Refused
from truth_sealing.tiles import TILE_HEIGHT, TILE_WIDTH, TileAddress, entry_bundle, read_tile_path

from truth_records.domain.log import entry_over
from truth_records.store import log as store

router = APIRouter(tags=["log"])

_OCTETS = "application/octet-stream"
_OF_OCTETS: dict[int | str, dict[str, Any]] = {200: {"content": {_OCTETS: {}}}}
_TEXT = "text/plain; charset=utf-8"
_LIMIT = Depends(limited("log", per_minute=600, burst=300))
"""A monitor that begins anew reads 256 Records a request."""
_FOR_EVER = "public, max-age=31536000, immutable"
_FOR_A_MINUTE = "public, max-age=60"
"""Of a partial tile, which is true for ever, but soon a wider one is there."""
_FOR_A_SECOND = "public, max-age=1"


@dataclass(frozen=True, slots=True)
class Published:
    """The files that verifiers pin, byte for byte."""

    policy: bytes
    keys: bytes


async def published(request: Request) -> Published:
    """Those of this service."""
    files: Published = request.app.state.published
    return files


Files = Annotated[Published, Depends(published)]


@router.get("/log/checkpoint", response_class=PlainTextResponse)
async def find_checkpoint(database: DatabaseDependency) -> Response:
    """The newest signed head; 404 before the first Record."""
    async with database.connect() as conn:
        head = await store.find_head(conn)
    if head is None:
        raise _not_there()
    return _cached(head.note.encode(), _TEXT, _FOR_A_SECOND)


@router.get(
    "/log/tile/entries/{path:path}", response_class=Response, responses=_OF_OCTETS, dependencies=[_LIMIT]
)
async def find_entries(path: str, database: DatabaseDependency) -> Response:
    """The entries of a tile of level 0, each behind its length in two bytes."""
    address = _address("0", path)
    first = address.n * TILE_WIDTH
    async with database.connect() as conn:
        await _check_signed(conn, address)
        rows = await store.list_digests(conn, first, first + address.width)
    if len(rows) < address.width:
        raise _not_there()
    entries = entry_bundle(entry_over(*row) for row in rows)
    return _cached(entries, _OCTETS, _lifetime(address))


@router.get(
    "/log/tile/{level}/{path:path}", response_class=Response, responses=_OF_OCTETS, dependencies=[_LIMIT]
)
async def find_tile(level: str, path: str, database: DatabaseDependency) -> Response:
    """The hashes of a tile. A partial one is there only if a head of such a size was ever signed."""
    address = _address(level, path)
    async with database.connect() as conn:
        await _check_signed(conn, address)
        hashes = (await store.read_tiles(conn, [address]))[address]
    if len(hashes) < address.width * 32:
        raise _not_there()
    return _cached(hashes, _OCTETS, _lifetime(address))


@router.get("/.well-known/runtime-truth/policy", response_class=PlainTextResponse)
async def find_policy(files: Files) -> Response:
    """The tlog-policy. Pin a copy: one fetched while verifying proves nothing."""
    return _cached(files.policy, _TEXT, _FOR_A_MINUTE)


@router.get("/.well-known/runtime-truth/keys.json")
async def find_keys(files: Files) -> Response:
    """Every key ever used. Pin a copy, like the policy."""
    return _cached(files.keys, "application/json", _FOR_A_MINUTE)


async def _check_signed(conn: AsyncConnection, address: TileAddress) -> None:
    if address.width == TILE_WIDTH:
        return
    reached = address.n * TILE_WIDTH + address.width
    smallest = reached << TILE_HEIGHT * address.level
    largest = smallest + (1 << TILE_HEIGHT * address.level) - 1
    if not await store.has_checkpoint(conn, smallest, largest):
        raise _not_there()


def _address(level: str, path: str) -> TileAddress:
    address = read_tile_path(level, path)
    if address is None or address.n >= 1 << 48 or address.level > 7:  # noqa: PLR2004 beyond what a bigint counts
        raise _not_there()
    return address


def _lifetime(address: TileAddress) -> str:
    return _FOR_EVER if address.width == TILE_WIDTH else _FOR_A_MINUTE


def _cached(octets: bytes, media_type: str, lifetime: str) -> Response:
    return Response(octets, media_type=media_type, headers={"Cache-Control": lifetime})


def _not_there() -> Refused:
    return Refused(Refusal("not_found", "The log has nothing at this address."))
