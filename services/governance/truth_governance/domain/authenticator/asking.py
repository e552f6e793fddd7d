"""What a browser is told, so that an authenticator makes a key or signs with one (WebAuthn, section 5)."""

import hashlib
from collections.abc import Sequence

from pydantic import JsonValue
from webauthn import generate_authentication_options, generate_registration_options
from webauthn.helpers import options_to_json_dict
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from truth_governance.domain.authenticator import Site
from truth_governance.domain.authenticator.checking import ALGORITHMS
from truth_governance.domain.commanding import Person
from truth_governance.domain.passkey import Challenge, Passkey, in_force

_PATIENCE_MILLISECONDS = 5 * 60 * 1000


def creation_options(
    site: Site, person: Person, challenge: Challenge, passkeys: Sequence[Passkey]
) -> dict[str, JsonValue]:
    """The argument of `navigator.credentials.create`. An authenticator with one of `passkeys` declines."""
    options = generate_registration_options(
        rp_id=site.rp_id,
        rp_name="Runtime Truth",
        user_id=hashlib.sha256(person.reference.encode()).digest(),  # opaque: authenticators show no more
        user_name=person.name,
        challenge=challenge.challenge,
        timeout=_PATIENCE_MILLISECONDS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=_named(passkeys),
        supported_pub_key_algs=ALGORITHMS,
    )
    return options_to_json_dict(options)


def request_options(site: Site, digest: str, passkeys: Sequence[Passkey]) -> dict[str, JsonValue] | None:
    """The argument of `navigator.credentials.get`, a frozen Job's digest as challenge. None without keys."""
    named = _named(passkeys)
    if not named:
        return None
    options = generate_authentication_options(
        rp_id=site.rp_id,
        challenge=bytes.fromhex(digest),
        timeout=_PATIENCE_MILLISECONDS,
        allow_credentials=named,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(options)


def _named(passkeys: Sequence[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=passkey.key.credential_id) for passkey in in_force(passkeys)]
