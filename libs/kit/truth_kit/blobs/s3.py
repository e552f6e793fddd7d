"""The back end for many machines: an S3 bucket, by conditional puts."""

import asyncio
import errno
import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store
from truth_contracts.refusals import Refusal

from truth_kit.blobs.promise import (
    CHUNK_BYTES,
    StoreError,
    is_digest,
    key,
    not_a_digest,
    other_bytes,
    too_large,
)
from truth_kit.connections import BlobStore, read_secret

if TYPE_CHECKING:
    from obstore.store import ClientConfig, S3Config, S3Credential

_AT_ONCE = 4
_CREDENTIAL_SECONDS = 300
_CONNECT_SECONDS, _REQUEST_SECONDS, _RETRY_SECONDS = 3, 30, 10


class S3:
    """Blobs in a bucket, as `ab/abcdef…` below the prefix.

    A put is one request that creates and never replaces (If-None-Match), so nothing is ever half there. Its
    bytes are held in memory: at most four puts at once, so `chunks` should not come from a slow client.
    """

    def __init__(self, settings: BlobStore) -> None:
        self._putting = asyncio.Semaphore(_AT_ONCE)
        self._store = s3_store(settings)

    async def put(self, chunks: AsyncIterable[bytes], sha256: str, bytes_max: int) -> bool | Refusal:
        """As Blobs. Raises StoreError when the store is away or refuses us."""
        if not is_digest(sha256):
            return not_a_digest()
        async with self._putting:
            body = bytearray()
            async for chunk in chunks:
                if len(body) + len(chunk) > bytes_max:
                    return too_large(bytes_max)
                body += chunk
            if (await asyncio.to_thread(hashlib.sha256, body)).hexdigest() != sha256:
                return other_bytes()
            return await self._create(key(sha256), body)

    async def size(self, sha256: str) -> int | None:
        """As Blobs. Raises StoreError when the store is away or refuses us."""
        try:
            with _answered():
                return (await obstore.head_async(self._store, key(sha256)))["size"]
        except FileNotFoundError:
            return None

    async def open(self, sha256: str) -> AsyncIterator[bytes]:
        """As Blobs. Raises StoreError when the store is away or refuses us, also midway."""
        name = key(sha256)
        try:
            with _answered():
                pieces = (await obstore.get_async(self._store, name)).stream(CHUNK_BYTES)
        except FileNotFoundError as error:
            raise FileNotFoundError(errno.ENOENT, "not in the bucket", name) from error
        while (piece := await _next(pieces)) is not None:
            yield piece

    async def sweep(self, older_than_seconds: float = 3600) -> int:
        """Nothing: a put is whole or was never there."""
        del older_than_seconds
        return 0

    async def _create(self, name: str, body: bytearray) -> bool:
        try:
            with _answered():
                await obstore.put_async(self._store, name, body, mode="create")
        except AlreadyExistsError:
            return False
        return True


@contextmanager
def _answered() -> Generator[None]:
    """Failures of the store as OSError, which callers wait out; a missing object is FileNotFoundError."""
    try:
        yield
    except AlreadyExistsError:
        raise
    except BaseError as error:
        raise StoreError(f"the evidence store: {type(error).__name__}") from error


async def _next(pieces: "AsyncIterator[bytes]") -> bytes | None:
    with _answered():
        piece = await anext(pieces, None)
    return None if piece is None else bytes(piece)


class _Credentials:
    """The two secrets, read anew every five minutes, so that rotated ones are found without a restart."""

    def __init__(self, access_key: Path, secret_key: Path) -> None:
        self._access_key, self._secret_key = access_key, secret_key

    def __call__(self) -> "S3Credential":
        """What obstore signs with until it expires."""
        return {
            "access_key_id": read_secret(self._access_key),
            "secret_access_key": read_secret(self._secret_key),
            "expires_at": datetime.now(UTC) + timedelta(seconds=_CREDENTIAL_SECONDS),
        }


def s3_store(settings: BlobStore) -> S3Store:
    """The bucket's client; it dials at first use."""
    config: S3Config = {"region": settings.s3_region, "checksum_algorithm": "SHA256"}
    client: ClientConfig = {
        "connect_timeout": timedelta(seconds=_CONNECT_SECONDS),
        "timeout": timedelta(seconds=_REQUEST_SECONDS),
    }
    if settings.s3_endpoint is not None:
        config["endpoint"] = settings.s3_endpoint
        client["allow_http"] = settings.s3_endpoint.startswith("http://")
    if settings.s3_ca_file is not None:
        client["root_certificate"] = settings.s3_ca_file.read_bytes()
    credentials = None
    if settings.s3_access_key_file is not None and settings.s3_secret_key_file is not None:
        credentials = _Credentials(settings.s3_access_key_file, settings.s3_secret_key_file)
    return S3Store(
        settings.s3_bucket,
        prefix=settings.s3_prefix,
        config=config,
        client_options=client,
        retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=_RETRY_SECONDS)},
        credential_provider=credentials,
    )
