"""Passkeys in the database, and what it refuses by hand, as the role of the running service."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_governance.domain.passkey import Passkey
from truth_governance.store import passkeys
from truth_governance.tables import job_creation, passkey_challenge
from truth_governance.tables import passkey as table
from truth_kit.database import Database

from services.governance.tests.keeping import kept_assigned, refused_by
from services.governance.tests.making import ADA, NOW, OLGA, UNKNOWN
from services.governance.tests.test_domain_passkey import CHALLENGE, passkey
from services.governance.tests.test_store_create_job import created, write_creation


async def kept(database: Database) -> Passkey:
    one = passkey()
    async with database.begin() as tx:
        await passkeys.insert_challenge(tx, CHALLENGE)
        assert await passkeys.insert_passkey(tx, one)
    return one


def changed(one: Passkey, **values: Any) -> Any:
    return update(table).where(table.c.passkey_id == one.passkey_id).values(**values)


async def test_a_passkey_comes_back_as_it_was(database: Database) -> None:
    one = await kept(database)
    async with database.begin() as tx:
        assert await passkeys.lock_passkey(tx, one.passkey_id) == one
        assert await passkeys.lock_credential(tx, one.key.credential_id) == one
        assert await passkeys.list_passkeys(tx, ADA.reference) == [one]
        assert await passkeys.list_passkeys(tx, OLGA.reference) == []
        assert await passkeys.lock_credential(tx, b"another") is None
        assert await passkeys.find_challenge(tx, CHALLENGE.challenge) == CHALLENGE
        assert await passkeys.find_challenge(tx, b"another") is None
        assert await passkeys.find_challenge(tx, None) is None
        used = replace(
            one, key=replace(one.key, sign_count=3), used_at=NOW, revoked_at=NOW + timedelta(hours=1)
        )
        await passkeys.set_changed(tx, used)
        assert await passkeys.lock_passkey(tx, one.passkey_id) == used


async def test_a_counter_never_goes_back_and_a_revoked_passkey_stays(database: Database) -> None:
    one = await kept(database)
    async with database.begin() as tx:
        await tx.execute(changed(one, sign_count=5))
    await refused_by("counts upwards", database, lambda tx: tx.execute(changed(one, sign_count=4)))
    async with database.begin() as tx:
        await tx.execute(changed(one, revoked_at=NOW))
    for values in ({"revoked_at": None}, {"sign_count": 6}, {"used_at": NOW}):
        await refused_by("is revoked", database, lambda tx, values=values: tx.execute(changed(one, **values)))


@pytest.mark.parametrize("values", [{"owner": "person:olga"}, {"public_key": b"x"}, {"name": "x"}])
async def test_nothing_else_of_a_passkey_changes_and_none_is_deleted(
    database: Database, values: dict[str, Any]
) -> None:
    one = await kept(database)
    await refused_by("permission denied", database, lambda tx: tx.execute(changed(one, **values)))
    await refused_by("permission denied", database, lambda tx: tx.execute(delete(table)))
    await refused_by("permission denied", database, lambda tx: tx.execute(delete(passkey_challenge)))


async def test_a_passkey_answers_a_challenge_that_its_owner_was_given(database: Database) -> None:
    async with database.begin() as tx:
        await passkeys.insert_challenge(tx, CHALLENGE)
    for one in (replace(passkey(), owner=OLGA.reference), replace(passkey(), challenge=b"never given")):
        await refused_by("fkey", database, lambda tx, one=one: passkeys.insert_passkey(tx, one))
    machine = {"challenge": b"c", "owner": "client:acme", "expires_at": NOW}
    await refused_by(
        "passkey_challenge_of_a_person",
        database,
        lambda tx: tx.execute(insert(passkey_challenge).values(machine)),
    )


async def test_a_job_is_signed_by_its_creators_own_passkey(database: Database) -> None:
    one = await kept(database)
    task, promotion = created(await kept_assigned(database))
    others = replace(promotion, creation=replace(promotion.creation, passkey_id=UNKNOWN))

    async def with_nobodys(tx: AsyncConnection) -> None:
        await write_creation(tx, task, others)

    await refused_by("job_creation_by_own_passkey", database, with_nobodys)
    async with database.begin() as tx:
        olgas = replace(CHALLENGE, challenge=b"olga's", owner=OLGA.reference)
        await passkeys.insert_challenge(tx, olgas)
        held = replace(passkey(), owner=OLGA.reference, challenge=b"olga's")
        assert await passkeys.insert_passkey(tx, held)
    others = replace(promotion, creation=replace(promotion.creation, passkey_id=held.passkey_id))
    await refused_by("job_creation_by_own_passkey", database, with_nobodys)
    mine = replace(promotion, creation=replace(promotion.creation, passkey_id=one.passkey_id))
    async with database.begin() as tx:
        await write_creation(tx, task, mine)
        assert (await tx.execute(job_creation.select())).mappings().one()["passkey_id"] == one.passkey_id
