"""Passkeys by HTTP: a person lists, registers and revokes their own, nobody else's."""

import secrets

import structlog
from fastapi import APIRouter, status
from pydantic import BaseModel, JsonValue
from truth_contracts.base import Digest, Instant
from truth_contracts.refusals import Refusal
from truth_kit.database import DatabaseDependency
from truth_kit.problems import Refused

from truth_governance.api.commanding import Creator, ProvingDependency, occasion_of
from truth_governance.domain import authenticator
from truth_governance.domain import passkey as domain
from truth_governance.store import passkeys

log = structlog.get_logger()
router = APIRouter(prefix="/api/passkeys", tags=["passkeys"])

_CHALLENGE_BYTES = 32


class Invited(BaseModel):
    """What a browser needs to have a key made: the argument of `navigator.credentials.create`, as JSON."""

    options: dict[str, JsonValue]
    expires_at: Instant


class PasskeyShown(BaseModel):
    """One passkey of the caller's. `fingerprint` is how the verifier of a bundle names its key."""

    passkey_id: domain.PasskeyId
    name: str
    fingerprint: Digest
    registered_at: Instant
    used_at: Instant | None
    revoked_at: Instant | None


class Passkeys(BaseModel):
    """All passkeys of the caller, oldest first, the revoked ones too."""

    passkeys: list[PasskeyShown]


@router.get("")
async def list_passkeys(actor: Creator, database: DatabaseDependency) -> Passkeys:
    """The caller's own passkeys."""
    async with database.connect() as conn:
        found = await passkeys.list_passkeys(conn, actor.reference)
    return Passkeys(passkeys=[_shown(passkey) for passkey in found])


@router.post("/options")
async def invite_passkey(actor: Creator, database: DatabaseDependency, proving: ProvingDependency) -> Invited:
    """Begin a registration: a challenge that one new passkey of the caller may answer within five minutes."""
    occasion = occasion_of(actor)
    async with database.begin() as tx:
        own = await passkeys.list_passkeys(tx, actor.reference)
        challenge = secrets.token_bytes(_CHALLENGE_BYTES)
        match domain.invite_passkey(occasion.person, own, challenge, occasion.at):
            case domain.Challenge() as invited:
                await passkeys.insert_challenge(tx, invited)
            case Refusal() as refusal:
                raise Refused(refusal)
    options = authenticator.creation_options(proving.site, occasion.person, invited, own)
    return Invited(options=options, expires_at=invited.expires_at)


@router.post("", status_code=status.HTTP_201_CREATED)
async def register_passkey(
    command: domain.RegisterPasskey,
    actor: Creator,
    database: DatabaseDependency,
    proving: ProvingDependency,
) -> PasskeyShown:
    """Take a new passkey. Durable when this answers; the same one again is 409 `passkey_exists`."""
    async with database.begin() as tx:
        own = await passkeys.lock_passkeys(tx, actor.reference)
        challenge = await passkeys.find_challenge(tx, authenticator.challenge_of(command.credential))
        match domain.register_passkey(command, challenge, own, occasion_of(actor), proving.site):
            case domain.Passkey() as passkey:
                if not await passkeys.insert_passkey(tx, passkey):
                    raise Refused(
                        Refusal("passkey_exists", "This passkey or its challenge was taken before.")
                    )
            case Refusal() as refusal:
                raise Refused(refusal)
    log.info("passkey.registered", passkey_id=str(passkey.passkey_id), fingerprint=passkey.fingerprint)
    return _shown(passkey)


@router.post("/{passkey_id}/revoke")
async def revoke_passkey(
    passkey_id: domain.PasskeyId, actor: Creator, database: DatabaseDependency
) -> PasskeyShown:
    """Never take this passkey again. Durable when this answers; again gives the first answer."""
    async with database.begin() as tx:
        found = await passkeys.lock_passkey(tx, passkey_id)
        match domain.revoke_passkey(found, occasion_of(actor)):
            case domain.Passkey() as passkey:
                if passkey != found:
                    await passkeys.set_changed(tx, passkey)
            case Refusal() as refusal:
                raise Refused(refusal)
    log.info("passkey.revoked", passkey_id=str(passkey_id), fingerprint=passkey.fingerprint)
    return _shown(passkey)


def _shown(passkey: domain.Passkey) -> PasskeyShown:
    return PasskeyShown(
        passkey_id=passkey.passkey_id,
        name=passkey.name,
        fingerprint=passkey.fingerprint,
        registered_at=passkey.registered_at,
        used_at=passkey.used_at,
        revoked_at=passkey.revoked_at,
    )
