"""Registering and revoking passkeys, as decisions."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st
from truth_contracts.refusals import Refusal
from truth_governance.domain.authenticator.asking import creation_options, request_options
from truth_governance.domain.authenticator.checking import attested
from truth_governance.domain.credentials import Attestation
from truth_governance.domain.passkey import (
    PASSKEYS_MAX,
    Challenge,
    Passkey,
    RegisterPasskey,
    invite_passkey,
    register_passkey,
    revoke_passkey,
)
from webauthn.helpers import encode_cbor

from services.governance.tests.authenticators import (
    PRESENT,
    VERIFIED,
    Authenticator,
    base64url,
    from_base64url,
)
from services.governance.tests.making import ADA, NOW, OLGA, PROVING, occasion, refused

SITE = PROVING.site
OTHER_SITE = "https://localhost.example.org"
FRESH_ADA = replace(ADA, signed_in_at=NOW)
FRESH_OLGA = replace(OLGA, signed_in_at=NOW)
CHALLENGE = Challenge(bytes(range(32)), ADA.reference, NOW + timedelta(minutes=5))
OPTIONS: Any = creation_options(SITE, ADA, CHALLENGE, [])


def command(credential: dict[str, Any]) -> RegisterPasskey:
    return RegisterPasskey.model_validate({"name": "My phone", "credential": credential})


def registered(credential: dict[str, Any] | None = None) -> Passkey | Refusal:
    asked = command(credential or Authenticator().register(OPTIONS))
    return register_passkey(asked, CHALLENGE, [], occasion(FRESH_ADA), SITE)


def passkey(authenticator: Authenticator | None = None) -> Passkey:
    made = registered((authenticator or Authenticator()).register(OPTIONS))
    assert isinstance(made, Passkey), made
    return made


@pytest.mark.parametrize("is_ed25519", [False, True], ids=["ES256", "Ed25519"])
def test_a_new_key_of_a_verified_user_is_taken(is_ed25519: bool) -> None:
    authenticator = Authenticator(is_ed25519=is_ed25519, sign_count=7)
    made = passkey(authenticator)
    assert (made.owner, made.name, made.key.sign_count) == ("person:ada", "My phone", 7)
    assert made.key.credential_id == authenticator.credential_id
    assert (made.registered_at, made.used_at, made.revoked_at) == (NOW, None, None)
    assert len(made.fingerprint) == 64


def test_what_a_browser_is_told() -> None:
    assert OPTIONS["rp"] == {"id": "localhost", "name": "Runtime Truth"}
    assert OPTIONS["pubKeyCredParams"] == [{"type": "public-key", "alg": alg} for alg in (-7, -8)]
    assert OPTIONS["authenticatorSelection"]["userVerification"] == "required"
    assert OPTIONS["attestation"] == "none"
    assert "ada" not in from_base64url(OPTIONS["user"]["id"]).decode("latin-1")
    held = passkey()
    revoked = replace(passkey(), revoked_at=NOW)
    options = creation_options(SITE, ADA, CHALLENGE, [held, revoked])
    assert options["excludeCredentials"] == [{"id": base64url(held.key.credential_id), "type": "public-key"}]
    assert request_options(SITE, "0" * 64, [revoked]) is None


@pytest.mark.parametrize(
    ("credential", "code", "why"),
    [
        pytest.param(
            {"challenge": base64url(bytes(32))}, "passkey_invalid", "another challenge", id="challenge"
        ),
        pytest.param({"origin": OTHER_SITE}, "passkey_invalid", "another site", id="origin"),
        pytest.param({"origin": "http://localhost:8002"}, "passkey_invalid", "another site", id="port"),
        pytest.param({"rp_id": "example.org"}, "passkey_invalid", "another site", id="RP id"),
        pytest.param({"crossOrigin": True}, "passkey_invalid", "within another site", id="framed"),
        pytest.param({"type": "webauthn.get"}, "passkey_invalid", "another question", id="an assertion"),
        pytest.param({"flags": PRESENT}, "passkey_invalid", "did not verify its user", id="not verified"),
        pytest.param({"flags": VERIFIED}, "passkey_invalid", "saw nobody", id="nobody there"),
    ],
)
def test_a_key_that_was_made_otherwise_is_refused(credential: dict[str, Any], code: str, why: str) -> None:
    refusal = registered(Authenticator().register(OPTIONS, **credential))
    assert isinstance(refusal, Refusal)
    assert (refusal.code, why in refusal.detail) == (code, True), refusal.detail


def test_only_keys_that_the_offline_verifier_knows_are_taken() -> None:
    assert refused(registered(Authenticator(curve=ec.SECP384R1()).register(OPTIONS))) == "passkey_invalid"


def test_a_key_of_another_name_is_refused() -> None:
    credential = Authenticator().register(OPTIONS)
    refusal = registered(credential | {"id": base64url(b"another")})
    assert isinstance(refusal, Refusal)
    assert "names another key" in refusal.detail


@pytest.mark.parametrize(
    "challenge",
    [
        pytest.param(None, id="never given"),
        pytest.param(replace(CHALLENGE, owner="person:olga"), id="somebody else's"),
        pytest.param(replace(CHALLENGE, expires_at=NOW - timedelta(milliseconds=1)), id="too old"),
    ],
)
def test_a_key_answers_a_challenge_that_waits_for_its_owner(challenge: Challenge | None) -> None:
    asked = command(Authenticator().register(OPTIONS))
    assert refused(register_passkey(asked, challenge, [], occasion(FRESH_ADA), SITE)) == "challenge_unknown"


@pytest.mark.parametrize("minutes", [None, 10.01, 600])
def test_passkeys_change_only_after_a_fresh_sign_in(minutes: float | None) -> None:
    at = None if minutes is None else NOW - timedelta(minutes=minutes)
    stale = replace(ADA, signed_in_at=at)
    assert refused(invite_passkey(stale, [], bytes(32), NOW)) == "sign_in_stale"
    asked = command(Authenticator().register(OPTIONS))
    assert refused(register_passkey(asked, CHALLENGE, [], occasion(stale), SITE)) == "sign_in_stale"
    assert refused(revoke_passkey(passkey(), occasion(stale))) == "sign_in_stale"
    assert isinstance(
        invite_passkey(replace(ADA, signed_in_at=NOW - timedelta(minutes=10)), [], b"c", NOW), Challenge
    )


def test_nobody_has_keys_without_end() -> None:
    full = [passkey()] * PASSKEYS_MAX
    assert refused(invite_passkey(FRESH_ADA, full, bytes(32), NOW)) == "passkeys_full"
    asked = command(Authenticator().register(OPTIONS))
    assert refused(register_passkey(asked, CHALLENGE, full, occasion(FRESH_ADA), SITE)) == "passkeys_full"
    one_less = [*full[1:], replace(full[0], revoked_at=NOW)]
    assert isinstance(register_passkey(asked, CHALLENGE, one_less, occasion(FRESH_ADA), SITE), Passkey)
    assert isinstance(invite_passkey(FRESH_ADA, one_less, bytes(32), NOW), Challenge)


def test_only_the_owner_revokes_and_only_once() -> None:
    mine = passkey()
    assert refused(revoke_passkey(mine, occasion(FRESH_OLGA))) == "passkey_unknown"
    assert refused(revoke_passkey(None, occasion(FRESH_ADA))) == "passkey_unknown"
    revoked = revoke_passkey(mine, occasion(FRESH_ADA))
    assert revoked == replace(mine, revoked_at=NOW)
    later = occasion(replace(ADA, signed_in_at=NOW + timedelta(days=1)), NOW + timedelta(days=1))
    assert isinstance(revoked, Passkey)
    assert revoke_passkey(revoked, later) == revoked


_HONEST = Authenticator().register(OPTIONS)["response"]


@settings(deadline=None)
@given(
    part=st.sampled_from(["clientDataJSON", "attestationObject"]),
    at=st.floats(0, 1, exclude_max=True),
    octets=st.binary(max_size=8),
    cut=st.integers(0, 12),
)
def test_whatever_is_sent_is_taken_or_refused_and_nothing_breaks(
    part: str, at: float, octets: bytes, cut: int
) -> None:
    honest = from_base64url(_HONEST[part])
    place = int(at * len(honest))
    hostile = honest[:place] + octets + honest[place + cut :]
    response = _HONEST | {part: base64url(hostile)}
    sent = Attestation.model_validate({"id": base64url(b"id"), "type": "public-key", "response": response})
    assert isinstance(attested(sent, CHALLENGE.challenge, SITE), str)  # the id fits no key: never taken


@pytest.mark.parametrize("told", [2**62, 2**64 - 1, 10, None, "authData", ["authData"]])
def test_authenticator_data_that_are_no_bytes_are_refused(told: object) -> None:
    # py_webauthn takes a number for how many bytes there are, and makes room for them.
    response = _HONEST | {
        "attestationObject": base64url(encode_cbor({"fmt": "none", "authData": told, "attStmt": {}}))
    }
    sent = Attestation.model_validate({"id": base64url(b"id"), "type": "public-key", "response": response})
    assert attested(sent, CHALLENGE.challenge, SITE) == "it does not keep WebAuthn's rules"


@pytest.mark.parametrize(
    "octets", [b"[" * 2000, b"{}", b"1", b"\xff", b'{"type":1,"challenge":1,"origin":1}']
)
def test_hostile_client_data_is_refused(octets: bytes) -> None:
    response = _HONEST | {"clientDataJSON": base64url(octets)}
    assert (
        refused(registered(Authenticator().register(OPTIONS) | {"response": response})) == "passkey_invalid"
    )
