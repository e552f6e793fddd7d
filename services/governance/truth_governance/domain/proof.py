"""The passkey proof of Create Job: that a person's own key signed exactly the Job that is created."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, TypeAlias

from truth_contracts.jobs import FrozenJob, PasskeyProof
from truth_contracts.refusals import Refusal
from truth_sealing.passkey import create_job_signed

from truth_governance.domain import authenticator
from truth_governance.domain.authenticator import Site
from truth_governance.domain.credentials import Assertion, base64url
from truth_governance.domain.passkey import Passkey

ProofPolicy: TypeAlias = Literal["off", "optional", "required"]
"""Whether Create Job asks for a passkey: of nobody, of whoever has one and wants to, or of everybody."""


@dataclass(frozen=True, slots=True)
class Proving:
    """What a deployment asks for, and where."""

    policy: ProofPolicy
    site: Site


@dataclass(frozen=True, slots=True)
class Signed:
    """A given assertion and the passkey that it names, if that is known."""

    assertion: Assertion
    passkey: Passkey | None


@dataclass(frozen=True, slots=True)
class Proof:
    """An assertion that holds: what is kept in the path, and the passkey after its use."""

    kept: PasskeyProof
    passkey: Passkey


def prove(
    job: FrozenJob, digest: str, signed: Signed | None, at: datetime, proving: Proving
) -> Proof | Refusal | None:
    """Check the passkey's signature over `job`, whose digest is the challenge. None where none is asked for.

    It must hold twice: by WebAuthn's rules, and for the offline verifier that strangers will use.
    Refused: `proof_missing`, `passkey_revoked`, `proof_invalid` with the check that failed.
    """
    if signed is None:
        return _unsigned(proving)
    if proving.policy == "off":
        return _invalid("nobody is asked for a passkey here, and none can be kept")
    passkey = signed.passkey
    if passkey is None or passkey.owner != job.prepared_by:
        return _invalid("the passkey is not one of yours")
    if passkey.revoked_at is not None:
        return Refusal("passkey_revoked", "You revoked this passkey. Use another one, or register one.")
    counted = authenticator.asserted(signed.assertion, passkey.key, bytes.fromhex(digest), proving.site)
    kept = _kept(signed.assertion, passkey)
    offline = create_job_signed({"job": job.model_dump(mode="json"), "proof": kept.model_dump(mode="json")})
    if offline.answer != "yes":
        return _invalid(offline.reason)
    if isinstance(counted, str):
        return _invalid(counted)
    used = replace(passkey, key=replace(passkey.key, sign_count=counted), used_at=at)
    return Proof(kept, used)


def _unsigned(proving: Proving) -> Refusal | None:
    if proving.policy != "required":
        return None
    return Refusal("proof_missing", "Sign with one of your passkeys. If you have none, register one first.")


def _kept(assertion: Assertion, passkey: Passkey) -> PasskeyProof:
    response = assertion.response
    return PasskeyProof(
        public_key=base64url(passkey.public_key),
        authenticator_data=base64url(response.authenticator_data),
        client_data_json=base64url(response.client_data_json),
        signature=base64url(response.signature),
    )


def _invalid(why: str) -> Refusal:
    return Refusal("proof_invalid", f"No Job was created: {why}.")
