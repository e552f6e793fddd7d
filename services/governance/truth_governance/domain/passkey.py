"""Passkeys: registered and revoked by the person who uses them, after a fresh sign-in."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, NewType
from uuid import UUID

from truth_contracts.base import Contract, text
from truth_contracts.refusals import Refusal
from truth_sealing.canonical import sha256_hex

from truth_governance.domain import authenticator
from truth_governance.domain.authenticator import Attested, Site
from truth_governance.domain.commanding import Occasion, Person
from truth_governance.domain.credentials import Attestation

PasskeyId = NewType("PasskeyId", UUID)

SIGNED_IN_WITHIN = timedelta(minutes=10)
"""How fresh a sign-in must be to change passkeys: whoever finds an open browser cannot."""

CHALLENGE_FOR = timedelta(minutes=5)
"""How long an authenticator may take to make a key."""

PASSKEYS_MAX = 10
"""Of one person, not revoked. All of them are named whenever one is asked for."""


class RegisterPasskey(Contract, frozen=True):
    """Take this new key for one of mine."""

    name: Annotated[str, text(longest=100, shortest=1)]
    credential: Attestation


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a new key must answer, once, for whom, and until when."""

    challenge: bytes
    owner: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Passkey:
    """A key of a person's authenticator. Only its owner may use or revoke it, and it is never deleted."""

    passkey_id: PasskeyId
    owner: str  # person:<sub>
    name: str
    key: Attested
    challenge: bytes  # that it answered when it was registered
    registered_at: datetime
    used_at: datetime | None = None
    revoked_at: datetime | None = None

    @property
    def public_key(self) -> bytes:
        """SubjectPublicKeyInfo, DER."""
        return authenticator.spki(self.key.public_key)

    @property
    def fingerprint(self) -> str:
        """By which a bundle's verifier names the key."""
        return sha256_hex(self.public_key)


def invite_passkey(
    person: Person, passkeys: Sequence[Passkey], challenge: bytes, now: datetime
) -> Challenge | Refusal:
    """Let a person make a key. `passkeys` are theirs.

    Refused: `sign_in_stale`, `passkeys_full`.
    """
    if refusal := stale_sign_in(person, now):
        return refusal
    if refusal := _full(passkeys):
        return refusal
    return Challenge(challenge, person.reference, now + CHALLENGE_FOR)


def register_passkey(
    command: RegisterPasskey,
    challenge: Challenge | None,
    passkeys: Sequence[Passkey],
    occasion: Occasion,
    site: Site,
) -> Passkey | Refusal:
    """Take the key that answers `challenge`. Each challenge takes one key, which the store sees to.

    `passkeys` are the person's. Refused: `sign_in_stale`, `passkeys_full` (there may be more invitations than
    keys), `challenge_unknown` (never given, given to somebody else, or too old), `passkey_invalid` with the
    check that failed.
    """
    person = occasion.person
    if refusal := stale_sign_in(person, occasion.at) or _full(passkeys):
        return refusal
    if challenge is None or challenge.owner != person.reference or occasion.at > challenge.expires_at:
        return Refusal(
            "challenge_unknown", "The passkey answers no challenge that waits for you. Begin anew."
        )
    made = authenticator.attested(command.credential, challenge.challenge, site)
    if isinstance(made, str):
        return Refusal("passkey_invalid", f"The passkey was not accepted: {made}.")
    return Passkey(
        PasskeyId(occasion.event_id),
        person.reference,
        command.name,
        made,
        challenge.challenge,
        occasion.at,
    )


def revoke_passkey(passkey: Passkey | None, occasion: Occasion) -> Passkey | Refusal:
    """Never take this key again. What it signed stays signed. Revoked once more, it stays as it was.

    Refused: `sign_in_stale`, `passkey_unknown` (none, or somebody else's).
    """
    if refusal := stale_sign_in(occasion.person, occasion.at):
        return refusal
    if passkey is None or passkey.owner != occasion.person.reference:
        return Refusal("passkey_unknown", "You have no such passkey.")
    return passkey if passkey.revoked_at is not None else replace(passkey, revoked_at=occasion.at)


def in_force(passkeys: Sequence[Passkey]) -> list[Passkey]:
    """Those that were not revoked."""
    return [passkey for passkey in passkeys if passkey.revoked_at is None]


def _full(passkeys: Sequence[Passkey]) -> Refusal | None:
    if len(in_force(passkeys)) < PASSKEYS_MAX:
        return None
    return Refusal("passkeys_full", f"You have {PASSKEYS_MAX} passkeys. Revoke one of them first.")


def stale_sign_in(person: Person, now: datetime) -> Refusal | None:
    """`sign_in_stale` unless the person has shown who they are just now."""
    if person.signed_in_at is not None and now - person.signed_in_at <= SIGNED_IN_WITHIN:
        return None
    minutes = SIGNED_IN_WITHIN // timedelta(minutes=1)
    return Refusal("sign_in_stale", f"Sign in again: passkeys change within {minutes} minutes of a sign-in.")
