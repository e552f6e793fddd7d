"""The claim check: what is missing or different keeps a draft waiting, and says so."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

from truth_kit.blobs import Folder, blobs_at
from truth_kit.database import Database
from truth_local.testing import Stores
from truth_records.bell import Bell
from truth_records.evidence import NOTE, Copier
from truth_records.store import drafts as store

from services.records.tests.builders import PHOTO, draft, evidence, path
from services.records.tests.running import Running, count, fetch, insert, until

SHA256 = hashlib.sha256(PHOTO).hexdigest()


def copier(stores: Stores) -> Copier:
    source, own = blobs_at(stores.at("execution")), blobs_at(stores.at("records"))
    return Copier(source, own, drafted=Bell(), copied=Bell())


async def photo(octets: bytes = PHOTO) -> AsyncIterator[bytes]:
    yield octets


async def copied(database: Database, pieces: int = 1) -> None:
    async def is_there() -> bool:
        return await count(database, "evidence_copy") == pieces

    await until(is_there, "copy")


async def is_ready(database: Database) -> bool:
    async with database.connect() as conn:
        return (await store.find_queue(conn)).waiting == 0


async def test_bytes_are_copied_into_our_own_store_and_hashed_on_the_way(
    database: Database, running: Running, stores: Stores
) -> None:
    copies = copier(stores)
    await copies.source.put(photo(), SHA256, 1000)
    await insert(database, [draft()])
    running.start(copies.run)
    await copied(database)
    assert stores.names("records") == [SHA256]
    assert b"".join([piece async for piece in copies.own.open(SHA256)]) == PHOTO
    assert await is_ready(database)


async def test_missing_bytes_are_waited_for_and_taken_when_they_come(
    database: Database, running: Running, stores: Stores
) -> None:
    copies = copier(stores)
    await insert(database, [draft()])
    runtime, _ = running.start(copies.run)

    async def says_so() -> bool:
        return "is not in execution's store" in runtime.notes.get(NOTE, "")

    await until(says_so, "note")
    assert not await is_ready(database)
    await copies.source.put(photo(), SHA256, 1000)
    await copied(database)

    async def is_quiet() -> bool:
        return NOTE not in runtime.notes and not copies.waiting

    await until(is_quiet, "end of the waiting")


async def test_other_bytes_than_the_completion_tells_are_never_taken(
    database: Database, running: Running, stores: Stores, tmp_path: Path
) -> None:
    copies = copier(stores)
    folder = Folder(tmp_path / "forged")  # a bucket would not let anybody put them there
    copies.source, forged = folder, folder.path(SHA256)
    forged.parent.mkdir(parents=True)
    forged.write_bytes(PHOTO[::-1])
    await insert(database, [draft()])
    runtime, _ = running.start(copies.run)

    async def says_so() -> bool:
        return "is not what the completion tells" in runtime.notes.get(NOTE, "")

    await until(says_so, "note")
    assert await count(database, "evidence_copy") == 0
    assert await copies.own.size(SHA256) is None
    forged.unlink()
    await copies.source.put(photo(), SHA256, 1000)
    await copied(database)


async def test_a_completion_that_tells_another_size_waits_and_harms_no_other(
    database: Database, running: Running, stores: Stores
) -> None:
    copies = copier(stores)
    await copies.source.put(photo(), SHA256, 1000)
    lying = draft(2, path(2, evidence=(evidence(size=len(PHOTO) + 1),)))
    await insert(database, [lying, draft(1)])
    runtime, _ = running.start(copies.run)

    async def says_so() -> bool:
        return f"has {len(PHOTO)} bytes, and the completion tells {len(PHOTO) + 1}" in runtime.notes.get(
            NOTE, ""
        )

    await until(says_so, "note")
    async with database.connect() as conn:
        queue = await store.find_queue(conn)
    assert (queue.ready, queue.waiting) == (1, 1)


async def test_one_photo_of_two_records_is_copied_once(
    database: Database, running: Running, stores: Stores
) -> None:
    copies = copier(stores)
    await copies.source.put(photo(), SHA256, 1000)
    await insert(database, [draft(1), draft(2)])
    for _ in range(2):
        running.start(copies.run)
    await copied(database)
    assert await is_ready(database)
    ((size,),) = await fetch(database, "SELECT bytes FROM truth.evidence_copy")
    assert size == len(PHOTO)


async def test_a_piece_that_cannot_be_read_keeps_no_other_from_being_copied(
    database: Database, running: Running, stores: Stores, tmp_path: Path
) -> None:
    copies, other = copier(stores), b"photo of the old tap"
    folder = Folder(tmp_path / "damaged")
    copies.source = folder
    # A link is refused with ELOOP, to root as well: as good as a bad sector.
    folder.path(SHA256).parent.mkdir(parents=True)
    folder.path(SHA256).symlink_to(tmp_path / "nowhere")
    await folder.put(photo(other), hashlib.sha256(other).hexdigest(), 1000)
    await insert(database, [draft(1)])
    await insert(database, [draft(2, path(2, evidence=(evidence(other),)))])
    runtime, _ = running.start(copies.run)
    await copied(database)

    async def says_so() -> bool:
        return "cannot be copied" in runtime.notes.get(NOTE, "")

    await until(says_so, "note")
    assert copies.waiting.keys() == {SHA256}
