"""Passkeys, and the challenges that new ones answer."""

from datetime import datetime

from sqlalchemy import Select, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from truth_governance.domain.authenticator import Attested
from truth_governance.domain.passkey import Challenge, Passkey, PasskeyId
from truth_governance.tables import passkey, passkey_challenge


async def insert_challenge(tx: AsyncConnection, given: Challenge) -> None:
    """Keep a challenge; it stays, so that it cannot be answered twice."""
    row = {"challenge": given.challenge, "owner": given.owner, "expires_at": given.expires_at}
    await tx.execute(insert(passkey_challenge).values(row))


async def find_challenge(conn: AsyncConnection, challenge: bytes | None) -> Challenge | None:
    """The challenge, if it was ever given to anybody."""
    c = passkey_challenge.c
    query = select(c.owner, c.expires_at).where(c.challenge == challenge)
    row = (await conn.execute(query)).one_or_none()
    if row is None or challenge is None:
        return None
    owner, expires_at = row
    return Challenge(challenge, owner, expires_at)


async def insert_passkey(tx: AsyncConnection, registered: Passkey) -> bool:
    """Keep a new passkey; False if its key or its challenge was taken before, by whomever."""
    row = {
        "passkey_id": registered.passkey_id,
        "owner": registered.owner,
        "name": registered.name,
        "credential_id": registered.key.credential_id,
        "public_key": registered.key.public_key,
        "challenge": registered.challenge,
        "registered_at": registered.registered_at,
        "sign_count": registered.key.sign_count,
    }
    kept = insert(passkey).values(row).on_conflict_do_nothing().returning(passkey.c.passkey_id)
    return (await tx.execute(kept)).one_or_none() is not None


async def set_changed(tx: AsyncConnection, changed: Passkey) -> None:
    """What use and revocation change of a locked passkey."""
    now = {
        "sign_count": changed.key.sign_count,
        "used_at": changed.used_at,
        "revoked_at": changed.revoked_at,
    }
    await tx.execute(update(passkey).where(passkey.c.passkey_id == changed.passkey_id).values(now))


async def lock_passkey(tx: AsyncConnection, passkey_id: PasskeyId) -> Passkey | None:
    """The passkey, locked until the transaction ends."""
    found = await _list(tx, _select().where(passkey.c.passkey_id == passkey_id).with_for_update())
    return found[0] if found else None


async def lock_credential(tx: AsyncConnection, credential_id: bytes) -> Passkey | None:
    """The passkey that browsers know by this id, locked until the transaction ends."""
    found = await _list(tx, _select().where(passkey.c.credential_id == credential_id).with_for_update())
    return found[0] if found else None


async def lock_passkeys(tx: AsyncConnection, owner: str) -> list[Passkey]:
    """Somebody's passkeys; whoever else locks them waits until the transaction ends.

    An advisory lock, since there may be no row to lock, and new ones must wait, too.
    """
    await tx.execute(_LOCK_OWNER, {"owner": owner})
    return await list_passkeys(tx, owner)


_LOCK_OWNER = text("SELECT pg_advisory_xact_lock(hashtextextended(CAST(:owner AS text), 0))")


async def list_passkeys(conn: AsyncConnection, owner: str) -> list[Passkey]:
    """Somebody's passkeys, oldest first, the revoked ones too."""
    return await _list(conn, _select().where(passkey.c.owner == owner).order_by(passkey.c.passkey_id))


_Query = Select[PasskeyId, str, str, bytes, bytes, bytes, datetime, int, datetime | None, datetime | None]


def _select() -> _Query:
    c = passkey.c
    return select(
        c.passkey_id,
        c.owner,
        c.name,
        c.credential_id,
        c.public_key,
        c.challenge,
        c.registered_at,
        c.sign_count,
        c.used_at,
        c.revoked_at,
    )


async def _list(conn: AsyncConnection, query: _Query) -> list[Passkey]:
    return [
        Passkey(passkey_id, owner, name, Attested(credential_id, key, count), challenge, made, used, revoked)
        for passkey_id, owner, name, credential_id, key, challenge, made, count, used, revoked in (
            await conn.execute(query)
        )
    ]
